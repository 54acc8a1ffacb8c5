#include "cli/ask.h"
#include "cli/output.h"
#include "cli/time.h"

#define TRACK_ROWS 100 /* when --limit does not say otherwise */

static void append_events(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"TIME", "time", CLI_SHOW_TIME, 0},
        {"EVENT", "event", CLI_SHOW_TEXT, 0},
        {"MESSAGE", "message|session", CLI_SHOW_TEXT, 0},
        {"SENDER", "sender", CLI_SHOW_TEXT, 40},
        {"RECIPIENT", "recipient", CLI_SHOW_TEXT, 40},
        {"CLIENT OR HOST", "destination|client", CLI_SHOW_TEXT, 40},
        {"WHY, OR REPLY", "reply|reason|subject", CLI_SHOW_TEXT, 100},
        {.heading = NULL},
    };
    const json_t *events = json_object_get(result, "events");
    if (json_array_size(events) == 0)
        buffer_append_text(out, "Nothing is on record.\n");
    cli_append_table(out, events, columns);
    if (json_object_get(result, "next") != NULL)
        buffer_append_text(out, "... and more: --limit N prints more of them.\n");
}

/* What was given as a condition goes to the service by another name. */
static void add_condition(const struct cli_call *call, json_t *params, const char *option,
                          const char *param)
{
    const char *value = cli_value(call, option);
    if (value != NULL && value[0] != '\0')
        json_object_set_new(params, param, json_string(value));
}

/* The parser has seen that it is a time. */
static void add_time(const struct cli_call *call, json_t *params, const char *option,
                     const char *param)
{
    const char *value = cli_value(call, option);
    char utc[CLOCK_UTC_SIZE];
    int64_t unix_ms;
    if (value == NULL || !cli_time_given(value, clock_unix_ms(), &unix_ms))
        return;
    clock_format_utc(unix_ms, utc);
    json_object_set_new(params, param, json_string(utc));
}

int cli_track(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    add_condition(call, params, "--sender", "sender");
    add_condition(call, params, "--recipient", "recipient");
    add_condition(call, params, "--message", "message");
    add_condition(call, params, "--message-id", "message");
    add_condition(call, params, "--subject", "subject");
    add_condition(call, params, "--client", "client");
    add_condition(call, params, "--event", "event");
    add_time(call, params, "--since", "since");
    add_time(call, params, "--until", "until");
    int exit = cli_ask_pages(call, "tracking.search", params, "events",
                             cli_number(call, "--limit", TRACK_ROWS), &result);
    return exit == CLI_OK ? cli_show(call, result, append_events) : exit;
}

int cli_track_history(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    json_object_set_new(params, "message", json_string(call->arguments[0]));
    int exit = cli_ask(call, "tracking.history", params, &result);
    if (exit != CLI_OK)
        return exit;
    bool found = json_array_size(json_object_get(result, "events")) > 0;
    if (found || call->json)
        exit = cli_show(call, result, append_events);
    else
        json_decref(result);
    return found ? exit
                 : cli_fail(CLI_NOT_FOUND, "Nothing is on record about the message %s.",
                            call->arguments[0]);
}
