/* rooms: config platform base */
/* The document: defaults, ranges, types, unknown members, checks of several values, what errors say. */
#include "base/memory.h"
#include "config/settings.h"
#include "config/settings_table.h"
#include "unit.h"

#include <inttypes.h>
#include <stdarg.h>

static const struct settings_snapshot *parsed(const char *json)
{
    struct error error = {0};
    const struct settings_snapshot *snapshot = settings_parse(view_of_text(json), 1, &error);
    ck_assert_msg(snapshot != NULL, "%s: %s", json, error.text);
    return snapshot;
}

static void accepts(const char *json)
{
    settings_release(parsed(json));
}

static void refuses(const char *json, const char *said)
{
    struct error error = {0};
    const struct settings_snapshot *snapshot = settings_parse(view_of_text(json), 1, &error);
    ck_assert_msg(snapshot == NULL, "%s passes, and should not: %s", json, said);
    ck_assert_str_eq(error.text, said);
}

/* ---- defaults: settings.def read once more, on its own ---- */

#define TABLE(table, title)                                                                        \
    static void check_##table(const struct settings_##table *values)                               \
    {
#define TEXT(table, name, check, maximum, initial, help) ck_assert_str_eq(values->name, initial);
#define NUMBER(table, name, minimum, maximum, initial, unit, help)                                 \
    ck_assert_int_eq(values->name, initial);                                                       \
    ck_assert((initial) >= (minimum) && (initial) <= (maximum));
#define SWITCH(table, name, initial, help)             ck_assert_int_eq(values->name, initial);
#define CHOICE(table, name, choices, initial, help)    ck_assert_int_eq(values->name, initial);
#define TEXTS(table, name, check, maximum, most, help) ck_assert_uint_eq(values->name##_count, 0);
#define OBJECT(table, name, other, help)               check_##other(&values->name);
#define OBJECTS(table, name, other, key, least, most, help)                                        \
    ck_assert_uint_eq(values->name##_count, least);                                                \
    for (size_t i = 0; i < values->name##_count; i++)                                              \
        check_##other(&values->name[i]);
#define END(table) }
#include "config/settings.def"
#undef TABLE
#undef TEXT
#undef NUMBER
#undef SWITCH
#undef CHOICE
#undef TEXTS
#undef OBJECT
#undef OBJECTS
#undef END

START_TEST(defaults_are_those_of_the_table)
{
    const struct settings_snapshot *snapshot = settings_defaults();
    ck_assert_ptr_nonnull(snapshot);
    ck_assert_int_eq(snapshot->revision, 0);
    check_settings(&snapshot->values);
    settings_release(snapshot);
}
END_TEST

START_TEST(defaults_are_a_server_that_listens)
{
    const struct settings_snapshot *snapshot = parsed("{}");
    ck_assert_uint_eq(snapshot->values.virtual_servers_count, 1);
    const struct settings_virtual_server *server = snapshot->values.virtual_servers;
    ck_assert_str_eq(server->name, "Default SMTP Virtual Server");
    ck_assert_uint_eq(server->addresses_count, 1);
    ck_assert_str_eq(server->addresses[0].address, "*");
    ck_assert_int_eq(server->addresses[0].port, 25);
    ck_assert(server->addresses[0].apply_recipient_filter);
    ck_assert_uint_eq(snapshot->values.accepted_domains_count, 0);
    settings_release(snapshot);
}
END_TEST

/* ---- every setting of the table, at the place where it stands ---- */

/* What is around a member: "{"outbound":{" and "}}". */
struct around {
    char before[400];
    char after[40];
    char path[200];
};

static void put(char *to, size_t size, const char *format, ...) FORMAT_LIKE_PRINTF(3, 4);

static void put(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    ck_assert_int_lt(length, (int)size);
}

typedef void (*visit_setting)(const struct around *around, const struct setting *setting);

static struct around inside(const struct around *outer, const struct setting *setting)
{
    struct around inner;
    bool list = setting->type == SETTING_OBJECTS;
    /* The neighbours that an element and the limits of connections need. */
    const char *more = "";
    if (strcmp(setting->name, "accepted_domains") == 0)
        more = "\"domain\":\"a.test\",";
    else if (strcmp(setting->name, "outbound") == 0)
        more = "\"connections\":2000000000,\"connections_per_destination\":1,";
    put(inner.before, sizeof inner.before, "%s\"%s\":%s{%s", outer->before, setting->name,
        list ? "[" : "", more);
    put(inner.after, sizeof inner.after, "}%s%s", list ? "]" : "", outer->after);
    put(inner.path, sizeof inner.path, "%s%s%s.", outer->path, setting->name, list ? "[0]" : "");
    return inner;
}

static int visit(const struct around *around, const struct setting_table *table,
                 visit_setting visitor)
{
    int visited = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        visitor(around, setting);
        visited++;
        if (setting->inner != NULL) {
            struct around inner = inside(around, setting);
            visited += visit(&inner, setting->inner, visitor);
        }
    }
    return visited;
}

static void visit_all(visit_setting visitor)
{
    const struct around around = {"{", "}", ""};
    ck_assert_int_gt(visit(&around, settings_root, visitor), 70);
}

/* The document with one member set; a neighbour of the same name gives way. */
static char *document_with(const struct around *around, const struct setting *setting,
                           const char *value)
{
    static char text[1000];
    char before[400], given[100];
    put(before, sizeof before, "%s", around->before);
    put(given, sizeof given, "\"%s\":", setting->name);
    char *twin = strrchr(before, '{') == NULL ? NULL : strstr(strrchr(before, '{'), given);
    if (twin != NULL) {
        char *comma = strchr(twin, ',');
        memmove(twin, comma + 1, strlen(comma + 1) + 1);
    }
    put(text, sizeof text, "%s%s%s%s", before, given, value, around->after);
    return text;
}

static void try_number(const struct around *around, const struct setting *setting, int64_t value)
{
    char number[30], said[300];
    put(number, sizeof number, "%" PRId64, value);
    if (value >= setting->minimum && value <= setting->maximum) {
        accepts(document_with(around, setting, number));
        return;
    }
    put(said, sizeof said, "%s%s: %s is not between %" PRId64 " and %" PRId64 ".", around->path,
        setting->name, number, setting->minimum, setting->maximum);
    refuses(document_with(around, setting, number), said);
}

static void visit_edges(const struct around *around, const struct setting *setting)
{
    if (setting->type != SETTING_NUMBER)
        return;
    try_number(around, setting, setting->minimum - 1);
    try_number(around, setting, setting->minimum);
    try_number(around, setting, setting->maximum);
    try_number(around, setting, setting->maximum + 1);
}

START_TEST(numbers_keep_within_their_range)
{
    visit_all(visit_edges);
    refuses("{\"retry\":{\"first\":70000}}", "retry.first: 70000 is not between 1 and 9999.");
}
END_TEST

/* By enum setting_type: what is expected, and the only JSON kinds that are not wrong. */
static const struct {
    const char *expected;
    const char *right;
} kinds[] = {
    [SETTING_TEXT] = {"text", "s"},
    [SETTING_NUMBER] = {"a whole number", "i"},
    [SETTING_SWITCH] = {"true or false", "tf"},
    [SETTING_CHOICE] = {"text", "s"},
    [SETTING_TEXTS] = {"a list", "a"},
    [SETTING_OBJECT] = {"an object", "o"},
    [SETTING_OBJECTS] = {"a list", "a"},
};

static const struct {
    char kind;
    const char *json;
    const char *name;
} values[] = {
    {'s', "\"x\"", "text"}, {'i', "5", "a number"},   {'r', "5.0", "a fraction"},
    {'t', "true", "true"},  {'f', "false", "false"},  {'n', "null", "null"},
    {'a', "[]", "a list"},  {'o', "{}", "an object"},
};

static void visit_types(const struct around *around, const struct setting *setting)
{
    char said[300];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strchr(kinds[setting->type].right, values[i].kind) != NULL)
            continue;
        put(said, sizeof said, "%s%s: must be %s, not %s.", around->path, setting->name,
            kinds[setting->type].expected, values[i].name);
        refuses(document_with(around, setting, values[i].json), said);
    }
}

