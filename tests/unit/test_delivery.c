/* rooms: delivery ndr smtp spool tracking net config base platform */
/* with: delivery_world.c smtp_hop.c spool_world.c platform_folder.c */
/* Delivery from the spool to next hops that behave, and to those that do not. */
#include "unit.h"

#include "base/memory.h"
#include "delivery_world.h"
#include "platform/file.h"
#include "smtp_hop.h"

#include <stdio.h>

/* To the host; retries after a second. */
#define TO_HOST                                                                                    \
    "{\"accepted_domains\": [{\"domain\": \"example.test\", \"deliver_to\": \"host\","             \
    " \"host\": \"127.0.0.1\", \"port\": %u}],"                                                    \
    " \"retry\": {\"glitch_count\": 50, \"glitch_interval\": 1}"

static const char to_host[] = TO_HOST "}";
static const char one_connection[] = TO_HOST ", \"outbound\": {\"connections_per_destination\": 1,"
                                             " \"keep_idle\": 1, \"messages_per_connection\": 20}}";
static const char content[] = "Subject: a\r\n\r\n.Text\r\n..\r\n";

static struct hop *hop;

static void open_world(const char *settings, hop_script script, const char *features)
{
    hop = hop_open(0, script, features);
    world_open(settings, hop_port(hop));
}

static void close_world(void)
{
    world_close();
    hop_close(hop);
}

static void check_history(ident message, const char *expected)
{
    char *history = world_history(message);
    ck_assert_str_eq(history, expected);
    memory_free(history);
}

START_TEST(message_arrives_as_it_was_sent)
{
    open_world(to_host, NULL, NULL);
    ident message =
        world_send("eve@example.net", "info@example.test sales@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 1);
    const struct hop_message *got = hop_get(hop, 0);
    ck_assert_str_eq(got->reverse_path, "FROM:<eve@example.net>");
    ck_assert_str_eq(got->recipients, "TO:<info@example.test>\nTO:<sales@example.test>\n");
    ck_assert_str_eq(got->content, content);
    check_history(message, "routed routed delivered delivered");
    ck_assert_str_eq(world_reply(TRACKING_DELIVERED, message), "250 2.0.0 Taken");
    char name[40];
    snprintf(name, sizeof name, "127.0.0.1:%u", hop_port(hop));
    ck_assert_str_eq(world_destination(TRACKING_DELIVERED, message), name);
    struct delivery_queue queue;
    ck_assert(world_queue(name, &queue));
    ck_assert_uint_eq(queue.messages, 0);
    ck_assert_int_eq(queue.state, DELIVERY_READY);
    close_world();
}
END_TEST

START_TEST(connections_serve_twenty_messages_and_end_when_idle)
{
    open_world(one_connection, NULL, NULL);
    world_send_many(50);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 50);
    ck_assert_int_eq(hop_connections(hop), 3);
    WORLD_WAIT(hop_heard(hop, "QUIT") == 3);
    ck_assert_int_eq(hop_heard(hop, "RSET"), 0);
    /* And when there is mail again, there is a connection again. */
    world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_connections(hop), 4);
    close_world();
}
END_TEST

START_TEST(many_messages_arrive_once_each)
{
    enum { MANY = 3000 };
    static bool seen[MANY];
    memset(seen, 0, sizeof seen);
    open_world(to_host, NULL, NULL);
    world_send_many(MANY);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), MANY);
    for (int i = 0; i < MANY; i++) {
        int number = (int)strtol(hop_get(hop, i)->content + strlen("Subject: "), NULL, 10);
        ck_assert(number >= 0 && number < MANY && !seen[number]);
        seen[number] = true;
    }
    ck_assert_int_eq(world_rows(TRACKING_DELIVERED, 0), MANY);
    close_world();
}
END_TEST

