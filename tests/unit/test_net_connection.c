/* rooms: net base platform */
/* with: net_peer.c */
/* Connections over real TCP on the loopback address. */
#include "base/memory.h"
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

static char *pattern(size_t length)
{
    char *data = memory_allocate(1, length + 1);
    for (size_t i = 0; i < length; i++)
        data[i] = (char)('a' + i % 23);
    return data;
}

/* ---- echo ---- */

static const size_t sizes[] = {1,    2,     255,   256,   4095,   4096,
                               4097, 65535, 65536, 65537, 200000, 3000000};

START_TEST(echoes_any_size)
{
    size_t size = sizes[_i];
    char *data = pattern(size);
    pair->server.habit = PEER_ECHOES;
    pair_connect(pair);
    peer_send(&pair->client, data, size);
    ck_assert(peer_wait_for_bytes(&pair->client, size));
    char *text = peer_text(&pair->client);
    ck_assert_uint_eq(pair->client.received, size);
    ck_assert(memcmp(text, data, size) == 0);
    memory_free(text);
    memory_free(data);
}
END_TEST

static void offer_again(struct peer *peer)
{
    net_connection_offer(peer->connection);
}

START_TEST(offers_the_rest_when_little_is_taken_at_a_time)
{
    char *data = pattern(5000);
    pair->server.habit = PEER_ECHOES;
    pair->server.takes_at_most = 7;
    pair_connect(pair);
    for (int i = 0; i < 50; i++)
        peer_send(&pair->client, data + i * 100, 100);
    ck_assert(peer_wait(&pair->server.offers, 1));
    for (int i = 0; i < 5000; i++)
        peer_do(&pair->server, offer_again);
    ck_assert(peer_wait_for_bytes(&pair->client, 5000));
    char *text = peer_text(&pair->client);
    ck_assert(memcmp(text, data, 5000) == 0);
    memory_free(text);
    memory_free(data);
}
END_TEST

/* ---- input that is not taken ---- */

static void take_all(struct peer *peer)
{
    peer->habit = PEER_KEEPS;
    net_connection_offer(peer->connection);
}

START_TEST(holds_no_more_input_than_the_limit)
{
    char *data = pattern(300000);
    pair->server.habit = PEER_TAKES_NOTHING;
    pair->server.limits.input = 4096;
    pair_connect(pair);
    peer_send(&pair->client, data, 300000);
    ck_assert(peer_wait(&pair->server.offers, 1));
    peer_pause(100);
    ck_assert_uint_le(pair->server.largest_offer, 4096);
    ck_assert_uint_eq(pair->server.received, 0);

    peer_do(&pair->server, take_all);
    ck_assert(peer_wait_for_bytes(&pair->server, 300000));
    char *text = peer_text(&pair->server);
    ck_assert(memcmp(text, data, 300000) == 0);
    memory_free(text);
    memory_free(data);
}
END_TEST

static void pause_peer(struct peer *peer)
{
    net_connection_pause(peer->connection);
}

static void resume_peer(struct peer *peer)
{
    net_connection_resume(peer->connection);
}

START_TEST(offers_nothing_while_paused)
{
    pair_connect(pair);
    peer_do(&pair->server, pause_peer);
    peer_send_text(&pair->client, "hello");
    peer_pause(100);
    ck_assert_int_eq(pair->server.offers, 0);
    peer_do(&pair->server, resume_peer);
    ck_assert(peer_wait_for_bytes(&pair->server, 5));
}
END_TEST

static void pause_and_take_later(struct peer *peer)
{
    net_connection_pause(peer->connection);
    peer->habit = PEER_KEEPS;
}

START_TEST(offers_what_waits_on_resume)
{
    pair->server.habit = PEER_TAKES_NOTHING;
    pair_connect(pair);
    peer_send_text(&pair->client, "hello");
    ck_assert(peer_wait(&pair->server.offers, 1));
    peer_do(&pair->server, pause_and_take_later);
    peer_do(&pair->server, resume_peer);
    ck_assert(peer_wait_for_bytes(&pair->server, 5));
}
END_TEST

