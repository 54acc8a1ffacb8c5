#include "server_admin.h"

/* ---- status ---- */

/* What is known of no directory says nothing of it. */
static json_t *status_json(const char *name, const struct source_status *status)
{
    bool known = status->as_of_ms != 0;
    bool looked = status->updates != 0;
    return json_pack("{s:s, s:b, s:s, s:s, s:s, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I}",
                     "name", name, "enabled", 1, "state", source_state_name(status->state),
                     "server", status->server, "provider", status->provider, "connected",
                     (int)status->connected, "entries", (json_int_t)status->objects, "read",
                     (json_int_t)status->read, "as_of", server_json_time(status->as_of_ms),
                     "age_ms", known ? json_integer((json_int_t)status->age_ms) : json_null(),
                     "sees_deletions",
                     looked ? json_boolean(!status->misses_deletions) : json_null(), "error",
                     admin_json_text(status->error.text), "failures", (json_int_t)status->failures,
                     "updates", (json_int_t)status->updates);
}

static json_t *lookups_json(const struct lookup_count *lookups)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "asked", (json_int_t)lookups->asked, "merged",
                     (json_int_t)lookups->merged, "remembered", (json_int_t)lookups->remembered,
                     "limited", (json_int_t)lookups->limited, "failed",
                     (json_int_t)lookups->failed);
}

static void add_status(void *user, const struct directory_report *report)
{
    json_t *status = status_json(report->name, &report->status);
    json_object_set_new(status, "lookups", lookups_json(&report->lookups));
    json_array_append_new(user, status);
}

static void add_disabled(const struct settings_settings *settings, json_t *list)
{
    for (size_t i = 0; i < settings->directories_count; i++) {
        const struct settings_directory *directory = &settings->directories[i];
        if (!directory->enabled)
            json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "name", directory->name,
                                                  "enabled", 0, "state", "disabled"));
    }
}

json_t *server_directory_status(void *user, struct admin_call *call)
{
    struct server *server = user;
    json_t *list = json_array();
    (void)call;
    directories_each(server->directories, add_status, list);
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    add_disabled(&snapshot->values, list);
    settings_release(snapshot);
    return json_pack("{s:o, s:I}", "directories", list, "addresses",
                     (json_int_t)directory_count(server->directory));
}

/* ---- sync ---- */

static json_t *no_directory(struct admin_call *call, const char *name)
{
    if (name == NULL)
        return admin_fail(call, "not-found",
                          "No directory is set up and enabled. \"gatepost config describe "
                          "directories\" says what there is to set.");
    return admin_fail(call, "not-found", "There is no directory \"%s\" that is enabled.", name);
}

json_t *server_directory_sync(void *user, struct admin_call *call)
{
    struct server *server = user;
    const char *name = NULL;
    bool full = false, believe = false;
    if (!admin_text(call, "name", &name) || !admin_switch(call, "full", &full) ||
        !admin_switch(call, "believe", &believe))
        return NULL;
    if (believe && !full)
        return admin_fail(call, "bad-request",
                          "believe: only a full pass has anything to believe.");
    size_t count = directories_synchronize(server->directories, name, full, believe);
    if (count == 0)
        return no_directory(call, name);
    log_line(LOG_INFORMATION, 0, "%s has directories read%s%s", call->who, full ? " in full" : "",
             believe ? ", and what is missing removed" : "");
    return json_pack("{s:I}", "directories", (json_int_t)count);
}

/* ---- test ---- */

struct test_steps {
    json_t *list;
    bool good;
};

static void add_step(void *user, const char *step, enum directory_test_result result,
                     const char *sentence)
{
    static const char *const results[] = {[DIRECTORY_TEST_GOOD] = "ok",
                                          [DIRECTORY_TEST_DOUBTFUL] = "warning",
                                          [DIRECTORY_TEST_BAD] = "failed"};
    struct test_steps *steps = user;
    steps->good = steps->good && result != DIRECTORY_TEST_BAD;
    json_array_append_new(steps->list,
                          json_pack("{s:s, s:s, s:o}", "step", step, "result", results[result],
                                    "sentence", admin_json_text(sentence)));
}

/* The one of that name; without one, the only one there is. NULL after admin_fail(). */
static const struct settings_directory *
find_directory(struct admin_call *call, const struct settings_settings *settings, const char *name)
{
    for (size_t i = 0; name != NULL && i < settings->directories_count; i++)
        if (view_equal_nocase(view_of_text(name), view_of_text(settings->directories[i].name)))
            return &settings->directories[i];
    if (name == NULL && settings->directories_count == 1)
        return &settings->directories[0];
    if (name == NULL && settings->directories_count > 1)
        admin_fail(call, "bad-request", "name: is needed, for there are %zu directories.",
                   settings->directories_count);
    else if (name != NULL)
        admin_fail(call, "not-found", "There is no directory \"%s\".", name);
    else
        no_directory(call, NULL);
    return NULL;
}

static json_t *run_test(struct server *server, struct admin_call *call,
                        const struct settings_directory *directory, const char *address)
{
    struct test_steps steps = {.list = json_array(), .good = true};
    const struct directory_test test = {.settings = directory,
                                        .data_folder = server->data_folder,
                                        .address = address,
                                        .step = add_step,
                                        .user = &steps};
    if (directories_test(server->directories, &test))
        return json_pack("{s:s, s:b, s:o}", "name", directory->name, "ok", (int)steps.good, "steps",
                         steps.list);
    json_decref(steps.list);
    return admin_fail(call, "unavailable",
                      "A directory is being tested already. Wait for its end.");
}

json_t *server_directory_test(void *user, struct admin_call *call)
{
    struct server *server = user;
    const char *name = NULL, *address = NULL;
    json_t *result = NULL;
    if (!admin_text(call, "name", &name) || !admin_text(call, "address", &address))
        return NULL;
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    const struct settings_directory *directory = find_directory(call, &snapshot->values, name);
    if (directory != NULL)
        result = run_test(server, call, directory, address);
    settings_release(snapshot);
    return result;
}