START_TEST(large_message_streams)
{
    size_t size = 3000000;
    char *large = memory_allocate(size + 1, 1);
    for (size_t i = 0; i < size; i++)
        large[i] = i % 70 == 68 ? '\r' : i % 70 == 69 ? '\n' : i % 70 == 0 ? '.' : 'x';
    memcpy(large + size - 2, "\r\n", 2);
    open_world(to_host, NULL, NULL);
    world_send("eve@example.net", "info@example.test", large, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_uint_eq(hop_get(hop, 0)->length, size);
    ck_assert_mem_eq(hop_get(hop, 0)->content, large, size);
    memory_free(large);
    close_world();
}
END_TEST

START_TEST(recipients_are_split_by_the_limit)
{
    open_world(TO_HOST ", \"outbound\": {\"recipients_per_message\": 2}}", NULL, NULL);
    world_send("eve@example.net",
               "a@example.test b@example.test c@example.test d@example.test e@example.test",
               content, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 3);
    ck_assert_int_eq(hop_heard(hop, "RCPT"), 5);
    close_world();
}
END_TEST

/* ---- next hops that refuse ---- */

static const char *defer_first(const struct hop_step *step)
{
    return strcmp(step->verb, "RCPT") == 0 && step->message == 1 ? "451 4.7.1 Greylisted" : "";
}

START_TEST(deferral_is_tried_again)
{
    open_world(to_host, defer_first, NULL);
    ident message = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_rows(TRACKING_DEFERRED, message) == 1);
    char name[40];
    snprintf(name, sizeof name, "127.0.0.1:%u", hop_port(hop));
    struct delivery_queue queue;
    ck_assert(world_queue(name, &queue));
    ck_assert_int_eq(queue.state, DELIVERY_RETRY);
    ck_assert_str_eq(queue.last_error, "451 4.7.1 Greylisted");
    ck_assert_uint_eq(queue.messages, 1);
    ck_assert_int_gt(queue.next_retry_ms, 0);
    WORLD_WAIT(world_waiting() == 0);
    check_history(message, "routed deferred delivered");
    ck_assert_str_eq(world_reply(TRACKING_DEFERRED, message), "451 4.7.1 Greylisted");
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_FAILED), 0);
    close_world();
}
END_TEST

static const char *refuse_sales(const struct hop_step *step)
{
    bool refused = strcmp(step->verb, "RCPT") == 0 && strstr(step->argument, "sales") != NULL;
    return refused ? "550 5.2.1 Mailbox disabled" : "";
}

