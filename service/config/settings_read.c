#include "config/settings_check.h"
#include "config/settings_json.h"
#include "config/settings_place.h"
#include "config/settings_secret.h"
#include "config/settings_table.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdarg.h>

struct reader {
    struct arena *arena;
    struct buffer canonical; /* the text that is being checked */
    struct error *error;
};

/* Returns false always. */
static bool fail(struct reader *reader, const struct settings_place *place, const char *format, ...)
    FORMAT_LIKE_PRINTF(3, 4);

static bool fail(struct reader *reader, const struct settings_place *place, const char *format, ...)
{
    struct error reason;
    struct buffer path;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason.text, sizeof reason.text, format, arguments);
    va_end(arguments);
    buffer_init(&path, SETTINGS_PATH_MAXIMUM);
    settings_place_append(&path, place);
    error_set(reader->error, 0, "%s: %s.", path.length == 0 ? "The document" : path.data,
              reason.text);
    buffer_free(&path);
    return false;
}

static const char *type_name(const json_t *json)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",    [JSON_STRING] = "text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return names[json_typeof(json)];
}

static bool wrong_type(struct reader *reader, const struct settings_place *place,
                       const json_t *json, const char *expected)
{
    return fail(reader, place, "must be %s, not %s", expected, type_name(json));
}

static bool read_object(struct reader *reader, const struct settings_place *place,
                        const struct setting_table *table, const json_t *json, void *to);

/* The form that is kept of a text, in the arena; NULL when it does not pass. */
static const char *check_text(struct reader *reader, const struct settings_place *place,
                              const struct setting *setting, struct view text)
{
    struct error reason = {0};
    if (text.length > (size_t)setting->maximum) {
        fail(reader, place, "is longer than %" PRId64 " bytes", setting->maximum);
        return NULL;
    }
    buffer_clear(&reader->canonical);
    if (!setting->check(text, &reader->canonical, &reason)) {
        fail(reader, place, "%s", reason.text);
        return NULL;
    }
    return arena_copy_text(reader->arena, buffer_view(&reader->canonical));
}

static bool read_text(struct reader *reader, const struct settings_place *place,
                      const struct setting *setting, const json_t *json, const char **to)
{
    struct view text = view_of_text(setting->initial_text);
    if (json != NULL) {
        if (!json_is_string(json))
            return wrong_type(reader, place, json, "text");
        text = view_of(json_string_value(json), json_string_length(json));
    }
    *to = check_text(reader, place, setting, text);
    return *to != NULL;
}

/* Sealed already: settings_secret.h stands before this. */
static bool read_secret(struct reader *reader, const struct settings_place *place,
                        const json_t *json, const char **to)
{
    const char *text = json == NULL ? "" : json_string_value(json);
    if (text == NULL)
        return wrong_type(reader, place, json, "text");
    *to = arena_copy_text(reader->arena, view_of_text(text));
    return text[0] == '\0' || settings_is_sealed(view_of_text(text)) ||
           fail(reader, place, "is not sealed");
}

static bool read_number(struct reader *reader, const struct settings_place *place,
                        const struct setting *setting, const json_t *json, int64_t *to)
{
    *to = setting->initial;
    if (json == NULL)
        return true;
    if (!json_is_integer(json))
        return wrong_type(reader, place, json, "a whole number");
    *to = json_integer_value(json);
    return (*to >= setting->minimum && *to <= setting->maximum) ||
           fail(reader, place, "%" PRId64 " is not between %" PRId64 " and %" PRId64, *to,
                setting->minimum, setting->maximum);
}

static bool read_switch(struct reader *reader, const struct settings_place *place,
                        const struct setting *setting, const json_t *json, bool *to)
{
    *to = setting->initial != 0;
    if (json == NULL)
        return true;
    *to = json_is_true(json);
    return json_is_boolean(json) || wrong_type(reader, place, json, "true or false");
}

static bool read_choice(struct reader *reader, const struct settings_place *place,
                        const struct setting *setting, const json_t *json, int *to)
{
    char shown[SETTINGS_SHOWN_SIZE];
    *to = (int)setting->initial;
    if (json == NULL)
        return true;
    if (!json_is_string(json))
        return wrong_type(reader, place, json, "text");
    struct view name = view_of(json_string_value(json), json_string_length(json));
    *to = setting_choice_find(setting, name);
    return *to >= 0 || fail(reader, place, "\"%s\" is not one of %s", settings_show(name, shown),
                            setting->choices);
}

/* Elements of a list that is given, or the least that there must be. */
static bool count_elements(struct reader *reader, const struct settings_place *place,
                           const struct setting *setting, const json_t *json, size_t *count)
{
    *count = (size_t)setting->least;
    if (json == NULL)
        return true;
    if (!json_is_array(json))
        return wrong_type(reader, place, json, "a list");
    *count = json_array_size(json);
    if (*count < (size_t)setting->least)
        return fail(reader, place, "must have %" PRId64 " or more", setting->least);
    return *count <= (size_t)setting->most ||
           fail(reader, place, "has %zu entries, more than %" PRId64, *count, setting->most);
}