START_TEST(wrong_types_are_named)
{
    visit_all(visit_types);
    refuses("[]", "The document: must be an object, not a list.");
    refuses("5", "The document: must be an object, not a number.");
    refuses("{\"virtual_servers\":[5]}", "virtual_servers[0]: must be an object, not a number.");
    refuses("{\"recipient_filter\":{\"blocked\":[\"a@b.test\",true]}}",
            "recipient_filter.blocked[1]: must be text, not true.");
}
END_TEST

static void visit_unknown(const struct around *around, const struct setting *setting)
{
    char member[100], said[400];
    struct setting twisted = *setting;
    put(member, sizeof member, "%s_", setting->name);
    twisted.name = member;
    put(said, sizeof said, "%s%s: there is no such setting; %s is meant perhaps.", around->path,
        member, setting->name);
    refuses(document_with(around, &twisted, "1"), said);
}

START_TEST(unknown_members_are_errors)
{
    visit_all(visit_unknown);
    refuses("{\"nonsense\":1}", "nonsense: there is no such setting.");
    refuses("{\"retry\":{\"frist\":1}}",
            "retry.frist: there is no such setting; first is meant perhaps.");
    refuses("{\"retry\":{\"\":1}}", "retry.: there is no such setting.");
    refuses("{\"a\\nb\":1}", "a?b: there is no such setting.");
}
END_TEST

