#include "cli/ask.h"
#include "cli/output.h"

static void append_status(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"DOMAIN", "domain", CLI_SHOW_TEXT, 0},
        {"NEXT HOP", "next_hop", CLI_SHOW_TEXT, 0},
        {"STATE", "state", CLI_SHOW_TEXT, 0},
        {"QUESTIONS", "questions", CLI_SHOW_NUMBER, 0},
        {"WAITING", "waiting", CLI_SHOW_NUMBER, 0},
        {"AWAY (S)", "away_seconds", CLI_SHOW_NUMBER, 0},
        {"", "reason", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    static const struct cli_column accepted = {"", "accepted", CLI_SHOW_NUMBER, 0};
    static const struct cli_column refused = {"", "refused", CLI_SHOW_NUMBER, 0};
    const json_t *domains = json_object_get(result, "domains");
    if (json_array_size(domains) == 0)
        buffer_append_text(out, "No domain's recipients are asked for at its next hop.\n");
    cli_append_table(out, domains, columns);
    buffer_append_text(out, "\nRemembered: ");
    cli_append_cell(out, result, &accepted);
    buffer_append_text(out, " accepted, ");
    cli_append_cell(out, result, &refused);
    buffer_append_text(out, " refused.\n");
}

int cli_callout_status(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask(call, "callout.status", json_object(), &result);
    return exit == CLI_OK ? cli_show(call, result, append_status) : exit;
}

static void append_answer(struct buffer *out, const json_t *result)
{
    static const struct cli_column cells[] = {{"", "answer", CLI_SHOW_TEXT, 0},
                                              {"", "rule", CLI_SHOW_TEXT, 0},
                                              {"", "reason", CLI_SHOW_TEXT, 0}};
    static const struct cli_column reply = {"", "reply", CLI_SHOW_TEXT, 0};
    const char *text = json_string_value(json_object_get(result, "reply"));
    cli_append_cell(out, result, &cells[0]);
    buffer_append_text(out, " (");
    cli_append_cell(out, result, &cells[1]);
    buffer_append_text(out, "): ");
    cli_append_cell(out, result, &cells[2]);
    if (text != NULL && text[0] != '\0') {
        buffer_append_text(out, ": ");
        cli_append_cell(out, result, &reply);
    }
    buffer_append_text(out, "\n");
}

static json_t *address_params(const struct cli_call *call)
{
    json_t *params = json_object();
    if (call->arguments[0] != NULL)
        json_object_set_new(params, "address", json_string(call->arguments[0]));
    return params;
}

int cli_callout_test(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask(call, "callout.test", address_params(call), &result);
    return exit == CLI_OK ? cli_show(call, result, append_answer) : exit;
}

static void append_forgotten(struct buffer *out, const json_t *result)
{
    static const struct cli_column forgotten = {"", "forgotten", CLI_SHOW_NUMBER, 0};
    buffer_append_text(out, "Answers forgotten: ");
    cli_append_cell(out, result, &forgotten);
    buffer_append_text(out, ".\n");
}

int cli_callout_clear(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask(call, "callout.clear", address_params(call), &result);
    return exit == CLI_OK ? cli_show(call, result, append_forgotten) : exit;
}
