/* rooms: tracking platform base */
/* with: tracking_world.c */
/* Records are written, found and followed. */
#include "unit.h"

#include "platform/thread.h"
#include "tracking/condition.h"
#include "tracking/newest.h"
#include "tracking_world.h"

#define NOON INT64_C(1780000000000000) /* a time, microseconds */
#define DAY  INT64_C(86400000000)

/* ---- fields ---- */

static void check_full_row(void *user, const struct tracking_row *row)
{
    const struct tracking_record *record = &row->record;
    ck_assert_int_eq(record->time_us, NOON);
    ck_assert_int_eq(record->event, TRACKING_DELIVERED);
    ck_assert_uint_eq(record->session, 11);
    ck_assert_uint_eq(record->message, UINT64_C(0x7fffffffffffffff));
    ck_assert_str_eq(record->message_id, "<one@example.org>");
    ck_assert_str_eq(record->sender, "Sender@example.org");
    ck_assert_str_eq(record->recipient, "j\xc3\xb6rg@example.test");
    ck_assert_str_eq(record->client, "2001:db8::1");
    ck_assert_str_eq(record->helo, "client.example.org");
    ck_assert_str_eq(record->destination, "mail.example.test:25");
    ck_assert_str_eq(record->reply, "250 2.0.0 queued");
    ck_assert_str_eq(record->reason, "rule");
    ck_assert_str_eq(record->subject, "It's a \"test\"");
    ck_assert_uint_eq(record->size, 123456789012);
    ck_assert_uint_eq(row->count, 1);
    ++*(int *)user;
}

static void check_empty_row(void *user, const struct tracking_row *row)
{
    const struct tracking_record *record = &row->record;
    ck_assert_int_gt(record->time_us, NOON / 2);
    ck_assert_uint_eq(record->session, 0);
    ck_assert_uint_eq(record->message, 0);
    ck_assert_str_eq(record->message_id, "");
    ck_assert_str_eq(record->sender, "");
    ck_assert_str_eq(record->recipient, "");
    ck_assert_str_eq(record->client, "");
    ck_assert_str_eq(record->helo, "");
    ck_assert_str_eq(record->destination, "");
    ck_assert_str_eq(record->reply, "");
    ck_assert_str_eq(record->reason, "");
    ck_assert_str_eq(record->subject, "");
    ck_assert_uint_eq(record->size, 0);
    ++*(int *)user;
}

static const struct tracking_record full = {
    .time_us = NOON,
    .event = TRACKING_DELIVERED,
    .session = 11,
    .message = UINT64_C(0x7fffffffffffffff),
    .message_id = "<one@example.org>",
    .sender = "Sender@example.org",
    .recipient = "j\xc3\xb6rg@example.test",
    .client = "2001:db8::1",
    .helo = "client.example.org",
    .destination = "mail.example.test:25",
    .reply = "250 2.0.0 queued",
    .reason = "rule",
    .subject = "It's a \"test\"",
    .size = 123456789012,
};

START_TEST(every_field_comes_back)
{
    struct tracking_query query = {.limit = 10};
    struct error error = {0};
    char next[32] = "x";
    int seen = 0;
    tracking_write(tracking, &full);
    flush();
    ck_assert_msg(tracking_search(reader, &query, check_full_row, &seen, next, sizeof next, &error),
                  "%s", error.text);
    ck_assert_int_eq(seen, 1);
    ck_assert_str_eq(next, "");
}
END_TEST

START_TEST(fields_may_be_empty)
{
    struct tracking_query query = {.limit = 10};
    char next[32];
    int seen = 0;
    tracking_write(tracking, &(struct tracking_record){.event = TRACKING_CONNECTION_REFUSED});
    flush();
    ck_assert(tracking_search(reader, &query, check_empty_row, &seen, next, sizeof next, NULL));
    ck_assert_int_eq(seen, 1);
}
END_TEST