static void visit_texts(const struct around *around, const struct setting *setting)
{
    ck_assert_int_gt(strlen(setting->help), 0);
    if (setting->type == SETTING_TEXT || setting->type == SETTING_TEXTS)
        ck_assert_int_le(setting->maximum, SETTINGS_TEXT_MAXIMUM);
    if (setting->type != SETTING_TEXT)
        return;
    char value[SETTINGS_TEXT_MAXIMUM + 4], said[300], document[3000];
    memset(value, 'x', sizeof value);
    value[0] = '"';
    value[setting->maximum + 2] = '"';
    value[setting->maximum + 3] = '\0';
    put(document, sizeof document, "%s\"%s\":%s%s", around->before, setting->name, value,
        around->after);
    if (strstr(document, "\"domain\":\"a.test\",\"domain\"") != NULL)
        return; /* a member twice is another error */
    put(said, sizeof said, "%s%s: is longer than %" PRId64 " bytes.", around->path, setting->name,
        setting->maximum);
    refuses(document, said);
}

START_TEST(long_texts_are_refused)
{
    visit_all(visit_texts);
}
END_TEST

START_TEST(choices_are_names)
{
    const struct settings_snapshot *snapshot =
        parsed("{\"virtual_servers\":[{\"bare_line_ends\":\"convert\"}]}");
    ck_assert_int_eq(snapshot->values.virtual_servers[0].bare_line_ends, BARE_LINE_ENDS_CONVERT);
    settings_release(snapshot);
    snapshot = parsed("{\"accepted_domains\":[{\"domain\":\"a.test\",\"type\":\"relay\","
                      "\"deliver_to\":\"host\",\"host\":\"h.test\"}]}");
    ck_assert_int_eq(snapshot->values.accepted_domains[0].type, DOMAIN_RELAY);
    ck_assert_int_eq(snapshot->values.accepted_domains[0].deliver_to, DELIVER_TO_HOST);
    settings_release(snapshot);
    refuses("{\"virtual_servers\":[{\"bare_line_ends\":\"Reject\"}]}",
            "virtual_servers[0].bare_line_ends: \"Reject\" is not one of reject|convert.");
}
END_TEST

START_TEST(errors_name_the_whole_path)
{
    refuses("{\"virtual_servers\":[{\"addresses\":[{},{\"port\":70000}]}]}",
            "virtual_servers[0].addresses[1].port: 70000 is not between 1 and 65535.");
    refuses("{\"accepted_domains\":[{\"domain\":\"not a domain\"}]}",
            "accepted_domains[0].domain: \"not a domain\" is not a domain such as example.com.");
    refuses("{\"accepted_domains\":[{}]}", "accepted_domains[0].domain: must not be empty.");
    refuses("{\"message_delivery\":{\"trusted_hosts\":[\"10.0.0.1\",\"10.0.0.0/33\"]}}",
            "message_delivery.trusted_hosts[1]: \"10.0.0.0/33\" is not an IP address or a range "
            "such as 192.0.2.0/24.");
}
END_TEST

/* ---- lists ---- */

START_TEST(lists_have_a_least_and_a_most)
{
    refuses("{\"virtual_servers\":[]}", "virtual_servers: must have 1 or more.");
    refuses("{\"virtual_servers\":[{\"addresses\":[]}]}",
            "virtual_servers[0].addresses: must have 1 or more.");

    struct buffer document;
    buffer_init(&document, 100000);
    buffer_append_text(&document, "{\"virtual_servers\":[{\"addresses\":[{\"port\":1}");
    for (int i = 2; i <= 64; i++)
        buffer_append_format(&document, ",{\"port\":%d}", i);
    size_t end = document.length;
    buffer_append_text(&document, "]}]}");
    accepts(document.data);
    document.length = end;
    buffer_append_text(&document, ",{\"port\":65}]}]}");
    refuses(document.data, "virtual_servers[0].addresses: has 65 entries, more than 64.");
    buffer_free(&document);
}
END_TEST

