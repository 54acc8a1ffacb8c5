/* rooms: policy config ldap platform base */
/* Harvest defence: delays, limits of a session and of a source, windows and bounds, with the time given. */
#include "policy/harvest.h"
#include "unit.h"

#include <stdio.h>

#define SECOND INT64_C(1000)

static struct harvest *harvest;
static struct settings_harvest limits;
static struct harvest_session session;
static struct verdict verdict;
static bool held_off;
static int64_t now_ms;

static void begin(void)
{
    harvest = harvest_create();
    now_ms = 5000000;
    session = (struct harvest_session){0};
    limits = (struct settings_harvest){
        .tarpit_maximum = 240,
        .tarpit_sessions = 1000,
        .source_window = 60,
        .hold_off = 30,
        .sources = 1000,
    };
}

static void end(void)
{
    harvest_destroy(harvest);
}

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    ck_assert(ip_parse(view_of_text(text), &address));
    return address;
}

static void refuse_from(struct ip_address client, const char *enhanced)
{
    verdict_set(&verdict, "recipient-unknown", 550, enhanced, "No");
    harvest_refuse(harvest, &limits, &session, &client, now_ms, &verdict, &held_off);
}

static const char *refuse(const char *client)
{
    refuse_from(address_of(client), "5.1.1");
    return verdict.rule;
}

static bool admits(const char *client)
{
    struct ip_address address = address_of(client);
    return harvest_admit(harvest, &limits, &address, now_ms, &verdict);
}

/* ---- tarpit ---- */

START_TEST(everything_off_changes_nothing)
{
    for (int i = 0; i < 10000; i++) {
        ck_assert_str_eq(refuse("192.0.2.1"), "recipient-unknown");
        ck_assert_uint_eq(verdict.delay_ms, 0);
        ck_assert(!session.waits);
    }
    ck_assert_uint_eq(harvest_sources_remembered(harvest_sources(harvest)), 0);
}
END_TEST

START_TEST(each_unknown_recipient_makes_the_next_refusal_slower)
{
    static const uint32_t delays[] = {5000, 7000, 9000, 10000, 10000};
    limits.tarpit = 5;
    limits.tarpit_step = 2;
    limits.tarpit_maximum = 10;
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        refuse("192.0.2.1");
        ck_assert_uint_eq(verdict.delay_ms, delays[i]);
        ck_assert(session.waits);
        harvest_release(harvest, &session);
    }
}
END_TEST

START_TEST(other_refusals_wait_but_do_not_count)
{
    limits.tarpit = 5;
    limits.tarpit_step = 2;
    limits.session_unknown = 1;
    for (int i = 0; i < 3; i++) {
        refuse_from(address_of("192.0.2.1"), "5.7.1");
        ck_assert_uint_eq(verdict.delay_ms, 5000);
        ck_assert_int_eq(verdict.code, 550);
        harvest_release(harvest, &session);
    }
    ck_assert_uint_eq(session.unknown, 0);
}
END_TEST

START_TEST(beyond_the_bound_refusals_are_given_at_once)
{
    struct harvest_session sessions[3] = {{0}};
    struct harvest_counts counts;
    limits.tarpit = 5;
    limits.tarpit_sessions = 2;
    for (int i = 0; i < 3; i++) {
        session = (struct harvest_session){0};
        refuse("192.0.2.1");
        sessions[i] = session;
        ck_assert_uint_eq(verdict.delay_ms, i < 2 ? 5000 : 0);
        ck_assert_int_eq(verdict.code, 550);
    }
    harvest_count(harvest, now_ms, &counts);
    ck_assert_uint_eq(counts.waiting, 2);
    ck_assert_uint_eq(counts.delayed, 2);
    ck_assert_uint_eq(counts.undelayed, 1);
    for (int i = 0; i < 3; i++) {
        harvest_release(harvest, &sessions[i]);
        harvest_release(harvest, &sessions[i]);
    }
    harvest_count(harvest, now_ms, &counts);
    ck_assert_uint_eq(counts.waiting, 0);
    refuse("192.0.2.1");
    ck_assert_uint_eq(verdict.delay_ms, 5000);
    harvest_release(harvest, &session);
}
END_TEST

