/* rooms: cli admin config platform base */
/* with: no_server.c */
/* Verbs from the command line to a service that only records what it is asked: parameters, exit codes. */
#include "admin/server.h"
#include "base/base64.h"
#include "base/memory.h"
#include "cli/print.h"
#include "config/settings_json.h"
#include "platform/channel.h"
#include "platform/file.h"
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>

#define FOLDER    "test-cli-run"
#define FILE_NAME "test-cli-run.txt"

static struct admin_server *server;
static json_t *asked;          /* the params of the last call, for most methods */
static int calls;              /* since the start of the test */
static const char *refusal;    /* code of the error that most methods answer with; NULL for none */
static char printed[100000];   /* by the last verb, on standard output */
static char said[1000];        /* and on standard error */
static struct buffer imported; /* what came in parts */

int cli_print(struct buffer *out)
{
    view_copy_text(buffer_view(out), printed, sizeof printed);
    buffer_free(out);
    return CLI_OK;
}

int cli_fail(enum cli_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    return code;
}

static json_t *record(void *user, struct admin_call *call)
{
    json_decref(asked);
    asked = json_deep_copy(call->params);
    calls++;
    return refusal == NULL ? json_loads(user, 0, NULL)
                           : admin_fail(call, refusal, "Refused by the test.");
}

/* 2,500 rows in pages. */
static json_t *give_rows(void *user, struct admin_call *call)
{
    const char *after = "0";
    int64_t limit = 0;
    (void)user;
    calls++;
    if (!admin_text(call, "after", &after) || !admin_number(call, "limit", 1, 1000, &limit))
        return NULL;
    json_t *rows = json_array();
    int row = (int)strtol(after, NULL, 10);
    for (; row < 2500 && (int64_t)json_array_size(rows) < limit; row++)
        json_array_append_new(rows, json_pack("{s:i}", "event", row));
    json_t *page = json_pack("{s:o}", "events", rows);
    if (row < 2500)
        json_object_set_new(page, "next", json_sprintf("%d", row));
    json_decref(asked);
    asked = json_deep_copy(call->params);
    return page;
}

static json_t *take_part(void *user, struct admin_call *call)
{
    const char *text = "";
    size_t length;
    (void)user;
    admin_text(call, "data_base64", &text);
    char *bytes = malloc(strlen(text) + 1);
    ck_assert(base64_decode(view_of_text(text), bytes, &length));
    buffer_append(&imported, bytes, length);
    free(bytes);
    calls++;
    return json_object();
}

/* The default settings as revision 7. */
static json_t *give_settings(void *user, struct admin_call *call)
{
    (void)user;
    if (json_object_get(call->params, "revision") != NULL)
        return record(user, call);
    const struct settings_snapshot *defaults = settings_defaults();
    json_t *document = settings_write(&defaults->values);
    settings_release(defaults);
    return json_pack("{s:i, s:o}", "revision", 7, "value", document);
}

static const struct {
    const char *method;
    admin_method function;
    const char *result;
} methods[] = {
    {"status", record, "{}"},
    {"service.stop", record, "{}"},
    {"config.get", give_settings, "{\"value\":\"relay.test\"}"},
    {"config.set", record, "{\"revision\":8,\"changed\":true}"},
    {"config.import", record, "{\"revision\":8,\"changed\":false}"},
    {"config.revert", record, "{\"revision\":8,\"changed\":true}"},
    {"config.history", record, "{\"revisions\":[]}"},
    {"recipient.add", record, "{\"changed\":true}"},
    {"recipient.remove", record, "{\"changed\":false}"},
    {"recipient.explain", record, "{\"verdict\":\"accept\",\"reply\":\"250\",\"steps\":[]}"},
    {"recipient.import.begin", record, "{\"import\":5}"},
    {"recipient.import.part", take_part, NULL},
    {"recipient.import.end", record, "{\"added\":1,\"bad\":2,\"first_bad\":\"line 3\"}"},
    {"recipient.list", record, "{\"recipients\":[],\"total\":0}"},
    {"sessions.list", record, "{\"sessions\":[]}"},
    {"queue.list", record, "{\"queues\":[]}"},
    {"sessions.end", record, "{\"ended\":false}"},
    {"tracking.search", give_rows, NULL},
    {"tracking.history", record, "{\"events\":[]}"},
    {"queue.retry", record, "{}"},
};

