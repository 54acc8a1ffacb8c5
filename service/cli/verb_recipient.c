#include "cli/ask.h"
#include "cli/output.h"

#define LIST_ROWS 1000 /* when --limit does not say otherwise */

static void append_added(struct buffer *out, const json_t *result)
{
    bool changed = json_is_true(json_object_get(result, "changed"));
    buffer_append_text(out, changed ? "Added.\n" : "It was in the list already.\n");
}

int cli_recipient_add(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    json_object_set_new(params, "address", json_string(call->arguments[0]));
    if (call->arguments[1] != NULL)
        json_object_set_new(params, "display_name", json_string(call->arguments[1]));
    int exit = cli_ask(call, "recipient.add", params, &result);
    return exit == CLI_OK ? cli_show(call, result, append_added) : exit;
}

static void append_removed(struct buffer *out, const json_t *result)
{
    (void)result;
    buffer_append_text(out, "Removed.\n");
}

int cli_recipient_remove(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    json_object_set_new(params, "address", json_string(call->arguments[0]));
    int exit = cli_ask(call, "recipient.remove", params, &result);
    if (exit != CLI_OK)
        return exit;
    bool changed = json_is_true(json_object_get(result, "changed"));
    if (changed || call->json)
        exit = cli_show(call, result, append_removed);
    else
        json_decref(result);
    return changed
               ? exit
               : cli_fail(CLI_NOT_FOUND, "%s is not in the recipient list.", call->arguments[0]);
}

static void append_recipients(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"ADDRESS", "address", CLI_SHOW_TEXT, 0},
        {"NAME", "display_name", CLI_SHOW_TEXT, 40},
        {"SOURCE", "source", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    const json_t *recipients = json_object_get(result, "recipients");
    if (json_array_size(recipients) == 0)
        buffer_append_text(out, "No recipients.\n");
    cli_append_table(out, recipients, columns);
    if (json_object_get(result, "next") != NULL)
        buffer_append_format(out, "... and more: --limit N prints more of them, --filter TEXT "
                                  "those that contain TEXT.\n");
}

int cli_recipient_list(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    const char *filter = cli_value(call, "--filter");
    if (filter != NULL)
        json_object_set_new(params, "filter", json_string(filter));
    int exit = cli_ask_pages(call, "recipient.list", params, "recipients",
                             cli_number(call, "--limit", LIST_ROWS), &result);
    return exit == CLI_OK ? cli_show(call, result, append_recipients) : exit;
}

/* The entry behind an address: its source, its name, and its primary address when that is another one. */
static void append_entry(struct buffer *out, const json_t *entry)
{
    static const struct cli_column source = {"", "source", CLI_SHOW_TEXT, 0};
    static const struct cli_column name = {"", "display_name", CLI_SHOW_TEXT, 0};
    static const struct cli_column primary = {"", "primary", CLI_SHOW_TEXT, 0};
    if (entry == NULL)
        return;
    buffer_append_text(out, "Entry:           ");
    cli_append_cell(out, entry, &name);
    buffer_append_text(out, "\nPrimary address: ");
    cli_append_cell(out, entry, &primary);
    buffer_append_text(out, "\nSource:          ");
    cli_append_cell(out, entry, &source);
    buffer_append_text(out, "\n\n");
}

static void append_explanation(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"RULE", "rule", CLI_SHOW_TEXT, 0},
        {"DECIDES", "decided", CLI_SHOW_YES_NO, 0},
        {"", "sentence", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    static const struct cli_column verdict = {"", "verdict", CLI_SHOW_TEXT, 0};
    static const struct cli_column reply = {"", "reply", CLI_SHOW_TEXT, 0};
    cli_append_cell(out, result, &verdict);
    buffer_append_text(out, ": ");
    cli_append_cell(out, result, &reply);
    buffer_append_text(out, "\n\n");
    append_entry(out, json_object_get(result, "entry"));
    cli_append_table(out, json_object_get(result, "steps"), columns);
}

int cli_recipient_explain(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    const char *from = cli_value(call, "--from");
    json_object_set_new(params, "address", json_string(call->arguments[0]));
    if (from != NULL)
        json_object_set_new(params, "from", json_string(from));
    int exit = cli_ask(call, "recipient.explain", params, &result);
    return exit == CLI_OK ? cli_show(call, result, append_explanation) : exit;
}
