#include "base/memory.h"
#include "cli/ask.h"
#include "cli/output.h"
#include "config/settings_path.h"

#include <inttypes.h>

/* "Number from 1 to 65535." */
static void append_kind(struct buffer *kind, const struct setting *setting)
{
    const char *blank = setting->unit == NULL || setting->unit[0] == '\0' ? "" : " ";
    switch (setting->type) {
    case SETTING_TEXT:
        buffer_append_format(kind, "Text of at most %" PRId64 " bytes", setting->maximum);
        break;
    case SETTING_NUMBER:
        buffer_append_format(kind, "Number from %" PRId64 " to %" PRId64 "%s%s", setting->minimum,
                             setting->maximum, blank, setting->unit);
        break;
    case SETTING_SWITCH:
        buffer_append_text(kind, "true or false");
        break;
    case SETTING_CHOICE:
        buffer_append_format(kind, "One of %s", setting->choices);
        break;
    case SETTING_TEXTS:
        buffer_append_format(kind, "List of at most %" PRId64 " texts of at most %" PRId64 " bytes",
                             setting->most, setting->maximum);
        break;
    case SETTING_OBJECT:
        buffer_append_text(kind, "Object");
        break;
    case SETTING_OBJECTS:
        buffer_append_format(kind, "List of %" PRId64 " to %" PRId64 " objects", setting->least,
                             setting->most);
        break;
    }
}

static json_t *initial_value(const struct setting *setting)
{
    struct view choice;
    switch (setting->type) {
    case SETTING_TEXT:
        return json_string(setting->initial_text);
    case SETTING_NUMBER:
        return json_integer(setting->initial);
    case SETTING_SWITCH:
        return json_boolean(setting->initial != 0);
    case SETTING_CHOICE:
        choice = setting_choice_name(setting, (int)setting->initial);
        return json_stringn(choice.data, choice.length);
    case SETTING_TEXTS:
        return json_array();
    case SETTING_OBJECT:
    case SETTING_OBJECTS:
        break;
    }
    return NULL;
}

static void describe_setting(json_t *rows, const char *path, const struct setting *setting)
{
    struct buffer kind;
    json_t *row = json_object();
    json_t *initial = initial_value(setting);
    buffer_init(&kind, SIZE_MAX);
    append_kind(&kind, setting);
    json_object_set_new(row, "path", json_string(path));
    json_object_set_new(row, "kind", json_string(kind.data));
    if (initial != NULL)
        json_object_set_new(row, "default", initial);
    json_object_set_new(row, "help", json_string(setting->help));
    json_array_append_new(rows, row);
    buffer_free(&kind);
}

/* prefix: what stands before the name of a member. */
static void describe_table(json_t *rows, const char *prefix, const struct setting_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        struct buffer path;
        buffer_init(&path, SIZE_MAX);
        buffer_append_format(&path, "%s%s", prefix, setting->name);
        describe_setting(rows, path.data, setting);
        if (setting->inner != NULL) {
            buffer_append_text(&path, setting->type == SETTING_OBJECTS ? "[0]." : ".");
            describe_table(rows, path.data, setting->inner);
        }
        buffer_free(&path);
    }
}

static void append_description(struct buffer *out, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *initial = json_object_get(row, "default");
        buffer_append_format(out, "%s\n    %s\n    %s",
                             json_string_value(json_object_get(row, "path")),
                             json_string_value(json_object_get(row, "help")),
                             json_string_value(json_object_get(row, "kind")));
        if (initial != NULL) {
            char *text = json_dumps(initial, JSON_COMPACT | JSON_ENCODE_ANY);
            buffer_append_format(out, "; default %s", text);
            free(text);
        }
        buffer_append_text(out, ".\n");
    }
}

int cli_config_describe(struct cli_call *call)
{
    const char *path = call->arguments[0] == NULL ? "" : call->arguments[0];
    struct settings_target target;
    struct error error = {0};
    struct buffer prefix;
    if (!settings_path_find(path, &target, &error))
        return cli_fail(CLI_NOT_FOUND, "%s", error.text);

    json_t *rows = json_array();
    bool whole_list =
        target.setting != NULL && target.setting->type == SETTING_OBJECTS && !target.element;
    buffer_init(&prefix, SIZE_MAX);
    buffer_append_format(&prefix, "%s%s%s", path, whole_list ? "[0]" : "",
                         target.setting == NULL ? "" : ".");
    if (target.setting != NULL)
        describe_setting(rows, path, target.setting);
    if (target.table != NULL || whole_list)
        describe_table(rows, prefix.data, whole_list ? target.setting->inner : target.table);
    buffer_free(&prefix);
    return cli_show(call, rows, append_description);
}
