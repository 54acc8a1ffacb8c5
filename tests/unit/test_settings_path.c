/* rooms: config platform base */
/* Paths: what they name, values as people write them, patches and what a merge makes of them. */
#include "base/memory.h"
#include "config/settings.h"
#include "config/settings_json.h"
#include "config/settings_path.h"
#include "unit.h"

START_TEST(paths_name_settings)
{
    struct settings_target target;
    struct error error;
    ck_assert(settings_path_find("", &target, &error));
    ck_assert_ptr_null(target.setting);
    ck_assert_ptr_eq(target.table, settings_root);

    ck_assert(settings_path_find("outbound.smart_host", &target, &error));
    ck_assert_str_eq(target.setting->name, "smart_host");
    ck_assert(!target.within_list && !target.element && target.table == NULL);

    ck_assert(settings_path_find("outbound", &target, &error));
    ck_assert_int_eq(target.setting->type, SETTING_OBJECT);
    ck_assert_ptr_nonnull(target.table);

    ck_assert(settings_path_find("virtual_servers", &target, &error));
    ck_assert(!target.within_list && !target.element && target.table == NULL);

    ck_assert(settings_path_find("virtual_servers[3]", &target, &error));
    ck_assert(target.within_list && target.element && target.table != NULL);

    ck_assert(settings_path_find("virtual_servers[0].addresses[12].port", &target, &error));
    ck_assert_str_eq(target.setting->name, "port");
    ck_assert(target.within_list && !target.element);

    ck_assert(settings_path_find("message_delivery.trusted_hosts[0]", &target, &error));
    ck_assert(target.within_list && target.element && target.table == NULL);
}
END_TEST

START_TEST(wrong_paths_are_explained)
{
    static const struct {
        const char *path;
        const char *said;
    } wrong[] = {
        {"outbund", "outbund: there is no such setting; outbound is meant perhaps."},
        {"nonsense.at.all", "nonsense: there is no such setting."},
        {"retry.frist", "retry.frist: there is no such setting; first is meant perhaps."},
        {"retry.first.x", "retry.first: this has no members."},
        {"retry[0]", "retry[0]: this is not a list."},
        {"retry.first[0]", "retry.first[0]: this is not a list."},
        {"virtual_servers.name",
         "virtual_servers: this is a list: name one element, as in accepted_domains[0].host."},
        {"message_delivery.trusted_hosts[0].x",
         "message_delivery.trusted_hosts[0]: this has no members."},
        {"virtual_servers[0]name", "virtual_servers[0]name: this is not a path such as "
                                   "virtual_servers[0].addresses[1].port."},
        {"virtual_servers[x]",
         "virtual_servers[x]: this is not a path such as virtual_servers[0].addresses[1].port."},
        {"virtual_servers[]",
         "virtual_servers[]: this is not a path such as virtual_servers[0].addresses[1].port."},
        {"virtual_servers[",
         "virtual_servers[: this is not a path such as virtual_servers[0].addresses[1].port."},
        {"retry.", "retry.: there is no such setting."},
        {".", ": there is no such setting."},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct settings_target target;
        struct error error = {0};
        ck_assert_msg(!settings_path_find(wrong[i].path, &target, &error), "%s", wrong[i].path);
        ck_assert_str_eq(error.text, wrong[i].said);
    }
}
END_TEST

/* json NULL: refused with `said`. */
static void value_is(const char *path, const char *text, const char *json, const char *said)
{
    struct error error = {0};
    char *value = settings_path_value(path, view_of_text(text), &error);
    if (json == NULL) {
        ck_assert_msg(value == NULL, "%s = %s passes", path, text);
        ck_assert_str_eq(error.text, said);
    } else {
        ck_assert_msg(value != NULL, "%s = %s: %s", path, text, error.text);
        ck_assert_str_eq(value, json);
    }
    memory_free(value);
}

