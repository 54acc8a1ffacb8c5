#include "cli/ask.h"
#include "cli/output.h"

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text == NULL ? "" : text;
}

static long long number_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

/* A row for each address of each virtual server. */
static json_t *address_rows(const json_t *servers)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(servers); i++) {
        json_t *server = json_array_get(servers, i);
        const json_t *addresses = json_object_get(server, "addresses");
        for (size_t j = 0; j < json_array_size(addresses); j++) {
            json_t *row = json_deep_copy(json_array_get(addresses, j));
            /* What belongs to the whole virtual server stands in its first row. */
            if (j == 0)
                json_object_update_missing(row, server);
            json_array_append_new(rows, row);
        }
    }
    return rows;
}

static void append_directories(struct buffer *out, const json_t *directories)
{
    static const struct cli_column name = {"", "name", CLI_SHOW_TEXT, 0};
    for (size_t i = 0; i < json_array_size(directories); i++) {
        const json_t *directory = json_array_get(directories, i);
        buffer_append_text(out, "\nDirectory:        ");
        cli_append_cell(out, directory, &name);
        buffer_append_format(out, ", %s, %lld entries", text_of(directory, "state"),
                             number_of(directory, "entries"));
    }
}

static void append_status(struct buffer *out, const json_t *status)
{
    static const struct cli_column columns[] = {
        {"VIRTUAL SERVER", "name", CLI_SHOW_TEXT, 40},
        {"STATE", "state", CLI_SHOW_TEXT, 0},
        {"ADDRESS", "address", CLI_SHOW_TEXT, 0},
        {"PORT", "port", CLI_SHOW_NUMBER, 0},
        {"RECIPIENT FILTER", "recipient_filter", CLI_SHOW_YES_NO, 0},
        {"CONNECTIONS", "connections", CLI_SHOW_NUMBER, 0},
        {"MESSAGES", "messages", CLI_SHOW_NUMBER, 0},
        {"REFUSED RECIPIENTS", "refused_recipients", CLI_SHOW_NUMBER, 0},
        {.heading = NULL},
    };
    static const struct cli_column started = {"", "started", CLI_SHOW_TIME, 0};
    static const struct cli_column folder = {"", "data_folder", CLI_SHOW_TEXT, 0};
    const json_t *queue = json_object_get(status, "queue");
    const json_t *store = json_object_get(status, "store");
    const json_t *harvest = json_object_get(status, "harvest");

    buffer_append_format(out, "Gatepost %s on %s: %s since ", text_of(status, "version"),
                         text_of(status, "host_name"), text_of(status, "state"));
    cli_append_cell(out, status, &started);
    buffer_append_text(out, "\nData folder:      ");
    cli_append_cell(out, status, &folder);
    append_directories(out, json_object_get(status, "directories"));
    buffer_append_format(out,
                         "\nSettings:         revision %lld\nRecipients:       %lld addresses\n"
                         "Queue:            %lld messages for %lld recipients\n"
                         "Message store:    %s, %lld MB free on its disk\n"
                         "Harvest defence:  %lld refusals held back, %lld sources held off\n\n",
                         number_of(status, "revision"), number_of(status, "recipients"),
                         number_of(queue, "messages"), number_of(queue, "recipients"),
                         text_of(store, "state"), number_of(store, "free_mb"),
                         number_of(harvest, "waiting"), number_of(harvest, "held_off"));
    json_t *rows = address_rows(json_object_get(status, "virtual_servers"));
    cli_append_table(out, rows, columns);
    json_decref(rows);
}

int cli_status(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask(call, "status", NULL, &result);
    return exit == CLI_OK ? cli_show(call, result, append_status) : exit;
}

static void append_stopping(struct buffer *out, const json_t *result)
{
    (void)result;
    buffer_append_text(out, "The service stops.\n");
}

int cli_stop(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask(call, "service.stop", NULL, &result);
    return exit == CLI_OK ? cli_show(call, result, append_stopping) : exit;
}

static void append_queues(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"DESTINATION", "destination", CLI_SHOW_TEXT, 60},
        {"KIND", "kind", CLI_SHOW_TEXT, 0},
        {"STATE", "state", CLI_SHOW_TEXT, 0},
        {"MESSAGES", "messages", CLI_SHOW_NUMBER, 0},
        {"BYTES", "bytes", CLI_SHOW_NUMBER, 0},
        {"OLDEST", "oldest", CLI_SHOW_TIME, 0},
        {"NEXT RETRY", "next_retry", CLI_SHOW_TIME, 0},
        {"LAST ERROR", "last_error", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    const json_t *queues = json_object_get(result, "queues");
    if (json_array_size(queues) == 0)
        buffer_append_text(out, "No mail waits.\n");
    cli_append_table(out, queues, columns);
}

int cli_queue_list(struct cli_call *call)
{
    json_t *result;
    int exit = cli_ask(call, "queue.list", NULL, &result);
    return exit == CLI_OK ? cli_show(call, result, append_queues) : exit;
}

static void append_retried(struct buffer *out, const json_t *result)
{
    (void)result;
    buffer_append_text(out, "It is tried now. What comes of it: gatepost queue list\n");
}

int cli_queue_retry(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    if (call->arguments[0] != NULL)
        json_object_set_new(params, "destination", json_string(call->arguments[0]));
    int exit = cli_ask(call, "queue.retry", params, &result);
    return exit == CLI_OK ? cli_show(call, result, append_retried) : exit;
}

static void append_sessions(struct buffer *out, const json_t *result)
{
    static const struct cli_column columns[] = {
        {"SESSION", "session", CLI_SHOW_TEXT, 0},
        {"CLIENT", "client", CLI_SHOW_TEXT, 0},
        {"HELO", "helo", CLI_SHOW_TEXT, 40},
        {"SINCE", "since", CLI_SHOW_TIME, 0},
        {"MESSAGES", "messages", CLI_SHOW_NUMBER, 0},
        {"VIRTUAL SERVER", "virtual_server", CLI_SHOW_TEXT, 0},
        {.heading = NULL},
    };
    const json_t *sessions = json_object_get(result, "sessions");
    if (json_array_size(sessions) == 0)
        buffer_append_text(out, "No client is connected.\n");
    cli_append_table(out, sessions, columns);
}

int cli_sessions_list(struct cli_call *call)
{
    json_t *result;
    int exit =
        cli_ask_pages(call, "sessions.list", json_object(), "sessions", CLI_ALL_ROWS, &result);
    return exit == CLI_OK ? cli_show(call, result, append_sessions) : exit;
}

static void append_ended(struct buffer *out, const json_t *result)
{
    (void)result;
    buffer_append_text(out, "The session is ended.\n");
}

int cli_sessions_end(struct cli_call *call)
{
    json_t *result;
    json_t *params = json_object();
    json_object_set_new(params, "session", json_string(call->arguments[0]));
    int exit = cli_ask(call, "sessions.end", params, &result);
    if (exit != CLI_OK)
        return exit;
    bool ended = json_is_true(json_object_get(result, "ended"));
    if (ended || call->json)
        exit = cli_show(call, result, append_ended);
    else
        json_decref(result);
    return ended
               ? exit
               : cli_fail(CLI_NOT_FOUND, "There is no session %s (any more).", call->arguments[0]);
}
