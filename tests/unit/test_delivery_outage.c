/* rooms: delivery ndr smtp spool tracking net config base platform */
/* with: delivery_world.c smtp_hop.c spool_world.c platform_folder.c */
/* Destinations that cannot be reached, come back, or are given up for another; the drop folder. */
#include "unit.h"

#include "base/memory.h"
#include "delivery_world.h"
#include "platform/file.h"
#include "smtp_hop.h"

#include <stdio.h>

#define RETRY "\"retry\": {\"glitch_count\": 50, \"glitch_interval\": 1}"
#define HOST                                                                                       \
    "{\"accepted_domains\": [{\"domain\": \"example.test\", \"deliver_to\": \"host\","             \
    " \"host\": \"127.0.0.1\", \"port\": %u}, {\"domain\": \"drop.test\"}], "

static const char quick[] = HOST RETRY "}";
static const char slow[] = HOST "\"retry\": {\"glitch_count\": 0}}";
static const char to_drop[] =
    "{\"accepted_domains\": [{\"domain\": \"example.test\"}, {\"domain\": \"other.test\"}], " RETRY
    "}";
static const char content[] = "Return-Path: <forged@example.net>\r\nSubject: a\r\n\r\nText\r\n";

static char name[40];

static void name_port(uint16_t port)
{
    snprintf(name, sizeof name, "127.0.0.1:%u", port);
}

START_TEST(next_hop_that_is_away_and_comes_back)
{
    uint16_t port = hop_free_port();
    name_port(port);
    world_open(quick, port);
    ident first = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_events(EVENT_NEXT_HOP_FAILED) == 1);
    ident second = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_rows(TRACKING_DEFERRED, second) == 1);
    ck_assert_ptr_nonnull(strstr(world_event_text(EVENT_NEXT_HOP_FAILED), "Mail for example.test"));
    ck_assert_ptr_nonnull(strstr(world_event_text(EVENT_NEXT_HOP_FAILED), name));

    struct delivery_queue queue;
    ck_assert(world_queue(name, &queue));
    ck_assert_int_eq(queue.state, DELIVERY_RETRY);
    ck_assert_uint_eq(queue.messages, 2);
    ck_assert_uint_eq(queue.recipients, 2);
    ck_assert_uint_eq(queue.bytes, 2 * strlen(content));
    ck_assert_int_gt(queue.oldest_ms, 0);
    ck_assert_int_gt(queue.next_retry_ms, queue.oldest_ms);
    ck_assert_str_ne(queue.last_error, "");

    struct hop *hop = hop_open(port, NULL, NULL);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 2);
    ck_assert_int_eq(world_rows(TRACKING_DEFERRED, first), 1);
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_FAILED), 1);
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_RECOVERED), 1);
    ck_assert(world_queue(name, &queue));
    ck_assert_int_eq(queue.state, DELIVERY_READY);
    ck_assert_str_eq(queue.last_error, "");
    world_close();
    hop_close(hop);
}
END_TEST

START_TEST(retry_now_does_not_wait)
{
    uint16_t port = hop_free_port();
    name_port(port);
    world_open(slow, port);
    world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_events(EVENT_NEXT_HOP_FAILED) == 1);
    struct hop *hop = hop_open(port, NULL, NULL);
    delivery_retry_now(world_delivery(), "127.0.0.1:1");
    ck_assert_int_eq(hop_connections(hop), 0);
    delivery_retry_now(world_delivery(), name);
    WORLD_WAIT(world_waiting() == 0);
    world_close();
    hop_close(hop);
}
END_TEST

static const char *defer_first(const struct hop_step *step)
{
    return strcmp(step->verb, "MAIL") == 0 && step->message == 1 ? "451 4.3.0 Later" : "";
}

START_TEST(retry_now_wakes_what_waits)
{
    struct hop *hop = hop_open(0, defer_first, NULL);
    world_open(slow, hop_port(hop));
    world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_rows(TRACKING_DEFERRED, 0) == 1);
    delivery_retry_now(world_delivery(), NULL);
    WORLD_WAIT(world_waiting() == 0);
    world_close();
    hop_close(hop);
}
END_TEST

START_TEST(restart_takes_up_what_waits)
{
    struct hop *hop = hop_open(0, defer_first, NULL);
    uint16_t away = hop_free_port();
    world_open(slow, away);
    for (int i = 0; i < 10; i++)
        world_send("eve@example.net", "a@example.test b@example.test", content, 0);
    WORLD_WAIT(world_events(EVENT_NEXT_HOP_FAILED) == 1);
    world_restart(1000);
    ck_assert_uint_eq(world_waiting(), 10);
    /* An outage does not outlive a restart, and neither does it count as an attempt of each
     * message. */
    WORLD_WAIT(world_events(EVENT_NEXT_HOP_FAILED) == 2);
    world_change(slow, hop_port(hop));
    WORLD_WAIT(world_waiting() == 1);
    ck_assert_int_eq(hop_count(hop), 9);
    ck_assert_str_eq(hop_get(hop, 0)->recipients, "TO:<a@example.test>\nTO:<b@example.test>\n");

    /* The one that was deferred keeps its time. */
    world_restart(1000);
    name_port(hop_port(hop));
    struct delivery_queue queue;
    ck_assert(world_queue(name, &queue));
    ck_assert_int_eq(queue.state, DELIVERY_RETRY);
    ck_assert_uint_eq(queue.messages, 1);
    delivery_retry_now(world_delivery(), NULL);
    WORLD_WAIT(world_waiting() == 0);
    world_close();
    hop_close(hop);
}
END_TEST

