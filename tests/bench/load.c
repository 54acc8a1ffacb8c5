/*
 * A load generator for the benchmark: one thread, many SMTP connections to 127.0.0.1, bounded in count and in time.
 *
 *   load PORT refuse  CONNECTIONS TOTAL BATCH one|pipelined        RCPTs to unknown recipients, BATCH a connection;
 *                                                                  no two ask for the same
 *   load PORT message CONNECTIONS TOTAL BATCH BYTES                messages, BATCH a connection
 *   load PORT paced   RATE TOTAL 1 BYTES                           one message a connection, RATE connections a second
 *   load PORT idle    CONNECTIONS SECONDS                          greets, then says nothing
 *
 * Prints one line: "done=N failed=N seconds=S rate=R p50=MS p99=MS". What a connection gets back is checked: a
 * refused recipient must be refused with 5xx, a message accepted with 250. Latency is that of a message from MAIL to
 * its 250 (paced: from connect), or of a batch. Stops by itself after 120 seconds or
 * 1,000 failures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SECONDS_MAXIMUM = 120,
    FAILURES_MAXIMUM = 1000,
    INPUT_SIZE = 16384,
    SAMPLES_MAXIMUM = 1 << 20,
    NUMBER_DIGITS = 8,
    RECIPIENT_SIZE = sizeof("RCPT TO:<made-up-00000000@example.test>\r\n") - 1,
    RECIPIENT_NUMBER = sizeof("RCPT TO:<made-up-") - 1
};

enum work { WORK_REFUSE, WORK_MESSAGE, WORK_PACED, WORK_IDLE };

/* What the connection waits for. */
enum step {
    STEP_GREETING,
    STEP_EHLO,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT,
    STEP_QUIT,
    STEP_IDLE
};

struct connection {
    int socket;
    enum step step;
    unsigned done_here;   /* of the batch */
    unsigned replies_due; /* to what was sent last */
    uint64_t begun_ns;
    size_t input_length;
    char *recipients;   /* the RCPT commands that are sent at once, each RECIPIENT_SIZE long */
    const char *unsent; /* of what was sent last */
    size_t unsent_length;
    char input[INPUT_SIZE];
};

static struct {
    uint16_t port;
    enum work work;
    unsigned connections;
    unsigned total;
    unsigned batch;
    bool pipelined;
    double rate;
    int epoll;
    unsigned begun; /* RCPTs or messages handed to connections */
    unsigned done;
    unsigned failed;
    unsigned open;
    char *content; /* the message with its final dot */
    size_t content_length;
    uint32_t *samples_us;
    size_t sample_count;
} load;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void add_sample(uint64_t since_ns)
{
    if (load.sample_count < SAMPLES_MAXIMUM)
        load.samples_us[load.sample_count++] = (uint32_t)((now_ns() - since_ns) / 1000);
}

static void watch(struct connection *connection, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(load.epoll, operation, connection->socket, &event) != 0)
        die("epoll_ctl");
}

static void open_connection(struct connection *connection)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char *recipients = connection->recipients;
    memset(connection, 0, offsetof(struct connection, input));
    connection->recipients = recipients;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->socket < 0)
        die("socket");
    int on = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(connection->socket, (struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno != EINPROGRESS)
        die("connect");
    connection->step = STEP_GREETING;
    connection->replies_due = 1;
    connection->begun_ns = now_ns();
    connection->unsent_length = 0;
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    load.open++;
}

static void close_connection(struct connection *connection)
{
    /* An abortive close leaves no TIME_WAIT behind, of which a long run would collect more than there are ports. */
    struct linger abort_at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &abort_at_once, sizeof(abort_at_once));
    close(connection->socket);
    connection->socket = -1;
    load.open--;
}

