/* rooms: net platform base */
#include "unit.h"

#include "platform/clock.h"
#include "platform/socket.h"
#include "platform/thread.h"

#include <stdio.h>
#include <uv.h>

#define BACKLOG 16

static void start_sockets(void)
{
    ck_assert(socket_system_start(NULL));
}

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    ck_assert(ip_parse(view_of_text(text), &address));
    return address;
}

static socket_handle listen_on(const char *text, uint16_t port, struct error *error)
{
    struct ip_address address = address_of(text);
    return socket_listen(&address, port, BACKLOG, error);
}

/* A client: connects, reads to the end, keeps what it read. */
struct client {
    const char *address;
    uint16_t port;
    uv_loop_t loop;
    uv_tcp_t tcp;
    uv_connect_t connect;
    char text[64];
    size_t length;
    int status;
};

static void give_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(client->text + client->length,
                          (unsigned)(sizeof client->text - 1 - client->length));
}

static void take(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct client *client = stream->data;
    (void)buffer;
    if (length < 0)
        uv_close((uv_handle_t *)stream, NULL);
    else
        client->length += (size_t)length;
}

static void connected(uv_connect_t *request, int status)
{
    struct client *client = request->data;
    client->status = status;
    if (status == 0)
        uv_read_start((uv_stream_t *)&client->tcp, give_memory, take);
    else
        uv_close((uv_handle_t *)&client->tcp, NULL);
}

static void run_client(void *argument)
{
    struct client *client = argument;
    struct sockaddr_storage storage;
    if (strchr(client->address, ':') != NULL)
        uv_ip6_addr(client->address, client->port, (struct sockaddr_in6 *)&storage);
    else
        uv_ip4_addr(client->address, client->port, (struct sockaddr_in *)&storage);
    uv_loop_init(&client->loop);
    uv_tcp_init(&client->loop, &client->tcp);
    client->tcp.data = client;
    client->connect.data = client;
    client->status = uv_tcp_connect(&client->connect, &client->tcp,
                                    (const struct sockaddr *)&storage, connected);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    uv_loop_close(&client->loop);
}

static socket_handle accept_one(socket_handle listener, struct socket_peer *peer)
{
    struct socket_waker *waker = socket_waker_create(NULL);
    socket_handle accepted = SOCKET_NONE;
    bool ready, exhausted;
    while (accepted == SOCKET_NONE) {
        ck_assert(socket_wait(waker, &listener, 1, &ready));
        if (ready)
            accepted = socket_accept(listener, peer, &exhausted);
    }
    socket_waker_destroy(waker);
    return accepted;
}

static void talk(const char *address)
{
    struct error error;
    socket_handle listener = listen_on(address, 0, &error);
    ck_assert_msg(listener != SOCKET_NONE, "%s", error.text);
    struct client client = {.address = address, .port = socket_local_port(listener)};
    ck_assert_uint_ne(client.port, 0);
    struct thread *thread = thread_start("client", run_client, &client);
    struct socket_peer peer;
    socket_handle accepted = accept_one(listener, &peer);
    socket_send_and_close(accepted, "421 busy\r\n", 10);
    thread_join(thread);
    ck_assert_int_eq(client.status, 0);
    ck_assert_str_eq(client.text, "421 busy\r\n");
    struct ip_address expected = address_of(address);
    ck_assert(ip_equal(&peer.address, &expected));
    ck_assert(ip_equal(&peer.local_address, &expected));
    ck_assert_uint_eq(peer.local_port, client.port);
    ck_assert_uint_ne(peer.port, 0);
    socket_close(listener);
}

START_TEST(a_connection_is_accepted)
{
    talk("127.0.0.1");
}
END_TEST

START_TEST(so_is_one_of_ip_version_6)
{
    struct error error;
    socket_handle probe = listen_on("::1", 0, &error);
    /* Some containers have no IPv6 at all. */
    if (probe == SOCKET_NONE)
        return;
    socket_close(probe);
    talk("::1");
}
END_TEST

START_TEST(nothing_waits_at_first)
{
    socket_handle listener = listen_on("127.0.0.1", 0, NULL);
    struct socket_peer peer;
    bool exhausted = true;
    ck_assert(socket_accept(listener, &peer, &exhausted) == SOCKET_NONE);
    ck_assert(!exhausted);
    socket_close(listener);
}
END_TEST

START_TEST(an_address_is_bound_once)
{
    struct error error = {0};
    socket_handle first = listen_on("127.0.0.1", 0, NULL);
    uint16_t port = socket_local_port(first);
    ck_assert(listen_on("127.0.0.1", port, &error) == SOCKET_NONE);
    ck_assert_msg(strncmp(error.text, "The address cannot be bound: ", 29) == 0, "%s", error.text);
    socket_close(first);
    first = listen_on("127.0.0.1", port, &error);
    ck_assert_msg(first != SOCKET_NONE, "%s", error.text);
    socket_close(first);
}
END_TEST

START_TEST(an_address_of_another_computer_is_refused)
{
    struct error error = {0};
    ck_assert(listen_on("192.0.2.1", 0, &error) == SOCKET_NONE);
    ck_assert_int_ne(error.code, 0);
}
END_TEST

static void wake(void *argument)
{
    socket_waker_wake(argument);
}

START_TEST(waker_wakes_and_sleeps_again)
{
    socket_handle listener = listen_on("127.0.0.1", 0, NULL);
    struct socket_waker *waker = socket_waker_create(NULL);
    bool ready = true;
    struct thread *thread = thread_start("wake", wake, waker);
    ck_assert(!socket_wait(waker, &listener, 1, &ready));
    ck_assert(!ready);
    thread_join(thread);
    /* Woken before it sleeps, and twice: it must not miss the first nor remember the second. */
    socket_waker_wake(waker);
    socket_waker_wake(waker);
    ck_assert(!socket_wait(waker, &listener, 1, &ready));
    struct client client = {.address = "127.0.0.1", .port = socket_local_port(listener)};
    thread = thread_start("client", run_client, &client);
    ck_assert(socket_wait(waker, &listener, 1, &ready));
    ck_assert(ready);
    struct socket_peer peer;
    socket_close(accept_one(listener, &peer));
    thread_join(thread);
    socket_waker_destroy(waker);
    socket_close(listener);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("sockets");
    tcase_add_checked_fixture(tests, start_sockets, NULL);
    tcase_add_test(tests, a_connection_is_accepted);
    tcase_add_test(tests, so_is_one_of_ip_version_6);
    tcase_add_test(tests, nothing_waits_at_first);
    tcase_add_test(tests, an_address_is_bound_once);
    tcase_add_test(tests, an_address_of_another_computer_is_refused);
    tcase_add_test(tests, waker_wakes_and_sleeps_again);
    Suite *suite = suite_create("platform sockets");
    suite_add_tcase(suite, tests);
    return suite;
}