static void setup(void)
{
    struct error error = {0};
    ck_assert(folder_create(FOLDER, &error));
    char *name = channel_default_name(FOLDER);
    /* More than one: the thread of a client that has gone may still be on its way out when the next one comes. */
    server = admin_server_create(name, 32, &error);
    ck_assert_msg(server != NULL, "%s", error.text);
    memory_free(name);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        admin_server_register(server, methods[i].method, methods[i].function,
                              (void *)methods[i].result);
    admin_server_start(server);
    buffer_init(&imported, 10000000);
    asked = NULL;
    refusal = NULL;
    calls = 0;
}

static void teardown(void)
{
    admin_server_destroy(server);
    json_decref(asked);
    buffer_free(&imported);
    file_delete(FILE_NAME, NULL);
}

#define WORDS_MAXIMUM 12

/* The words end with NULL. */
static int run(const char *first, ...)
{
    static char program[] = "gatepost", data[] = "--data", folder[] = FOLDER;
    char *words[WORDS_MAXIMUM] = {program, data, folder};
    int count = 1;
    va_list arguments;
    va_start(arguments, first);
    for (const char *word = first; word != NULL; word = va_arg(arguments, const char *))
        words[count++] = (char *)word;
    va_end(arguments);
    words[count++] = data;
    words[count++] = folder;
    printed[0] = said[0] = '\0';
    return cli_run(count, words);
}

static void asked_for(const char *json)
{
    char *text = json_dumps(asked, JSON_COMPACT);
    ck_assert_str_eq(text, json);
    free(text);
}

#define MORE "... and more: --limit N prints more of them.\n"

static void write_file(const char *contents, size_t length)
{
    struct error error = {0};
    file_delete(FILE_NAME, NULL);
    struct file *file = file_create(FILE_NAME, &error);
    ck_assert_msg(file != NULL, "%s", error.text);
    ck_assert(file_write(file, contents, length, &error));
    ck_assert(file_sync_and_close(file, &error));
}

START_TEST(parameters_reach_the_service)
{
    ck_assert_int_eq(run("recipient", "add", "a@b.test", "Ann", NULL), CLI_OK);
    asked_for("{\"address\":\"a@b.test\",\"display_name\":\"Ann\"}");
    ck_assert_int_eq(run("recipient", "add", "a@b.test", NULL), CLI_OK);
    asked_for("{\"address\":\"a@b.test\"}");
    ck_assert_int_eq(run("recipient", "explain", "a@b.test", "--from", "192.0.2.1", NULL), CLI_OK);
    asked_for("{\"address\":\"a@b.test\",\"from\":\"192.0.2.1\"}");
    ck_assert_int_eq(run("config", "revert", "5", NULL), CLI_OK);
    asked_for("{\"revision\":5}");
    ck_assert_int_eq(run("config", "get", "retry", "--revision", "5", NULL), CLI_OK);
    asked_for("{\"path\":\"retry\",\"revision\":5}");
    ck_assert_int_eq(run("config", "history", NULL), CLI_OK);
    asked_for("{\"limit\":20}");
    ck_assert_int_eq(run("queue", "retry", NULL), CLI_OK);
    asked_for("{}");
    ck_assert_int_eq(run("stop", "--json", NULL), CLI_OK);
    asked_for("{}");
}
END_TEST

