/* rooms: admin config platform base */
/* Server and client over the real channel: framing, bounds, too many clients, clients that vanish, stop. */
#include "admin/client.h"
#include "admin/server.h"
#include "base/memory.h"
#include "platform/channel.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/thread.h"
#include "unit.h"

#include <stdio.h>

#define FOLDER      "test-admin-server"
#define CLIENTS     4
#define DEADLINE_MS 20000

static struct admin_server *server;
static char *name;
static struct lock *lock;
static struct condition *changed;
static int waiting; /* calls that are in `wait` */
static bool go_on;  /* they may end */

static json_t *echo(void *user, struct admin_call *call)
{
    (void)user;
    return json_deep_copy(call->params);
}

static json_t *tell_who(void *user, struct admin_call *call)
{
    (void)user;
    return json_string(call->who);
}

static json_t *refuse(void *user, struct admin_call *call)
{
    (void)user;
    return admin_fail(call, "conflict", "Somebody was faster.");
}

static json_t *wait_for_go(void *user, struct admin_call *call)
{
    (void)user;
    (void)call;
    lock_acquire(lock);
    waiting++;
    condition_broadcast(changed);
    while (!go_on)
        condition_wait(changed, lock);
    lock_release(lock);
    return json_true();
}

static json_t *large(void *user, struct admin_call *call)
{
    int64_t bytes = 0;
    (void)user;
    admin_number(call, "bytes", 0, INT64_MAX, &bytes);
    char *text = malloc((size_t)bytes + 1);
    memset(text, 'x', (size_t)bytes);
    json_t *result = json_stringn(text, (size_t)bytes);
    free(text);
    return result;
}

