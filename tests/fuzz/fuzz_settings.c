/* rooms: config platform base */
/*
 * The import of a settings document. What passes must be written so that it passes again, to the same
 * text; what is refused must be explained. The same bytes serve as a merge patch and as a path.
 */
#include "base/memory.h"
#include "config/settings.h"
#include "config/settings_json.h"
#include "config/settings_path.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void round_trip(const struct settings_snapshot *snapshot)
{
    struct error error = {0};
    char *first = settings_json(snapshot);
    const struct settings_snapshot *again = settings_parse(view_of_text(first), 2, &error);
    require(again != NULL);
    char *second = settings_json(again);
    require(strcmp(first, second) == 0);
    settings_release(again);
    memory_free(first);
    memory_free(second);
}

static void try_document(struct view text)
{
    struct error error = {0};
    const struct settings_snapshot *snapshot = settings_parse(text, 1, &error);
    require(snapshot != NULL || error.text[0] != '\0');
    if (snapshot != NULL)
        round_trip(snapshot);
    settings_release(snapshot);
}

static void try_patch(struct view text)
{
    char summary[100];
    json_t *patch = settings_json_load(text, NULL);
    if (patch == NULL)
        return;
    const struct settings_snapshot *defaults = settings_defaults();
    json_t *target = settings_write(&defaults->values);
    json_t *merged = settings_merge(target, patch);
    const struct settings_snapshot *changed = settings_from_json(merged, 1, NULL);
    if (changed != NULL) {
        json_t *written = settings_write(&changed->values);
        require(settings_difference(target, written, summary, sizeof summary) !=
                (json_equal(target, written) != 0));
        json_decref(written);
    }
    settings_release(changed);
    json_decref(merged);
    json_decref(target);
    json_decref(patch);
    settings_release(defaults);
}

/* "PATH=VALUE" as `gatepost config set` has them. */
static void try_path(struct view text)
{
    struct error error = {0};
    size_t equals = view_find(text, '=');
    char *path = memory_allocate(equals + 1, 1);
    view_copy_text(view_first(text, equals), path, equals + 1);
    char *value = settings_path_value(path, view_from(text, equals + 1), &error);
    require(value != NULL || error.text[0] != '\0');
    if (value != NULL) {
        const struct settings_snapshot *defaults = settings_defaults();
        char *document = settings_json(defaults);
        memory_free(settings_path_patch(path, view_of_text(value), view_of_text(document), &error));
        memory_free(document);
        settings_release(defaults);
    }
    memory_free(value);
    memory_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct view text = view_of((const char *)data, size);
    try_document(text);
    try_patch(text);
    try_path(text);
    return 0;
}
