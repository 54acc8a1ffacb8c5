#include "config/settings.h"

#include "base/memory.h"
#include "config/settings_json.h"

#include <stdatomic.h>

#define ARENA_BLOCK 4096 /* bytes; a usual document fits */

struct counted_snapshot {
    struct settings_snapshot snapshot;
    struct arena *arena; /* holds all that the values point to */
    atomic_size_t users;
};

/* Every snapshot is a part of a counted one; only the count of users ever changes. */
static struct counted_snapshot *counted(const struct settings_snapshot *snapshot)
{
    return (struct counted_snapshot *)((char *)snapshot -
                                       offsetof(struct counted_snapshot, snapshot));
}

const struct settings_snapshot *settings_from_json(const json_t *document, int64_t revision,
                                                   struct error *error)
{
    struct counted_snapshot *made = memory_allocate(1, sizeof *made);
    made->arena = arena_create(ARENA_BLOCK);
    made->snapshot.revision = revision;
    atomic_init(&made->users, 1);
    if (settings_read(document, made->arena, &made->snapshot.values, error) &&
        settings_check_together(&made->snapshot.values, error))
        return &made->snapshot;
    settings_release(&made->snapshot);
    return NULL;
}

const struct settings_snapshot *settings_parse(struct view json, int64_t revision,
                                               struct error *error)
{
    json_t *document = settings_json_load(json, error);
    if (document == NULL)
        return NULL;
    const struct settings_snapshot *snapshot = settings_from_json(document, revision, error);
    json_decref(document);
    return snapshot;
}

const struct settings_snapshot *settings_defaults(void)
{
    return settings_parse(VIEW("{}"), 0, NULL);
}

char *settings_json(const struct settings_snapshot *snapshot)
{
    json_t *document = settings_write(&snapshot->values);
    char *text = settings_json_dump(document);
    json_decref(document);
    return text;
}

const struct settings_snapshot *settings_retain(const struct settings_snapshot *snapshot)
{
    atomic_fetch_add(&counted(snapshot)->users, 1);
    return snapshot;
}

void settings_release(const struct settings_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    struct counted_snapshot *left = counted(snapshot);
    if (atomic_fetch_sub(&left->users, 1) > 1)
        return;
    arena_destroy(left->arena);
    memory_free(left);
}