/* ---- output ---- */

START_TEST(tells_when_a_backlog_is_gone)
{
    char *data = pattern(8u << 20);
    pair_connect(pair);
    peer_do(&pair->client, pause_peer);
    peer_send(&pair->server, data, 8u << 20);
    peer_pause(50);
    ck_assert_int_eq(pair->server.drains, 0);
    peer_do(&pair->client, resume_peer);
    ck_assert(peer_wait(&pair->server.drains, 1));
    ck_assert(peer_wait_for_bytes(&pair->client, 8u << 20));
    memory_free(data);
}
END_TEST

START_TEST(breaks_when_the_peer_reads_nothing_and_too_much_waits)
{
    char *data = pattern(1u << 20);
    pair->server.limits.output = 1u << 20;
    pair_connect(pair);
    peer_do(&pair->client, pause_peer);
    for (int i = 0; i < 20; i++)
        peer_send(&pair->server, data, 1u << 20);
    ck_assert(peer_wait(&pair->server.closes, 1));
    ck_assert_str_eq(pair->server.close_error.text, "The peer does not read what it is sent.");
    memory_free(data);
}
END_TEST

static void send_in_small_pieces(struct peer *peer)
{
    for (int i = 0; i < 1000; i++)
        net_connection_send(peer->connection, "0123456789", 10);
    ck_assert_uint_eq(net_connection_backlog(peer->connection), 10000);
    net_connection_flush(peer->connection);
    ck_assert_uint_eq(net_connection_backlog(peer->connection), 0);
}

START_TEST(collects_what_is_sent)
{
    pair_connect(pair);
    peer_do(&pair->server, send_in_small_pieces);
    ck_assert(peer_wait_for_bytes(&pair->client, 10000));
    ck_assert_int_le(pair->client.offers, 10);
}
END_TEST

/* ---- the end ---- */

static void send_and_finish(struct peer *peer)
{
    net_connection_send(peer->connection, "bye", 3);
    net_connection_finish(peer->connection, 1000);
    net_connection_send(peer->connection, "lost", 4);
}

START_TEST(finishes_after_what_was_sent)
{
    pair_connect(pair);
    peer_do(&pair->server, send_and_finish);
    ck_assert(peer_wait(&pair->server.closes, 1));
    ck_assert(peer_wait(&pair->client.closes, 1));
    ck_assert_str_eq(pair->client.close_error.text, "");
    char *text = peer_text(&pair->client);
    ck_assert_str_eq(text, "bye");
    memory_free(text);
}
END_TEST

START_TEST(last_words_reach_a_peer_that_still_talks)
{
    char *data = pattern(1u << 20);
    pair->server.habit = PEER_TAKES_NOTHING;
    pair_connect(pair);
    peer_send(&pair->client, data, 1u << 20);
    ck_assert(peer_wait(&pair->server.offers, 1));
    peer_do(&pair->server, send_and_finish);
    ck_assert(peer_wait(&pair->client.closes, 1));
    char *text = peer_text(&pair->client);
    ck_assert_str_eq(text, "bye");
    ck_assert(peer_wait(&pair->server.closes, 1));
    memory_free(text);
    memory_free(data);
}
END_TEST

static void finish_soon(struct peer *peer)
{
    net_connection_finish(peer->connection, 100);
}

START_TEST(cuts_a_peer_that_does_not_read)
{
    char *data = pattern(8u << 20);
    pair_connect(pair);
    peer_do(&pair->client, pause_peer);
    peer_send(&pair->server, data, 8u << 20);
    peer_do(&pair->server, finish_soon);
    ck_assert_int_eq(pair->server.closes, 0);
    ck_assert(peer_wait(&pair->server.closes, 1));
    ck_assert_str_ne(pair->server.close_error.text, "");
    memory_free(data);
}
END_TEST

START_TEST(tells_both_ends_of_a_close)
{
    pair_connect(pair);
    peer_close(&pair->client);
    ck_assert(peer_wait(&pair->client.closes, 1));
    ck_assert(peer_wait(&pair->server.closes, 1));
    ck_assert_str_eq(pair->server.close_error.text, "");
}
END_TEST

