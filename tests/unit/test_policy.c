/* rooms: policy config ldap platform base */
/* Trusted hosts, accepted domains, and that a policy outlives the settings it was made from. */
#include "policy/policy.h"
#include "policy/trust.h"
#include "unit.h"

#include <stdio.h>

static const char *const ranges[] = {
    "192.0.2.0/24", "192.0.2.128/25", "192.0.2.7",       "198.51.100.0/30", "10.0.0.0/8",
    "10.1.0.0/16",  "2001:db8::/32",  "2001:db8:1::/48", "203.0.113.5",     "::1",
};

static const struct {
    const char *client;
    bool trusted;
} clients[] = {
    {"192.0.2.0", true},
    {"192.0.2.255", true},
    {"192.0.1.255", false},
    {"192.0.3.0", false},
    {"192.0.2.200", true},
    {"198.51.100.3", true},
    {"198.51.100.4", false},
    {"10.0.0.0", true},
    {"10.255.255.255", true},
    {"11.0.0.0", false},
    {"9.255.255.255", false},
    {"203.0.113.5", true},
    {"203.0.113.4", false},
    {"203.0.113.6", false},
    {"0.0.0.0", false},
    {"255.255.255.255", false},
    {"127.0.0.1", false},
    {"2001:db8::", true},
    {"2001:db8:ffff:ffff::1", true},
    {"2001:db9::", false},
    {"2001:db7:ffff::", false},
    {"::1", true},
    {"::2", false},
    {"::", false},
    {"::ffff:192.0.2.1", true},
    {"::192.0.2.1", false},
};

START_TEST(trusts_ranges)
{
    struct trust_list *list = trust_list_create(ranges, sizeof ranges / sizeof ranges[0]);
    struct ip_address client;
    ck_assert(ip_parse(view_of_text(clients[_i].client), &client));
    ck_assert_msg(trust_list_holds(list, &client) == clients[_i].trusted, "%s", clients[_i].client);
    trust_list_destroy(list);
}
END_TEST

START_TEST(trusts_nobody_at_first)
{
    struct trust_list *list = trust_list_create(NULL, 0);
    struct ip_address client;
    ck_assert(ip_parse(VIEW("127.0.0.1"), &client));
    ck_assert(!trust_list_holds(list, &client));
    trust_list_destroy(list);
}
END_TEST

#define RANGES 10000

/* As many as the settings allow, nested ones among them, against asking each of them. */
START_TEST(equals_asking_every_range)
{
    static char texts[RANGES][IP_TEXT_SIZE];
    static const char *pointers[RANGES];
    static struct ip_range parsed[RANGES];
    uint32_t state = 1;
    for (size_t i = 0; i < RANGES; i++) {
        state = state * 1664525 + 1013904223;
        unsigned prefix = 12 + (state >> 8) % 21;
        uint32_t address = state & (UINT32_MAX << (32 - prefix));
        snprintf(texts[i], sizeof texts[i], "%u.%u.%u.%u/%u", (unsigned)(address >> 24),
                 (unsigned)(address >> 16 & 255), (unsigned)(address >> 8 & 255),
                 (unsigned)(address & 255), prefix);
        pointers[i] = texts[i];
        ck_assert(ip_range_parse(view_of_text(texts[i]), &parsed[i]));
    }
    struct trust_list *list = trust_list_create(pointers, RANGES);
    for (size_t i = 0; i < 2000; i++) {
        struct ip_address client = parsed[i].address;
        bool expected = false;
        client.bytes[3] ^= (uint8_t)i;
        client.bytes[1] ^= (uint8_t)(i >> 8);
        for (size_t j = 0; j < RANGES && !expected; j++)
            expected = ip_range_contains(&parsed[j], &client);
        ck_assert(trust_list_holds(list, &client) == expected);
    }
    trust_list_destroy(list);
}
END_TEST

static const struct settings_snapshot *parse(const char *json)
{
    struct error error = {0};
    const struct settings_snapshot *snapshot = settings_parse(view_of_text(json), 7, &error);
    ck_assert_msg(snapshot != NULL, "%s", error.text);
    return snapshot;
}

START_TEST(finds_accepted_domains)
{
    const struct settings_snapshot *snapshot = parse(
        "{\"accepted_domains\": [{\"domain\": \"Example.test\"}, {\"domain\": \"bücher.test\","
        "\"type\": \"relay\", \"deliver_to\": \"host\", \"host\": \"mx.test\"}]}");
    struct policy *policy = policy_create(snapshot);
    settings_release(snapshot);
    ck_assert_str_eq(policy_domain(policy, VIEW("EXAMPLE.test"))->domain, "example.test");
    ck_assert_str_eq(policy_domain(policy, VIEW("example.test."))->domain, "example.test");
    ck_assert_int_eq(policy_domain(policy, VIEW("BÜCHER.TEST"))->type, DOMAIN_RELAY);
    ck_assert_ptr_null(policy_domain(policy, VIEW("sub.example.test")));
    ck_assert_ptr_null(policy_domain(policy, VIEW("xample.test")));
    ck_assert_ptr_null(policy_domain(policy, VIEW("")));
    ck_assert_ptr_null(policy_domain(policy, VIEW("b\xFC"
                                                  "cher.test")));
    policy_release(policy);
}
END_TEST

START_TEST(watches_strangers_that_are_not_exempt)
{
    const struct settings_snapshot *snapshot =
        parse("{\"harvest\": {\"exempt\": [\"198.51.100.0/24\"]}}");
    struct policy *policy = policy_create(snapshot);
    struct policy_client client = {.recipient_filter = true};
    settings_release(snapshot);
    ck_assert(ip_parse(VIEW("192.0.2.1"), &client.address));
    ck_assert(policy_watches(policy, &client));
    client.trusted = true;
    ck_assert(!policy_watches(policy, &client));
    client.trusted = false;
    client.authenticated = true;
    ck_assert(!policy_watches(policy, &client));
    client.authenticated = false;
    client.recipient_filter = false;
    ck_assert(!policy_watches(policy, &client));
    client.recipient_filter = true;
    ck_assert(ip_parse(VIEW("198.51.100.9"), &client.address));
    ck_assert(!policy_watches(policy, &client));
    policy_release(policy);
}
END_TEST

START_TEST(is_counted)
{
    const struct settings_snapshot *snapshot =
        parse("{\"message_delivery\": {\"trusted_hosts\": [\"192.0.2.0/24\"]}}");
    struct policy *policy = policy_create(snapshot);
    struct ip_address client;
    settings_release(snapshot);
    ck_assert(ip_parse(VIEW("192.0.2.1"), &client));
    ck_assert_ptr_eq(policy_retain(policy), policy);
    policy_release(policy);
    ck_assert(policy_trusts(policy, &client));
    ck_assert_int_eq(policy_settings(policy)->revision, 7);
    policy_release(policy);
    policy_release(NULL);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("policy");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, trusts_ranges, 0, sizeof clients / sizeof clients[0]);
    tcase_add_test(tests, trusts_nobody_at_first);
    tcase_add_test(tests, equals_asking_every_range);
    tcase_add_test(tests, finds_accepted_domains);
    tcase_add_test(tests, watches_strangers_that_are_not_exempt);
    tcase_add_test(tests, is_counted);
    Suite *suite = suite_create("policy");
    suite_add_tcase(suite, tests);
    return suite;
}
