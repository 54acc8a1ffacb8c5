/* rooms: platform base */
/* with: ../../service/moment.c */
#include "moment.h"
#include "platform/clock.h"
#include "unit.h"

static const struct {
    const char *text;
    int64_t unix_us;
} moments[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.000001Z", 1},
    {"2000-02-29T12:34:56Z", 951827696000000},
    {"2026-11-24T10:00:00.250Z", 1795514400250000},
    {"2100-03-01T00:00:00.1234567Z", 4107542400123456},
    {"9999-12-31T23:59:59Z", 253402300799000000},
};

START_TEST(reads_a_moment)
{
    int64_t unix_us;
    ck_assert(moment_parse(view_of_text(moments[_i].text), &unix_us));
    ck_assert_int_eq(unix_us, moments[_i].unix_us);
}
END_TEST

static const char *const others[] = {
    "",
    "2026-11-24",
    "2026-11-24T10:00:00",
    "2026-11-24T10:00Z",
    "2026-11-24 10:00:00Z",
    "2026-11-24T10:00:00ZZ",
    "2026-11-24T10:00:00.Z",
    "2026-11-24T10:00:00+01:00",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-11-24T24:00:00Z",
    "2026-11-24T10:60:00Z",
    "1969-12-31T23:59:59Z",
    "26-11-24T10:00:00Z",
};

START_TEST(refuses_anything_else)
{
    int64_t unix_us;
    ck_assert(!moment_parse(view_of_text(others[_i]), &unix_us));
}
END_TEST

START_TEST(reads_what_the_clock_writes)
{
    for (int64_t unix_ms = 0; unix_ms < INT64_C(4200000000000); unix_ms += INT64_C(86399999) * 7) {
        char text[CLOCK_UTC_SIZE];
        int64_t unix_us;
        clock_format_utc(unix_ms, text);
        ck_assert_msg(moment_parse(view_of_text(text), &unix_us), "%s", text);
        ck_assert_int_eq(unix_us, unix_ms * 1000);
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("moment");
    tcase_add_loop_test(tests, reads_a_moment, 0, sizeof(moments) / sizeof(moments[0]));
    tcase_add_loop_test(tests, refuses_anything_else, 0, sizeof(others) / sizeof(others[0]));
    tcase_add_test(tests, reads_what_the_clock_writes);
    Suite *suite = suite_create("hall");
    suite_add_tcase(suite, tests);
    return suite;
}