START_TEST(refused_recipient_goes_to_badmail_and_the_other_arrives)
{
    open_world(to_host, refuse_sales, NULL);
    ident message = world_send("", "info@example.test sales@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_str_eq(hop_get(hop, 0)->recipients, "TO:<info@example.test>\n");
    ck_assert_int_eq(world_rows(TRACKING_DELIVERED, message), 1);
    ck_assert_int_eq(world_rows(TRACKING_FAILED, message), 1);
    ck_assert_int_eq(world_rows(TRACKING_BADMAIL, message), 1);
    ck_assert_str_eq(world_reply(TRACKING_FAILED, message), "550 5.2.1 Mailbox disabled");
    ck_assert_int_eq(world_files("Badmail", ".eml"), 1);
    char *text = world_file("Badmail", ".eml");
    char expected[200];
    snprintf(expected, sizeof expected, "X-Sender: <>\r\nX-Receiver: sales@example.test\r\n%s",
             content);
    ck_assert_str_eq(text, expected);
    memory_free(text);
    text = world_file("Badmail", ".txt");
    ck_assert_ptr_nonnull(strstr(text, "Reason:      550 5.2.1 Mailbox disabled\r\n"));
    memory_free(text);
    close_world();
}
END_TEST

static const char *refuse_mail(const struct hop_step *step)
{
    return strcmp(step->verb, "MAIL") == 0 && step->message == 1 ? "552 5.3.4 Too large" : "";
}

START_TEST(refused_message_goes_to_badmail_whole)
{
    open_world(to_host, refuse_mail, NULL);
    ident first = world_send("eve@example.net", "a@example.test b@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    check_history(first, "routed routed failed failed badmail badmail");
    ck_assert_int_eq(world_files("Badmail", ".eml"), 1);
    ident second = world_send("eve@example.net", "a@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    check_history(second, "routed delivered");
    ck_assert_int_eq(hop_connections(hop), 1);
    close_world();
}
END_TEST

static const char *take_two(const struct hop_step *step)
{
    return strcmp(step->verb, "RCPT") == 0 && step->recipient > 2 ? "452 4.5.3 Too many" : "";
}

START_TEST(too_many_recipients_go_in_further_transactions)
{
    open_world(to_host, take_two, NULL);
    ident message = world_send(
        "eve@example.net",
        "a@example.test b@example.test c@example.test d@example.test e@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 3);
    ck_assert_int_eq(world_rows(TRACKING_DEFERRED, message), 0);
    ck_assert_int_eq(world_rows(TRACKING_DELIVERED, message), 5);
    close_world();
}
END_TEST

START_TEST(no_route_goes_to_badmail_at_once)
{
    open_world(to_host, NULL, NULL);
    ident message = world_send("eve@example.net", "info@example.test x@far.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(world_rows(TRACKING_DELIVERED, message), 1);
    ck_assert_int_eq(world_rows(TRACKING_FAILED, message), 1);
    ck_assert_ptr_nonnull(strstr(world_reply(TRACKING_FAILED, message), "5.4.4"));
    ck_assert_int_eq(world_files("Badmail", ".txt"), 1);
    close_world();
}
END_TEST

static const char *defer_all(const struct hop_step *step)
{
    return strcmp(step->verb, "RCPT") == 0 ? "450 4.2.0 Not today" : "";
}

START_TEST(expired_message_has_one_more_attempt)
{
    open_world(to_host, defer_all, NULL);
    ident message = world_send("eve@example.net", "info@example.test", content, 1000000);
    WORLD_WAIT(world_waiting() == 0);
    check_history(message, "routed expired badmail");
    ck_assert_str_eq(world_reply(TRACKING_EXPIRED, message), "450 4.2.0 Not today");
    char *text = world_file("Badmail", ".txt");
    ck_assert_ptr_nonnull(strstr(text, "expired: "));
    memory_free(text);
    close_world();
}
END_TEST

START_TEST(badmail_that_cannot_be_written_keeps_the_message)
{
    open_world(to_host, refuse_mail, NULL);
    char *in_the_way = path_join(world_folder(), "Badmail");
    file_close(file_create(in_the_way, NULL));
    ident message = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_events(EVENT_BADMAIL_FAILED) == 1);
    ck_assert_uint_eq(world_waiting(), 1);
    ck_assert_int_eq(world_rows(TRACKING_BADMAIL, message), 0);
    /* The next hop has changed its mind. */
    WORLD_WAIT(world_waiting() == 0);
    check_history(message, "routed failed delivered");
    file_delete(in_the_way, NULL);
    memory_free(in_the_way);
    close_world();
}
END_TEST

/* ---- next hops that misbehave ---- */

static const char *close_in_content(const struct hop_step *step)
{
    return strcmp(step->verb, "CONTENT") == 0 && step->message <= 2 ? NULL : "";
}

START_TEST(closed_in_the_content_is_tried_again)
{
    open_world(to_host, close_in_content, NULL);
    ident message = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    check_history(message, "routed deferred deferred delivered");
    ck_assert_ptr_nonnull(strstr(world_reply(TRACKING_DEFERRED, message),
                                 "before the next hop answered to the end of the message"));
    close_world();
}
END_TEST

static const char *one_for_each_connection(const struct hop_step *step)
{
    bool second = strcmp(step->verb, "MAIL") == 0 && step->message % 2 == 0;
    return second ? "421 4.7.0 One message for each connection" : "";
}

START_TEST(farewell_between_messages_is_no_failure)
{
    open_world(one_connection, one_for_each_connection, NULL);
    world_send_many(5);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 5);
    ck_assert_int_eq(hop_connections(hop), 5);
    ck_assert_int_eq(world_rows(TRACKING_DEFERRED, 0), 0);
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_FAILED), 0);
    close_world();
}
END_TEST

static const char *close_at_the_second(const struct hop_step *step)
{
    return strcmp(step->verb, "MAIL") == 0 && step->message % 2 == 0 ? NULL : "";
}

/* The reply to the first message is lost with the connection. That happens once, not for ever. */
START_TEST(next_hop_that_hangs_up_after_a_message_gets_them_one_by_one)
{
    open_world(one_connection, close_at_the_second, NULL);
    world_send_many(5);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 6);
    ck_assert_int_eq(world_rows(TRACKING_DELIVERED, 0), 5);
    WORLD_WAIT(world_events(EVENT_NEXT_HOP_FAILED) == 1);
    close_world();
}
END_TEST

