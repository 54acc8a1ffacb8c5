#include "cli/ask.h"
#include "cli/output.h"

static void append_directories(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"DIRECTORY", "name", CLI_SHOW_TEXT, 40},
        {"STATE", "state", CLI_SHOW_TEXT, 0},
        {"ENTRIES", "entries", CLI_SHOW_NUMBER, 0},
        {"READ NOW", "read", CLI_SHOW_NUMBER, 0},
        {"AS OF", "as_of", CLI_SHOW_TIME, 0},
        {"SERVER", "server", CLI_SHOW_TEXT, 60},
        {"BY", "provider", CLI_SHOW_TEXT, 0},
        {"SEES DELETIONS", "sees_deletions", CLI_SHOW_YES_NO, 0},
        {"LAST ERROR", "error", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    const json_t *directories = json_object_get(result, "directories");
    if (json_array_size(directories) == 0)
        buffer_append_text(out, "No directory is set up: the local recipient list alone counts.\n");
    cli_append_table(out, directories, columns);
    buffer_append_format(out, "\n%lld addresses are known, with those of the local list.\n",
                         (long long)json_integer_value(json_object_get(result, "addresses")));
}

int cli_directory_status(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask(call, "directory.status", NULL, &result);
    return exit == CLI_OK ? cli_show(call, result, append_directories) : exit;
}

static void append_synchronizing(struct buffer *out, const json_t *result)
{
    (void)result;
    buffer_append_text(out, "It is read now. What comes of it: gatepost directory status\n");
}

int cli_directory_sync(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    bool believe = cli_value(call, "--believe") != NULL;
    if (call->arguments[0] != NULL)
        json_object_set_new(params, "name", json_string(call->arguments[0]));
    json_object_set_new(params, "full", json_boolean(cli_value(call, "--full") != NULL || believe));
    json_object_set_new(params, "believe", json_boolean(believe));
    int exit = cli_ask(call, "directory.sync", params, &result);
    return exit == CLI_OK ? cli_show(call, result, append_synchronizing) : exit;
}

static void append_test(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"RESULT", "result", CLI_SHOW_TEXT, 0},
        {"STEP", "step", CLI_SHOW_TEXT, 0},
        {"", "sentence", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    cli_append_table(out, json_object_get(result, "steps"), columns);
}

/* "[NAME] [ADDRESS]": what has an @ is an address. */
static json_t *test_params(const struct cli_call *call)
{
    json_t *params = json_object();
    for (int i = 0; i < CLI_ARGUMENTS_MAXIMUM && call->arguments[i] != NULL; i++) {
        bool is_address = i == 1 || strchr(call->arguments[i], '@') != NULL;
        json_object_set_new(params, is_address ? "address" : "name",
                            json_string(call->arguments[i]));
    }
    return params;
}

int cli_directory_test(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask_long(call, "directory.test", test_params(call), &result);
    if (exit != CLI_OK)
        return exit;
    bool good = json_is_true(json_object_get(result, "ok"));
    exit = cli_show(call, result, append_test);
    return exit != CLI_OK || good ? exit : CLI_FAILED;
}
