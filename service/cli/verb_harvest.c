#include "cli/ask.h"
#include "cli/output.h"

static void append_sources(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"ADDRESS", "address", CLI_SHOW_TEXT, 0},
        {"UNKNOWN RECIPIENTS", "unknown", CLI_SHOW_NUMBER, 0},
        {"TURNED AWAY SINCE", "turned_away", CLI_SHOW_NUMBER, 0},
        {"HELD OFF", "since", CLI_SHOW_TIME, 0},
        {"UNTIL", "until", CLI_SHOW_TIME, 0},
        {.heading = NULL},
    };
    const json_t *sources = json_object_get(result, "sources");
    if (json_array_size(sources) == 0)
        buffer_append_text(out, "No source is held off.\n");
    cli_append_table(out, sources, columns);
}

int cli_harvest_list(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask_pages(call, "harvest.list", json_object(), "sources", CLI_ALL_ROWS, &result);
    return exit == CLI_OK ? cli_show(call, result, append_sources) : exit;
}

static void append_cleared(struct buffer *out, const json_t *result)
{
    buffer_append_format(out, "Let in again: %lld.\n",
                         (long long)json_integer_value(json_object_get(result, "cleared")));
}

int cli_harvest_clear(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    json_object_set_new(params, "address", json_string(call->arguments[0]));
    int exit = cli_ask(call, "harvest.clear", params, &result);
    if (exit != CLI_OK)
        return exit;
    bool cleared = json_integer_value(json_object_get(result, "cleared")) > 0;
    if (cleared || call->json)
        exit = cli_show(call, result, append_cleared);
    else
        json_decref(result);
    return cleared ? exit : cli_fail(CLI_NOT_FOUND, "%s is not held off.", call->arguments[0]);
}