static void setup(void)
{
    struct error error = {0};
    lock = lock_create();
    changed = condition_create();
    waiting = 0;
    go_on = false;
    ck_assert(folder_create(FOLDER, &error));
    name = channel_default_name(FOLDER);
    server = admin_server_create(name, CLIENTS, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
    admin_server_register(server, "echo", echo, NULL);
    admin_server_register(server, "who", tell_who, NULL);
    admin_server_register(server, "refuse", refuse, NULL);
    admin_server_register(server, "wait", wait_for_go, NULL);
    admin_server_register(server, "large", large, NULL);
    admin_server_start(server);
}

static void teardown(void)
{
    admin_server_destroy(server);
    memory_free(name);
    condition_destroy(changed);
    lock_destroy(lock);
}

static struct admin_client *connect_client(void)
{
    enum admin_outcome outcome;
    struct admin_error error;
    struct admin_client *client = admin_client_connect(NULL, name, DEADLINE_MS, &outcome, &error);
    ck_assert_msg(client != NULL, "%s", error.error.text);
    ck_assert_int_eq(outcome, ADMIN_OK);
    return client;
}

static void echoes(struct admin_client *client, int number)
{
    json_t *result;
    struct admin_error error;
    ck_assert_msg(admin_client_call(client, "echo", json_pack("{s:i}", "n", number), DEADLINE_MS,
                                    &result, &error) == ADMIN_OK,
                  "%s", error.error.text);
    ck_assert_int_eq(json_integer_value(json_object_get(result, "n")), number);
    json_decref(result);
}

START_TEST(calls_and_answers)
{
    struct admin_client *client = connect_client();
    json_t *result;
    struct admin_error error;
    for (int i = 0; i < 100; i++)
        echoes(client, i);
    ck_assert_int_eq(admin_client_call(client, "who", NULL, DEADLINE_MS, &result, &error),
                     ADMIN_OK);
    ck_assert_uint_gt(json_string_length(result), 0);
    ck_assert_str_ne(json_string_value(result), "unknown");
    json_decref(result);
    ck_assert_int_eq(admin_client_call(client, "refuse", NULL, DEADLINE_MS, &result, &error),
                     ADMIN_REFUSED);
    ck_assert_ptr_null(result);
    ck_assert_str_eq(error.code, "conflict");
    ck_assert_str_eq(error.error.text, "Somebody was faster.");
    ck_assert_int_eq(admin_client_call(client, "nothing", NULL, DEADLINE_MS, &result, &error),
                     ADMIN_REFUSED);
    ck_assert_str_eq(error.code, "unknown-method");
    echoes(client, 5);
    admin_client_close(client);
}
END_TEST

START_TEST(nobody_serves)
{
    enum admin_outcome outcome;
    struct admin_error error;
    char *other = channel_default_name("test-admin-nobody");
    ck_assert_ptr_null(admin_client_connect(NULL, other, 1000, &outcome, &error));
    ck_assert_int_eq(outcome, ADMIN_NOT_RUNNING);
    ck_assert_ptr_nonnull(strstr(error.error.text, "not running"));
    memory_free(other);
}
END_TEST

/* ---- the channel itself, for what a good client does not do ---- */

static struct channel *connect_channel(void)
{
    enum channel_failure failure;
    struct error error = {0};
    struct channel *channel = channel_connect(NULL, name, DEADLINE_MS, &failure, &error);
    ck_assert_msg(channel != NULL, "%s", error.text);
    return channel;
}

static void send_text(struct channel *channel, const char *text)
{
    ck_assert(channel_write(channel, text, strlen(text), DEADLINE_MS));
}

/* The next line, without its end; fails when there is none. */
static char *read_line(struct channel *channel)
{
    static char line[2000];
    for (size_t length = 0; length < sizeof line - 1; length++) {
        ck_assert_int_eq(channel_read(channel, line + length, 1, DEADLINE_MS), 1);
        if (line[length] == '\n') {
            line[length] = '\0';
            return line;
        }
    }
    ck_abort_msg("no line end");
    return NULL;
}

static void is_closed(struct channel *channel)
{
    char byte;
    ck_assert_int_le(channel_read(channel, &byte, 1, DEADLINE_MS), 0);
    channel_close(channel);
}

#define ECHO(id) "{\"version\":1,\"id\":" id ",\"method\":\"echo\"}\n"

START_TEST(lines_are_requests)
{
    struct channel *channel = connect_channel();
    /* In pieces, */
    send_text(channel, "{\"version\":1,");
    send_text(channel, "\"id\":1,\"method\":\"echo\"}");
    send_text(channel, "\n");
    ck_assert_str_eq(read_line(channel), "{\"id\":1,\"result\":{}}");
    /* several at once, a malformed one between them, */
    send_text(channel, ECHO("2") "{nonsense\n" ECHO("3") "{\"version\":1,");
    ck_assert_str_eq(read_line(channel), "{\"id\":2,\"result\":{}}");
    ck_assert_ptr_nonnull(strstr(read_line(channel), "\"bad-request\""));
    ck_assert_str_eq(read_line(channel), "{\"id\":3,\"result\":{}}");
    /* and the rest of the last one. */
    send_text(channel, "\"id\":4,\"method\":\"echo\"}\n");
    ck_assert_str_eq(read_line(channel), "{\"id\":4,\"result\":{}}");
    channel_close(channel);
}
END_TEST

/* Sends `length` bytes of blanks and then the text; false when the server does not take them. */
static bool send_padded(struct channel *channel, size_t length, const char *text)
{
    char *padded = malloc(length + strlen(text) + 1);
    memset(padded, ' ', length);
    strcpy(padded + length, text);
    bool sent = channel_write(channel, padded, length + strlen(text), DEADLINE_MS);
    free(padded);
    return sent;
}

START_TEST(long_requests_end_the_connection)
{
    struct channel *channel = connect_channel();
    size_t request = strlen(ECHO("1")) - 1;
    ck_assert(send_padded(channel, ADMIN_REQUEST_MAXIMUM - request, ECHO("1")));
    ck_assert_str_eq(read_line(channel), "{\"id\":1,\"result\":{}}");
    send_padded(channel, ADMIN_REQUEST_MAXIMUM - request + 1, ECHO("2"));
    ck_assert_str_eq(read_line(channel), "{\"id\":null,\"error\":{\"code\":\"bad-request\","
                                         "\"message\":\"The request is too long.\"}}");
    is_closed(channel);

    /* Without any line end too. */
    channel = connect_channel();
    send_padded(channel, ADMIN_REQUEST_MAXIMUM + 1, "");
    ck_assert_ptr_nonnull(strstr(read_line(channel), "too long"));
    is_closed(channel);
}
END_TEST

START_TEST(large_answers)
{
    struct admin_client *client = connect_client();
    struct admin_error error;
    json_t *result;
    size_t fits = ADMIN_ANSWER_MAXIMUM - 100;
    ck_assert_int_eq(admin_client_call(client, "large",
                                       json_pack("{s:I}", "bytes", (json_int_t)fits), DEADLINE_MS,
                                       &result, &error),
                     ADMIN_OK);
    ck_assert_uint_eq(json_string_length(result), fits);
    json_decref(result);
    ck_assert_int_eq(
        admin_client_call(client, "large",
                          json_pack("{s:I}", "bytes", (json_int_t)ADMIN_ANSWER_MAXIMUM),
                          DEADLINE_MS, &result, &error),
        ADMIN_REFUSED);
    ck_assert_str_eq(error.code, "failed");

    /* A request that is too long is not even sent. */
    char *text = malloc(ADMIN_REQUEST_MAXIMUM);
    memset(text, 'x', ADMIN_REQUEST_MAXIMUM);
    json_t *params = json_object();
    json_object_set_new(params, "text", json_stringn(text, ADMIN_REQUEST_MAXIMUM));
    free(text);
    ck_assert_int_eq(admin_client_call(client, "echo", params, DEADLINE_MS, &result, &error),
                     ADMIN_BROKEN);
    ck_assert_ptr_nonnull(strstr(error.error.text, "longer than"));
    echoes(client, 1);
    admin_client_close(client);
}
END_TEST

START_TEST(too_many_clients)
{
    struct admin_client *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_client();
        echoes(clients[i], i);
    }
    for (int round = 0; round < 20; round++) {
        json_t *result;
        struct admin_error error;
        struct admin_client *late = connect_client();
        ck_assert_int_eq(admin_client_call(late, "echo", NULL, DEADLINE_MS, &result, &error),
                         ADMIN_REFUSED);
        ck_assert_str_eq(error.code, "unavailable");
        ck_assert_ptr_nonnull(strstr(error.error.text, "service.administrators"));
        ck_assert_int_eq(admin_client_call(late, "echo", NULL, DEADLINE_MS, &result, &error),
                         ADMIN_BROKEN);
        admin_client_close(late);
    }
    for (int i = 0; i < CLIENTS; i++)
        echoes(clients[i], i);

    /* A place that is free again is given away, as soon as the server has seen it. */
    admin_client_close(clients[0]);
    enum admin_outcome outcome = ADMIN_REFUSED;
    for (int64_t end = clock_monotonic_ms() + DEADLINE_MS;
         outcome != ADMIN_OK && clock_monotonic_ms() < end;) {
        json_t *result;
        struct admin_error error;
        clients[0] = connect_client();
        outcome = admin_client_call(clients[0], "echo", NULL, DEADLINE_MS, &result, &error);
        json_decref(result);
        if (outcome != ADMIN_OK)
            admin_client_close(clients[0]);
    }
    ck_assert_int_eq(outcome, ADMIN_OK);
    for (int i = 0; i < CLIENTS; i++)
        admin_client_close(clients[i]);
}
END_TEST