/* ---- a session ---- */

START_TEST(a_session_ends_behind_its_limit)
{
    limits.tarpit = 5;
    limits.session_unknown = 3;
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(refuse("192.0.2.1"), "recipient-unknown");
        harvest_release(harvest, &session);
    }
    ck_assert_str_eq(refuse("192.0.2.1"), "session-unknown-limit");
    ck_assert_int_eq(verdict.code, 421);
    ck_assert_str_eq(verdict.enhanced, "4.7.0");
    ck_assert_uint_eq(verdict.delay_ms, 0);
    ck_assert(!session.waits);
    session = (struct harvest_session){0};
    ck_assert_str_eq(refuse("192.0.2.1"), "recipient-unknown");
    ck_assert(admits("192.0.2.1"));
}
END_TEST

/* ---- a source ---- */

static void hold_off(const char *client)
{
    for (int64_t i = 0; i < limits.source_unknown; i++)
        ck_assert_str_eq(refuse(client), "recipient-unknown");
    ck_assert_str_eq(refuse(client), "source-unknown-limit");
    ck_assert_int_eq(verdict.code, 421);
    ck_assert(held_off);
}

START_TEST(a_source_is_held_off_for_its_time)
{
    limits.source_unknown = 3;
    hold_off("192.0.2.1");
    ck_assert_str_eq(refuse("192.0.2.1"), "source-unknown-limit");
    ck_assert(!held_off);
    ck_assert(!admits("192.0.2.1"));
    ck_assert_int_eq(verdict.code, 421);
    ck_assert_str_eq(verdict.rule, "source-held-off");
    ck_assert(admits("192.0.2.2"));
    now_ms += 30 * SECOND - 1;
    ck_assert(!admits("192.0.2.1"));
    now_ms += 1;
    ck_assert(admits("192.0.2.1"));
    ck_assert_str_eq(refuse("192.0.2.1"), "recipient-unknown");
    hold_off("192.0.2.2");
    limits.source_unknown = 0;
    ck_assert_msg(admits("192.0.2.2"), "the limit was switched off");
}
END_TEST

START_TEST(only_what_falls_into_one_window_counts)
{
    limits.source_unknown = 3;
    for (int window = 0; window < 5; window++) {
        for (int i = 0; i < 3; i++)
            ck_assert_str_eq(refuse("192.0.2.1"), "recipient-unknown");
        now_ms += 60 * SECOND;
    }
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(refuse("192.0.2.1"), "recipient-unknown");
    now_ms += 60 * SECOND - 1;
    ck_assert_str_eq(refuse("192.0.2.1"), "source-unknown-limit");
}
END_TEST

START_TEST(an_ipv6_source_is_its_network)
{
    limits.source_unknown = 2;
    refuse("2001:db8:1:2::1");
    refuse("2001:db8:1:2:ffff::2");
    ck_assert_str_eq(refuse("2001:db8:1:2::3"), "source-unknown-limit");
    ck_assert(!admits("2001:db8:1:2::4"));
    ck_assert(admits("2001:db8:1:3::1"));
    ck_assert(admits("32.1.13.184"));
}
END_TEST

/* ---- bounds ---- */