START_TEST(keys_are_unique)
{
    refuses("{\"accepted_domains\":[{\"domain\":\"a.test\"},{\"domain\":\"b.test\"},"
            "{\"domain\":\"A.Test.\"}]}",
            "accepted_domains[2].domain: \"a.test\" is there already.");
    refuses("{\"virtual_servers\":[{\"name\":\"One\"},"
            "{\"name\":\"ONE\",\"addresses\":[{\"port\":26}]}]}",
            "virtual_servers[1].name: \"ONE\" is there already.");
    accepts("{\"accepted_domains\":[{\"domain\":\"a.test\"},{\"domain\":\"b.test\"}]}");
}
END_TEST

#define TWO_SERVERS(first, second)                                                                 \
    "{\"virtual_servers\":[{\"name\":\"1\",\"addresses\":[" first                                  \
    "]},{\"name\":\"2\",\"addresses\":[" second "]}]}"
#define AT(address, port) "{\"address\":\"" address "\",\"port\":" port "}"

START_TEST(listening_addresses_are_apart)
{
    accepts(TWO_SERVERS(AT("127.0.0.1", "25") "," AT("127.0.0.1", "26"), AT("127.0.0.2", "25")));
    accepts(TWO_SERVERS(AT("0.0.0.0", "25"), AT("::", "25")));
    accepts(TWO_SERVERS(AT("*", "25"), AT("127.0.0.1", "26")));
    refuses(TWO_SERVERS(AT("127.0.0.1", "25"), AT("10.0.0.1", "26") "," AT("127.0.0.1", "25")),
            "virtual_servers[1].addresses[1]: port 25 of 127.0.0.1 is taken by "
            "virtual_servers[0].addresses[0], which is 127.0.0.1.");
    refuses(TWO_SERVERS(AT("*", "25"), AT("127.0.0.1", "25")),
            "virtual_servers[1].addresses[0]: port 25 of 127.0.0.1 is taken by "
            "virtual_servers[0].addresses[0], which is *.");
    refuses(TWO_SERVERS(AT("::1", "25"), AT("0:0:0:0:0:0:0:1", "25")),
            "virtual_servers[1].addresses[0]: port 25 of ::1 is taken by "
            "virtual_servers[0].addresses[0], which is ::1.");
    refuses(TWO_SERVERS(AT("0.0.0.0", "25"), AT("10.0.0.1", "25")),
            "virtual_servers[1].addresses[0]: port 25 of 10.0.0.1 is taken by "
            "virtual_servers[0].addresses[0], which is 0.0.0.0.");
    refuses(TWO_SERVERS(AT("10.0.0.1", "25") "," AT("::", "25"), AT("*", "25")),
            "virtual_servers[1].addresses[0]: port 25 of * is taken by "
            "virtual_servers[0].addresses[0], which is 10.0.0.1.");
}
END_TEST

START_TEST(values_fit_together)
{
    refuses("{\"accepted_domains\":[{\"domain\":\"a.test\",\"deliver_to\":\"host\"}]}",
            "accepted_domains[0].host: must not be empty when deliver_to is host.");
    accepts("{\"virtual_servers\":[{\"message_size\":100,\"session_size\":100}]}");
    accepts("{\"virtual_servers\":[{\"message_size\":100,\"session_size\":0}]}");
    refuses("{\"virtual_servers\":[{\"message_size\":100,\"session_size\":99}]}",
            "virtual_servers[0].session_size: 99 is less than the message_size, 100.");
    accepts("{\"outbound\":{\"connections\":7,\"connections_per_destination\":7}}");
    refuses("{\"outbound\":{\"connections\":7,\"connections_per_destination\":8}}",
            "outbound.connections_per_destination: 8 is more than outbound.connections, 7.");
}
END_TEST

/* ---- text of the document ---- */

