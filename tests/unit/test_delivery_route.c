/* rooms: delivery ndr smtp spool tracking net config base platform */
/* Where mail for a domain goes. */
#include "unit.h"

#include "delivery/route.h"

#define DOMAINS                                                                                    \
    "{\"accepted_domains\": ["                                                                     \
    "{\"domain\": \"drop.example\"},"                                                              \
    "{\"domain\": \"mail.example\", \"deliver_to\": \"host\", \"host\": \"10.0.0.1\"},"            \
    "{\"domain\": \"branch.example\", \"type\": \"relay\", \"deliver_to\": \"host\","              \
    " \"host\": \"10.0.0.1\"},"                                                                    \
    "{\"domain\": \"six.example\", \"deliver_to\": \"host\", \"host\": \"2001:db8::1\","           \
    " \"port\": 2525}]"

static const char with_smart_host[] =
    DOMAINS ", \"outbound\": {\"smart_host\": \"smart.example\", \"smart_host_port\": 587}}";
static const char without_smart_host[] = DOMAINS "}";

static const struct {
    const char *domain;
    const char *settings;
    enum route_kind kind;
    const char *name;
    const char *rule;
    const char *serves;
} routes[] = {
    {"drop.example", with_smart_host, ROUTE_DROP, "drop:drop.example", "accepted-domain",
     "drop.example"},
    {"DROP.Example", with_smart_host, ROUTE_DROP, "drop:drop.example", "accepted-domain",
     "drop.example"},
    {"mail.example", with_smart_host, ROUTE_HOST, "10.0.0.1:25", "accepted-domain",
     "mail.example and 1 more domain"},
    {"branch.example", without_smart_host, ROUTE_HOST, "10.0.0.1:25", "accepted-domain",
     "mail.example and 1 more domain"},
    {"six.example", without_smart_host, ROUTE_HOST, "[2001:db8::1]:2525", "accepted-domain",
     "six.example"},
    {"far.example", with_smart_host, ROUTE_HOST, "smart.example:587", "smart-host",
     "all other domains"},
    {"sub.mail.example", with_smart_host, ROUTE_HOST, "smart.example:587", "smart-host",
     "all other domains"},
    {"[192.0.2.1]", with_smart_host, ROUTE_HOST, "smart.example:587", "smart-host",
     "all other domains"},
    {"far.example", without_smart_host, ROUTE_NOWHERE, "unreachable", "no-route",
     "all other domains"},
    {"", with_smart_host, ROUTE_NOWHERE, "unreachable", "no-route", "all other domains"},
};

START_TEST(chooses)
{
    struct error error;
    const struct settings_snapshot *settings =
        settings_parse(view_of_text(routes[_i].settings), 1, &error);
    ck_assert_msg(settings != NULL, "%s", error.text);
    struct routes *table = routes_create(settings);
    settings_release(settings);

    struct route route;
    char serves[100];
    routes_choose(table, view_of_text(routes[_i].domain), &route);
    routes_describe(table, &route, serves, sizeof serves);
    ck_assert_int_eq(route.kind, routes[_i].kind);
    ck_assert_str_eq(route.name, routes[_i].name);
    ck_assert_str_eq(route.rule, routes[_i].rule);
    ck_assert_str_eq(serves, routes[_i].serves);
    routes_destroy(table);
}
END_TEST

START_TEST(long_domain_is_in_no_table)
{
    char domain[1000];
    memset(domain, 'a', sizeof domain);
    const struct settings_snapshot *settings = settings_defaults();
    struct routes *table = routes_create(settings);
    struct route route;
    routes_choose(table, view_of(domain, sizeof domain), &route);
    ck_assert_int_eq(route.kind, ROUTE_NOWHERE);
    routes_destroy(table);
    settings_release(settings);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("route");
    tcase_add_loop_test(tests, chooses, 0, (int)(sizeof routes / sizeof *routes));
    tcase_add_test(tests, long_domain_is_in_no_table);
    Suite *suite = suite_create("delivery route");
    suite_add_tcase(suite, tests);
    return suite;
}
