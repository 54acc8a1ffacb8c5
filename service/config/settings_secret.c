#include "config/settings_secret.h"

#include "config/settings.h"
#include "config/settings_place.h"
#include "config/settings_table.h"
#include "platform/secret.h"

/* Before a sealed secret, with a number for the case that there is another way one day. */
#define MARK "sealed:1:"

/* A walk to all secrets of a document, beside the document whose secrets are known. */
struct walk {
    bool (*visit)(struct walk *walk, const struct settings_place *place,
                  const struct setting *setting, json_t *object, const json_t *stored);
    const char *folder;
    struct error *error;
};

static bool walk_object(struct walk *walk, const struct settings_place *place,
                        const struct setting_table *table, json_t *object, const json_t *stored);

static const char *key_of(const struct setting *list, const json_t *element)
{
    return list->key == NULL ? NULL : json_string_value(json_object_get(element, list->key));
}

static const json_t *element_with_key(const struct setting *list, const json_t *elements,
                                      const char *key)
{
    for (size_t i = 0; i < json_array_size(elements); i++) {
        const char *other = key_of(list, json_array_get(elements, i));
        if (other != NULL && view_equal_nocase(view_of_text(key), view_of_text(other)))
            return json_array_get(elements, i);
    }
    return NULL;
}

/* What the element at `index` of the new list was before. */
static const json_t *former_element(const struct setting *list, const json_t *elements,
                                    const json_t *stored, size_t index)
{
    const char *key = key_of(list, json_array_get(elements, index));
    const json_t *same = key == NULL ? NULL : element_with_key(list, stored, key);
    if (same != NULL)
        return same;
    const json_t *there = json_array_get(stored, index);
    const char *former = key_of(list, there);
    bool is_renamed = former == NULL || element_with_key(list, elements, former) == NULL;
    return is_renamed ? there : NULL;
}

static bool walk_list(struct walk *walk, const struct settings_place *place,
                      const struct setting *list, const json_t *elements, const json_t *stored)
{
    for (size_t i = 0; i < json_array_size(elements); i++) {
        const struct settings_place here = {.outer = place, .index = i};
        if (!walk_object(walk, &here, list->inner, json_array_get(elements, i),
                         former_element(list, elements, stored, i)))
            return false;
    }
    return true;
}

/* What is not of the right type is left to the reader of the document, which says so. */
static bool walk_object(struct walk *walk, const struct settings_place *place,
                        const struct setting_table *table, json_t *object, const json_t *stored)
{
    bool good = true;
    for (size_t i = 0; i < table->count && good; i++) {
        const struct setting *setting = &table->settings[i];
        const struct settings_place here = {.outer = place, .name = setting->name};
        json_t *value = json_object_get(object, setting->name);
        const json_t *former = json_object_get(stored, setting->name);
        if (setting->type == SETTING_OBJECT)
            good = walk_object(walk, &here, setting->inner, value, former);
        else if (setting->type == SETTING_OBJECTS)
            good = walk_list(walk, &here, setting, value, former);
        else if (setting->type == SETTING_SECRET && json_string_length(value) > 0)
            good = walk->visit(walk, &here, setting, object, stored);
    }
    return good;
}

static bool mask(struct walk *walk, const struct settings_place *place,
                 const struct setting *setting, json_t *object, const json_t *stored)
{
    (void)walk;
    (void)place;
    (void)stored;
    json_object_set_new(object, setting->name, json_string(SETTINGS_MASK));
    return true;
}

void settings_mask(json_t *document)
{
    struct walk walk = {.visit = mask};
    walk_object(&walk, NULL, settings_root, document, NULL);
}

static bool fail(const struct walk *walk, const struct settings_place *place, const char *reason)
{
    struct buffer path;
    buffer_init(&path, SETTINGS_PATH_MAXIMUM);
    settings_place_append(&path, place);
    error_set(walk->error, 0, "%s: %s.", path.length == 0 ? "A secret" : path.data, reason);
    buffer_free(&path);
    return false;
}

static bool seal_text(const struct walk *walk, const struct setting *setting, json_t *object,
                      struct view text)
{
    struct buffer sealed;
    buffer_init(&sealed, sizeof MARK + SECRET_SEALED_MAXIMUM);
    buffer_append_text(&sealed, MARK);
    bool good = secret_seal(walk->folder, text, &sealed, walk->error);
    if (good)
        json_object_set_new(object, setting->name, json_stringn(sealed.data, sealed.length));
    buffer_free(&sealed);
    return good;
}

static bool seal(struct walk *walk, const struct settings_place *place,
                 const struct setting *setting, json_t *object, const json_t *stored)
{
    const json_t *value = json_object_get(object, setting->name);
    struct view text = view_of(json_string_value(value), json_string_length(value));
    if (view_equal(text, VIEW(SETTINGS_MASK))) {
        json_t *former = json_object_get(stored, setting->name);
        if (json_string_length(former) == 0)
            return fail(walk, place, "nothing is stored that could be kept. Enter it");
        json_object_set(object, setting->name, former);
        return true;
    }
    if (text.length > (size_t)setting->maximum)
        return fail(walk, place, "is too long");
    return seal_text(walk, setting, object, text);
}

bool settings_seal(json_t *document, const json_t *stored, const char *folder, struct error *error)
{
    struct walk walk = {.visit = seal, .folder = folder, .error = error};
    return walk_object(&walk, NULL, settings_root, document, stored);
}

bool settings_is_sealed(struct view text)
{
    const struct view mark = VIEW(MARK);
    return text.length > mark.length && view_equal(view_first(text, mark.length), mark);
}

bool settings_unseal(const char *sealed, const char *folder, struct buffer *secret,
                     struct error *error)
{
    struct view text = view_of_text(sealed);
    if (!settings_is_sealed(text))
        return error_set(error, 0, "It is not sealed.");
    return secret_unseal(folder, view_from(text, strlen(MARK)), secret, error);
}
