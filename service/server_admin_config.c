#include "server_admin.h"

#include "base/memory.h"

/* revision: 0 for the one in force. */
static json_t *load_document(struct server *server, struct admin_call *call, int64_t revision,
                             const char *path)
{
    struct error error;
    char *text = settings_store_json(server->settings, revision, path, &error);
    if (text == NULL)
        return admin_fail(call, error.code == 0 ? "not-found" : "failed", "%s", error.text);
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    memory_free(text);
    if (value == NULL)
        return admin_fail(call, "failed", "Revision %lld cannot be read.", (long long)revision);
    return value;
}

json_t *server_config_get(void *user, struct admin_call *call)
{
    struct server *server = user;
    const char *path = "";
    int64_t revision = 0;
    if (!admin_text(call, "path", &path) ||
        !admin_number(call, "revision", 0, INT64_MAX, &revision))
        return NULL;
    if (revision == 0) {
        const struct settings_snapshot *snapshot = settings_store_current(server->settings);
        revision = snapshot->revision;
        settings_release(snapshot);
    }
    json_t *value = load_document(server, call, revision, path);
    return value == NULL
               ? NULL
               : json_pack("{s:I, s:o}", "revision", (json_int_t)revision, "value", value);
}

static json_t *change_result(struct admin_call *call, enum settings_change change, int64_t revision,
                             const struct error *error)
{
    switch (change) {
    case SETTINGS_CHANGED:
    case SETTINGS_UNCHANGED:
        return json_pack("{s:I, s:b}", "revision", (json_int_t)revision, "changed",
                         (int)(change == SETTINGS_CHANGED));
    case SETTINGS_CONFLICT:
        return admin_fail(call, "conflict", "%s", error->text);
    case SETTINGS_INVALID:
        return admin_fail(call, "invalid", "%s", error->text);
    case SETTINGS_FAILED:
        break;
    }
    return admin_fail(call, "failed", "%s", error->text);
}

typedef enum settings_change change_function(struct settings_store *store, struct view document,
                                             int64_t base_revision, const char *who,
                                             int64_t *revision, struct error *error);

static json_t *change_settings(struct server *server, struct admin_call *call,
                               change_function *change, const json_t *document,
                               int64_t base_revision)
{
    struct error error = {.code = 0};
    int64_t revision = 0;
    char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL)
        return admin_fail(call, "bad-request", "The document is not valid JSON.");
    enum settings_change result =
        change(server->settings, view_of_text(text), base_revision, call->who, &revision, &error);
    free(text);
    return change_result(call, result, revision, &error);
}

static json_t *change_by(struct server *server, struct admin_call *call, change_function *change,
                         const char *member)
{
    int64_t base_revision = -1;
    const json_t *document = json_object_get(call->params, member);
    if (!json_is_object(document))
        return admin_fail(call, "bad-request", "%s: must be an object.", member);
    if (!admin_number(call, "base_revision", -1, INT64_MAX, &base_revision))
        return NULL;
    return change_settings(server, call, change, document, base_revision);
}

json_t *server_config_set(void *user, struct admin_call *call)
{
    return change_by(user, call, settings_store_merge, "patch");
}

json_t *server_config_import(void *user, struct admin_call *call)
{
    return change_by(user, call, settings_store_replace, "document");
}

json_t *server_config_revert(void *user, struct admin_call *call)
{
    struct server *server = user;
    int64_t revision = 0;
    if (!admin_number(call, "revision", 1, INT64_MAX, &revision))
        return NULL;
    if (revision == 0)
        return admin_fail(call, "bad-request", "revision: is needed.");
    json_t *document = load_document(server, call, revision, "");
    if (document == NULL)
        return NULL;
    json_t *result = change_settings(server, call, settings_store_replace, document, -1);
    json_decref(document);
    return result;
}

static void add_revision(void *user, const struct settings_revision *revision)
{
    json_array_append_new(
        user, json_pack("{s:I, s:o, s:o, s:o}", "revision", (json_int_t)revision->revision, "time",
                        server_json_time(revision->unix_ms), "who", admin_json_text(revision->who),
                        "summary", admin_json_text(revision->summary)));
}

json_t *server_config_history(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct error error;
    int64_t before = 0;
    int64_t limit = PAGE_DEFAULT;
    if (!admin_number(call, "before", 0, INT64_MAX, &before) ||
        !admin_number(call, "limit", 1, PAGE_MAXIMUM, &limit))
        return NULL;
    json_t *revisions = json_array();
    if (settings_store_history(server->settings, before, (size_t)limit, add_revision, revisions,
                               &error))
        return json_pack("{s:o}", "revisions", revisions);
    json_decref(revisions);
    return admin_fail(call, "failed", "%s", error.text);
}
