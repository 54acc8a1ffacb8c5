/* rooms: config platform base */
/* with: ../../service/virtual_server.c */
/* Who may connect to a virtual server, and under which rules. */
#include "unit.h"
#include "virtual_server.h"

#include <stdio.h>

static int events;
static char last_event[200];

static void count_event(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    (void)user;
    ck_assert_int_eq(id, EVENT_CONNECTION_LIMIT);
    event_format(id, inserts, count, last_event, sizeof(last_event));
    events++;
}

static const struct event_sink sink = {.report = count_event};
static const struct settings_snapshot *settings;
static struct virtual_server *server;

static void use_settings(const char *own, const char *message_delivery)
{
    char text[1000];
    struct error error;
    snprintf(text, sizeof(text),
             "{\"virtual_servers\":[{\"name\":\"Gate\"%s}],\"message_delivery\":{%s}}", own,
             message_delivery);
    settings_release(settings);
    settings = settings_parse(view_of_text(text), 1, &error);
    ck_assert_msg(settings != NULL, "%s", error.text);
    const struct settings_virtual_server *first = &settings->values.virtual_servers[0];
    if (server == NULL)
        server = virtual_server_create(&settings->values, first, &sink);
    else
        virtual_server_set_settings(server, &settings->values, first);
}

static void setup(void)
{
    settings = NULL;
    server = NULL;
    events = 0;
}

static void teardown(void)
{
    virtual_server_release(server);
    settings_release(settings);
}

static struct ip_address address(const char *text)
{
    struct ip_address parsed;
    ck_assert(ip_parse(view_of_text(text), &parsed));
    return parsed;
}

/* Empty when the client may come in, else the rule that keeps it out. */
static const char *enter(const char *client)
{
    struct ip_address from = address(client);
    struct verdict refusal;
    struct virtual_server_rules *rules = virtual_server_enter(server, &from, &refusal);
    if (rules == NULL)
        return refusal.rule;
    virtual_server_rules_release(rules);
    return "";
}

static void leave(const char *client)
{
    struct ip_address from = address(client);
    virtual_server_leave(server, &from);
}

START_TEST(has_no_limits_at_first)
{
    use_settings("", "");
    for (int i = 0; i < 1000; i++)
        ck_assert_str_eq(enter("192.0.2.1"), "");
    ck_assert_uint_eq(virtual_server_connections(server), 1000);
    for (int i = 0; i < 1000; i++)
        leave("192.0.2.1");
    ck_assert_uint_eq(virtual_server_connections(server), 0);
}
END_TEST

START_TEST(limits_connections)
{
    use_settings(",\"connections\":2", "");
    ck_assert_str_eq(enter("192.0.2.1"), "");
    ck_assert_str_eq(enter("192.0.2.2"), "");
    ck_assert_str_eq(enter("192.0.2.3"), "connection-limit");
    ck_assert_str_eq(enter("192.0.2.3"), "connection-limit");
    leave("192.0.2.1");
    ck_assert_str_eq(enter("192.0.2.3"), "");
    /* The administrator hears of it once, not for each client. */
    ck_assert_int_eq(events, 1);
    ck_assert_ptr_nonnull(strstr(last_event, "\"Gate\" has reached its limit of 2 connections"));
}
END_TEST

START_TEST(limits_connections_of_one_address)
{
    use_settings(",\"connections_per_address\":2", "");
    ck_assert_str_eq(enter("192.0.2.1"), "");
    ck_assert_str_eq(enter("192.0.2.1"), "");
    ck_assert_str_eq(enter("192.0.2.1"), "connection-limit-address");
    ck_assert_str_eq(enter("2001:db8::1"), "");
    leave("192.0.2.1");
    ck_assert_str_eq(enter("192.0.2.1"), "");
    ck_assert_str_eq(enter("192.0.2.1"), "connection-limit-address");
    ck_assert_int_eq(events, 0);
}
END_TEST

START_TEST(a_new_limit_counts_who_is_there)
{
    use_settings("", "");
    ck_assert_str_eq(enter("192.0.2.1"), "");
    ck_assert_str_eq(enter("192.0.2.1"), "");
    use_settings(",\"connections_per_address\":2", "");
    ck_assert_str_eq(enter("192.0.2.1"), "connection-limit-address");
}
END_TEST

START_TEST(takes_the_stricter_limit)
{
    struct ip_address client = address("192.0.2.1");
    struct verdict refusal;
    use_settings(",\"message_size\":100,\"recipients_per_message\":50",
                 "\"receiving_size\":0,\"recipients\":20");
    struct virtual_server_rules *rules = virtual_server_enter(server, &client, &refusal);
    ck_assert_uint_eq(rules->session.message_size, 100 * 1024);
    ck_assert_uint_eq(rules->session.recipients, 20);

    /* Who is there keeps the rules of the time when it came. */
    use_settings(",\"message_size\":0", "\"receiving_size\":7,\"recipients\":0");
    struct virtual_server_rules *later = virtual_server_enter(server, &client, &refusal);
    ck_assert_uint_eq(rules->session.message_size, 100 * 1024);
    ck_assert_uint_eq(later->session.message_size, 7 * 1024);
    ck_assert_uint_eq(later->session.recipients, 64000);
    virtual_server_rules_release(rules);
    virtual_server_rules_release(later);
}
END_TEST

START_TEST(has_a_host_name)
{
    struct ip_address client = address("192.0.2.1");
    struct verdict refusal;
    use_settings("", "");
    struct virtual_server_rules *rules = virtual_server_enter(server, &client, &refusal);
    ck_assert_str_ne(rules->session.host_name, "");
    virtual_server_rules_release(rules);
    use_settings(",\"host_name\":\"mail.example.test\"", "");
    rules = virtual_server_enter(server, &client, &refusal);
    ck_assert_str_eq(rules->session.host_name, "mail.example.test");
    virtual_server_rules_release(rules);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("virtual_server");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, has_no_limits_at_first);
    tcase_add_test(tests, limits_connections);
    tcase_add_test(tests, limits_connections_of_one_address);
    tcase_add_test(tests, a_new_limit_counts_who_is_there);
    tcase_add_test(tests, takes_the_stricter_limit);
    tcase_add_test(tests, has_a_host_name);
    Suite *suite = suite_create("hall");
    suite_add_tcase(suite, tests);
    return suite;
}
