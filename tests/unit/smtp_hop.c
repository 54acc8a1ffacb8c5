#include "smtp_hop.h"
#include "unit.h"

#include "base/buffer.h"
#include "base/list.h"
#include "base/memory.h"
#include "net/acceptor.h"
#include "net/connection.h"
#include "platform/thread.h"

#include <stdio.h>

#define MESSAGES_MAXIMUM 20000
#define VERBS_MAXIMUM    8

struct hop {
    struct net_acceptor *acceptor;
    struct net_loop *loop;
    hop_script script;
    const char *features;
    uint16_t port;
    struct list open; /* struct line */
    /* Under the lock. */
    struct lock *lock;
    struct condition *changed;
    int connections;
    int begun;
    int open_count;
    struct hop_message *messages;
    int message_count;
    struct {
        char verb[8];
        int count;
    } heard[VERBS_MAXIMUM];
};

/* One connection. */
struct line {
    struct list link;
    struct hop *hop;
    struct net_connection *connection;
    int number;
    int message;
    int recipient;
    int accepted;
    bool has_sender;
    bool in_content;
    struct buffer reverse_path;
    struct buffer recipients;
    struct buffer content;
};

static void note_verb(struct hop *hop, const char *verb)
{
    lock_acquire(hop->lock);
    int i = 0;
    while (i < VERBS_MAXIMUM - 1 && hop->heard[i].count > 0 &&
           strcmp(hop->heard[i].verb, verb) != 0)
        i++;
    snprintf(hop->heard[i].verb, sizeof hop->heard[i].verb, "%s", verb);
    hop->heard[i].count++;
    lock_release(hop->lock);
}

/* False when it hung up. *good: a reply of 2xx or 3xx. */
static bool answer(struct line *line, const char *verb, const char *argument, const char *usual,
                   bool *good)
{
    struct hop_step step = {verb, argument, line->number, line->message, line->recipient};
    const char *reply = line->hop->script == NULL ? "" : line->hop->script(&step);
    *good = false;
    if (reply == NULL) {
        net_connection_close(line->connection);
        return false;
    }
    if (strcmp(reply, HOP_SILENT) == 0)
        return true;
    if (reply[0] == '\0')
        reply = usual;
    *good = reply[0] == '2' || reply[0] == '3';
    net_connection_send(line->connection, reply, strlen(reply));
    net_connection_send(line->connection, "\r\n", 2);
    return true;
}

static void keep_message(struct line *line)
{
    struct hop *hop = line->hop;
    struct hop_message message = {
        .reverse_path = memory_copy_text(line->reverse_path.data),
        .recipients = memory_copy_text(line->recipients.data),
        .content = memory_allocate(line->content.length + 1, 1),
        .length = line->content.length,
        .connection = line->number,
    };
    if (line->content.length > 0)
        memcpy(message.content, line->content.data, line->content.length);
    lock_acquire(hop->lock);
    ck_assert_int_lt(hop->message_count, MESSAGES_MAXIMUM);
    hop->messages[hop->message_count++] = message;
    lock_release(hop->lock);
}

static void begin_message(struct line *line, const char *argument)
{
    struct hop *hop = line->hop;
    lock_acquire(hop->lock);
    line->message = ++hop->begun;
    lock_release(hop->lock);
    line->recipient = line->accepted = 0;
    buffer_clear(&line->reverse_path);
    buffer_clear(&line->recipients);
    buffer_clear(&line->content);
    buffer_append_text(&line->reverse_path, argument);
    buffer_append_text(&line->recipients, "");
}

static bool take_content_line(struct line *line, struct view text)
{
    bool good;
    if (!view_equal(text, VIEW("."))) {
        buffer_append_view(&line->content,
                           text.length > 0 && text.data[0] == '.' ? view_from(text, 1) : text);
        buffer_append_text(&line->content, "\r\n");
        return true;
    }
    line->in_content = false;
    note_verb(line->hop, "CONTENT");
    if (!answer(line, "CONTENT", "", "250 2.0.0 Taken", &good))
        return false;
    if (good)
        keep_message(line);
    return true;
}

static bool take_command(struct line *line, const char *verb, const char *argument)
{
    static const char *const usual_features = "250-PIPELINING\r\n250-8BITMIME\r\n";
    bool good;
    note_verb(line->hop, verb);
    if (strcmp(verb, "EHLO") == 0) {
        char reply[500];
        snprintf(reply, sizeof reply, "250-hop.test\r\n%s250 ENHANCEDSTATUSCODES",
                 line->hop->features == NULL ? usual_features : line->hop->features);
        return answer(line, verb, argument, reply, &good);
    }
    if (strcmp(verb, "MAIL") == 0) {
        begin_message(line, argument);
        return answer(line, verb, argument, "250 2.1.0 Ok", &line->has_sender);
    }
    if (strcmp(verb, "RCPT") == 0) {
        line->recipient++;
        if (!answer(line, verb, argument, line->has_sender ? "250 2.1.5 Ok" : "503 5.5.1 No sender",
                    &good))
            return false;
        if (good) {
            line->accepted++;
            buffer_append_format(&line->recipients, "%s\n", argument);
        }
        return true;
    }
    if (strcmp(verb, "DATA") == 0)
        return answer(line, verb, argument, line->accepted > 0 ? "354 Go" : "554 5.5.1 Nobody",
                      &line->in_content);
    if (strcmp(verb, "QUIT") == 0) {
        if (answer(line, verb, argument, "221 2.0.0 Bye", &good))
            net_connection_finish(line->connection, 1000);
        return false;
    }
    return answer(line, verb, argument, "250 2.0.0 Ok", &good);
}

