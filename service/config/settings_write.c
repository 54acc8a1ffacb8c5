#include "config/settings_json.h"
#include "config/settings_table.h"

static json_t *write_object(const struct setting_table *table, const char *object);

static json_t *write_texts(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *write_objects(const struct setting_table *table, const char *objects, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, write_object(table, objects + i * table->size));
    return list;
}

static json_t *write_value(const struct setting *setting, const char *object)
{
    const void *value = object + setting->offset;
    const size_t *count = (const void *)(object + setting->count_offset);
    const char *elements;
    struct view choice;
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_SECRET:
        return json_string(*(const char *const *)value);
    case SETTING_NUMBER:
        return json_integer(*(const int64_t *)value);
    case SETTING_SWITCH:
        return json_boolean(*(const bool *)value);
    case SETTING_CHOICE:
        choice = setting_choice_name(setting, *(const int *)value);
        return json_stringn(choice.data, choice.length);
    case SETTING_TEXTS:
        return write_texts(*(const char **const *)value, *count);
    case SETTING_OBJECT:
        return write_object(setting->inner, value);
    case SETTING_OBJECTS:
        memcpy(&elements, value, sizeof elements);
        return write_objects(setting->inner, elements, *count);
    }
    return NULL;
}

static json_t *write_object(const struct setting_table *table, const char *object)
{
    json_t *json = json_object();
    for (size_t i = 0; i < table->count; i++)
        json_object_set_new(json, table->settings[i].name,
                            write_value(&table->settings[i], object));
    return json;
}

json_t *settings_write(const struct settings_settings *values)
{
    return write_object(settings_root, (const char *)values);
}

bool settings_equal(const struct setting_table *table, const void *one, const void *other)
{
    json_t *a = write_object(table, one), *b = write_object(table, other);
    bool equal = json_equal(a, b) != 0;
    json_decref(a);
    json_decref(b);
    return equal;
}
