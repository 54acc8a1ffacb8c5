#include "config/settings_json.h"
#include "config/settings_place.h"

json_t *settings_merge(const json_t *target, const json_t *patch)
{
    if (!json_is_object(patch))
        return json_deep_copy(patch);

    /* jansson copies and walks only what may change; neither of the two does. */
    json_t *merged = json_is_object(target) ? json_copy((json_t *)target) : json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)patch, name, value)
    {
        if (json_is_null(value))
            json_object_del(merged, name);
        else
            json_object_set_new(merged, name, settings_merge(json_object_get(merged, name), value));
    }
    return merged;
}

/* The walk over two documents. */
struct comparison {
    struct buffer paths;
    bool full; /* not every path has found room */
};

static void add_difference(struct comparison *comparison, const struct settings_place *place)
{
    struct buffer path;
    buffer_init(&path, SETTINGS_PATH_MAXIMUM);
    buffer_append_text(&path, comparison->paths.length == 0 ? "" : ", ");
    settings_place_append(&path, place);
    comparison->full =
        comparison->full || !buffer_append_view(&comparison->paths, buffer_view(&path));
    buffer_free(&path);
}

static bool is_list_of_objects(const json_t *value)
{
    return json_is_object(json_array_get(value, 0));
}

static void compare(struct comparison *comparison, const struct settings_place *place,
                    const json_t *from, const json_t *to)
{
    if (json_equal(from, to))
        return;
    if (json_is_object(from) && json_is_object(to)) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)to, name, value)
        {
            const struct settings_place here = {.outer = place, .name = name};
            compare(comparison, &here, json_object_get(from, name), value);
        }
        return;
    }
    if (is_list_of_objects(from) && json_array_size(from) == json_array_size(to)) {
        for (size_t i = 0; i < json_array_size(to); i++) {
            const struct settings_place here = {.outer = place, .index = i};
            compare(comparison, &here, json_array_get(from, i), json_array_get(to, i));
        }
        return;
    }
    add_difference(comparison, place);
}

bool settings_difference(const json_t *from, const json_t *to, char *summary, size_t size)
{
    const struct view more = VIEW(" and more");
    struct comparison comparison = {.full = false};
    buffer_init(&comparison.paths, size - 1 - more.length);
    compare(&comparison, NULL, from, to);
    bool differ = comparison.paths.length > 0 || comparison.full;
    view_copy_text(buffer_view(&comparison.paths), summary, size);
    if (comparison.full)
        view_copy_text(more, summary + comparison.paths.length, size - comparison.paths.length);
    buffer_free(&comparison.paths);
    return differ;
}