START_TEST(clients_come_and_go)
{
    for (int i = 0; i < 50 * CLIENTS; i++) {
        json_t *result = NULL;
        struct admin_error error;
        enum admin_outcome outcome;
        do {
            struct admin_client *client = connect_client();
            outcome = admin_client_call(client, "echo", NULL, DEADLINE_MS, &result, &error);
            json_decref(result);
            admin_client_close(client);
            /* The place of the one before may still be taken. */
        } while (outcome == ADMIN_REFUSED && strcmp(error.code, "unavailable") == 0);
        ck_assert_int_eq(outcome, ADMIN_OK);
    }
}
END_TEST

/* Waits until so many calls are in `wait`. */
static void await_waiting(int count)
{
    int64_t end = clock_monotonic_ms() + DEADLINE_MS;
    lock_acquire(lock);
    while (waiting < count && clock_monotonic_ms() < end)
        condition_wait_for(changed, lock, 100);
    ck_assert_int_ge(waiting, count);
    lock_release(lock);
}

static void let_go(void)
{
    lock_acquire(lock);
    go_on = true;
    condition_broadcast(changed);
    lock_release(lock);
}

START_TEST(clients_vanish)
{
    /* In the middle of a request, */
    struct channel *channel = connect_channel();
    send_text(channel, "{\"version\":1,\"id\":1,");
    channel_close(channel);
    /* and in the middle of a call. */
    channel = connect_channel();
    send_text(channel, "{\"version\":1,\"id\":1,\"method\":\"wait\"}\n");
    await_waiting(1);
    channel_close(channel);
    let_go();
    struct admin_client *client = connect_client();
    echoes(client, 1);
    admin_client_close(client);
}
END_TEST