START_TEST(other_settings_find_another_way)
{
    struct hop *hop = hop_open(0, NULL, NULL);
    uint16_t away = hop_free_port();
    world_open(slow, away);
    ident message = world_send("eve@example.net", "info@example.test x@drop.test", content, 0);
    WORLD_WAIT(world_events(EVENT_NEXT_HOP_FAILED) == 1 &&
               world_rows(TRACKING_DELIVERED, message) == 1);
    world_change(slow, hop_port(hop));
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 1);
    name_port(away);
    struct delivery_queue queue;
    ck_assert(!world_queue(name, &queue));
    world_close();
    hop_close(hop);
}
END_TEST

START_TEST(messages_expire_in_an_outage)
{
    world_open(quick, hop_free_port());
    ident old = world_send("eve@example.net", "info@example.test", content, 1000000);
    ident young = world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_rows(TRACKING_BADMAIL, old) == 1);
    ck_assert_int_eq(world_rows(TRACKING_EXPIRED, old), 1);
    ck_assert_int_eq(world_rows(TRACKING_EXPIRED, young), 0);
    WORLD_WAIT(world_waiting() == 1);
    world_close();
}
END_TEST

static const char *let_two_in(const struct hop_step *step)
{
    return strcmp(step->verb, "CONNECT") == 0 && step->connection > 2
               ? "421 4.7.0 Too many connections"
               : "";
}

START_TEST(full_next_hop_is_no_outage)
{
    struct hop *hop = hop_open(0, let_two_in, NULL);
    world_open("{\"accepted_domains\": [{\"domain\": \"example.test\", \"deliver_to\": \"host\","
               " \"host\": \"127.0.0.1\", \"port\": %u}], \"outbound\": "
               "{\"messages_per_connection\": 0}, " RETRY "}",
               hop_port(hop));
    world_send_many(1000);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(hop_count(hop), 1000);
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_FAILED), 0);
    world_close();
    hop_close(hop);
}
END_TEST

/* ---- drop folder ---- */

START_TEST(drop_file_has_the_envelope_on_top)
{
    world_open(to_drop, 0);
    ident message = world_send("eve@example.net",
                               "info@example.test sales@EXAMPLE.test x@other.test", content, 0);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(world_files("Drop", ".eml"), 2);
    ck_assert_int_eq(world_files("Drop", ""), 2);
    ck_assert_int_eq(world_rows(TRACKING_DELIVERED, message), 3);
    char ident_text[IDENT_TEXT_SIZE];
    char file[60];
    ident_format(message, ident_text);
    snprintf(file, sizeof file, "%s-2.eml", ident_text);
    ck_assert_int_eq(world_files("Drop", file), 1);
    bool found = false;
    for (int number = 1; number <= 2; number++) {
        snprintf(file, sizeof file, "%s-%d.eml", ident_text, number);
        char *text = world_file("Drop", file);
        found = found ||
                strcmp(text, "X-Sender: eve@example.net\r\nX-Receiver: info@example.test\r\n"
                             "X-Receiver: sales@EXAMPLE.test\r\nReturn-Path: <eve@example.net>\r\n"
                             "Subject: a\r\n\r\nText\r\n") == 0;
        memory_free(text);
    }
    ck_assert(found);
    world_close();
}
END_TEST

START_TEST(drop_folder_that_cannot_be_written)
{
    world_open(to_drop, 0);
    char *in_the_way = path_join(world_folder(), "Drop");
    file_close(file_create(in_the_way, NULL));
    for (int i = 0; i < 5; i++)
        world_send("eve@example.net", "info@example.test", content, 0);
    WORLD_WAIT(world_events(EVENT_DROP_FAILED) == 1);
    ck_assert_uint_eq(world_waiting(), 5);
    struct delivery_queue queue;
    ck_assert(world_queue("drop:example.test", &queue));
    ck_assert(queue.is_drop);
    ck_assert_int_eq(queue.state, DELIVERY_RETRY);
    file_delete(in_the_way, NULL);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(world_files("Drop", ".eml"), 5);
    ck_assert_int_eq(world_events(EVENT_DROP_FAILED), 1);
    ck_assert_int_eq(world_events(EVENT_NEXT_HOP_RECOVERED), 1);
    memory_free(in_the_way);
    world_close();
}
END_TEST

START_TEST(many_drop_files)
{
    world_open(to_drop, 0);
    world_send_many(300);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(world_files("Drop", ".eml"), 300);
    world_close();
}
END_TEST

/* Stopped in the middle, whatever was not written is written after the next start, and nothing is
 * lost. */
START_TEST(stop_in_the_middle_of_many_drop_files)
{
    world_open(to_drop, 0);
    world_send_many(300);
    world_restart(1000);
    WORLD_WAIT(world_waiting() == 0);
    ck_assert_int_eq(world_files("Drop", ".eml"), 300);
    world_close();
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("outage");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, next_hop_that_is_away_and_comes_back);
    tcase_add_test(tests, retry_now_does_not_wait);
    tcase_add_test(tests, retry_now_wakes_what_waits);
    tcase_add_test(tests, restart_takes_up_what_waits);
    tcase_add_test(tests, other_settings_find_another_way);
    tcase_add_test(tests, messages_expire_in_an_outage);
    tcase_add_test(tests, full_next_hop_is_no_outage);
    tcase_add_test(tests, drop_file_has_the_envelope_on_top);
    tcase_add_test(tests, drop_folder_that_cannot_be_written);
    tcase_add_test(tests, many_drop_files);
    tcase_add_test(tests, stop_in_the_middle_of_many_drop_files);
    Suite *suite = suite_create("delivery outage");
    suite_add_tcase(suite, tests);
    return suite;
}