static const char *talk_nonsense(const struct hop_step *step)
{
    return step->connection == 1 && strcmp(step->verb, "DATA") == 0 ? "ready when you are" : "";
}

START_TEST(nonsense_is_a_temporary_failure)
{
    open_world(to_host, talk_nonsense, NULL);
    ident message = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    check_history(message, "routed deferred delivered");
    close_world();
}
END_TEST

static const char *be_busy(const struct hop_step *step)
{
    return step->connection <= 1 && strcmp(step->verb, "CONNECT") == 0 ? "421 4.3.2 Busy" : "";
}

START_TEST(busy_next_hop_is_an_outage)
{
    open_world(to_host, be_busy, NULL);
    ident message = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    check_history(message, "routed deferred delivered");
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_FAILED), 1);
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_RECOVERED), 1);
    close_world();
}
END_TEST

static const char *be_silent(const struct hop_step *step)
{
    return strcmp(step->verb, "CONTENT") == 0 && step->message == 1 ? HOP_SILENT : "";
}

START_TEST(stop_hangs_up_on_a_silent_next_hop_and_the_message_is_kept)
{
    open_world(to_host, be_silent, NULL);
    ident message = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(hop_heard(hop, "CONTENT") == 1);
    world_restart(100);
    WORLD_WAIT(world_waiting() == 0);
    check_history(message, "routed delivered");
    ck_assert_int_eq(hop_count(hop), 1);
    close_world();
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("delivery");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, message_arrives_as_it_was_sent);
    tcase_add_test(tests, connections_serve_twenty_messages_and_end_when_idle);
    tcase_add_test(tests, many_messages_arrive_once_each);
    tcase_add_test(tests, large_message_streams);
    tcase_add_test(tests, recipients_are_split_by_the_limit);
    tcase_add_test(tests, deferral_is_tried_again);
    tcase_add_test(tests, refused_recipient_goes_to_badmail_and_the_other_arrives);
    tcase_add_test(tests, refused_message_goes_to_badmail_whole);
    tcase_add_test(tests, too_many_recipients_go_in_further_transactions);
    tcase_add_test(tests, no_route_goes_to_badmail_at_once);
    tcase_add_test(tests, expired_message_has_one_more_attempt);
    tcase_add_test(tests, badmail_that_cannot_be_written_keeps_the_message);
    tcase_add_test(tests, closed_in_the_content_is_tried_again);
    tcase_add_test(tests, farewell_between_messages_is_no_failure);
    tcase_add_test(tests, next_hop_that_hangs_up_after_a_message_gets_them_one_by_one);
    tcase_add_test(tests, nonsense_is_a_temporary_failure);
    tcase_add_test(tests, busy_next_hop_is_an_outage);
    tcase_add_test(tests, stop_hangs_up_on_a_silent_next_hop_and_the_message_is_kept);
    Suite *suite = suite_create("delivery");
    suite_add_tcase(suite, tests);
    return suite;
}
