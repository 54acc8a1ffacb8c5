#include "config/settings_json.h"

#include "base/memory.h"

#include <inttypes.h>

static bool is_deeper(const json_t *value, int levels)
{
    if (!json_is_object(value) && !json_is_array(value))
        return false;
    if (levels == 0)
        return true;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (is_deeper(json_array_get(value, i), levels - 1))
            return true;
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        if (is_deeper(member, levels - 1))
            return true;
    }
    return false;
}

json_t *settings_json_load(struct view text, struct error *error)
{
    json_error_t reason;
    if (text.length > SETTINGS_DOCUMENT_MAXIMUM) {
        error_set(error, 0, "The document is longer than %zu bytes.", SETTINGS_DOCUMENT_MAXIMUM);
        return NULL;
    }
    json_t *value = json_loadb(text.data == NULL ? "" : text.data, text.length,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (value == NULL) {
        error_set(error, 0, "Line %d, column %d is not JSON: %s.", reason.line, reason.column,
                  reason.text);
        return NULL;
    }
    if (is_deeper(value, SETTINGS_DEPTH_MAXIMUM)) {
        error_set(error, 0, "The document has more than %d objects and lists inside each other.",
                  SETTINGS_DEPTH_MAXIMUM);
        json_decref(value);
        return NULL;
    }
    return value;
}

char *settings_json_dump(const json_t *value)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t length = json_dumpb(value, NULL, 0, flags);
    char *text = memory_allocate(length + 1, 1);
    json_dumpb(value, text, length, flags);
    return text;
}