START_TEST(results_are_printed)
{
    run("config", "get", "outbound.smart_host", "--revision", "5", "--json", NULL);
    ck_assert_str_eq(printed, "{\n  \"value\": \"relay.test\"\n}\n");
    run("config", "get", "outbound.smart_host", "--revision", "5", NULL);
    ck_assert_str_eq(printed, "relay.test\n");
    run("config", "export", "--revision", "5", "--json", NULL);
    ck_assert_str_eq(printed, "relay.test\n");
    run("config", "export", NULL);
    ck_assert_ptr_eq(strstr(printed, "{\n  \"message_delivery\": {\n"), printed);
    run("config", "set", "retry.first", "5", NULL);
    ck_assert_str_eq(printed, "Settings revision 8 is in force.\n");
    write_file("{}", 2);
    run("config", "import", FILE_NAME, NULL);
    ck_assert_str_eq(printed, "Nothing was changed: revision 8 says the same.\n");
    run("recipient", "add", "a@b.test", NULL);
    ck_assert_str_eq(printed, "Added.\n");
    run("recipient", "add", "a@b.test", "--json", NULL);
    ck_assert_str_eq(printed, "{\n  \"changed\": true\n}\n");
    run("recipient", "remove", "a@b.test", "--json", NULL);
    ck_assert_str_eq(printed, "{\n  \"changed\": false\n}\n");
    ck_assert_str_eq(said, "a@b.test is not in the recipient list.");
    run("recipient", "explain", "a@b.test", NULL);
    ck_assert_str_eq(printed, "accept: 250\n\n");
    run("recipient", "import", FILE_NAME, NULL);
    ck_assert_str_eq(printed, "1 added\n2 are not well-formed and were left out\n"
                              "The first that is not well-formed: line 3\n");
    run("track", "--limit", "3", NULL);
    ck_assert_str_eq(printed + strlen(printed) - strlen(MORE), MORE);
    ck_assert_ptr_nonnull(strstr(printed, "WHY, OR REPLY"));
    run("track", "history", "X", "--json", NULL);
    ck_assert_str_eq(printed, "{\n  \"events\": []\n}\n");
    run("queue", "list", NULL);
    ck_assert_str_eq(printed, "No mail waits.\n");
    run("sessions", "list", NULL);
    ck_assert_str_eq(printed, "No client is connected.\n");
    run("recipient", "list", NULL);
    ck_assert_str_eq(printed, "No recipients.\n");
}
END_TEST

START_TEST(exit_codes)
{
    ck_assert_int_eq(run("frobnicate", NULL), CLI_USAGE);
    ck_assert_int_eq(calls, 0);
    ck_assert_int_eq(run("recipient", "remove", "a@b.test", NULL), CLI_NOT_FOUND);
    ck_assert_int_eq(run("sessions", "end", "X", NULL), CLI_NOT_FOUND);
    ck_assert_int_eq(run("track", "history", "X", NULL), CLI_NOT_FOUND);
    ck_assert_int_eq(run("config", "set", "nonsense", "1", NULL), CLI_NOT_FOUND);
    ck_assert_int_eq(run("config", "set", "retry.first", "x", NULL), CLI_FAILED);
    ck_assert_int_eq(run("config", "revert", "x", NULL), CLI_USAGE);
    ck_assert_int_eq(run("config", "revert", "0", NULL), CLI_USAGE);
    static const struct {
        const char *code;
        int exit;
    } refusals[] = {{"not-found", CLI_NOT_FOUND}, {"conflict", CLI_CONFLICT},
                    {"invalid", CLI_FAILED},      {"failed", CLI_FAILED},
                    {"unavailable", CLI_FAILED},  {"bad-request", CLI_FAILED}};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        refusal = refusals[i].code;
        ck_assert_int_eq(run("status", NULL), refusals[i].exit);
    }
    refusal = NULL;
    admin_server_destroy(server);
    server = NULL;
    ck_assert_int_eq(run("status", NULL), CLI_NOT_RUNNING);
    ck_assert_str_eq(said,
                     "The Gatepost service is not running. Start it with: gatepost run --data "
                     "\"" FOLDER "\"");
    ck_assert_int_eq(run("recipient", "import", FILE_NAME, NULL), CLI_FAILED);
    ck_assert_int_eq(run("version", NULL), CLI_USAGE); /* it has no --data */
}
END_TEST

START_TEST(pages_are_joined)
{
    ck_assert_int_eq(run("track", "--limit", "5000", NULL), CLI_OK);
    ck_assert_int_eq(calls, 3);
    asked_for("{\"limit\":1000,\"after\":\"2000\"}");
    calls = 0;
    ck_assert_int_eq(run("track", "--limit", "1500", NULL), CLI_OK);
    ck_assert_int_eq(calls, 2);
    asked_for("{\"limit\":500,\"after\":\"1000\"}");
    ck_assert_int_eq(run("track", "--sender", "a@b.test", "--message-id", "", "--until",
                         "2026-11-24T10:00:00Z", NULL),
                     CLI_OK);
    asked_for("{\"sender\":\"a@b.test\",\"until\":\"2026-11-24T10:00:00.000Z\",\"limit\":100}");
}
END_TEST

