/* rooms: net base platform */
/* with: net_peer.c */
/* Outgoing connections: what is tried, and what is told. */
#include "net_peer.h"
#include "unit.h"

#include <stdio.h>

static struct pair *pair;

static void setup(void)
{
    pair = pair_create();
}

static void teardown(void)
{
    pair_destroy(pair);
}

START_TEST(connects_by_address)
{
    pair_connect(pair);
    peer_send_text(&pair->client, "hello");
    ck_assert(peer_wait_for_bytes(&pair->server, 5));
}
END_TEST

/* Where localhost is also ::1, nobody listens there, and 127.0.0.1 is the second address. */
START_TEST(connects_by_name)
{
    peer_open(&pair->client, "localhost", pair->port);
    ck_assert(peer_wait(&pair->client.connects, 1));
    ck_assert_str_eq(pair->client.connect_error.text, "");
    ck_assert(peer_wait(&pair->server.connects, 1));
}
END_TEST

START_TEST(tells_that_nobody_listens)
{
    char expected[100];
    net_acceptor_remove(pair->acceptor, pair);
    peer_open(&pair->client, "127.0.0.1", pair->port);
    ck_assert(peer_wait(&pair->client.connects, 1));
    snprintf(expected, sizeof(expected),
             "Cannot connect to 127.0.0.1, port %u: connection refused.", pair->port);
    ck_assert_str_eq(pair->client.connect_error.text, expected);
    ck_assert_int_eq(pair->client.closes, 0);
}
END_TEST

START_TEST(tells_that_a_name_is_unknown)
{
    peer_open(&pair->client, "no such name", 25);
    ck_assert(peer_wait(&pair->client.connects, 1));
    ck_assert_str_ne(pair->client.connect_error.text, "");
    ck_assert_int_eq(pair->client.closes, 0);
}
END_TEST

/* TEST-NET-1 (RFC 5737) belongs to nobody: no answer, or an answer that there is no way. */
START_TEST(gives_up_when_nobody_answers)
{
    pair->client.connect_ms = 200;
    peer_open(&pair->client, "192.0.2.1", 25);
    ck_assert(peer_wait(&pair->client.connects, 1));
    ck_assert_str_ne(pair->client.connect_error.text, "");
}
END_TEST

static const char *const hosts[] = {"192.0.2.1", "127.0.0.1", "localhost"};

START_TEST(may_be_closed_before_it_is_connected)
{
    peer_open_and_close(&pair->client, hosts[_i], pair->port);
    ck_assert(peer_wait(&pair->client.closes, 1));
    peer_pause(50);
    ck_assert_int_eq(pair->client.connects, 0);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("connect");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, connects_by_address);
    tcase_add_test(tests, connects_by_name);
    tcase_add_test(tests, tells_that_nobody_listens);
    tcase_add_test(tests, tells_that_a_name_is_unknown);
    tcase_add_test(tests, gives_up_when_nobody_answers);
    tcase_add_loop_test(tests, may_be_closed_before_it_is_connected, 0,
                        sizeof(hosts) / sizeof(hosts[0]));
    Suite *suite = suite_create("net");
    suite_add_tcase(suite, tests);
    return suite;
}