static bool read_texts(struct reader *reader, const struct settings_place *place,
                       const struct setting *setting, const json_t *json, const char ***to,
                       size_t *count)
{
    if (!count_elements(reader, place, setting, json, count))
        return false;
    *to = arena_allocate(reader->arena, *count * sizeof **to);
    for (size_t i = 0; i < *count; i++) {
        const struct settings_place here = {.outer = place, .index = i};
        if (!read_text(reader, &here, setting, json_array_get(json, i), &(*to)[i]))
            return false;
    }
    return true;
}

/* Keys are compared without ASCII case, as all that they name is. */
static bool keys_differ(struct reader *reader, const struct settings_place *place,
                        const struct setting *setting, const char *elements, size_t count)
{
    const struct setting *key = setting_find(setting->inner, view_of_text(setting->key));
    struct hash_table *seen = hash_table_create();
    bool differ = true;
    for (size_t i = 0; i < count && differ; i++) {
        const char *text =
            *(const char *const *)(const void *)(elements + i * setting->inner->size + key->offset);
        const struct settings_place element = {.outer = place, .index = i};
        const struct settings_place here = {.outer = &element, .name = key->name};
        char shown[SETTINGS_SHOWN_SIZE];
        buffer_clear(&reader->canonical);
        for (const char *byte = text; *byte != '\0'; byte++)
            buffer_append(&reader->canonical, &(char){ascii_lower(*byte)}, 1);
        if (hash_table_set(seen, buffer_view(&reader->canonical), seen) != NULL)
            differ = fail(reader, &here, "\"%s\" is there already",
                          settings_show(view_of_text(text), shown));
    }
    hash_table_destroy(seen, NULL);
    return differ;
}

static bool read_objects(struct reader *reader, const struct settings_place *place,
                         const struct setting *setting, const json_t *json, void *to, size_t *count)
{
    if (!count_elements(reader, place, setting, json, count))
        return false;
    char *elements = arena_allocate(reader->arena, *count * setting->inner->size);
    memcpy(to, &elements, sizeof elements);
    for (size_t i = 0; i < *count; i++) {
        const struct settings_place here = {.outer = place, .index = i};
        if (!read_object(reader, &here, setting->inner, json_array_get(json, i),
                         elements + i * setting->inner->size))
            return false;
    }
    return setting->key == NULL || keys_differ(reader, place, setting, elements, *count);
}

/* json NULL: the default. */
static bool read_value(struct reader *reader, const struct settings_place *place,
                       const struct setting *setting, const json_t *json, char *object)
{
    void *to = object + setting->offset;
    size_t *count = (void *)(object + setting->count_offset);
    switch (setting->type) {
    case SETTING_TEXT:
        return read_text(reader, place, setting, json, to);
    case SETTING_SECRET:
        return read_secret(reader, place, json, to);
    case SETTING_NUMBER:
        return read_number(reader, place, setting, json, to);
    case SETTING_SWITCH:
        return read_switch(reader, place, setting, json, to);
    case SETTING_CHOICE:
        return read_choice(reader, place, setting, json, to);
    case SETTING_TEXTS:
        return read_texts(reader, place, setting, json, to, count);
    case SETTING_OBJECT:
        return read_object(reader, place, setting->inner, json, to);
    case SETTING_OBJECTS:
        return read_objects(reader, place, setting, json, to, count);
    }
    return false;
}

static bool members_are_known(struct reader *reader, const struct settings_place *place,
                              const struct setting_table *table, const json_t *json)
{
    const char *name;
    json_t *value;
    /* jansson's walk wants an object that may change; this one does not. */
    json_object_foreach((json_t *)json, name, value)
    {
        const struct settings_place here = {.outer = place, .name = name};
        if (setting_find(table, view_of_text(name)) != NULL)
            continue;
        const struct setting *nearest = setting_nearest(table, view_of_text(name));
        return nearest == NULL
                   ? fail(reader, &here, "there is no such setting")
                   : fail(reader, &here, "there is no such setting; %s is meant perhaps",
                          nearest->name);
    }
    return true;
}

static bool read_object(struct reader *reader, const struct settings_place *place,
                        const struct setting_table *table, const json_t *json, void *to)
{
    if (json != NULL) {
        if (!json_is_object(json))
            return wrong_type(reader, place, json, "an object");
        if (!members_are_known(reader, place, table, json))
            return false;
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        const struct settings_place here = {.outer = place, .name = setting->name};
        if (!read_value(reader, &here, setting, json_object_get(json, setting->name), to))
            return false;
    }
    return true;
}

bool settings_read(const json_t *document, struct arena *arena, struct settings_settings *values,
                   struct error *error)
{
    struct reader reader = {.arena = arena, .error = error};
    buffer_init(&reader.canonical, SETTINGS_TEXT_MAXIMUM);
    bool read = read_object(&reader, NULL, settings_root, document, values);
    buffer_free(&reader.canonical);
    return read;
}