START_TEST(settings_are_set_by_patch)
{
    ck_assert_int_eq(run("config", "set", "outbound.smart_host", "relay.test", NULL), CLI_OK);
    asked_for("{\"patch\":{\"outbound\":{\"smart_host\":\"relay.test\"}}}");
    ck_assert_int_eq(run("config", "set", "retry.first", "5", NULL), CLI_OK);
    asked_for("{\"patch\":{\"retry\":{\"first\":5}}}");
    /* What is in a list goes against the revision that was read. */
    ck_assert_int_eq(run("config", "set", "accepted_domains[0]", "{\"domain\":\"a.test\"}", NULL),
                     CLI_OK);
    asked_for("{\"patch\":{\"accepted_domains\":[{\"domain\":\"a.test\"}]},\"base_revision\":7}");
    ck_assert_int_eq(run("config", "set", "virtual_servers[0].addresses[0].port", "2525", NULL),
                     CLI_OK);
    ck_assert_int_eq(json_integer_value(json_object_get(asked, "base_revision")), 7);
    json_t *list = json_object_get(json_object_get(asked, "patch"), "virtual_servers");
    json_t *addresses = json_object_get(json_array_get(list, 0), "addresses");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(addresses, 0), "port")),
                     2525);
}
END_TEST

START_TEST(files_go_in_parts)
{
    size_t length = 2500000;
    char *contents = malloc(length);
    for (size_t i = 0; i < length; i++)
        contents[i] = (char)(i * 7);
    write_file(contents, length);
    ck_assert_int_eq(run("recipient", "import", FILE_NAME, "--replace", NULL), CLI_OK);
    asked_for("{\"import\":5,\"mode\":\"replace\"}");
    ck_assert_int_eq(calls, 5);
    ck_assert_uint_eq(imported.length, length);
    ck_assert_int_eq(memcmp(imported.data, contents, length), 0);
    free(contents);

    write_file("", 0);
    ck_assert_int_eq(run("recipient", "import", FILE_NAME, NULL), CLI_OK);
    asked_for("{\"import\":5,\"mode\":\"add\"}");
}
END_TEST

START_TEST(documents_are_imported)
{
    static const char document[] = "{\"retry\": {\"first\": 5}}";
    write_file(document, strlen(document));
    ck_assert_int_eq(run("config", "import", FILE_NAME, NULL), CLI_OK);
    asked_for("{\"document\":{\"retry\":{\"first\":5}}}");
    calls = 0;
    write_file("{\"retry\"", 8);
    ck_assert_int_eq(run("config", "import", FILE_NAME, NULL), CLI_FAILED);
    ck_assert_int_eq(run("config", "import", "no such file", NULL), CLI_FAILED);
    ck_assert_int_eq(calls, 0);
}
END_TEST

#define STORE FOLDER "/config.db"

START_TEST(offline_import_wants_the_folder_alone)
{
    static const char document[] = "{\"retry\": {\"first\": 5}}";
    struct error error = {0};
    file_delete(STORE, NULL);
    write_file(document, strlen(document));
    struct file_lock *lock = file_lock(FOLDER "/gatepost.lock", &error);
    ck_assert_ptr_nonnull(lock);
    ck_assert_int_eq(run("config", "import", "--offline", FILE_NAME, NULL), CLI_FAILED);
    ck_assert(!file_exists(STORE));
    file_unlock(lock);
    ck_assert_int_eq(run("config", "import", "--offline", FILE_NAME, NULL), CLI_OK);
    ck_assert(file_exists(STORE));
    ck_assert_int_eq(calls, 0);
    file_delete(STORE, NULL);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("cli_run");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, parameters_reach_the_service);
    tcase_add_test(tests, results_are_printed);
    tcase_add_test(tests, exit_codes);
    tcase_add_test(tests, pages_are_joined);
    tcase_add_test(tests, settings_are_set_by_patch);
    tcase_add_test(tests, files_go_in_parts);
    tcase_add_test(tests, documents_are_imported);
    tcase_add_test(tests, offline_import_wants_the_folder_alone);
    Suite *suite = suite_create("cli_run");
    suite_add_tcase(suite, tests);
    return suite;
}