static size_t line_data(void *user, const char *data, size_t length)
{
    struct line *line = user;
    struct view rest = view_of(data, length);
    for (;;) {
        size_t end = view_find(rest, '\n');
        if (end == rest.length)
            return length - rest.length;
        struct view text = view_first(rest, end > 0 ? end - 1 : 0);
        rest = view_from(rest, end + 1);
        bool goes_on;
        if (line->in_content) {
            goes_on = take_content_line(line, text);
        } else {
            char verb[8];
            char argument[1000];
            size_t space = view_find(text, ' ');
            view_copy_text(view_first(text, space), verb, sizeof verb);
            view_copy_text(view_from(text, space + 1), argument, sizeof argument);
            goes_on = take_command(line, verb, argument);
        }
        if (!goes_on)
            return length;
    }
}

static void line_closed(void *user, const struct error *error)
{
    struct line *line = user;
    struct hop *hop = line->hop;
    (void)error;
    list_remove(&line->link);
    buffer_free(&line->reverse_path);
    buffer_free(&line->recipients);
    buffer_free(&line->content);
    memory_free(line);
    lock_acquire(hop->lock);
    hop->open_count--;
    condition_broadcast(hop->changed);
    lock_release(hop->lock);
}

static void greet(void *argument)
{
    static const struct net_connection_limits limits = {.input = 100000, .output = 100000};
    static const struct net_connection_events events = {.data = line_data, .closed = line_closed};
    struct net_accepted *accepted = argument;
    struct hop *hop = accepted->listener;
    struct line *line = memory_allocate(1, sizeof *line);
    bool good;
    line->hop = hop;
    list_init(&line->link);
    list_append(&hop->open, &line->link);
    buffer_init(&line->reverse_path, 1000);
    buffer_init(&line->recipients, 1000000);
    buffer_init(&line->content, 100000000);
    lock_acquire(hop->lock);
    line->number = ++hop->connections;
    hop->open_count++;
    lock_release(hop->lock);
    line->connection = net_connection_accept(hop->loop, accepted->socket, &limits, &events, line);
    ck_assert_ptr_nonnull(line->connection);
    answer(line, "CONNECT", "", "220 hop.test ESMTP", &good);
    memory_free(accepted);
}

static void accepted(void *user, const struct net_accepted *accepted)
{
    struct hop *hop = user;
    struct net_accepted *copy = memory_allocate(1, sizeof *copy);
    *copy = *accepted;
    net_post(hop->loop, greet, copy);
}

struct hop *hop_open(uint16_t port, hop_script script, const char *features)
{
    struct hop *hop = memory_allocate(1, sizeof *hop);
    struct ip_address address;
    struct error error;
    hop->script = script;
    hop->features = features;
    hop->lock = lock_create();
    hop->changed = condition_create();
    hop->messages = memory_allocate(MESSAGES_MAXIMUM, sizeof *hop->messages);
    list_init(&hop->open);
    hop->loop = net_loop_start("hop", &error);
    hop->acceptor = net_acceptor_create(accepted, hop, &error);
    ck_assert(hop->loop != NULL && hop->acceptor != NULL);
    ip_parse(VIEW("127.0.0.1"), &address);
    ck_assert_msg(net_acceptor_add(hop->acceptor, &address, port, 100, hop, &error), "%s",
                  error.text);
    hop->port = net_acceptor_port(hop->acceptor, hop);
    return hop;
}

static void close_lines(void *argument)
{
    struct hop *hop = argument;
    for (struct list *link = hop->open.next; link != &hop->open; link = link->next)
        net_connection_close(LIST_MEMBER(link, struct line, link)->connection);
}

void hop_close(struct hop *hop)
{
    net_acceptor_destroy(hop->acceptor);
    net_call(hop->loop, close_lines, hop);
    lock_acquire(hop->lock);
    while (hop->open_count > 0)
        condition_wait(hop->changed, hop->lock);
    lock_release(hop->lock);
    net_loop_stop(hop->loop);
    for (int i = 0; i < hop->message_count; i++) {
        memory_free(hop->messages[i].reverse_path);
        memory_free(hop->messages[i].recipients);
        memory_free(hop->messages[i].content);
    }
    memory_free(hop->messages);
    condition_destroy(hop->changed);
    lock_destroy(hop->lock);
    memory_free(hop);
}

uint16_t hop_port(const struct hop *hop)
{
    return hop->port;
}

int hop_count(struct hop *hop)
{
    lock_acquire(hop->lock);
    int count = hop->message_count;
    lock_release(hop->lock);
    return count;
}

const struct hop_message *hop_get(struct hop *hop, int index)
{
    ck_assert_int_lt(index, hop_count(hop));
    return &hop->messages[index];
}

int hop_connections(struct hop *hop)
{
    lock_acquire(hop->lock);
    int count = hop->connections;
    lock_release(hop->lock);
    return count;
}

int hop_heard(struct hop *hop, const char *verb)
{
    int count = 0;
    lock_acquire(hop->lock);
    for (int i = 0; i < VERBS_MAXIMUM; i++) {
        if (strcmp(hop->heard[i].verb, verb) == 0)
            count = hop->heard[i].count;
    }
    lock_release(hop->lock);
    return count;
}

uint16_t hop_free_port(void)
{
    struct hop *hop = hop_open(0, NULL, NULL);
    uint16_t port = hop->port;
    hop_close(hop);
    return port;
}
