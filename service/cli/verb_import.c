#include "base/base64.h"
#include "base/memory.h"
#include "cli/ask.h"
#include "cli/input.h"
#include "cli/output.h"
#include "ldap/directory.h"

/* Bytes of the file that one request carries; its base64 is well below ADMIN_REQUEST_MAXIMUM. */
#define PART_SIZE ((size_t)1024 * 1024)

static int send_part(struct cli_call *call, json_int_t number, struct view part)
{
    json_t *result;
    json_t *params = json_object();
    char *text = memory_allocate(BASE64_LENGTH(part.length) + 1, 1);
    base64_encode(part, text);
    json_object_set_new(params, "import", json_integer(number));
    json_object_set_new(params, "data_base64", json_string(text));
    memory_free(text);
    int exit = cli_ask(call, "recipient.import.part", params, &result);
    json_decref(result);
    return exit;
}

static int send_file(struct cli_call *call, struct view contents, json_t **result)
{
    json_t *begun;
    int exit = cli_ask(call, "recipient.import.begin", NULL, &begun);
    json_int_t number = json_integer_value(json_object_get(begun, "import"));
    json_decref(begun);
    for (size_t sent = 0; exit == CLI_OK && sent < contents.length; sent += PART_SIZE)
        exit = send_part(call, number, view_first(view_from(contents, sent), PART_SIZE));
    if (exit != CLI_OK)
        return exit;
    bool replace = cli_value(call, "--replace") != NULL;
    json_t *params = json_object();
    json_object_set_new(params, "import", json_integer(number));
    json_object_set_new(params, "mode", json_string(replace ? "replace" : "add"));
    return cli_ask_long(call, "recipient.import.end", params, result);
}

static void append_counts(struct buffer *out, const json_t *result)
{
    static const struct {
        const char *member;
        const char *text;
    } counts[] = {{"added", "added"},
                  {"removed", "removed"},
                  {"unchanged", "were in the list already"},
                  {"skipped", "lines or entries hold no address"},
                  {"bad", "are not well-formed and were left out"}};
    static const struct cli_column first_bad = {"", "first_bad", CLI_SHOW_TEXT, 0};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_int_t count = json_integer_value(json_object_get(result, counts[i].member));
        if (i == 0 || count > 0)
            buffer_append_format(out, "%lld %s\n", (long long)count, counts[i].text);
    }
    if (json_integer_value(json_object_get(result, "bad")) > 0) {
        buffer_append_text(out, "The first that is not well-formed: ");
        cli_append_cell(out, result, &first_bad);
        buffer_append_text(out, "\n");
    }
}

int cli_recipient_import(struct cli_call *call)
{
    struct buffer contents;
    struct error error = {0};
    json_t *result;
    buffer_init(&contents, DIRECTORY_IMPORT_MAXIMUM);
    if (!cli_read_input(call->arguments[0], &contents, &error)) {
        buffer_free(&contents);
        return cli_fail(CLI_FAILED, "%s", error.text);
    }
    int exit = send_file(call, buffer_view(&contents), &result);
    buffer_free(&contents);
    return exit == CLI_OK ? cli_show(call, result, append_counts) : exit;
}
