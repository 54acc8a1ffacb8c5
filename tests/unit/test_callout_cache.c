/* rooms: callout base */
/* What is remembered of next hops' answers, and what goes first when there is too much. */
#include "callout/cache.h"
#include "unit.h"

#include <stdio.h>

static struct callout_cache *cache;

static void set_up(void)
{
    cache = callout_cache_create();
}

static void tear_down(void)
{
    callout_cache_destroy(cache);
}

static void set(const char *key, bool accepted, int64_t asked_ms, size_t most)
{
    const struct callout_cached answer = {accepted, accepted ? 250 : 550, asked_ms,
                                          accepted ? "250 Ok" : "550 No"};
    callout_cache_set(cache, view_of_text(key), &answer, most);
}

static const struct callout_cached *get(const char *key)
{
    return callout_cache_get(cache, view_of_text(key));
}

START_TEST(keeps_the_newest_answer)
{
    ck_assert_ptr_null(get("ann@a.test"));
    set("ann@a.test", false, 1, 10);
    set("ann@a.test", true, 2, 10);
    ck_assert(get("ann@a.test")->accepted);
    ck_assert_int_eq(get("ann@a.test")->asked_ms, 2);
    ck_assert_str_eq(get("ann@a.test")->text, "250 Ok");
    ck_assert_uint_eq(callout_cache_count(cache, true), 1);
    ck_assert_uint_eq(callout_cache_count(cache, false), 0);
}
END_TEST

START_TEST(takes_its_own_answer_again)
{
    set("ann@a.test", true, 1, 10);
    callout_cache_set(cache, VIEW("ann@a.test"), get("ann@a.test"), 10);
    ck_assert_str_eq(get("ann@a.test")->text, "250 Ok");
}
END_TEST

START_TEST(a_flood_of_refusals_drives_out_refusals_only)
{
    char key[32];
    set("ann@a.test", true, 1, 10);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%d@a.test", i);
        set(key, false, i, 10);
    }
    ck_assert_ptr_nonnull(get("ann@a.test"));
    ck_assert_uint_eq(callout_cache_count(cache, true), 1);
    ck_assert_uint_eq(callout_cache_count(cache, false), 9);
    ck_assert_ptr_null(get("990@a.test"));
    ck_assert_ptr_nonnull(get("991@a.test"));
}
END_TEST

START_TEST(of_one_kind_the_one_used_last_stays)
{
    set("ann@a.test", true, 1, 2);
    set("bob@a.test", true, 2, 2);
    ck_assert_ptr_nonnull(get("ann@a.test"));
    set("cyd@a.test", true, 3, 2);
    ck_assert_ptr_nonnull(get("ann@a.test"));
    ck_assert_ptr_null(get("bob@a.test"));
    ck_assert_ptr_nonnull(get("cyd@a.test"));
}
END_TEST

START_TEST(forgets_one_or_a_domain_or_all)
{
    set("ann@a.test", true, 1, 10);
    set("bob@a.test", false, 1, 10);
    set("ann@b.test", true, 1, 10);
    set("cyd@b.test", true, 1, 10);
    ck_assert(callout_cache_forget(cache, VIEW("cyd@b.test")));
    ck_assert(!callout_cache_forget(cache, VIEW("cyd@b.test")));
    ck_assert_uint_eq(callout_cache_forget_domain(cache, VIEW("a.test")), 2);
    ck_assert_ptr_nonnull(get("ann@b.test"));
    ck_assert_uint_eq(callout_cache_forget_domain(cache, VIEW_NONE), 1);
    ck_assert_uint_eq(callout_cache_count(cache, true) + callout_cache_count(cache, false), 0);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("cache");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, keeps_the_newest_answer);
    tcase_add_test(tests, takes_its_own_answer_again);
    tcase_add_test(tests, a_flood_of_refusals_drives_out_refusals_only);
    tcase_add_test(tests, of_one_kind_the_one_used_last_stays);
    tcase_add_test(tests, forgets_one_or_a_domain_or_all);
    Suite *suite = suite_create("call-out cache");
    suite_add_tcase(suite, tests);
    return suite;
}