START_TEST(may_be_closed_inside_data)
{
    pair->server.habit = PEER_CLOSES;
    pair_connect(pair);
    peer_send_text(&pair->client, "hello");
    ck_assert(peer_wait(&pair->server.closes, 1));
    ck_assert(peer_wait(&pair->client.closes, 1));
}
END_TEST

static void answer_and_finish(struct peer *peer)
{
    peer->habit = PEER_ECHOES;
    net_connection_offer(peer->connection);
    net_connection_finish(peer->connection, 1000);
}

START_TEST(answers_a_peer_that_has_ended)
{
    pair->server.habit = PEER_TAKES_NOTHING;
    pair->server.half_open = true;
    pair_connect(pair);
    peer_send_text(&pair->client, "question");
    ck_assert(peer_wait(&pair->server.offers, 1));
    peer_do(&pair->client, finish_soon);
    ck_assert(peer_wait(&pair->server.ends, 1));
    ck_assert_int_eq(pair->server.closes, 0);
    peer_do(&pair->server, answer_and_finish);
    ck_assert(peer_wait(&pair->server.closes, 1));
    ck_assert_str_eq(pair->server.close_error.text, "");
}
END_TEST

/* ---- idle ---- */

static void went_idle(void *user)
{
    struct peer *peer = user;
    net_connection_close(peer->connection);
}

static void watch_idle(struct peer *peer)
{
    net_connection_set_idle(peer->connection, 300, went_idle);
}

START_TEST(notices_an_idle_peer)
{
    pair_connect(pair);
    peer_do(&pair->server, watch_idle);
    ck_assert(peer_wait(&pair->server.closes, 1));
    ck_assert(peer_wait(&pair->client.closes, 1));
}
END_TEST

static void watch_idle_long(struct peer *peer)
{
    net_connection_set_idle(peer->connection, 1500, went_idle);
}

START_TEST(a_peer_that_talks_is_not_idle)
{
    pair_connect(pair);
    peer_do(&pair->server, watch_idle_long);
    for (int i = 0; i < 12; i++) {
        peer_send_text(&pair->client, "x");
        peer_pause(250);
    }
    ck_assert_int_eq(pair->server.closes, 0);
    ck_assert_uint_eq(pair->server.received, 12);
}
END_TEST

static void check_names(struct peer *peer)
{
    char text[64];
    char expected[64];
    net_connection_peer(peer->connection, text, sizeof(text));
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", pair->port);
    ck_assert_str_eq(text, expected);
}

START_TEST(names_its_peer)
{
    pair_connect(pair);
    peer_do(&pair->client, check_names);
}
END_TEST

static void add_all(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, echoes_any_size, 0, sizeof(sizes) / sizeof(sizes[0]));
    tcase_add_test(tests, offers_the_rest_when_little_is_taken_at_a_time);
    tcase_add_test(tests, holds_no_more_input_than_the_limit);
    tcase_add_test(tests, offers_nothing_while_paused);
    tcase_add_test(tests, offers_what_waits_on_resume);
    tcase_add_test(tests, tells_when_a_backlog_is_gone);
    tcase_add_test(tests, breaks_when_the_peer_reads_nothing_and_too_much_waits);
    tcase_add_test(tests, collects_what_is_sent);
    tcase_add_test(tests, finishes_after_what_was_sent);
    tcase_add_test(tests, last_words_reach_a_peer_that_still_talks);
    tcase_add_test(tests, cuts_a_peer_that_does_not_read);
    tcase_add_test(tests, tells_both_ends_of_a_close);
    tcase_add_test(tests, may_be_closed_inside_data);
    tcase_add_test(tests, answers_a_peer_that_has_ended);
    tcase_add_test(tests, notices_an_idle_peer);
    tcase_add_test(tests, a_peer_that_talks_is_not_idle);
    tcase_add_test(tests, names_its_peer);
}

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("connection");
    add_all(tests);
    Suite *suite = suite_create("net");
    suite_add_tcase(suite, tests);
    return suite;
}
