/* rooms: delivery ndr smtp spool tracking net config base platform */
/* The retry timetable under a clock of the test: every attempt of a message that never arrives. */
#include "unit.h"

#include "delivery/retry.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct settings_retry exchange = {
    .glitch_count = 3,
    .glitch_interval = 60,
    .first = 10,
    .second = 10,
    .third = 10,
    .subsequent = 15,
    .expiration = 2880,
    .local_expiration = 2880,
};

static const struct settings_retry windows = {
    .glitch_count = 0,
    .glitch_interval = 60,
    .first = 15,
    .second = 30,
    .third = 60,
    .subsequent = 240,
    .expiration = 2880,
    .local_expiration = 720,
};

START_TEST(settings_begin_with_those_of_exchange)
{
    const struct settings_snapshot *settings = settings_defaults();
    ck_assert_mem_eq(&settings->values.retry, &exchange, sizeof exchange);
    settings_release(settings);
}
END_TEST

/* Fills minutes[] with when the attempts are made, from the reception on; returns how many there
 * are. */
static size_t attempts_of(const struct settings_retry *retry, bool local, int64_t *minutes,
                          size_t size)
{
    int64_t received_ms = 1700000000000;
    int64_t expiry_ms = retry_expiry_ms(retry, local, received_ms);
    int64_t now_ms = received_ms;
    size_t attempts = 0;
    for (;;) {
        ck_assert_uint_lt(attempts, size);
        minutes[attempts++] = (now_ms - received_ms) / MINUTE;
        if (now_ms >= expiry_ms)
            return attempts;
        now_ms = retry_next_ms(retry, (uint32_t)attempts, now_ms, expiry_ms);
    }
}

START_TEST(exchange_timetable)
{
    static const int64_t first[] = {0, 1, 2, 3, 13, 23, 33, 48, 63, 78, 93};
    int64_t minutes[1000];
    size_t count = attempts_of(&exchange, false, minutes, 1000);
    ck_assert_mem_eq(minutes, first, sizeof first);
    /* 33 minutes, then every 15 until 48 hours are over: the last one at the very end. */
    ck_assert_uint_eq(count, 7 + (2880 - 33 + 14) / 15);
    ck_assert_int_eq(minutes[count - 1], 2880);
    ck_assert_int_eq(minutes[count - 2], 33 + 189 * 15);
}
END_TEST

START_TEST(windows_timetable)
{
    static const int64_t all[] = {0, 15, 45, 105, 345, 585, 720};
    int64_t minutes[1000];
    ck_assert_uint_eq(attempts_of(&windows, true, minutes, 1000), sizeof all / sizeof *all);
    ck_assert_mem_eq(minutes, all, sizeof all);
    ck_assert_uint_eq(attempts_of(&windows, false, minutes, 1000), 5 + (2880 - 345 + 239) / 240);
}
END_TEST

START_TEST(single_intervals)
{
    ck_assert_int_eq(retry_interval_ms(&exchange, 1), 1 * MINUTE);
    ck_assert_int_eq(retry_interval_ms(&exchange, 3), 1 * MINUTE);
    ck_assert_int_eq(retry_interval_ms(&exchange, 4), 10 * MINUTE);
    ck_assert_int_eq(retry_interval_ms(&exchange, 7), 15 * MINUTE);
    ck_assert_int_eq(retry_interval_ms(&exchange, UINT32_MAX), 15 * MINUTE);
    ck_assert_int_eq(retry_interval_ms(&windows, 1), 15 * MINUTE);
    ck_assert_int_eq(retry_interval_ms(&windows, 4), 4 * HOUR);
    ck_assert_int_eq(retry_expiry_ms(&windows, true, 5), 12 * HOUR + 5);
    ck_assert_int_eq(retry_expiry_ms(&windows, false, 5), 2 * DAY + 5);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("retry");
    tcase_add_test(tests, settings_begin_with_those_of_exchange);
    tcase_add_test(tests, exchange_timetable);
    tcase_add_test(tests, windows_timetable);
    tcase_add_test(tests, single_intervals);
    Suite *suite = suite_create("delivery retry");
    suite_add_tcase(suite, tests);
    return suite;
}
