/* rooms: net base platform */
/* The acceptor: addresses come and go, and the system runs out of handles. */
#include "base/memory.h"
#include "net/acceptor.h"
#include "net/connection.h"
#include "platform/clock.h"
#include "platform/thread.h"
#include "unit.h"

#ifndef _WIN32
#include <sys/resource.h>
#endif

#define CLIENTS 40

static struct net_acceptor *acceptor;
static struct net_loop *loop; /* of the clients */
static struct lock *lock;
static struct condition *changed;
static int accepted_of[2]; /* by the listener's number */
static int client_connects, client_failures, client_closes;
static int numbers[2] = {0, 1};

static void count_one(int *count)
{
    lock_acquire(lock);
    (*count)++;
    condition_broadcast(changed);
    lock_release(lock);
}

static bool wait_for(const int *count, int least)
{
    int64_t deadline = clock_monotonic_ms() + 10000;
    lock_acquire(lock);
    while (*count < least && clock_monotonic_ms() < deadline)
        condition_wait_for(changed, lock, 1000);
    bool reached = *count >= least;
    lock_release(lock);
    return reached;
}

/* While this is set the acceptor's thread stands still in accepted(). */
static bool holding;

static void accepted(void *user, const struct net_accepted *accepted)
{
    (void)user;
    lock_acquire(lock);
    while (holding)
        condition_wait(changed, lock);
    lock_release(lock);
    ck_assert(!accepted->peer.address.is_v6);
    ck_assert_int_eq(accepted->peer.address.bytes[0], 127);
    ck_assert_int_ne(accepted->peer.port, 0);
    count_one(&accepted_of[*(int *)accepted->listener]);
    socket_close(accepted->socket);
}

#ifndef _WIN32
static void let_go(void)
{
    lock_acquire(lock);
    holding = false;
    condition_broadcast(changed);
    lock_release(lock);
}

static void sleep_ms(int64_t milliseconds)
{
    int64_t end = clock_monotonic_ms() + milliseconds;
    lock_acquire(lock);
    while (clock_monotonic_ms() < end)
        condition_wait_for(changed, lock, (uint32_t)(end - clock_monotonic_ms()) + 1);
    lock_release(lock);
}
#endif

static void setup(void)
{
    struct error error;
    ck_assert(socket_system_start(&error));
    lock = lock_create();
    changed = condition_create();
    memset(accepted_of, 0, sizeof(accepted_of));
    client_connects = client_failures = client_closes = 0;
    acceptor = net_acceptor_create(accepted, NULL, &error);
    ck_assert_ptr_nonnull(acceptor);
    loop = net_loop_start("clients", &error);
    ck_assert_ptr_nonnull(loop);
}

static void teardown(void)
{
    net_acceptor_destroy(acceptor);
    net_loop_stop(loop);
    condition_destroy(changed);
    lock_destroy(lock);
}

static uint16_t listen_as(int number)
{
    struct ip_address loopback;
    struct error error;
    ck_assert(ip_parse(VIEW("127.0.0.1"), &loopback));
    ck_assert_msg(net_acceptor_add(acceptor, &loopback, 0, 64, &numbers[number], &error), "%s",
                  error.text);
    uint16_t port = net_acceptor_port(acceptor, &numbers[number]);
    ck_assert_int_ne(port, 0);
    return port;
}

/* ---- clients that connect and close ---- */

static size_t client_data(void *user, const char *data, size_t length)
{
    (void)user;
    (void)data;
    return length;
}

static void client_closed(void *user, const struct error *error)
{
    (void)user;
    (void)error;
    count_one(&client_closes);
}

static void client_connected(void *user, const struct error *error)
{
    (void)user;
    count_one(error->text[0] == '\0' ? &client_connects : &client_failures);
}

static const struct net_connection_events client_events = {.data = client_data,
                                                           .closed = client_closed};
static const struct net_connection_limits client_limits = {.input = 4096, .output = 4096};