START_TEST(json_round_trip)
{
    const char *given =
        "{\"virtual_servers\":[{\"name\":\" Gate \",\"host_name\":\"GATE.Example.Test.\","
        "\"addresses\":[{\"address\":\"2001:DB8:0::1\",\"port\":2525}]}],"
        "\"message_delivery\":{\"postmaster\":\"Ann@EXAMPLE.test\",\"trusted_hosts\":"
        "[\"10.0.0.0/8\",\"192.0.2.1/32\"]},\"outbound\":{\"smart_host\":\"[192.0.2.9]\"}}";
    const struct settings_snapshot *snapshot = parsed(given);
    const struct settings_settings *values_of = &snapshot->values;
    ck_assert_str_eq(values_of->virtual_servers[0].name, "Gate");
    ck_assert_str_eq(values_of->virtual_servers[0].host_name, "gate.example.test");
    ck_assert_str_eq(values_of->virtual_servers[0].addresses[0].address, "2001:db8::1");
    ck_assert_str_eq(values_of->message_delivery.postmaster, "Ann@example.test");
    ck_assert_uint_eq(values_of->message_delivery.trusted_hosts_count, 2);
    ck_assert_str_eq(values_of->message_delivery.trusted_hosts[1], "192.0.2.1");
    ck_assert_str_eq(values_of->outbound.smart_host, "192.0.2.9");

    char *first = settings_json(snapshot);
    settings_release(snapshot);
    snapshot = parsed(first);
    char *second = settings_json(snapshot);
    settings_release(snapshot);
    ck_assert_str_eq(first, second);
    ck_assert_ptr_nonnull(strstr(first, "\"apply_recipient_filter\":true"));
    ck_assert_ptr_nonnull(strstr(first, "\"bare_line_ends\":\"reject\""));
    memory_free(first);
    memory_free(second);
}
END_TEST

START_TEST(malformed_documents_are_placed)
{
    struct error error;
    static const char *const malformed[] = {
        "",
        "{",
        "{\"retry\": 5",
        "{\"retry\":{},\"retry\":{}}",
        "{} x",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":99999999999999999999}",
        "{\"a\":\"\xFF\"}",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        ck_assert_ptr_null(settings_parse(view_of_text(malformed[i]), 1, &error));
        ck_assert_msg(strncmp(error.text, "Line 1, column ", 15) == 0, "%s", error.text);
    }
    ck_assert_ptr_null(settings_parse(VIEW_NONE, 1, &error));
    ck_assert_ptr_null(settings_parse(view_of_text("{\n\n \"retry\": }"), 1, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "Line 3"));
}
END_TEST

START_TEST(documents_are_bounded)
{
    struct error error;
    struct buffer document;
    buffer_init(&document, SETTINGS_DOCUMENT_MAXIMUM + 1);
    buffer_append_text(&document, "{}");
    while (document.length < SETTINGS_DOCUMENT_MAXIMUM)
        buffer_append_text(&document, " ");
    settings_release(settings_parse(buffer_view(&document), 1, &error));
    buffer_append_text(&document, " ");
    ck_assert_ptr_null(settings_parse(buffer_view(&document), 1, &error));
    ck_assert_str_eq(error.text, "The document is longer than 4190208 bytes.");

    buffer_clear(&document);
    buffer_append_text(&document, "{\"retry\":");
    for (int i = 0; i < SETTINGS_DEPTH_MAXIMUM; i++)
        buffer_append_text(&document, "[");
    for (int i = 0; i < SETTINGS_DEPTH_MAXIMUM; i++)
        buffer_append_text(&document, "]");
    buffer_append_text(&document, "}");
    ck_assert_ptr_null(settings_parse(buffer_view(&document), 1, &error));
    ck_assert_str_eq(error.text,
                     "The document has more than 16 objects and lists inside each other.");
    buffer_free(&document);
}
END_TEST

START_TEST(snapshots_are_counted)
{
    const struct settings_snapshot *snapshot = parsed("{}");
    ck_assert_ptr_eq(settings_retain(snapshot), snapshot);
    settings_release(snapshot);
    ck_assert_str_eq(snapshot->values.virtual_servers[0].addresses[0].address, "*");
    settings_release(snapshot);
    settings_release(NULL);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("settings");
    tcase_add_test(tests, defaults_are_those_of_the_table);
    tcase_add_test(tests, defaults_are_a_server_that_listens);
    tcase_add_test(tests, numbers_keep_within_their_range);
    tcase_add_test(tests, wrong_types_are_named);
    tcase_add_test(tests, unknown_members_are_errors);
    tcase_add_test(tests, long_texts_are_refused);
    tcase_add_test(tests, choices_are_names);
    tcase_add_test(tests, errors_name_the_whole_path);
    tcase_add_test(tests, lists_have_a_least_and_a_most);
    tcase_add_test(tests, keys_are_unique);
    tcase_add_test(tests, listening_addresses_are_apart);
    tcase_add_test(tests, values_fit_together);
    tcase_add_test(tests, json_round_trip);
    tcase_add_test(tests, malformed_documents_are_placed);
    tcase_add_test(tests, documents_are_bounded);
    tcase_add_test(tests, snapshots_are_counted);
    Suite *suite = suite_create("settings");
    suite_add_tcase(suite, tests);
    return suite;
}
