/* rooms: tracking platform base */
/* with: tracking_world.c fault_vfs.c */
/* Floods, old records, a full queue, and a disk that fails. */
#include "unit.h"

#include "fault_vfs.h"
#include "platform/clock.h"
#include "tracking_world.h"

#include <stdio.h>

#define MINUTE INT64_C(60000000)
#define NOON   (INT64_C(29666666) * MINUTE)
#define DAY_US INT64_C(86400000000)

static void set_up(void)
{
    fault_vfs_set(FAULT_NONE, 0);
    world_set_up();
}

static void tear_down(void)
{
    fault_vfs_set(FAULT_NONE, 0);
    world_tear_down();
}

/* ---- floods ---- */

static void limit_refusals(uint32_t listed, uint32_t sources)
{
    struct tracking_options options = world_options();
    options.refusals_per_minute = listed;
    options.sources_per_minute = sources;
    tracking_set_options(tracking, &options);
}

static void refuse(unsigned count, const char *client, const char *reason, int64_t time_us)
{
    for (unsigned i = 0; i < count; i++) {
        struct tracking_record record = {.time_us = time_us + i,
                                         .event = TRACKING_RECIPIENT_REFUSED,
                                         .message = 5,
                                         .recipient = "nobody@example.test",
                                         .client = client,
                                         .reason = reason};
        tracking_write(tracking, &record);
    }
}

/* Listed rows of a client and what its counted rows say. */
static void check_refusals(const char *client, const char *reason, unsigned listed,
                           unsigned counted_rows, unsigned counted)
{
    unsigned found_listed = 0;
    unsigned found_rows = 0;
    unsigned found_counted = 0;
    search((struct tracking_query){.events = 1 << TRACKING_RECIPIENT_REFUSED});
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].client, client) != 0 || strcmp(rows[i].reason, reason) != 0)
            continue;
        if (rows[i].message != 0) {
            found_listed++;
        } else {
            found_rows++;
            found_counted += (unsigned)rows[i].count;
        }
    }
    ck_assert_uint_eq(found_listed, listed);
    ck_assert_uint_eq(found_rows, counted_rows);
    ck_assert_uint_eq(found_counted, counted);
}

START_TEST(counts_what_is_beyond_the_limit)
{
    limit_refusals(5, 100);
    refuse(1000, "192.0.2.1", "recipient-unknown", NOON);
    refuse(3, "192.0.2.2", "recipient-unknown", NOON);
    flush();
    /* All are of one message, whose facts have one client: the last that was listed. */
    search((struct tracking_query){.events = 1 << TRACKING_RECIPIENT_REFUSED});
    ck_assert_uint_eq(row_count, 5 + 3 + 1);
    check_refusals("192.0.2.1", "recipient-unknown", 0, 1, 995);
    check_refusals("192.0.2.2", "recipient-unknown", 8, 0, 0);
}
END_TEST

START_TEST(counts_reasons_apart)
{
    limit_refusals(5, 100);
    refuse(10, "192.0.2.1", "recipient-unknown", NOON);
    refuse(7, "192.0.2.1", "relaying", NOON);
    flush();
    check_refusals("192.0.2.1", "recipient-unknown", 5, 1, 5);
    check_refusals("192.0.2.1", "relaying", 0, 1, 7);
}
END_TEST

START_TEST(adds_to_the_row_of_the_minute)
{
    limit_refusals(1, 100);
    for (int i = 0; i < 4; i++) {
        refuse(10, "192.0.2.1", "recipient-unknown", NOON + i);
        flush();
    }
    check_refusals("192.0.2.1", "recipient-unknown", 1, 1, 39);
}
END_TEST

START_TEST(each_minute_begins_anew)
{
    limit_refusals(5, 100);
    refuse(20, "192.0.2.1", "recipient-unknown", NOON);
    refuse(20, "192.0.2.1", "recipient-unknown", NOON + MINUTE);
    refuse(4, "192.0.2.1", "recipient-unknown",
           NOON + MINUTE - 10); /* late: counted in the new one */
    refuse(20, "192.0.2.1", "recipient-unknown", NOON + 5 * MINUTE);
    flush();
    check_refusals("192.0.2.1", "recipient-unknown", 15, 3, 15 + 19 + 15);
    /* The clock was set back. */
    refuse(6, "192.0.2.1", "recipient-unknown", NOON - 60 * MINUTE);
    flush();
    check_refusals("192.0.2.1", "recipient-unknown", 20, 4, 50);
}
END_TEST

