#include "cli/ask.h"

#include "admin/client.h"
#include "base/memory.h"
#include "cli/output.h"
#include "platform/channel.h"
#include "platform/file.h"

#define CONNECT_DEADLINE_MS 5000

/* Rows that are asked for at a time. */
#define PAGE_ROWS 1000

char *cli_data_folder(const struct cli_call *call)
{
    return call->data_folder == NULL ? default_data_folder() : memory_copy_text(call->data_folder);
}

static int fail_to_ask(const struct cli_call *call, enum admin_outcome outcome,
                       const struct admin_error *error)
{
    static const struct {
        const char *code;
        enum cli_exit exit;
    } exits[] = {{"not-found", CLI_NOT_FOUND}, {"conflict", CLI_CONFLICT}};
    const char *text = error->error.text;
    switch (outcome) {
    case ADMIN_NOT_RUNNING:
        if (call->data_folder != NULL)
            return cli_fail(CLI_NOT_RUNNING, "%s Start it with: gatepost run --data \"%s\"", text,
                            call->data_folder);
        return cli_fail(CLI_NOT_RUNNING,
                        "%s Start it with: gatepost service start\nA service with another data "
                        "folder is reached with --data DIR.",
                        text);
    case ADMIN_DENIED:
        return cli_fail(CLI_DENIED, "%s", text);
    case ADMIN_REFUSED:
        for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
            if (strcmp(error->code, exits[i].code) == 0)
                return cli_fail(exits[i].exit, "%s", text);
        return cli_fail(CLI_FAILED, "%s", text);
    case ADMIN_OK:
    case ADMIN_BROKEN:
        break;
    }
    return cli_fail(CLI_FAILED, "%s", text);
}

static int connect_client(struct cli_call *call)
{
    struct admin_error error;
    enum admin_outcome outcome;
    char *folder = cli_data_folder(call);
    char *name = channel_default_name(folder);
    call->client = admin_client_connect(NULL, name, CONNECT_DEADLINE_MS, &outcome, &error);
    memory_free(name);
    memory_free(folder);
    return call->client == NULL ? fail_to_ask(call, outcome, &error) : CLI_OK;
}

static int ask(struct cli_call *call, const char *method, json_t *params, uint32_t deadline_ms,
               json_t **result)
{
    struct admin_error error;
    int exit = call->client == NULL ? connect_client(call) : CLI_OK;
    *result = NULL;
    if (exit != CLI_OK) {
        json_decref(params);
        return exit;
    }
    enum admin_outcome outcome =
        admin_client_call(call->client, method, params, deadline_ms, result, &error);
    return outcome == ADMIN_OK ? CLI_OK : fail_to_ask(call, outcome, &error);
}

int cli_ask(struct cli_call *call, const char *method, json_t *params, json_t **result)
{
    return ask(call, method, params, CLI_DEADLINE_MS, result);
}

int cli_ask_long(struct cli_call *call, const char *method, json_t *params, json_t **result)
{
    return ask(call, method, params, CLI_LONG_DEADLINE_MS, result);
}

int cli_ask_pages(struct cli_call *call, const char *method, json_t *params, const char *member,
                  int64_t limit, json_t **result)
{
    json_t *rows = json_array();
    json_t *page = NULL;
    const char *next = NULL;
    size_t before;
    int exit;
    do {
        before = json_array_size(rows);
        int64_t left = limit - (int64_t)before;
        json_object_set_new(params, "limit", json_integer(left < PAGE_ROWS ? left : PAGE_ROWS));
        if (next != NULL)
            json_object_set_new(params, "after", json_string(next));
        json_decref(page);
        exit = cli_ask(call, method, json_incref(params), &page);
        json_array_extend(rows, json_object_get(page, member));
        next = json_string_value(json_object_get(page, "next"));
    } while (exit == CLI_OK && next != NULL && json_array_size(rows) > before &&
             (int64_t)json_array_size(rows) < limit);
    json_decref(params);
    if (exit == CLI_OK)
        json_object_set(page, member, rows);
    json_decref(rows);
    *result = page;
    return exit;
}

void cli_hang_up(struct cli_call *call)
{
    admin_client_close(call->client);
    call->client = NULL;
}

int cli_show(struct cli_call *call, json_t *result,
             void (*append)(struct buffer *out, const json_t *result))
{
    struct buffer out;
    buffer_init(&out, CLI_OUTPUT_MAXIMUM);
    if (call->json)
        cli_append_json(&out, result);
    else
        append(&out, result);
    json_decref(result);
    return cli_print(&out);
}
