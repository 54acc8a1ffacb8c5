#include "server_admin.h"

#include "base/base64.h"
#include "base/memory.h"
#include "recipient_import.h"

#include <inttypes.h>
#include <string.h>

static bool import_mode(struct admin_call *call, enum directory_import_mode *mode)
{
    const char *text = "add";
    if (!admin_text(call, "mode", &text))
        return false;
    if (strcmp(text, "add") != 0 && strcmp(text, "replace") != 0) {
        admin_fail(call, "bad-request", "mode: \"%s\" is neither \"add\" nor \"replace\".", text);
        return false;
    }
    *mode = strcmp(text, "add") == 0 ? DIRECTORY_IMPORT_ADD : DIRECTORY_IMPORT_REPLACE;
    return true;
}

static void report_import(struct server *server, const char *who,
                          const struct directory_import_result *result)
{
    char added[24];
    char removed[24];
    snprintf(added, sizeof(added), "%zu", result->added);
    snprintf(removed, sizeof(removed), "%zu", result->removed);
    if (result->added > 0 || result->removed > 0)
        event_report(&server->events, EVENT_RECIPIENTS_CHANGED, who, added, removed, NULL);
}

static json_t *import_contents(struct server *server, struct admin_call *call, struct view contents,
                               enum directory_import_mode mode)
{
    struct directory_import_result result;
    struct error error;
    if (!directory_import(server->directory, contents, mode, &result, &error))
        return admin_fail(call, error.code == 0 ? "invalid" : "failed", "%s", error.text);
    report_import(server, call->who, &result);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "added", (json_int_t)result.added, "removed",
                     (json_int_t)result.removed, "unchanged", (json_int_t)result.unchanged,
                     "skipped", (json_int_t)result.skipped, "bad", (json_int_t)result.bad,
                     "first_bad", admin_json_text(result.first_bad.text));
}

/* ---- in one call ---- */

static json_t *import_base64(struct server *server, struct admin_call *call, const char *base64,
                             enum directory_import_mode mode)
{
    struct view text = view_of_text(base64);
    char *contents = memory_allocate(text.length / 4 + 1, 3);
    size_t length;
    json_t *result = base64_decode(text, contents, &length)
                         ? import_contents(server, call, view_of(contents, length), mode)
                         : admin_fail(call, "bad-request", "contents_base64: is not valid base64.");
    memory_free(contents);
    return result;
}

json_t *server_import(void *user, struct admin_call *call)
{
    enum directory_import_mode mode;
    const char *contents = NULL;
    const char *base64 = NULL;
    if (!import_mode(call, &mode) || !admin_text(call, "contents", &contents) ||
        !admin_text(call, "contents_base64", &base64))
        return NULL;
    if (contents != NULL)
        return import_contents(user, call, view_of_text(contents), mode);
    if (base64 != NULL)
        return import_base64(user, call, base64, mode);
    return admin_fail(call, "bad-request", "contents: is needed.");
}

/* ---- in parts ---- */

json_t *server_import_begin(void *user, struct admin_call *call)
{
    struct server *server = user;
    uint32_t number = recipient_imports_begin(server->imports, call->who);
    if (number == 0)
        return admin_fail(call, "unavailable",
                          "Other imports are under way. Try again in some minutes.");
    return json_pack("{s:I}", "import", (json_int_t)number);
}

static bool import_number(struct admin_call *call, uint32_t *number)
{
    int64_t value = 0;
    if (!admin_number(call, "import", 1, UINT32_MAX, &value))
        return false;
    *number = (uint32_t)value;
    return true;
}

json_t *server_import_part(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct error error;
    const char *base64;
    uint32_t number;
    if (!import_number(call, &number) || !server_required(call, "data_base64", &base64))
        return NULL;
    if (!recipient_imports_add(server->imports, number, call->who, view_of_text(base64), &error))
        return admin_fail(call, "invalid", "%s", error.text);
    return json_object();
}

json_t *server_import_end(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct error error;
    struct buffer contents;
    enum directory_import_mode mode;
    uint32_t number;
    if (!import_number(call, &number) || !import_mode(call, &mode))
        return NULL;
    if (!recipient_imports_take(server->imports, number, call->who, &contents, &error))
        return admin_fail(call, "not-found", "%s", error.text);
    json_t *result = import_contents(server, call, buffer_view(&contents), mode);
    buffer_free(&contents);
    return result;
}