/* The text must live until it is sent: all are constants, made once, or changed only when all of it was answered. */
static void send_text(struct connection *connection, const char *text, size_t length,
                      enum step step, unsigned replies)
{
    connection->step = step;
    connection->replies_due = replies;
    ssize_t sent = send(connection->socket, text, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        sent = (ssize_t)length; /* the closed connection shows at the next read */
    if (sent < 0)
        sent = 0;
    connection->unsent = text + sent;
    connection->unsent_length = length - (size_t)sent;
    if (connection->unsent_length > 0)
        watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void send_literal(struct connection *connection, const char *text, enum step step)
{
    send_text(connection, text, strlen(text), step, 1);
}

static void send_rest(struct connection *connection)
{
    ssize_t sent =
        send(connection->socket, connection->unsent, connection->unsent_length, MSG_NOSIGNAL);
    if (sent > 0) {
        connection->unsent += sent;
        connection->unsent_length -= (size_t)sent;
    }
    if (connection->unsent_length == 0)
        watch(connection, EPOLL_CTL_MOD, EPOLLIN);
}

static void write_number(char *digits, unsigned number)
{
    for (int i = NUMBER_DIGITS - 1; i >= 0; i--, number /= 10)
        digits[i] = (char)('0' + number % 10);
}

static unsigned recipients_at_once(void)
{
    return load.pipelined ? load.batch : 1;
}

/* Sends the next recipient or all of the batch. */
static void send_recipients(struct connection *connection)
{
    unsigned count = recipients_at_once();
    for (unsigned i = 0; i < count; i++)
        write_number(connection->recipients + i * RECIPIENT_SIZE + RECIPIENT_NUMBER,
                     load.begun + i);
    load.begun += count;
    send_text(connection, connection->recipients, (size_t)count * RECIPIENT_SIZE, STEP_RCPT, count);
}

static bool work_is_left(const struct connection *connection)
{
    return connection->done_here < load.batch && load.begun < load.total;
}

static void begin_transaction(struct connection *connection)
{
    if (load.work == WORK_MESSAGE || load.work == WORK_REFUSE)
        connection->begun_ns = now_ns();
    if (load.work != WORK_REFUSE)
        load.begun++;
    send_literal(connection, "MAIL FROM:<load@elsewhere.test>\r\n", STEP_MAIL);
}

static void begin_work(struct connection *connection)
{
    if (load.work == WORK_IDLE) {
        connection->step = STEP_IDLE;
        load.done++;
    } else if (load.work == WORK_PACED || work_is_left(connection)) {
        begin_transaction(connection);
    } else {
        send_literal(connection, "QUIT\r\n", STEP_QUIT);
    }
}

static void finish_unit(struct connection *connection)
{
    connection->done_here++;
    load.done++;
    if (load.work != WORK_REFUSE)
        add_sample(connection->begun_ns);
}

/* All replies to what was sent are there. */
static void next_step(struct connection *connection)
{
    switch (connection->step) {
    case STEP_GREETING:
        send_literal(connection, "EHLO load.test\r\n", STEP_EHLO);
        break;
    case STEP_EHLO:
        begin_work(connection);
        break;
    case STEP_MAIL:
        if (load.work == WORK_REFUSE)
            send_recipients(connection);
        else
            send_literal(connection, "RCPT TO:<info@example.test>\r\n", STEP_RCPT);
        break;
    case STEP_RCPT:
        if (load.work != WORK_REFUSE) {
            send_literal(connection, "DATA\r\n", STEP_DATA);
        } else if (work_is_left(connection)) {
            send_recipients(connection);
        } else {
            add_sample(connection->begun_ns);
            send_literal(connection, "QUIT\r\n", STEP_QUIT);
        }
        break;
    case STEP_DATA:
        send_text(connection, load.content, load.content_length, STEP_CONTENT, 1);
        break;
    case STEP_CONTENT:
        finish_unit(connection);
        if (load.work == WORK_MESSAGE && work_is_left(connection))
            begin_transaction(connection);
        else
            send_literal(connection, "QUIT\r\n", STEP_QUIT);
        break;
    case STEP_QUIT:
    case STEP_IDLE:
        break;
    }
}

/* False when the reply is not the one that this step must get. */
static bool take_reply(struct connection *connection, char first_digit)
{
    static const char expected[] = {'2', '2', '2', '2', '3', '2', '2', '4'};
    char wanted = expected[connection->step];
    if (connection->step == STEP_RCPT && load.work == WORK_REFUSE)
        wanted = '5';
    if (first_digit != wanted)
        return false;
    if (connection->step == STEP_RCPT && load.work == WORK_REFUSE)
        finish_unit(connection);
    return true;
}

/* Goes on after the connection has ended: with the next one while work is left. */
static void reopen(struct connection *connection, bool failed)
{
    if (failed)
        load.failed++;
    close_connection(connection);
    if (load.work != WORK_PACED && load.work != WORK_IDLE && load.begun < load.total)
        open_connection(connection);
}

static void take_input(struct connection *connection)
{
    ssize_t received = recv(connection->socket, connection->input + connection->input_length,
                            INPUT_SIZE - connection->input_length, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received <= 0) {
        reopen(connection, connection->step != STEP_QUIT);
        return;
    }
    connection->input_length += (size_t)received;
    size_t position = 0;
    char *end;
    while ((end = memchr(connection->input + position, '\n',
                         connection->input_length - position)) != NULL) {
        const char *line = connection->input + position;
        position = (size_t)(end - connection->input) + 1;
        if (end - line < 4 || line[3] != ' ')
            continue;
        if (!take_reply(connection, line[0])) {
            fprintf(stderr, "load: unexpected reply: %.*s\n", (int)(end - line), line);
            reopen(connection, true);
            return;
        }
        if (--connection->replies_due > 0)
            continue;
        if (connection->step == STEP_QUIT) {
            reopen(connection, false);
            return;
        }
        next_step(connection);
    }
    connection->input_length -= position;
    memmove(connection->input, connection->input + position, connection->input_length);
}

static void make_texts(size_t bytes)
{
    load.content = malloc(bytes + 256);
    load.samples_us = malloc(SAMPLES_MAXIMUM * sizeof(*load.samples_us));
    if (load.content == NULL || load.samples_us == NULL)
        die("memory");
    size_t length = (size_t)sprintf(
        load.content,
        "From: load@elsewhere.test\r\nTo: info@example.test\r\nSubject: load\r\n\r\n");
    while (length + 80 < bytes)
        length += (size_t)sprintf(
            load.content + length, "%.76s\r\n",
            "0123456789012345678901234567890123456789012345678901234567890123456789012345");
    load.content_length = length + (size_t)sprintf(load.content + length, ".\r\n");
}

static void make_recipients(struct connection *connection)
{
    unsigned count = recipients_at_once();
    connection->recipients = malloc((size_t)count * RECIPIENT_SIZE + 1);
    if (connection->recipients == NULL)
        die("memory");
    for (unsigned i = 0; i < count; i++)
        sprintf(connection->recipients + (size_t)i * RECIPIENT_SIZE,
                "RCPT TO:<made-up-%0*u@example.test>\r\n", NUMBER_DIGITS, 0U);
}

static int compare_samples(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static double sample_ms(double part)
{
    if (load.sample_count == 0)
        return 0;
    return load.samples_us[(size_t)(part * (double)(load.sample_count - 1))] / 1000.0;
}

static void report(double seconds)
{
    qsort(load.samples_us, load.sample_count, sizeof(*load.samples_us), compare_samples);
    printf("done=%u failed=%u seconds=%.3f rate=%.1f p50=%.2f p99=%.2f\n", load.done, load.failed,
           seconds, load.done / seconds, sample_ms(0.50), sample_ms(0.99));
}

/* Opens the connections that a paced load owes by now. */
static void keep_pace(struct connection *connections, uint64_t start_ns, unsigned *opened)
{
    double due = (double)(now_ns() - start_ns) / 1e9 * load.rate;
    while (*opened < load.total && *opened < due)
        open_connection(&connections[(*opened)++]);
}

static void run(struct connection *connections, uint64_t start_ns)
{
    struct epoll_event events[256];
    unsigned opened = 0;
    uint64_t end_ns =
        start_ns + (load.work == WORK_IDLE ? load.total : SECONDS_MAXIMUM) * 1000000000ULL;
    while (now_ns() < end_ns && load.failed < FAILURES_MAXIMUM) {
        if (load.work == WORK_PACED)
            keep_pace(connections, start_ns, &opened);
        if (load.open == 0 && (load.work != WORK_PACED || opened == load.total))
            return;
        int count = epoll_wait(load.epoll, events, 256, load.work == WORK_PACED ? 1 : 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0 && connection->unsent_length > 0)
                send_rest(connection);
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
                take_input(connection);
        }
    }
}

static void read_arguments(int count, char **arguments)
{
    static const char *const names[] = {"refuse", "message", "paced", "idle"};
    if (count < 5) {
        fprintf(stderr, "usage: see the head of load.c\n");
        exit(2);
    }
    load.port = (uint16_t)atoi(arguments[1]);
    while (load.work < WORK_IDLE && strcmp(arguments[2], names[load.work]) != 0)
        load.work++;
    load.connections = (unsigned)atoi(arguments[3]);
    load.rate = atof(arguments[3]);
    load.total = (unsigned)atoi(arguments[4]);
    load.batch = count > 5 ? (unsigned)atoi(arguments[5]) : 1;
    load.pipelined = count > 6 && strcmp(arguments[6], "pipelined") == 0;
    if (load.work == WORK_PACED)
        load.connections = load.total;
}

int main(int count, char **arguments)
{
    read_arguments(count, arguments);
    make_texts(count > 6 ? (size_t)atoi(arguments[6]) : 0);
    struct rlimit files = {65536, 65536};
    setrlimit(RLIMIT_NOFILE, &files);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc(load.connections, sizeof(*connections));
    if (load.epoll < 0 || connections == NULL)
        die("start");
    for (unsigned i = 0; load.work == WORK_REFUSE && i < load.connections; i++)
        make_recipients(&connections[i]);
    uint64_t start_ns = now_ns();
    if (load.work != WORK_PACED)
        for (unsigned i = 0; i < load.connections; i++)
            open_connection(&connections[i]);
    run(connections, start_ns);
    report((double)(now_ns() - start_ns) / 1e9);
    free(connections);
    return load.failed == 0 ? 0 : 1;
}
