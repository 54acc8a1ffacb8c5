/* rooms: cli admin config platform base */
/* What the command line prints, and the times that it reads and writes. */
#include "cli/output.h"
#include "cli/time.h"
#include "unit.h"

START_TEST(widths)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},       {"abc", 3},
        {"Jürgen", 6}, {"日本", 4},
        {"한국어", 6}, {"e\xCC\x81t\xC3\xA9", 3},
        {"…", 1},      {"\xF0\x9F\x98\x80", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_uint_eq(cli_width(view_of_text(cases[i].text)), cases[i].width);
    /* Bytes that are no UTF-8 lead nowhere beyond the text. */
    ck_assert_uint_gt(cli_width(view_of("\xF0", 1)), 0);
    ck_assert_uint_gt(cli_width(view_of("\xE0\x80", 2)), 0);
    ck_assert_uint_gt(cli_width(view_of("\xBF\xBF", 2)), 0);
}
END_TEST

static void table_is(const char *rows, const struct cli_column *columns, const char *expected)
{
    struct buffer out;
    json_t *json = json_loads(rows, 0, NULL);
    ck_assert_ptr_nonnull(json);
    buffer_init(&out, CLI_OUTPUT_MAXIMUM);
    buffer_append_text(&out, "");
    cli_append_table(&out, json, columns);
    ck_assert_str_eq(out.data, expected);
    buffer_free(&out);
    json_decref(json);
}

START_TEST(tables_are_aligned)
{
    static const struct cli_column columns[] = {
        {"NAME", "name", CLI_SHOW_TEXT, 0},
        {"COUNT", "count", CLI_SHOW_NUMBER, 0},
        {"ON", "on", CLI_SHOW_YES_NO, 0},
        {"WHY", "reply|reason", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    table_is("[{\"name\":\"Jürgen\",\"count\":5,\"on\":true,\"reply\":\"\",\"reason\":\"rule\"},"
             "{\"name\":\"日本語\",\"count\":12345678,\"on\":false,\"reply\":\"250 OK\","
             "\"reason\":\"rule\"},{\"count\":null}]",
             columns,
             "NAME       COUNT  ON   WHY\n"
             "Jürgen         5  yes  rule\n"
             "日本語  12345678  no   250 OK\n"
             "\n");
    table_is("[]", columns, "");
}
END_TEST

START_TEST(cells_are_cut_and_harmless)
{
    static const struct cli_column columns[] = {
        {"A", "a", CLI_SHOW_TEXT, 6},
        {"B", "b", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    table_is("[{\"a\":\"123456\",\"b\":\"x\"},{\"a\":\"1234567\",\"b\":\"x\"},"
             "{\"a\":\"日本語日本語\",\"b\":\"x\"}]",
             columns,
             "A       B\n"
             "123456  x\n"
             "12345…  x\n"
             "日本…   x\n");
    table_is("[{\"a\":\"\\u001b[2J\",\"b\":\"a\\r\\n\\u0007\\u007f\\u009bb\"}]", columns,
             "A     B\n"
             "?[2J  a?????b\n");
}
END_TEST

START_TEST(json_is_exact)
{
    struct buffer out;
    json_t *json = json_pack("{s:s, s:[i]}", "name", "Jürgen", "list", 1);
    buffer_init(&out, CLI_OUTPUT_MAXIMUM);
    cli_append_json(&out, json);
    ck_assert_str_eq(out.data, "{\n  \"name\": \"Jürgen\",\n  \"list\": [\n    1\n  ]\n}\n");
    json_decref(json);
    buffer_free(&out);
}
END_TEST

#define NOW INT64_C(1795514400000) /* 2026-11-24T10:00:00Z */

START_TEST(times_with_a_zone)
{
    static const struct {
        const char *text;
        int64_t unix_ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00Z", 0},
        {"2000-02-29T23:59:59.999Z", INT64_C(951868799999)},
        {"2026-11-24T10:00:00.000Z", NOW},
        {"2026-11-24 11:00+01:00", NOW},
        {"2026-11-25 09:59+23:59", NOW},
        {"2026-11-24T00:30:00.25-09:30", NOW + 250},
        {"2026-11-24T10:00:00.1234567Z", NOW + 123},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
        {"90s", NOW - 90000},
        {"30m", NOW - INT64_C(30) * 60000},
        {"2h", NOW - INT64_C(2) * 3600000},
        {"7d", NOW - INT64_C(7) * 86400000},
        {"0s", NOW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t time = -1;
        ck_assert_msg(cli_time_given(cases[i].text, NOW, &time), "%s", cases[i].text);
        ck_assert_msg(time == cases[i].unix_ms, "%s: %lld", cases[i].text, (long long)time);
    }
}
END_TEST

START_TEST(what_is_no_time)
{
    static const char *const wrong[] = {"",
                                        "yesterday",
                                        "2026",
                                        "2026-11",
                                        "2026-13-01",
                                        "2026-00-1",
                                        "2026-02-29",
                                        "1900-02-28",
                                        "2026-11-24 24:00",
                                        "2026-11-24 10",
                                        "5",
                                        "d",
                                        "-5d",
                                        "5w",
                                        "2026-11-24 10:60",
                                        "2026-11-24T10:00:00x",
                                        "2026-11-24T",
                                        "2026-11-24T10:00:00+1",
                                        "99999999999d",
                                        "2026-11-24T10:00:61Z",
                                        "2026-11-24T10:00+24:00",
                                        "2026-11-24T10:00+01:60",
                                        "2026-11-24Zx"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t time;
        ck_assert_msg(!cli_time_given(wrong[i], NOW, &time), "%s", wrong[i]);
    }
}
END_TEST

/* Whatever the zone of this machine is, what is written is read as the same. */
START_TEST(local_times_round_trip)
{
    char text[CLI_TIME_SIZE];
    for (int64_t time = 86400000; time < NOW; time += INT64_C(37) * 86400000 + 12345000) {
        int64_t read;
        ck_assert(cli_time_given(cli_time_local(time, text), NOW, &read));
        ck_assert_msg(read == time, "%s: %lld, not %lld", text, (long long)read, (long long)time);
        ck_assert_uint_eq(strlen(text), 19);
    }
    int64_t day, midnight;
    ck_assert(cli_time_given("2026-11-24", NOW, &day));
    ck_assert(cli_time_given("2026-11-24 00:00:00", NOW, &midnight));
    ck_assert_int_eq(day, midnight);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("cli_output");
    tcase_add_test(tests, widths);
    tcase_add_test(tests, tables_are_aligned);
    tcase_add_test(tests, cells_are_cut_and_harmless);
    tcase_add_test(tests, json_is_exact);
    tcase_add_test(tests, times_with_a_zone);
    tcase_add_test(tests, what_is_no_time);
    tcase_add_test(tests, local_times_round_trip);
    Suite *suite = suite_create("cli_output");
    suite_add_tcase(suite, tests);
    return suite;
}