static void connect_one(void *argument)
{
    uint16_t port = *(uint16_t *)argument;
    net_connection_open(loop, "127.0.0.1", port, 10000, &client_limits, &client_events,
                        client_connected, NULL);
}

static void connect_many(uint16_t *port, int count)
{
    for (int i = 0; i < count; i++)
        net_post(loop, connect_one, port);
}

/* ---- tests ---- */

START_TEST(accepts_on_several_addresses)
{
    uint16_t first = listen_as(0);
    uint16_t second = listen_as(1);
    ck_assert_int_ne(first, second);
    connect_many(&first, CLIENTS);
    connect_many(&second, CLIENTS);
    ck_assert(wait_for(&accepted_of[0], CLIENTS));
    ck_assert(wait_for(&accepted_of[1], CLIENTS));
    ck_assert(wait_for(&client_closes, 2 * CLIENTS));
}
END_TEST

START_TEST(an_address_in_use_cannot_be_added)
{
    struct ip_address loopback;
    struct error error;
    uint16_t port = listen_as(0);
    ck_assert(ip_parse(VIEW("127.0.0.1"), &loopback));
    ck_assert(!net_acceptor_add(acceptor, &loopback, port, 64, &numbers[1], &error));
    ck_assert_str_ne(error.text, "");
    ck_assert_int_eq(net_acceptor_port(acceptor, &numbers[1]), 0);
}
END_TEST

START_TEST(a_removed_address_is_free_and_the_other_one_stays)
{
    uint16_t first = listen_as(0);
    uint16_t second = listen_as(1);
    net_acceptor_remove(acceptor, &numbers[0]);
    ck_assert_int_eq(net_acceptor_port(acceptor, &numbers[0]), 0);
    connect_many(&first, 1);
    ck_assert(wait_for(&client_failures, 1));
    connect_many(&second, CLIENTS);
    ck_assert(wait_for(&accepted_of[1], CLIENTS));
    ck_assert_int_eq(accepted_of[0], 0);
    ck_assert(wait_for(&client_closes, CLIENTS));
}
END_TEST

START_TEST(addresses_come_and_go_while_clients_connect)
{
    uint16_t first = listen_as(0);
    for (int round = 0; round < 20; round++) {
        connect_many(&first, CLIENTS);
        listen_as(1);
        net_acceptor_remove(acceptor, &numbers[1]);
        ck_assert(wait_for(&client_closes, (round + 1) * CLIENTS));
    }
    ck_assert_int_eq(accepted_of[0], 20 * CLIENTS);
    ck_assert_int_eq(accepted_of[1], 0);
    ck_assert_int_eq(client_failures, 0);
}
END_TEST

#ifndef _WIN32
START_TEST(goes_on_when_handles_are_there_again)
{
    struct rlimit before;
    uint16_t port = listen_as(0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);

    /* All clients are connected and wait to be accepted; then there are no handles to accept them with. */
    holding = true;
    connect_many(&port, CLIENTS);
    ck_assert(wait_for(&client_connects, CLIENTS));
    struct rlimit none = {.rlim_cur = 3, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    let_go();
    ck_assert(wait_for(&accepted_of[0], 1));
    sleep_ms(250);
    ck_assert_int_eq(accepted_of[0], 1);

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(wait_for(&accepted_of[0], CLIENTS));
    ck_assert(wait_for(&client_closes, CLIENTS));
}
END_TEST
#endif

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("acceptor");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, accepts_on_several_addresses);
    tcase_add_test(tests, an_address_in_use_cannot_be_added);
    tcase_add_test(tests, a_removed_address_is_free_and_the_other_one_stays);
    tcase_add_test(tests, addresses_come_and_go_while_clients_connect);
#ifndef _WIN32
    tcase_add_test(tests, goes_on_when_handles_are_there_again);
#endif
    Suite *suite = suite_create("net");
    suite_add_tcase(suite, tests);
    return suite;
}