START_TEST(bounds_the_number_of_sources)
{
    limit_refusals(5, 3);
    char client[24];
    for (int i = 0; i < 10; i++) {
        snprintf(client, sizeof client, "192.0.2.%d", i);
        struct tracking_record record = {.time_us = NOON + i,
                                         .event = TRACKING_RECIPIENT_REFUSED,
                                         .message = 10 + (ident)i,
                                         .client = client,
                                         .reason = "recipient-unknown"};
        tracking_write(tracking, &record);
        tracking_write(tracking, &record);
    }
    flush();
    check_refusals("192.0.2.2", "recipient-unknown", 2, 0, 0);
    check_refusals("192.0.2.3", "recipient-unknown", 0, 0, 0);
    check_refusals("other", "recipient-unknown", 0, 1, 14);
}
END_TEST

START_TEST(events_that_are_no_refusals_are_never_counted)
{
    limit_refusals(1, 1);
    for (int i = 0; i < 50; i++)
        put(TRACKING_DEFERRED, 1, NOON + i, "x");
    flush();
    search((struct tracking_query){0});
    ck_assert_uint_eq(row_count, 50);
}
END_TEST

START_TEST(closing_writes_records_and_counts)
{
    struct tracking_options options = world_options();
    limit_refusals(1, 10);
    refuse(10, "192.0.2.1", "recipient-unknown", NOON);
    put(TRACKING_STORED, 1, NOON, "x");
    world_close();
    world_open(&options);
    search((struct tracking_query){0});
    ck_assert_uint_eq(row_count, 3);
    check_refusals("192.0.2.1", "recipient-unknown", 1, 1, 9);
}
END_TEST

/* ---- expiry ---- */

static bool number_becomes(const char *sql, long long number)
{
    int64_t until = clock_monotonic_ms() + 20000;
    while (world_number(sql) != number && clock_monotonic_ms() < until)
        flush();
    return world_number(sql) == number;
}

START_TEST(removes_what_is_too_old)
{
    int64_t now = clock_unix_us();
    struct tracking_options options = world_options();
    for (int i = 0; i < 5000; i++) {
        struct tracking_record record = {.time_us = now - 40 * DAY_US + i,
                                         .event = TRACKING_RECEIVED,
                                         .message = 100 + (ident)i,
                                         .sender = "old@example.org",
                                         .recipient = "r@example.test"};
        tracking_write(tracking, &record);
    }
    struct tracking_record kept = {.time_us = now - 29 * DAY_US,
                                   .event = TRACKING_RECEIVED,
                                   .message = 6000,
                                   .sender = "old@example.org",
                                   .reply = "kept"};
    tracking_write(tracking, &kept);
    put(TRACKING_EXPIRED, 101, now, "late"); /* a message of old, but an event of today */
    flush();
    world_close();

    options.keep_days = 30;
    world_open(&options);
    ck_assert(number_becomes("SELECT count(*) FROM event", 2));
    search((struct tracking_query){.sender = "old@example.org"});
    ck_assert_str_eq(labels(), "late kept");
    ck_assert_int_eq(world_number("SELECT count(*) FROM bucket"), 2);

    /* When that is old too, all of the bucket goes. */
    ck_assert_int_eq(world_number("SELECT count(*) FROM facts"), 5001);
    put(TRACKING_DELIVERED, 101, now, "late too");
    put(TRACKING_STORED, 7000, now + 2 * DAY_US, "new");
    flush();
    options.keep_days = 0;
    tracking_set_options(tracking, &options);
    ck_assert(number_becomes("SELECT count(*) FROM bucket", 1));
    ck_assert_int_eq(world_number("SELECT count(*) FROM facts"), 1);
    ck_assert_int_eq(world_number("SELECT count(*) FROM lookup"), 0);

    /* What was forgotten in the file is not taken for known. */
    put(TRACKING_DELIVERED, 101, now + 2 * DAY_US, "again");
    flush();
    search((struct tracking_query){.message = 101});
    ck_assert_str_eq(labels(), "again");
}
END_TEST