START_TEST(values_are_plain_or_json)
{
    value_is("outbound.smart_host", "relay.test", "\"relay.test\"", "");
    value_is("outbound.smart_host", "", "\"\"", "");
    value_is("outbound.smart_host", "\"relay.test\"", "\"relay.test\"", "");
    value_is("outbound.smart_host", "null", "null", "");
    value_is("outbound.smart_host", "25", "\"25\"", "");
    value_is("virtual_servers[0].name", "say \"x\"", "\"say \\\"x\\\"\"", "");
    value_is("virtual_servers[0].name", "\"half", "\"\\\"half\"", "");
    value_is("virtual_servers[0].bare_line_ends", "convert", "\"convert\"", "");
    value_is("message_delivery.trusted_hosts[0]", "192.0.2.0/24", "\"192.0.2.0/24\"", "");
    value_is("retry.first", "5", "5", "");
    value_is("retry.first", "null", "null", "");
    value_is("retry.first", "five", NULL, "retry.first: \"five\" is not a whole number.");
    value_is("recipient_filter.refuse_unknown", "false", "false", "");
    value_is("recipient_filter.refuse_unknown", "perhaps", NULL,
             "recipient_filter.refuse_unknown: \"perhaps\" is not true or false.");
    value_is("message_delivery.trusted_hosts", "[ \"192.0.2.1\" ]", "[\"192.0.2.1\"]", "");
    value_is("message_delivery.trusted_hosts", "192.0.2.1", NULL,
             "message_delivery.trusted_hosts: \"192.0.2.1\" is not a JSON list.");
    value_is("accepted_domains[0]", "{\"domain\":\"a.test\"}", "{\"domain\":\"a.test\"}", "");
    value_is("accepted_domains[0]", "a.test", NULL,
             "accepted_domains[0]: \"a.test\" is not a JSON object.");
    value_is("retry.frist", "5", NULL,
             "retry.frist: there is no such setting; first is meant perhaps.");
    value_is("outbound.smart_host", "\xFF", NULL,
             "outbound.smart_host: the value is not in UTF-8.");
}
END_TEST

#define DOCUMENT                                                                                   \
    "{\"outbound\":{\"smart_host\":\"old.test\",\"port\":25},\"virtual_servers\":[{\"name\":"      \
    "\"one\",\"hop_count\":30,\"addresses\":[{\"port\":25},{\"port\":26}]},{\"name\":\"two\"}],"   \
    "\"accepted_domains\":[],\"message_delivery\":{\"trusted_hosts\":[\"10.0.0.1\"]}}"

/* patch NULL: refused with `said`. */
static void patch_is(const char *path, const char *value, const char *patch, const char *said)
{
    struct error error = {0};
    char *made = settings_path_patch(path, view_of_text(value), view_of_text(DOCUMENT), &error);
    if (patch == NULL) {
        ck_assert_msg(made == NULL, "%s gives %s", path, made);
        ck_assert_str_eq(error.text, said);
    } else {
        ck_assert_msg(made != NULL, "%s: %s", path, error.text);
        ck_assert_str_eq(made, patch);
    }
    memory_free(made);
}

START_TEST(patches_hold_what_changes)
{
    patch_is("outbound.smart_host", "\"new.test\"", "{\"outbound\":{\"smart_host\":\"new.test\"}}",
             "");
    patch_is("outbound.smart_host", "null", "{\"outbound\":{\"smart_host\":null}}", "");
    patch_is("message_delivery.trusted_hosts", "[]",
             "{\"message_delivery\":{\"trusted_hosts\":[]}}", "");
    patch_is("", "{}", "{}", "");
}
END_TEST

