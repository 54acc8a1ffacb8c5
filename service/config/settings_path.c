#include "config/settings_path.h"

#include "base/memory.h"
#include "config/settings_check.h"
#include "config/settings_json.h"

/* "name" or "name[index]". */
struct step {
    struct view name;
    bool indexed;
    size_t index;
};

/* Takes the first step off *rest; its data is NULL behind the last one. */
static bool take_step(struct view *rest, struct step *step)
{
    struct view part;
    uint64_t index = 0;
    if (!view_split(rest, '.', &part))
        return false;
    size_t bracket = view_find(part, '[');
    *step = (struct step){.name = view_first(part, bracket), .indexed = bracket < part.length};
    if (!step->indexed)
        return true;
    struct view digits = view_from(part, bracket + 1);
    bool closed = !view_is_empty(digits) && digits.data[digits.length - 1] == ']';
    if (!closed || !view_to_uint64(view_first(digits, digits.length - 1), &index))
        return false;
    step->index = (size_t)index;
    return true;
}

/* The part of the path that was walked, for messages. */
static struct view walked(const char *path, struct view rest)
{
    return rest.data == NULL ? view_of_text(path) : view_of(path, (size_t)(rest.data - path) - 1);
}

static bool fail(struct error *error, struct view path, const char *reason)
{
    char shown[SETTINGS_SHOWN_SIZE];
    return error_set(error, 0, "%s: %s.", settings_show(path, shown), reason);
}

static bool not_there(struct error *error, struct view path, const struct setting_table *table,
                      struct view name)
{
    char shown[SETTINGS_SHOWN_SIZE];
    const struct setting *nearest = setting_nearest(table, name);
    if (nearest == NULL)
        return fail(error, path, "there is no such setting");
    return error_set(error, 0, "%s: there is no such setting; %s is meant perhaps.",
                     settings_show(path, shown), nearest->name);
}

static bool is_list(const struct setting *setting)
{
    return setting != NULL && (setting->type == SETTING_TEXTS || setting->type == SETTING_OBJECTS);
}

/* One step down from target->table. */
static bool descend(struct settings_target *target, const struct step *step, struct view path,
                    struct error *error)
{
    const struct setting *setting = setting_find(target->table, step->name);
    if (setting == NULL)
        return not_there(error, path, target->table, step->name);
    if (step->indexed && !is_list(setting))
        return fail(error, path, "this is not a list");
    bool whole_list = is_list(setting) && !step->indexed;
    target->setting = setting;
    target->element = step->indexed;
    target->within_list = target->within_list || step->indexed;
    target->table = whole_list ? NULL : setting->inner;
    return true;
}

bool settings_path_find(const char *path, struct settings_target *target, struct error *error)
{
    struct view rest = view_of_text(path);
    struct step step;
    *target = (struct settings_target){.table = settings_root};
    if (view_is_empty(rest))
        return true;
    while (rest.data != NULL) {
        if (target->table == NULL)
            return fail(error, walked(path, rest),
                        is_list(target->setting) && !target->element
                            ? "this is a list: name one element, as in accepted_domains[0].host"
                            : "this has no members");
        if (!take_step(&rest, &step))
            return fail(error, view_of_text(path),
                        "this is not a path such as virtual_servers[0].addresses[1].port");
        if (!descend(target, &step, walked(path, rest), error))
            return false;
    }
    return true;
}

json_t *settings_json_at(json_t *document, const char *path, struct error *error)
{
    struct settings_target target;
    struct step step;
    struct view rest = view_of_text(path);
    json_t *value = document;
    if (!settings_path_find(path, &target, error))
        return NULL;
    while (!view_is_empty(rest) && take_step(&rest, &step)) {
        value = json_object_getn(value, step.name.data, step.name.length);
        if (step.indexed)
            value = json_array_get(value, step.index);
    }
    if (value == NULL)
        fail(error, view_of_text(path), "there is no such element");
    return value;
}

/* Text as it is, unless it is written as JSON. */
static json_t *text_value(struct view text)
{
    if (view_equal(text, VIEW("null")))
        return json_null();
    bool quoted = !view_is_empty(text) && text.data[0] == '"';
    json_t *value = quoted ? settings_json_load(text, NULL) : NULL;
    return value != NULL ? value : json_stringn(text.data == NULL ? "" : text.data, text.length);
}

