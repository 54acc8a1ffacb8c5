#include "admin/server.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdarg.h>

json_t *admin_fail(struct admin_call *call, const char *code, const char *format, ...)
{
    view_copy_text(view_of_text(code), call->code, sizeof call->code);
    call->error.code = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->error.text, sizeof call->error.text, format, arguments);
    va_end(arguments);
    return NULL;
}

json_t *admin_json_text(const char *text)
{
    struct view view = view_of_text(text);
    if (view_is_utf8(view))
        return json_stringn(view.length == 0 ? "" : view.data, view.length);
    /* Its encoding is not known, so no byte beyond ASCII can be shown as what it was. */
    char *copy = memory_copy_text(text);
    for (char *byte = copy; *byte != '\0'; byte++)
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
    json_t *replaced = json_string(copy);
    memory_free(copy);
    return replaced;
}

/* Returns false always. */
static bool wrong(struct admin_call *call, const char *name, const char *expected)
{
    admin_fail(call, "bad-request", "%s: must be %s.", name, expected);
    return false;
}

bool admin_text(struct admin_call *call, const char *name, const char **value)
{
    const json_t *json = json_object_get(call->params, name);
    if (json == NULL)
        return true;
    if (!json_is_string(json))
        return wrong(call, name, "text");
    *value = json_string_value(json);
    return true;
}

bool admin_number(struct admin_call *call, const char *name, int64_t minimum, int64_t maximum,
                  int64_t *value)
{
    const json_t *json = json_object_get(call->params, name);
    if (json == NULL)
        return true;
    if (!json_is_integer(json))
        return wrong(call, name, "a whole number");
    int64_t given = json_integer_value(json);
    if (given < minimum || given > maximum) {
        admin_fail(call, "bad-request",
                   "%s: %" PRId64 " is not between %" PRId64 " and %" PRId64 ".", name, given,
                   minimum, maximum);
        return false;
    }
    *value = given;
    return true;
}

bool admin_switch(struct admin_call *call, const char *name, bool *value)
{
    const json_t *json = json_object_get(call->params, name);
    if (json == NULL)
        return true;
    if (!json_is_boolean(json))
        return wrong(call, name, "true or false");
    *value = json_is_true(json);
    return true;
}