/* ---- a queue that is full ---- */

START_TEST(drops_and_counts_when_the_queue_is_full)
{
    struct tracking_options options = world_options();
    options.queue_records = 10;
    tracking_set_options(tracking, &options);
    for (int i = 0; i < 1000; i++)
        put(TRACKING_STORED, 1, NOON + i, "x");
    flush();
    search((struct tracking_query){0});
    ck_assert_uint_ge(row_count, 10);
    ck_assert_uint_eq(row_count + tracking_dropped(tracking), 1000);
    flush();
    ck_assert_uint_eq(world_events_seen(EVENT_TRACKING_FAILED), 1);
    ck_assert_uint_eq(world_events_seen(EVENT_TRACKING_RECOVERED), 1);
    char lost[24];
    snprintf(lost, sizeof lost, "%llu", (unsigned long long)tracking_dropped(tracking));
    ck_assert_str_eq(world_last_insert(), lost);
}
END_TEST

/* ---- a file that cannot be written ---- */

START_TEST(says_why_it_cannot_open)
{
    struct tracking_options options = world_options();
    struct error error = {0};
    ck_assert_ptr_null(tracking_open("no_such_folder/tracking.db", &options, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no_such_folder"));
}
END_TEST

START_TEST(keeps_records_while_the_file_cannot_be_written)
{
    put(TRACKING_STORED, 1, NOON, "before");
    flush();
    fault_vfs_set(FAULT_IO_ERROR, 1);
    put(TRACKING_STORED, 2, NOON + 1, "first");
    ck_assert(!tracking_flush(tracking, 300));
    put(TRACKING_STORED, 3, NOON + 2, "second");
    ck_assert(!tracking_flush(tracking, 1500));
    ck_assert_uint_eq(world_events_seen(EVENT_TRACKING_FAILED), 1);
    ck_assert_uint_eq(world_events_seen(EVENT_TRACKING_RECOVERED), 0);
    fault_vfs_set(FAULT_NONE, 0);
    flush();
    search((struct tracking_query){0});
    ck_assert_str_eq(labels(), "second first before");
    ck_assert_uint_eq(world_events_seen(EVENT_TRACKING_FAILED), 1);
    ck_assert_uint_eq(world_events_seen(EVENT_TRACKING_RECOVERED), 1);
    ck_assert_str_eq(world_last_insert(), "0");
    ck_assert_uint_eq(tracking_dropped(tracking), 0);
}
END_TEST

START_TEST(closes_although_the_file_cannot_be_written)
{
    struct tracking_options options = world_options();
    put(TRACKING_STORED, 1, NOON, "before");
    flush();
    fault_vfs_set(FAULT_IO_ERROR, 1);
    put(TRACKING_STORED, 2, NOON + 1, "lost");
    world_close();
    fault_vfs_set(FAULT_NONE, 0);
    world_open(&options);
    search((struct tracking_query){0});
    ck_assert_str_eq(labels(), "before");
}
END_TEST

Suite *unit_suite(void)
{
    world_path = "unit_tracking_limits.db";
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, counts_what_is_beyond_the_limit);
    tcase_add_test(tests, counts_reasons_apart);
    tcase_add_test(tests, adds_to_the_row_of_the_minute);
    tcase_add_test(tests, each_minute_begins_anew);
    tcase_add_test(tests, bounds_the_number_of_sources);
    tcase_add_test(tests, events_that_are_no_refusals_are_never_counted);
    tcase_add_test(tests, closing_writes_records_and_counts);
    tcase_add_test(tests, removes_what_is_too_old);
    tcase_add_test(tests, drops_and_counts_when_the_queue_is_full);
    tcase_add_test(tests, says_why_it_cannot_open);
    tcase_add_test(tests, keeps_records_while_the_file_cannot_be_written);
    tcase_add_test(tests, closes_although_the_file_cannot_be_written);
    Suite *suite = suite_create("tracking limits");
    suite_add_tcase(suite, tests);
    return suite;
}
