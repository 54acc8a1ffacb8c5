/* rooms: platform base */
/* with: platform_folder.c */
#include "unit.h"

#include "base/memory.h"
#include "platform/channel.h"
#include "platform/clock.h"
#include "platform/text.h"
#include "platform/thread.h"
#include "platform_folder.h"

#include <stdatomic.h>
#include <stdio.h>

#define PATIENCE_MS 60000
#define CLIENTS     8

static char *folder;
static char *name;

/* Check's own assertions are for the thread of the test only. */
static atomic_int failures;

#define IN_THREAD(condition) in_thread(condition, #condition, __LINE__)

static void in_thread(bool passed, const char *condition, int line)
{
    if (passed)
        return;
    fprintf(stderr, "line %d: %s\n", line, condition);
    atomic_fetch_add(&failures, 1);
}

static void make_name(void)
{
    folder = scratch_folder();
    name = channel_default_name(folder);
}

static void free_name(void)
{
    memory_free(name);
    scratch_remove(folder);
    ck_assert_int_eq(atomic_load(&failures), 0);
}

static struct channel_server *serve(void)
{
    struct error error;
    struct channel_server *server = channel_server_create(name, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
    return server;
}

static struct channel *connect_to_server(void)
{
    enum channel_failure failure;
    struct error error;
    struct channel *channel = channel_connect(NULL, name, PATIENCE_MS, &failure, &error);
    ck_assert_msg(channel != NULL, "%s", error.text);
    ck_assert_int_eq(failure, CHANNEL_OK);
    return channel;
}

static void echo(void *argument)
{
    struct channel *channel = argument;
    char data[1000];
    int length;
    while ((length = channel_read(channel, data, sizeof data, PATIENCE_MS)) > 0)
        IN_THREAD(channel_write(channel, data, (size_t)length, PATIENCE_MS));
    IN_THREAD(length == 0);
    channel_close(channel);
}

/* Serves each client on a thread of its own until the server is stopped. */
static void accept_all(void *argument)
{
    struct thread *threads[CLIENTS + 1];
    int count = 0;
    struct channel *channel;
    while ((channel = channel_accept(argument)) != NULL) {
        IN_THREAD(count < CLIENTS + 1);
        threads[count++] = thread_start("echo", echo, channel);
    }
    while (count > 0)
        thread_join(threads[--count]);
}

static void expect(struct channel *channel, const char *text)
{
    char data[100] = "";
    size_t length = 0;
    while (length < strlen(text)) {
        int got = channel_read(channel, data + length, sizeof data - 1 - length, PATIENCE_MS);
        ck_assert_int_gt(got, 0);
        length += (size_t)got;
    }
    ck_assert_str_eq(data, text);
}

START_TEST(clients_are_answered_each_on_its_own)
{
    struct channel_server *server = serve();
    struct thread *acceptor = thread_start("accept", accept_all, server);
    struct channel *channels[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        channels[i] = connect_to_server();
    for (int i = CLIENTS - 1; i >= 0; i--) {
        char text[20];
        snprintf(text, sizeof text, "client %d\n", i);
        ck_assert(channel_write(channels[i], text, strlen(text), PATIENCE_MS));
        expect(channels[i], text);
    }
    for (int i = 0; i < CLIENTS; i++)
        channel_close(channels[i]);
    channel_server_stop(server);
    thread_join(acceptor);
    channel_server_destroy(server);
}
END_TEST

static void write_much(void *argument)
{
    char data[8192];
    memset(data, 'x', sizeof data);
    for (int i = 0; i < 128; i++)
        IN_THREAD(channel_write(argument, data, sizeof data, PATIENCE_MS));
}

START_TEST(much_goes_through_in_both_directions)
{
    struct channel_server *server = serve();
    struct thread *acceptor = thread_start("accept", accept_all, server);
    struct channel *channel = connect_to_server();
    struct thread *writer = thread_start("write", write_much, channel);
    size_t length = 0;
    char data[5000];
    while (length < 128 * 8192) {
        int got = channel_read(channel, data, sizeof data, PATIENCE_MS);
        ck_assert_int_gt(got, 0);
        length += (size_t)got;
    }
    thread_join(writer);
    channel_close(channel);
    channel_server_stop(server);
    thread_join(acceptor);
    channel_server_destroy(server);
}
END_TEST

START_TEST(last_words_are_heard)
{
    struct channel_server *server = serve();
    struct channel *client = connect_to_server();
    struct channel *served = channel_accept(server);
    ck_assert(channel_write(served, "bye", 3, PATIENCE_MS));
    channel_close(served);
    char data[10];
    ck_assert_int_eq(channel_read(client, data, sizeof data, PATIENCE_MS), 3);
    ck_assert_int_eq(channel_read(client, data, sizeof data, PATIENCE_MS), 0);
    ck_assert(!channel_write(client, "x", 1, PATIENCE_MS));
    channel_close(client);
    channel_server_stop(server);
    channel_server_destroy(server);
}
END_TEST

START_TEST(deadline_ends_a_read)
{
    struct channel_server *server = serve();
    struct channel *client = connect_to_server();
    struct channel *served = channel_accept(server);
    char data[10];
    int64_t before = clock_monotonic_ms();
    ck_assert_int_eq(channel_read(client, data, sizeof data, 50), -1);
    int64_t passed = clock_monotonic_ms() - before;
    ck_assert_msg(passed >= 45 && passed < 30000, "%lld ms", (long long)passed);
    /* What comes later is still read. */
    ck_assert(channel_write(served, "late", 4, PATIENCE_MS));
    expect(client, "late");
    channel_close(served);
    channel_close(client);
    channel_server_stop(server);
    channel_server_destroy(server);
}
END_TEST

START_TEST(deadline_ends_a_write_that_nobody_reads)
{
    struct channel_server *server = serve();
    struct channel *client = connect_to_server();
    struct channel *served = channel_accept(server);
    static char data[8 << 20];
    ck_assert(!channel_write(client, data, sizeof data, 50));
    channel_close(served);
    channel_close(client);
    channel_server_stop(server);
    channel_server_destroy(server);
}
END_TEST

static void read_for_ever(void *argument)
{
    char data[10];
    IN_THREAD(channel_read(argument, data, sizeof data, 0) == -1);
}

START_TEST(cancel_ends_what_waits)
{
    struct channel_server *server = serve();
    struct channel *client = connect_to_server();
    struct channel *served = channel_accept(server);
    struct thread *reader = thread_start("read", read_for_ever, served);
    channel_cancel(served);
    thread_join(reader);
    ck_assert(!channel_write(served, "x", 1, PATIENCE_MS));
    channel_close(served);
    channel_close(client);
    channel_server_stop(server);
    channel_server_destroy(server);
}
END_TEST

START_TEST(stop_ends_accept)
{
    struct channel_server *server = serve();
    struct thread *acceptor = thread_start("accept", accept_all, server);
    channel_server_stop(server);
    thread_join(acceptor);
    ck_assert_ptr_null(channel_accept(server));
    channel_server_destroy(server);
}
END_TEST

START_TEST(nobody_serves)
{
    enum channel_failure failure;
    struct error error;
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(channel_connect(NULL, name, PATIENCE_MS, &failure, &error));
        ck_assert_int_eq(failure, CHANNEL_NOT_RUNNING);
        ck_assert_str_eq(error.text, "The Gatepost service is not running.");
        /* The second time: there was a server. */
        struct channel_server *server = serve();
        channel_server_destroy(server);
    }
}
END_TEST

START_TEST(client_has_a_name)
{
    struct channel_server *server = serve();
    struct channel *client = connect_to_server();
    struct channel *served = channel_accept(server);
    char expected[200], found[200];
    ck_assert(channel_write(client, "hello", 5, PATIENCE_MS));
    expect(served, "hello");
    user_name(expected, sizeof expected);
    channel_client_name(served, found, sizeof found);
    ck_assert_str_eq(found, expected);
    ck_assert_str_ne(found, "unknown");
    char cut[4];
    channel_client_name(served, cut, sizeof cut);
    ck_assert_uint_le(strlen(cut), 3);
    channel_close(served);
    channel_close(client);
    channel_server_stop(server);
    channel_server_destroy(server);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("channel");
    tcase_add_checked_fixture(tests, make_name, free_name);
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, clients_are_answered_each_on_its_own);
    tcase_add_test(tests, much_goes_through_in_both_directions);
    tcase_add_test(tests, last_words_are_heard);
    tcase_add_test(tests, deadline_ends_a_read);
    tcase_add_test(tests, deadline_ends_a_write_that_nobody_reads);
    tcase_add_test(tests, cancel_ends_what_waits);
    tcase_add_test(tests, stop_ends_accept);
    tcase_add_test(tests, nobody_serves);
    tcase_add_test(tests, client_has_a_name);
    Suite *suite = suite_create("platform channel");
    suite_add_tcase(suite, tests);
    return suite;
}
