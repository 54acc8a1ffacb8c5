/* rooms: config platform base */
/* with: platform_folder.c */
/* Secrets in settings: sealed in the file and in force, masked for whoever asks, kept when the mask comes back. */
#include "base/memory.h"
#include "config/store.h"
#include "platform/file.h"
#include "platform_folder.h"
#include "unit.h"

#define TWO                                                                                        \
    "{\"directories\":["                                                                           \
    "{\"name\":\"AD\",\"active_directory_domain\":\"a.test\",\"account\":\"x\",\"password\":"      \
    "\"first\"},"                                                                                  \
    "{\"name\":\"OL\",\"servers\":[\"b\"],\"account\":\"y\",\"password\":\"sealed:1:QUJD\"}]}"

static char *folder, *path;
static struct settings_store *store;

static void open_store(void)
{
    struct error refused, error;
    store = settings_store_open(path, &refused, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
}

static void setup(void)
{
    folder = scratch_folder();
    path = path_join(folder, "config.db");
    open_store();
}

static void teardown(void)
{
    settings_store_close(store);
    memory_free(path);
    scratch_remove(folder);
}

static enum settings_change merge(const char *patch, struct error *error)
{
    int64_t revision;
    return settings_store_merge(store, view_of_text(patch), -1, "ann", &revision, error);
}

static void merge_well(const char *patch)
{
    struct error error = {0};
    ck_assert_msg(merge(patch, &error) == SETTINGS_CHANGED, "%s", error.text);
}

static void password_is(size_t index, const char *password)
{
    struct error error = {0};
    struct buffer secret;
    const struct settings_snapshot *snapshot = settings_store_current(store);
    const char *sealed = snapshot->values.directories[index].password;
    buffer_init(&secret, 1024);
    ck_assert_ptr_null(strstr(sealed, password));
    ck_assert_msg(settings_unseal(sealed, folder, &secret, &error), "%s", error.text);
    ck_assert(view_equal(buffer_view(&secret), view_of_text(password)));
    buffer_free(&secret);
    settings_release(snapshot);
}

static void json_is(int64_t revision, const char *at, const char *json)
{
    struct error error = {0};
    char *text = settings_store_json(store, revision, at, &error);
    ck_assert_msg(text != NULL, "%s", error.text);
    ck_assert_str_eq(text, json);
    memory_free(text);
}

START_TEST(are_sealed_and_masked)
{
    merge_well(TWO);
    password_is(0, "first");
    password_is(1,
                "sealed:1:QUJD"); /* from outside everything is a secret, whatever it looks like */
    json_is(0, "directories[0].password", "\"" SETTINGS_MASK "\"");
    json_is(2, "directories[1].password", "\"" SETTINGS_MASK "\"");
    settings_store_close(store);
    open_store();
    password_is(0, "first");
    char *text = scratch_text(path);
    ck_assert_ptr_null(strstr(text, "first"));
    memory_free(text);
}
END_TEST

START_TEST(the_mask_keeps_what_is_stored)
{
    struct error error = {0};
    merge_well(TWO);
    char *document = settings_store_json(store, 0, "", &error);
    /* The whole document back, as it was given out. */
    int64_t revision;
    ck_assert_int_eq(
        settings_store_replace(store, view_of_text(document), -1, "ann", &revision, &error),
        SETTINGS_UNCHANGED);
    memory_free(document);
    /* The other order, and one renamed: by name first, then by place. */
    merge_well("{\"directories\":["
               "{\"name\":\"ol\",\"servers\":[\"b\"],\"account\":\"y\",\"password\":\"********\"},"
               "{\"name\":\"AD\",\"active_directory_domain\":\"a.test\",\"account\":\"x\","
               "\"password\":\"********\"}]}");
    password_is(0, "sealed:1:QUJD");
    password_is(1, "first");
    merge_well("{\"directories\":["
               "{\"name\":\"ol\",\"servers\":[\"b\"],\"account\":\"y\",\"password\":\"********\"},"
               "{\"name\":\"New\",\"active_directory_domain\":\"a.test\",\"account\":\"x\","
               "\"password\":\"********\"}]}");
    password_is(1, "first");
    merge_well("{\"retry\":{\"first\":3}}");
    password_is(1, "first");
}
END_TEST

START_TEST(a_mask_for_nothing_is_an_error)
{
    struct error error = {0};
    ck_assert_int_eq(
        merge("{\"directories\":[{\"active_directory_domain\":\"a.test\",\"account\":\"x\","
              "\"password\":\"********\"}]}",
              &error),
        SETTINGS_INVALID);
    ck_assert_str_eq(error.text, "directories[0].password: nothing is stored that could be kept. "
                                 "Enter it.");
    merge_well(TWO);
    /* A new one does not get the password of another that is still there. */
    ck_assert_int_eq(
        merge("{\"directories\":[{\"name\":\"X\",\"password\":\"********\",\"enabled\":false},"
              "{\"name\":\"AD\",\"enabled\":false}]}",
              &error),
        SETTINGS_INVALID);
}
END_TEST

START_TEST(go_back_to_an_older_one)
{
    struct error error = {0};
    int64_t revision;
    merge_well(TWO);
    merge_well("{\"directories\":[{\"name\":\"AD\",\"active_directory_domain\":\"a.test\","
               "\"account\":\"x\","
               "\"password\":\"second\"}]}");
    password_is(0, "second");
    ck_assert_int_eq(settings_store_revert(store, 2, "ann", &revision, &error), SETTINGS_CHANGED);
    ck_assert_int_eq(revision, 4);
    password_is(0, "first");
    ck_assert_int_eq(settings_store_revert(store, 2, "ann", &revision, &error), SETTINGS_UNCHANGED);
    ck_assert_int_eq(settings_store_revert(store, 9, "ann", &revision, &error), SETTINGS_NOT_FOUND);
}
END_TEST

START_TEST(import_of_a_stopped_service)
{
    struct error error = {0};
    int64_t revision;
    merge_well(TWO);
    char *document = settings_store_json(store, 0, "", &error);
    settings_store_close(store);
    ck_assert_int_eq(settings_store_import(path, view_of_text(document), "ann", &revision, &error),
                     SETTINGS_CHANGED);
    memory_free(document);
    open_store();
    password_is(0, "first");
}
END_TEST

static void refuses(const char *directory, const char *said)
{
    struct error error = {0};
    char patch[500];
    snprintf(patch, sizeof patch, "{\"directories\":[{%s}]}", directory);
    ck_assert_int_eq(merge(patch, &error), SETTINGS_INVALID);
    ck_assert_msg(strncmp(error.text, said, strlen(said)) == 0, "%s", error.text);
}

START_TEST(a_directory_that_is_used_is_whole)
{
    refuses("\"account\":\"\"", "directories[0].servers: name a server");
    refuses("\"active_directory_domain\":\"a.test\",\"account\":\"x\"",
            "directories[0].password: must not be");
    refuses("\"active_directory_domain\":\"a.test\",\"password\":\"x\"",
            "directories[0].account: must not be");
    refuses("\"active_directory_domain\":\"a.test\",\"account\":\"x\",\"password\":\"x\","
            "\"security\":\"plain\"",
            "directories[0].security: plain would show");
    refuses("\"active_directory_domain\":\"a.test\",\"stale_after\":20",
            "directories[0].stale_after: 20 is less");
    refuses("\"active_directory_domain\":\"a.test\",\"retry_first\":61",
            "directories[0].retry_first: 61 is more");
    merge_well("{\"directories\":[{\"active_directory_domain\":\"a.test\",\"account\":\"x\","
               "\"password\":\"x\","
               "\"security\":\"plain\",\"allow_plain_password\":true}]}");
    merge_well("{\"directories\":[{\"enabled\":false,\"account\":\"x\"}]}");
    merge_well("{\"directories\":[{\"active_directory_domain\":\"a.test\"}]}");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("settings_secret");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, are_sealed_and_masked);
    tcase_add_test(tests, the_mask_keeps_what_is_stored);
    tcase_add_test(tests, a_mask_for_nothing_is_an_error);
    tcase_add_test(tests, go_back_to_an_older_one);
    tcase_add_test(tests, import_of_a_stopped_service);
    tcase_add_test(tests, a_directory_that_is_used_is_whole);
    Suite *suite = suite_create("settings_secret");
    suite_add_tcase(suite, tests);
    return suite;
}