START_TEST(events_of_a_message_share_its_facts)
{
    struct tracking_query query = {.limit = 10};
    char next[32];
    int seen = 0;
    struct tracking_record later = {.time_us = NOON,
                                    .event = TRACKING_DELIVERED,
                                    .message = full.message,
                                    .recipient = full.recipient,
                                    .destination = full.destination,
                                    .reply = full.reply,
                                    .reason = full.reason};
    /* First what is known at MAIL, then the rest, then an event that repeats nothing. */
    put(TRACKING_RECIPIENT_REFUSED, full.message, NOON - 5, "550");
    struct tracking_record stored = full;
    stored.event = TRACKING_STORED;
    tracking_write(tracking, &stored);
    flush();
    tracking_write(tracking, &later);
    flush();
    query.events = 1 << TRACKING_DELIVERED;
    ck_assert(tracking_search(reader, &query, check_full_row, &seen, next, sizeof next, NULL));
    ck_assert_int_eq(seen, 1);

    /* The same from a writer that has forgotten. */
    struct tracking_options options = world_options();
    world_close();
    world_open(&options);
    tracking_write(tracking, &later);
    flush();
    seen = 0;
    ck_assert(tracking_search(reader, &query, check_full_row, &seen, next, sizeof next, NULL));
    ck_assert_int_eq(seen, 2);
    search((struct tracking_query){.sender = full.sender});
    ck_assert_uint_eq(row_count, 4);
    ck_assert_int_eq(world_number("SELECT count(*) FROM facts"), 1);
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    char subject[1100];
    memset(subject, 'x', sizeof subject);
    memcpy(subject + 998, "\xe2\x82\xac", 3); /* ends at 1001 */
    subject[sizeof subject - 1] = '\0';
    struct tracking_record record = {.event = TRACKING_STORED, .message = 1, .subject = subject};
    tracking_write(tracking, &record);
    flush();
    ck_assert_int_eq(world_number("SELECT length(CAST(subject AS BLOB)) FROM facts"), 998);
}
END_TEST

START_TEST(subjects_can_be_left_out)
{
    struct tracking_options options = world_options();
    options.subjects = false;
    tracking_set_options(tracking, &options);
    tracking_write(tracking, &full);
    flush();
    ck_assert_int_eq(world_number("SELECT subject = '' FROM facts"), 1);
}
END_TEST

START_TEST(events_have_names)
{
    for (int i = TRACKING_CONNECTION_REFUSED; i <= TRACKING_BADMAIL; i++) {
        const char *name = tracking_event_name((enum tracking_event)i);
        ck_assert_ptr_nonnull(name);
        ck_assert_int_eq(tracking_event_of_name(view_of_text(name)), i);
    }
    ck_assert_str_eq(tracking_event_name(TRACKING_RECIPIENT_REFUSED), "recipient-refused");
    ck_assert_ptr_null(tracking_event_name((enum tracking_event)0));
    ck_assert_ptr_null(tracking_event_name((enum tracking_event)99));
    ck_assert_int_eq(tracking_event_of_name(VIEW("nothing")), 0);
}
END_TEST

START_TEST(many_records_of_one_moment_are_all_kept)
{
    for (int i = 0; i < 5000; i++)
        put(TRACKING_STORED, 1 + (ident)i % 7, NOON, "x");
    flush();
    ck_assert_int_eq(world_number("SELECT count(*) FROM event"), 5000);
    ck_assert_int_le(world_number("SELECT (max(id) - min(id)) >> 11 FROM event"), 3);
}
END_TEST

#define THREADS 4
#define RECORDS 2000

static void write_many(void *first)
{
    for (ident i = 0; i < RECORDS; i++)
        put(TRACKING_STORED, *(const ident *)first + i, 0, "x");
}