START_TEST(deadlines_pass)
{
    struct admin_client *client = connect_client();
    struct admin_error error;
    json_t *result;
    ck_assert_int_eq(admin_client_call(client, "wait", NULL, 100, &result, &error), ADMIN_BROKEN);
    ck_assert_str_eq(error.error.text, "The service did not answer in time.");
    let_go();
    /* The late answer must not be taken for that of another call. */
    ck_assert_int_eq(admin_client_call(client, "echo", NULL, DEADLINE_MS, &result, &error),
                     ADMIN_BROKEN);
    admin_client_close(client);
}
END_TEST

/* ---- stop ---- */

struct caller {
    struct admin_client *client;
    enum admin_outcome outcome;
};

static void call_wait(void *argument)
{
    struct caller *caller = argument;
    struct admin_error error;
    json_t *result;
    caller->outcome = admin_client_call(caller->client, "wait", NULL, DEADLINE_MS, &result, &error);
    json_decref(result);
}

static void stop_server(void *argument)
{
    (void)argument;
    admin_server_stop(server);
}

START_TEST(stop_answers_what_runs)
{
    struct caller caller = {.client = connect_client(), .outcome = ADMIN_BROKEN};
    struct admin_client *idle = connect_client();
    echoes(idle, 1);
    struct channel *half = connect_channel();
    send_text(half, "{\"version\":1");
    struct thread *call = thread_start("call", call_wait, &caller);
    await_waiting(1);
    struct thread *stop = thread_start("stop", stop_server, NULL);
    /* The idle ones are ended while the call goes on. */
    is_closed(half);
    let_go();
    thread_join(call);
    thread_join(stop);
    ck_assert_int_eq(caller.outcome, ADMIN_OK);

    struct admin_error error;
    json_t *result;
    ck_assert_int_eq(admin_client_call(idle, "echo", NULL, DEADLINE_MS, &result, &error),
                     ADMIN_BROKEN);
    admin_client_close(idle);
    admin_client_close(caller.client);
}
END_TEST

START_TEST(stop_begins_no_further_call)
{
    struct channel *channel = connect_channel();
    send_text(channel, "{\"version\":1,\"id\":1,\"method\":\"wait\"}\n" ECHO("2"));
    await_waiting(1);
    struct channel *idle = connect_channel();
    struct thread *stop = thread_start("stop", stop_server, NULL);
    is_closed(idle);
    let_go();
    ck_assert_str_eq(read_line(channel), "{\"id\":1,\"result\":true}");
    is_closed(channel);
    thread_join(stop);
}
END_TEST

START_TEST(stop_before_start)
{
    struct error error = {0};
    admin_server_destroy(server);
    server = admin_server_create(name, 1, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
    admin_server_stop(server);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("admin_server");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, calls_and_answers);
    tcase_add_test(tests, nobody_serves);
    tcase_add_test(tests, lines_are_requests);
    tcase_add_test(tests, long_requests_end_the_connection);
    tcase_add_test(tests, large_answers);
    tcase_add_test(tests, too_many_clients);
    tcase_add_test(tests, clients_come_and_go);
    tcase_add_test(tests, clients_vanish);
    tcase_add_test(tests, deadlines_pass);
    tcase_add_test(tests, stop_answers_what_runs);
    tcase_add_test(tests, stop_begins_no_further_call);
    tcase_add_test(tests, stop_before_start);
    Suite *suite = suite_create("admin_server");
    suite_add_tcase(suite, tests);
    return suite;
}
