#include "base/memory.h"
#include "cli/ask.h"
#include "cli/input.h"
#include "cli/offline.h"
#include "cli/output.h"
#include "config/settings.h"
#include "config/settings_path.h"

#define HISTORY_ROWS 20 /* when --limit does not say otherwise */

static int get_value(struct cli_call *call, const char *path, json_t **result)
{
    json_t *params = json_object();
    json_object_set_new(params, "path", json_string(path));
    if (call->verb->options != NULL && cli_value(call, "--revision") != NULL)
        json_object_set_new(params, "revision", json_integer(cli_number(call, "--revision", 0)));
    return cli_ask(call, "config.get", params, result);
}

static void append_value(struct buffer *out, const json_t *result)
{
    static const struct cli_column plain = {"", "value", CLI_SHOW_TEXT, 0};
    const json_t *value = json_object_get(result, "value");
    if (json_is_string(value)) {
        cli_append_cell(out, result, &plain);
        buffer_append_text(out, "\n");
    } else {
        cli_append_json(out, value);
    }
}

int cli_config_get(struct cli_call *call)
{
    json_t *result;
    const char *path = call->arguments[0] == NULL ? "" : call->arguments[0];
    int exit = get_value(call, path, &result);
    return exit == CLI_OK ? cli_show(call, result, append_value) : exit;
}

int cli_config_export(struct cli_call *call)
{
    json_t *result;
    int exit = get_value(call, "", &result);
    if (exit != CLI_OK)
        return exit;
    /* The document alone, with --json or without. */
    call->json = false;
    return cli_show(call, result, append_value);
}

static void append_change(struct buffer *out, const json_t *result)
{
    long long revision = json_integer_value(json_object_get(result, "revision"));
    if (json_is_true(json_object_get(result, "changed")))
        buffer_append_format(out, "Settings revision %lld is in force.\n", revision);
    else
        buffer_append_format(out, "Nothing was changed: revision %lld says the same.\n", revision);
}

/* The patch for `config set`, as JSON, made from the document in force and its revision. */
static json_t *make_patch(const char *path, const char *text, const json_t *current,
                          struct error *error)
{
    char *document = json_dumps(json_object_get(current, "value"), JSON_COMPACT);
    char *value = settings_path_value(path, view_of_text(text), error);
    char *patch = value == NULL ? NULL
                                : settings_path_patch(path, view_of_text(value),
                                                      view_of_text(document), error);
    json_t *json = patch == NULL ? NULL : json_loads(patch, JSON_DECODE_ANY, NULL);
    memory_free(patch);
    memory_free(value);
    free(document);
    return json;
}

int cli_config_set(struct cli_call *call)
{
    const char *path = call->arguments[0];
    struct settings_target target;
    struct error error = {0};
    json_t *current, *result;
    if (!settings_path_find(path, &target, &error))
        return cli_fail(CLI_NOT_FOUND, "%s", error.text);
    int exit = get_value(call, "", &current);
    if (exit != CLI_OK)
        return exit;
    json_t *params = json_object();
    json_object_set_new(params, "patch", make_patch(path, call->arguments[1], current, &error));
    /* Such a patch holds the rest of the list as it was read. */
    if (target.within_list)
        json_object_set(params, "base_revision", json_object_get(current, "revision"));
    json_decref(current);
    if (json_object_get(params, "patch") == NULL) {
        json_decref(params);
        return cli_fail(CLI_FAILED, "%s", error.text);
    }
    exit = cli_ask(call, "config.set", params, &result);
    return exit == CLI_OK ? cli_show(call, result, append_change) : exit;
}

/* The document of `config import`; NULL with error. */
static json_t *read_document(const char *path, struct error *error)
{
    struct buffer contents;
    json_error_t reason;
    json_t *document = NULL;
    buffer_init(&contents, SETTINGS_DOCUMENT_MAXIMUM);
    if (cli_read_input(path, &contents, error)) {
        document = json_loadb(contents.data == NULL ? "" : contents.data, contents.length,
                              JSON_REJECT_DUPLICATES, &reason);
        if (document == NULL)
            error_set(error, 0, "%s: line %d, column %d is not JSON: %s.",
                      strcmp(path, "-") == 0 ? "Standard input" : path, reason.line, reason.column,
                      reason.text);
    }
    buffer_free(&contents);
    return document;
}

int cli_config_import(struct cli_call *call)
{
    struct error error = {0};
    json_t *result;
    json_t *document = read_document(call->arguments[0], &error);
    if (document == NULL)
        return cli_fail(CLI_FAILED, "%s", error.text);
    int exit;
    if (cli_value(call, "--offline") != NULL) {
        exit = cli_import_offline(call, document, &result);
        json_decref(document);
    } else {
        json_t *params = json_object();
        json_object_set_new(params, "document", document);
        exit = cli_ask(call, "config.import", params, &result);
    }
    return exit == CLI_OK ? cli_show(call, result, append_change) : exit;
}

static void append_history(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"REVISION", "revision", CLI_SHOW_NUMBER, 0},
        {"TIME", "time", CLI_SHOW_TIME, 0},
        {"WHO", "who", CLI_SHOW_TEXT, 40},
        {"WHAT", "summary", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    cli_append_table(out, json_object_get(result, "revisions"), columns);
}

int cli_config_history(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    json_object_set_new(params, "limit", json_integer(cli_number(call, "--limit", HISTORY_ROWS)));
    int exit = cli_ask(call, "config.history", params, &result);
    return exit == CLI_OK ? cli_show(call, result, append_history) : exit;
}

int cli_config_revert(struct cli_call *call)
{
    json_t *result;
    uint64_t revision;
    if (!view_to_uint64(view_of_text(call->arguments[0]), &revision) || revision == 0 ||
        revision > INT64_MAX)
        return cli_fail(CLI_USAGE,
                        "\"%s\" is not a revision. \"gatepost config history\" lists them.",
                        call->arguments[0]);
    json_t *params = json_object();
    json_object_set_new(params, "revision", json_integer((json_int_t)revision));
    int exit = cli_ask(call, "config.revert", params, &result);
    return exit == CLI_OK ? cli_show(call, result, append_change) : exit;
}