START_TEST(patches_hold_lists_whole)
{
    patch_is("virtual_servers[0].addresses[1].port", "27",
             "{\"virtual_servers\":[{\"name\":\"one\",\"hop_count\":30,\"addresses\":[{\"port\":25}"
             ",{\"port\":27}]},{\"name\":\"two\"}]}",
             "");
    patch_is("virtual_servers[0].hop_count", "null",
             "{\"virtual_servers\":[{\"name\":\"one\",\"addresses\":[{\"port\":25},{\"port\":26}]},"
             "{\"name\":\"two\"}]}",
             "");
    patch_is("virtual_servers[0]", "null", "{\"virtual_servers\":[{\"name\":\"two\"}]}", "");
    patch_is("message_delivery.trusted_hosts[0]", "\"10.0.0.2\"",
             "{\"message_delivery\":{\"trusted_hosts\":[\"10.0.0.2\"]}}", "");
    patch_is("message_delivery.trusted_hosts[1]", "\"10.0.0.2\"",
             "{\"message_delivery\":{\"trusted_hosts\":[\"10.0.0.1\",\"10.0.0.2\"]}}", "");
    patch_is("accepted_domains[0]", "{\"domain\":\"a.test\"}",
             "{\"accepted_domains\":[{\"domain\":\"a.test\"}]}", "");
    patch_is("accepted_domains[1]", "{\"domain\":\"a.test\"}", NULL,
             "accepted_domains[1]: there is no such element.");
    patch_is("accepted_domains[0].domain", "\"a.test\"", NULL,
             "accepted_domains[0].domain: there is no such element.");
    patch_is("accepted_domains[0]", "null", NULL, "accepted_domains[0]: there is no such element.");
}
END_TEST

/* The cases of RFC 7396, appendix A. */
START_TEST(merges_as_the_rfc_says)
{
    static const struct {
        const char *target, *patch, *result;
    } cases[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *target = json_loads(cases[i].target, JSON_DECODE_ANY, NULL);
        json_t *patch = json_loads(cases[i].patch, JSON_DECODE_ANY, NULL);
        json_t *merged = settings_merge(target, patch);
        char *text = settings_json_dump(merged);
        ck_assert_str_eq(text, cases[i].result);
        memory_free(text);
        text = settings_json_dump(target);
        ck_assert_str_eq(text, cases[i].target);
        memory_free(text);
        json_decref(merged);
        json_decref(patch);
        json_decref(target);
    }
}
END_TEST

static void differs(const char *from, const char *to, size_t size, const char *summary)
{
    char told[200];
    json_t *a = json_loads(from, 0, NULL), *b = json_loads(to, 0, NULL);
    ck_assert_int_eq(settings_difference(a, b, told, size), summary[0] != '\0');
    ck_assert_str_eq(told, summary);
    json_decref(a);
    json_decref(b);
}

START_TEST(differences_are_paths)
{
    differs("{\"a\":1}", "{\"a\":1}", 200, "");
    differs("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"a\":1,\"b\":{\"c\":3,\"d\":4}}", 200,
            "b.c, b.d");
    differs("{\"a\":[\"x\"]}", "{\"a\":[\"y\"]}", 200, "a");
    differs("{\"a\":[{\"b\":1},{\"b\":2}]}", "{\"a\":[{\"b\":1},{\"b\":3}]}", 200, "a[1].b");
    differs("{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1},{\"b\":3}]}", 200, "a");
    differs("{\"a\":[]}", "{\"a\":[{\"b\":1}]}", 200, "a");
    differs("{\"a\":1,\"b\":1,\"c\":1}", "{\"a\":2,\"b\":2,\"c\":2}", 16, "a, b and more");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("settings_path");
    tcase_add_test(tests, paths_name_settings);
    tcase_add_test(tests, wrong_paths_are_explained);
    tcase_add_test(tests, values_are_plain_or_json);
    tcase_add_test(tests, patches_hold_what_changes);
    tcase_add_test(tests, patches_hold_lists_whole);
    tcase_add_test(tests, merges_as_the_rfc_says);
    tcase_add_test(tests, differences_are_paths);
    Suite *suite = suite_create("settings_path");
    suite_add_tcase(suite, tests);
    return suite;
}