static struct ip_address numbered(uint32_t number)
{
    struct ip_address address = {
        .bytes = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
    return address;
}

START_TEST(a_flood_of_sources_does_not_grow_the_table)
{
    struct harvest_sources *sources = harvest_sources(harvest);
    limits.source_unknown = 3;
    hold_off("192.0.2.1");
    for (uint32_t i = 0; i < 100000; i++) {
        refuse_from(numbered(i), "5.1.1");
        if (i % 10000 == 0)
            ck_assert_uint_le(harvest_sources_remembered(sources), 1000 + 15);
    }
    ck_assert_uint_ge(harvest_sources_remembered(sources), 900);
    ck_assert_msg(!admits("192.0.2.1"), "who is held off stays while there are others to forget");
}
END_TEST

START_TEST(the_quietest_source_is_forgotten_first)
{
    limits.source_unknown = 1000;
    for (uint32_t i = 0; i < 20000; i++) {
        refuse_from(numbered(i), "5.1.1");
        if (i % 20 == 0 && i / 20 < 1000)
            refuse("192.0.2.1");
    }
    ck_assert_str_eq(refuse("192.0.2.1"), "source-unknown-limit");
}
END_TEST

START_TEST(held_off_sources_are_bounded_too)
{
    struct harvest_sources *sources = harvest_sources(harvest);
    limits.source_unknown = 1;
    for (uint32_t i = 0; i < 10000; i++) {
        refuse_from(numbered(i), "5.1.1");
        refuse_from(numbered(i), "5.1.1");
    }
    ck_assert_uint_le(harvest_sources_held(sources, now_ms), 1000 + 15);
    ck_assert_uint_eq(harvest_sources_held(sources, now_ms + 30 * SECOND), 0);
    ck_assert_uint_eq(harvest_sources_remembered(sources), 0);
}
END_TEST

START_TEST(a_smaller_bound_takes_effect)
{
    limits.source_unknown = 1000;
    for (uint32_t i = 0; i < 5000; i++)
        refuse_from(numbered(i), "5.1.1");
    limits.sources = 160;
    for (uint32_t i = 0; i < 5000; i++)
        refuse_from(numbered(100000 + i), "5.1.1");
    ck_assert_uint_eq(harvest_sources_remembered(harvest_sources(harvest)), 160);
}
END_TEST

/* ---- for the administrator ---- */

static void note(void *user, const struct harvest_source *source)
{
    char *text = user;
    snprintf(text + strlen(text), 200, "%s unknown=%u away=%u since=%lld until=%lld\n",
             source->text, (unsigned)source->unknown, (unsigned)source->turned_away,
             (long long)(source->since_ms - 5000000), (long long)(source->until_ms - 5000000));
}

START_TEST(tells_who_is_held_off)
{
    char text[1000] = "";
    limits.source_unknown = 2;
    refuse("192.0.2.9");
    hold_off("2001:db8:1:2::1");
    ck_assert(!admits("2001:db8:1:2::9"));
    harvest_sources_each(harvest_sources(harvest), now_ms, note, text);
    ck_assert_str_eq(text, "2001:db8:1:2::/64 unknown=3 away=2 since=0 until=30000\n");
    text[0] = '\0';
    harvest_sources_each(harvest_sources(harvest), now_ms + 30 * SECOND, note, text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(forgets_on_request)
{
    struct ip_address one = address_of("192.0.2.1");
    limits.source_unknown = 2;
    hold_off("192.0.2.1");
    hold_off("192.0.2.2");
    hold_off("2001:db8::1");
    ck_assert(harvest_sources_forget(harvest_sources(harvest), &one, now_ms));
    ck_assert(!harvest_sources_forget(harvest_sources(harvest), &one, now_ms));
    ck_assert(admits("192.0.2.1"));
    ck_assert_str_eq(refuse("192.0.2.1"), "recipient-unknown");
    ck_assert_uint_eq(harvest_sources_forget_all(harvest_sources(harvest)), 2);
    ck_assert(admits("192.0.2.2"));
    ck_assert_uint_eq(harvest_sources_remembered(harvest_sources(harvest)), 0);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("harvest");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, everything_off_changes_nothing);
    tcase_add_test(tests, each_unknown_recipient_makes_the_next_refusal_slower);
    tcase_add_test(tests, other_refusals_wait_but_do_not_count);
    tcase_add_test(tests, beyond_the_bound_refusals_are_given_at_once);
    tcase_add_test(tests, a_session_ends_behind_its_limit);
    tcase_add_test(tests, a_source_is_held_off_for_its_time);
    tcase_add_test(tests, only_what_falls_into_one_window_counts);
    tcase_add_test(tests, an_ipv6_source_is_its_network);
    tcase_add_test(tests, a_flood_of_sources_does_not_grow_the_table);
    tcase_add_test(tests, the_quietest_source_is_forgotten_first);
    tcase_add_test(tests, held_off_sources_are_bounded_too);
    tcase_add_test(tests, a_smaller_bound_takes_effect);
    tcase_add_test(tests, tells_who_is_held_off);
    tcase_add_test(tests, forgets_on_request);
    Suite *suite = suite_create("policy_harvest");
    suite_add_tcase(suite, tests);
    return suite;
}
