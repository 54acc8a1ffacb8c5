/* rooms: platform base */
#include "unit.h"

#include "platform/clock.h"
#include "platform/thread.h"

#include <stdio.h>

#define COUNTERS 4
#define ROUNDS   20000

struct shared {
    struct lock *lock;
    struct condition *changed;
    long count;
    bool asked;
    bool answered;
};

static struct shared make_shared(void)
{
    return (struct shared){.lock = lock_create(), .changed = condition_create()};
}

static void free_shared(struct shared *shared)
{
    condition_destroy(shared->changed);
    lock_destroy(shared->lock);
}

static void count_up(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < ROUNDS; i++) {
        lock_acquire(shared->lock);
        shared->count++;
        lock_release(shared->lock);
    }
}

START_TEST(lock_keeps_a_count_exact)
{
    struct shared shared = make_shared();
    struct thread *threads[COUNTERS];
    for (int i = 0; i < COUNTERS; i++)
        threads[i] = thread_start("a name of more than fifteen characters", count_up, &shared);
    for (int i = 0; i < COUNTERS; i++)
        thread_join(threads[i]);
    ck_assert_int_eq(shared.count, COUNTERS * ROUNDS);
    free_shared(&shared);
}
END_TEST

static void answer(void *argument)
{
    struct shared *shared = argument;
    lock_acquire(shared->lock);
    while (!shared->asked)
        condition_wait(shared->changed, shared->lock);
    shared->answered = true;
    condition_broadcast(shared->changed);
    lock_release(shared->lock);
}

START_TEST(condition_wakes_the_other_side)
{
    struct shared shared = make_shared();
    struct thread *thread = thread_start("answer", answer, &shared);
    lock_acquire(shared.lock);
    shared.asked = true;
    condition_signal(shared.changed);
    while (!shared.answered)
        ck_assert(condition_wait_for(shared.changed, shared.lock, 60000));
    lock_release(shared.lock);
    thread_join(thread);
    free_shared(&shared);
}
END_TEST

START_TEST(condition_gives_up_in_time)
{
    struct shared shared = make_shared();
    int64_t before = clock_monotonic_ms();
    lock_acquire(shared.lock);
    while (condition_wait_for(shared.changed, shared.lock, 50))
        continue;
    lock_release(shared.lock);
    int64_t passed = clock_monotonic_ms() - before;
    ck_assert_msg(passed >= 45 && passed < 30000, "%lld ms", (long long)passed);
    free_shared(&shared);
}
END_TEST

START_TEST(there_is_a_processor)
{
    ck_assert_uint_ge(processor_count(), 1);
}
END_TEST

START_TEST(monotonic_clock_never_goes_back)
{
    int64_t last = clock_monotonic_ns();
    for (int i = 0; i < ROUNDS; i++) {
        int64_t now = clock_monotonic_ns();
        ck_assert_int_ge(now, last);
        last = now;
    }
    ck_assert_int_ge(last / 1000000, clock_monotonic_ms() - 30000);
}
END_TEST

START_TEST(wall_clock_is_of_this_century)
{
    int64_t ms = clock_unix_ms();
    ck_assert_int_gt(ms, INT64_C(1577836800000)); /* 2020 */
    ck_assert_int_lt(ms, INT64_C(4102444800000)); /* 2100 */
    ck_assert_int_lt(clock_unix_us() / 1000 - ms, 30000);
}
END_TEST

START_TEST(utc_offset_is_a_place_on_earth)
{
    int minutes = clock_utc_offset_minutes(clock_unix_ms() / 1000);
    ck_assert_int_ge(minutes, -12 * 60);
    ck_assert_int_le(minutes, 14 * 60);
}
END_TEST

START_TEST(times_are_written_as_iso_8601)
{
    static const struct {
        int64_t unix_ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(1795514400123), "2026-11-24T10:00:00.123Z"},
        {INT64_C(4107542399999), "2100-02-28T23:59:59.999Z"},
        {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[CLOCK_UTC_SIZE];
        clock_format_utc(cases[i].unix_ms, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(random_bytes_differ)
{
    unsigned char first[32] = {0}, second[32] = {0};
    random_bytes(first, sizeof first);
    random_bytes(second, sizeof second);
    ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *threads = tcase_create("threads");
    tcase_add_test(threads, lock_keeps_a_count_exact);
    tcase_add_test(threads, condition_wakes_the_other_side);
    tcase_add_test(threads, condition_gives_up_in_time);
    tcase_add_test(threads, there_is_a_processor);
    TCase *clocks = tcase_create("clocks");
    tcase_add_test(clocks, monotonic_clock_never_goes_back);
    tcase_add_test(clocks, wall_clock_is_of_this_century);
    tcase_add_test(clocks, utc_offset_is_a_place_on_earth);
    tcase_add_test(clocks, times_are_written_as_iso_8601);
    tcase_add_test(clocks, random_bytes_differ);
    Suite *suite = suite_create("platform threads and clocks");
    suite_add_tcase(suite, threads);
    suite_add_tcase(suite, clocks);
    return suite;
}