static bool takes_text(const struct settings_target *target)
{
    if (target->setting == NULL)
        return false;
    return target->setting->type == SETTING_TEXT || target->setting->type == SETTING_CHOICE ||
           (target->setting->type == SETTING_TEXTS && target->element);
}

static const char *what_is_taken(const struct settings_target *target)
{
    if (target->setting != NULL && target->setting->type == SETTING_NUMBER)
        return "a whole number";
    if (target->setting != NULL && target->setting->type == SETTING_SWITCH)
        return "true or false";
    return target->table != NULL ? "a JSON object" : "a JSON list";
}

char *settings_path_value(const char *path, struct view text, struct error *error)
{
    struct settings_target target;
    struct error reason;
    char shown[SETTINGS_SHOWN_SIZE];
    if (!settings_path_find(path, &target, error))
        return NULL;
    if (!view_is_utf8(text)) {
        fail(error, view_of_text(path), "the value is not in UTF-8");
        return NULL;
    }
    json_t *value = takes_text(&target) ? text_value(text) : settings_json_load(text, &reason);
    if (value == NULL) {
        error_set(error, 0, "%s: \"%s\" is not %s.", path, settings_show(text, shown),
                  what_is_taken(&target));
        return NULL;
    }
    char *json = settings_json_dump(value);
    json_decref(value);
    return json;
}

static json_t *patch_object(json_t *object, bool whole, struct view path, json_t *value);

/* The list with one element changed, appended or taken out; NULL when there is no such element. */
static json_t *patch_list(json_t *list, size_t index, struct view rest, json_t *value)
{
    json_t *changed = json_is_array(list) ? json_copy(list) : json_array();
    bool done;
    if (rest.data != NULL) {
        json_t *element = json_array_get(changed, index);
        json_t *patched = element == NULL ? NULL : patch_object(element, true, rest, value);
        done = patched != NULL && json_array_set_new(changed, index, patched) == 0;
    } else if (json_is_null(value)) {
        done = json_array_remove(changed, index) == 0;
    } else if (index == json_array_size(changed)) {
        done = json_array_append(changed, value) == 0;
    } else {
        done = json_array_set(changed, index, value) == 0;
    }
    if (done)
        return changed;
    json_decref(changed);
    return NULL;
}

/* whole: all members of the object, as inside of lists, which are replaced; else only what changes. */
static json_t *patch_object(json_t *object, bool whole, struct view path, json_t *value)
{
    struct step step;
    if (!take_step(&path, &step))
        return NULL;
    json_t *current = json_object_getn(object, step.name.data, step.name.length);
    json_t *changed;
    if (step.indexed)
        changed = patch_list(current, step.index, path, value);
    else if (path.data != NULL)
        changed = patch_object(current, whole, path, value);
    else
        changed = json_incref(value);
    if (changed == NULL)
        return NULL;

    json_t *patch = whole ? json_copy(object) : json_object();
    if (whole && json_is_null(changed)) {
        json_object_deln(patch, step.name.data, step.name.length);
        json_decref(changed);
    } else {
        json_object_setn_new(patch, step.name.data, step.name.length, changed);
    }
    return patch;
}

static char *make_patch(const char *path, json_t *value, json_t *document, struct error *error)
{
    if (path[0] == '\0')
        return settings_json_dump(value);
    json_t *patch = patch_object(document, false, view_of_text(path), value);
    if (patch == NULL) {
        fail(error, view_of_text(path), "there is no such element");
        return NULL;
    }
    char *text = settings_json_dump(patch);
    json_decref(patch);
    return text;
}

char *settings_path_patch(const char *path, struct view value, struct view document,
                          struct error *error)
{
    struct settings_target target;
    if (!settings_path_find(path, &target, error))
        return NULL;
    json_t *new_value = settings_json_load(value, error);
    json_t *old = new_value == NULL ? NULL : settings_json_load(document, error);
    char *patch = old == NULL ? NULL : make_patch(path, new_value, old, error);
    json_decref(new_value);
    json_decref(old);
    return patch;
}