START_TEST(threads_may_write_at_once)
{
    struct thread *threads[THREADS];
    ident first[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        first[i] = 1 + 10000 * i;
        threads[i] = thread_start("writer", write_many, &first[i]);
    }
    for (int i = 0; i < 20; i++)
        search((struct tracking_query){.limit = 10});
    for (size_t i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    flush();
    ck_assert_int_eq(world_number("SELECT count(*) FROM event"), THREADS * RECORDS);
    ck_assert_int_eq(world_number("SELECT count(DISTINCT message) FROM facts"), THREADS * RECORDS);
}
END_TEST

/* ---- conditions ---- */

/* Three messages and a refused connection; the label is message and event. */
static void put_example(void)
{
    static const struct tracking_record records[] = {
        {.event = TRACKING_CONNECTION_REFUSED, .client = "198.51.100.9", .reply = "0c"},
        {.event = TRACKING_RECIPIENT_REFUSED,
         .message = 1,
         .session = 51,
         .sender = "ann@example.org",
         .recipient = "nobody@example.test",
         .client = "192.0.2.1",
         .reason = "recipient-unknown",
         .reply = "1x"},
        {.event = TRACKING_RECEIVED,
         .message = 1,
         .session = 51,
         .recipient = "bob@example.test",
         .message_id = "<m1@example.org>",
         .subject = "Offer no. 17",
         .reply = "1r"},
        {.event = TRACKING_DELIVERED, .message = 1, .recipient = "Bob@Example.test", .reply = "1d"},
        {.event = TRACKING_RECEIVED,
         .message = 2,
         .session = 52,
         .sender = "Ann@Example.ORG",
         .recipient = "carol@example.test",
         .message_id = "<m2@example.org>",
         .subject = "offer again",
         .client = "192.0.2.2",
         .reply = "2r"},
        {.event = TRACKING_DEFERRED,
         .message = 2,
         .recipient = "carol@example.test",
         .reply = "2f"},
        {.event = TRACKING_RECEIVED,
         .message = 3,
         .session = 52,
         .sender = "<>",
         .recipient = "bob@example.test",
         .message_id = "<m2@example.org>",
         .subject = "Undeliverable",
         .client = "192.0.2.2",
         .reply = "3r"},
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        struct tracking_record record = records[i];
        record.time_us = NOON + (int64_t)i;
        tracking_write(tracking, &record);
    }
    flush();
}

static const struct {
    struct tracking_query query;
    const char *labels;
} searches[] = {
    {{0}, "3r 2f 2r 1d 1r 1x 0c"},
    {{.sender = "ann@example.org"}, "2f 2r 1d 1r 1x"},
    {{.sender = "ANN@EXAMPLE.ORG"}, "2f 2r 1d 1r 1x"},
    {{.sender = "ann"}, ""},
    {{.sender = "<>"}, "3r"},
    {{.sender = "*@example.org"}, "2f 2r 1d 1r 1x"},
    {{.sender = "?nn@*"}, "2f 2r 1d 1r 1x"},
    {{.recipient = "bob@example.test"}, "3r 1d 1r"},
    {{.recipient = "BOB@*"}, "3r 1d 1r"},
    {{.recipient = "nobody@example.test"}, "1x"},
    {{.recipient = "*o?*@example.test"}, "3r 2f 2r 1d 1r 1x"},
    {{.message_id = "<m2@example.org>"}, "3r 2f 2r"},
    {{.message_id = "m2@example.org"}, "3r 2f 2r"},
    {{.message_id = "M2@example.org"}, ""},
    {{.message = 1}, "1d 1r 1x"},
    {{.message = 9}, ""},
    {{.session = 52}, "3r 2f 2r"},
    {{.subject = "OFFER"}, "2f 2r 1d 1r 1x"},
    {{.subject = "no. 17"}, "1d 1r 1x"},
    {{.client = "192.0.2.2"}, "3r 2f 2r"},
    {{.client = "192.0.2"}, ""},
    {{.events = 1 << TRACKING_RECEIVED}, "3r 2r 1r"},
    {{.events = 1 << TRACKING_DELIVERED | 1 << TRACKING_DEFERRED}, "2f 1d"},
    {{.since_us = NOON + 3}, "3r 2f 2r 1d"},
    {{.until_us = NOON + 3}, "1r 1x 0c"},
    {{.since_us = NOON + 2, .until_us = NOON + 5}, "2r 1d 1r"},
    {{.sender = "ann@example.org", .recipient = "bob@example.test"}, "1d 1r"},
    {{.sender = "ann@example.org", .subject = "again"}, "2f 2r"},
    {{.recipient = "bob@example.test", .sender = "<>"}, "3r"},
    {{.recipient = "bob@example.test", .events = 1 << TRACKING_DELIVERED}, "1d"},
    {{.recipient = "bob@example.test", .client = "192.0.2.1"}, "1d 1r"},
    {{.message = 1, .recipient = "bob@example.test"}, "1d 1r"},
    {{.message = 1, .since_us = NOON + 2, .until_us = NOON + 3}, "1r"},
    {{.message_id = "m2@example.org", .message = 3}, "3r"},
    {{.message_id = "m2@example.org", .sender = "<>", .until_us = NOON + 6}, ""},
    {{.session = 52, .events = 1 << TRACKING_DEFERRED}, "2f"},
    {{.sender = "*", .limit = 2}, "3r 2f"},
};

START_TEST(conditions_select)
{
    put_example();
    search(searches[_i].query);
    ck_assert_str_eq(labels(), searches[_i].labels);
}
END_TEST

static const struct {
    const char *pattern;
    const char *text;
    bool matches;
} wildcards[] = {
    {"", "", true},           {"", "a", false},           {"*", "", true},
    {"*", "abc", true},       {"**", "", true},           {"?", "", false},
    {"?", "a", true},         {"?", "\xc3\xa4", true},    {"?", "ab", false},
    {"a*b", "ab", true},      {"a*b", "aXbXb", true},     {"a*b", "aXbX", false},
    {"*ab", "aab", true},     {"*a?c", "abcabc", true},   {"A@B", "a@b", true},
    {"a*", "b", false},       {"*a*b*c", "xaybzc", true}, {"*a*b*c", "xaybz", false},
    {"*?", "\xc3\xa4", true},
};

START_TEST(wildcards_match)
{
    ck_assert_int_eq(tracking_wildcard_match(view_of_text(wildcards[_i].pattern),
                                             view_of_text(wildcards[_i].text)),
                     wildcards[_i].matches);
}
END_TEST

/* ---- pages ---- */

START_TEST(pages_are_stable_while_rows_come_in)
{
    struct tracking_query query = {.limit = 7};
    struct error error = {0};
    char after[32] = "";
    for (int i = 0; i < 50; i++)
        put(TRACKING_STORED, (ident)i + 1, NOON + i, "old");
    flush();
    row_count = 0;
    do {
        char next[32];
        query.after = after;
        ck_assert_msg(tracking_search(reader, &query, keep_row, NULL, next, sizeof next, &error),
                      "%s", error.text);
        put(TRACKING_STORED, 99, NOON + 100 + (int64_t)row_count, "new");
        flush();
        memcpy(after, next, sizeof after);
    } while (after[0] != '\0');
    ck_assert_uint_eq(row_count, 50);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(rows[i].time_us, NOON + 49 - i);
}
END_TEST

START_TEST(the_last_full_page_ends_the_search)
{
    struct tracking_query query = {.limit = 2};
    char next[32] = "x";
    put(TRACKING_STORED, 1, NOON, "a");
    put(TRACKING_STORED, 2, NOON + 1, "b");
    flush();
    ck_assert(tracking_search(reader, &query, keep_row, NULL, next, sizeof next, NULL));
    ck_assert_uint_eq(row_count, 2);
    ck_assert_str_eq(next, "");
}
END_TEST

START_TEST(a_strange_page_is_refused)
{
    struct tracking_query query = {.limit = 2, .after = "12x"};
    struct error error = {0};
    char next[32];
    ck_assert(!tracking_search(reader, &query, keep_row, NULL, next, sizeof next, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "12x"));
}
END_TEST

/* Enough rows that the newest alone do not answer, in buckets of several days; some messages of the first
 * days have events on the last one. Compared with the same search by wildcard, which looks at every row. */
static void put_many_days(void)
{
    char sender[40];
    for (int i = 0; i < 6000; i++) {
        snprintf(sender, sizeof sender, "s%d@example.org", i % 600);
        struct tracking_record record = {.time_us = NOON + i * (DAY / 500),
                                         .event = TRACKING_RECEIVED,
                                         .message = 1 + (ident)i,
                                         .sender = sender,
                                         .recipient = "r@example.test"};
        tracking_write(tracking, &record);
    }
    for (int i = 0; i < 600; i += 100)
        put(TRACKING_EXPIRED, 1 + (ident)i, NOON + 13 * DAY + i, "late");
    flush();
}

static void check_page(const char *exact, const char *wildcard, int64_t until_us)
{
    static struct kept_row expected[KEPT_ROWS];
    search((struct tracking_query){.sender = wildcard, .limit = 3, .until_us = until_us});
    size_t expected_count = row_count;
    memcpy(expected, rows, row_count * sizeof rows[0]);
    search((struct tracking_query){.sender = exact, .limit = 3, .until_us = until_us});
    ck_assert_uint_eq(row_count, expected_count);
    for (size_t i = 0; i < row_count; i++) {
        ck_assert_int_eq(rows[i].time_us, expected[i].time_us);
        ck_assert_uint_eq(rows[i].message, expected[i].message);
    }
}

START_TEST(the_index_finds_what_looking_finds)
{
    put_many_days();
    ck_assert_int_gt(world_number("SELECT count(*) FROM bucket"), 5);
    for (int64_t day = 0; day < 14; day++) {
        check_page("s0@example.org", "?0@example.org", NOON + day * DAY + 1);
        check_page("s100@example.org", "?100@example.org", NOON + day * DAY + 1);
        check_page("s599@example.org", "?599@example.org", NOON + day * DAY + 1);
        check_page("none@example.org", "?one@example.org", NOON + day * DAY + 1);
    }
}
END_TEST

START_TEST(newest_keeps_the_newest)
{
    struct tracking_newest newest;
    tracking_newest_init(&newest, 100);
    for (int64_t i = 0; i < 1000; i++)
        tracking_newest_offer(&newest, i * 7919 % 1000);
    ck_assert(tracking_newest_is_closed_to(&newest, 900));
    ck_assert(!tracking_newest_is_closed_to(&newest, 901));
    tracking_newest_sort(&newest);
    ck_assert_uint_eq(newest.count, 100);
    for (int64_t i = 0; i < 100; i++)
        ck_assert_int_eq(newest.rows[i], 999 - i);
    tracking_newest_free(&newest);
}
END_TEST

/* ---- history ---- */

START_TEST(history_is_in_the_order_of_time)
{
    struct error error = {0};
    put_example();
    put(TRACKING_DELIVERED, 2, NOON + 100, "2d");
    flush();
    row_count = 0;
    ck_assert_msg(tracking_history(reader, 1, NULL, keep_row, NULL, &error), "%s", error.text);
    ck_assert_str_eq(labels(), "1x 1r 1d");
    row_count = 0;
    ck_assert(tracking_history(reader, 0, "m2@example.org", keep_row, NULL, &error));
    ck_assert_str_eq(labels(), "2r 2f 3r 2d");
    row_count = 0;
    ck_assert(tracking_history(reader, 0, "", keep_row, NULL, &error));
    ck_assert(tracking_history(reader, 0, NULL, keep_row, NULL, &error));
    ck_assert(tracking_history(reader, 77, NULL, keep_row, NULL, &error));
    ck_assert_uint_eq(row_count, 0);
}
END_TEST

/* ---- cancel ---- */

static void cancel_at_first(void *user, const struct tracking_row *row)
{
    (void)row;
    ++*(int *)user;
    tracking_reader_cancel(reader);
}

START_TEST(a_search_can_be_cancelled)
{
    struct tracking_query query = {.limit = 10};
    struct error error = {0};
    char next[32];
    int seen = 0;
    put_example();
    ck_assert(!tracking_search(reader, &query, cancel_at_first, &seen, next, sizeof next, &error));
    ck_assert_int_eq(seen, 1);
    ck_assert_ptr_nonnull(strstr(error.text, "cancelled"));
    search(query);
    ck_assert_uint_eq(row_count, 7);
}
END_TEST

Suite *unit_suite(void)
{
    world_path = "unit_tracking.db";
    TCase *tests = tcase_create("tracking");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, world_set_up, world_tear_down);
    tcase_add_test(tests, every_field_comes_back);
    tcase_add_test(tests, fields_may_be_empty);
    tcase_add_test(tests, events_of_a_message_share_its_facts);
    tcase_add_test(tests, long_texts_are_cut_between_characters);
    tcase_add_test(tests, subjects_can_be_left_out);
    tcase_add_test(tests, events_have_names);
    tcase_add_test(tests, many_records_of_one_moment_are_all_kept);
    tcase_add_test(tests, threads_may_write_at_once);
    tcase_add_loop_test(tests, conditions_select, 0, (int)(sizeof searches / sizeof searches[0]));
    tcase_add_test(tests, pages_are_stable_while_rows_come_in);
    tcase_add_test(tests, the_last_full_page_ends_the_search);
    tcase_add_test(tests, a_strange_page_is_refused);
    tcase_add_test(tests, the_index_finds_what_looking_finds);
    tcase_add_test(tests, history_is_in_the_order_of_time);
    tcase_add_test(tests, a_search_can_be_cancelled);
    TCase *parts = tcase_create("parts");
    tcase_add_loop_test(parts, wildcards_match, 0, (int)(sizeof wildcards / sizeof wildcards[0]));
    tcase_add_test(parts, newest_keeps_the_newest);
    Suite *suite = suite_create("tracking");
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, parts);
    return suite;
}
