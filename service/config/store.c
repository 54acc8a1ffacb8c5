#include "config/store.h"

#include "base/memory.h"
#include "config/revisions.h"
#include "config/settings_json.h"
#include "config/settings_secret.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/thread.h"

#include <inttypes.h>

/* Who made the first revision. */
#define FIRST_WHO "Gatepost"

struct settings_store {
    struct lock
        *changing; /* held through a change, its callback included, and for each use of the file */
    char *folder;  /* of the file, with the key of the secrets */
    struct revisions *revisions;
    int64_t newest; /* stored; greater than what is in force when that one was refused */

    struct lock *reading; /* held for as long as it takes to retain or to swap */
    const struct settings_snapshot *current;

    void (*changed)(void *user, const struct settings_snapshot *snapshot, const char *who,
                    const char *summary);
    void *changed_user;
};

/* Stores a document as the revision that the snapshot says. */
static bool store_revision(struct revisions *revisions, const struct settings_snapshot *snapshot,
                           const json_t *document, const char *who, const char *summary,
                           struct error *error)
{
    const struct settings_revision revision = {
        .revision = snapshot->revision,
        .unix_ms = clock_unix_ms(),
        .who = who,
        .summary = summary,
    };
    char *text = settings_json_dump(document);
    bool stored = revisions_append(revisions, &revision, text, error);
    memory_free(text);
    return stored;
}

/* The document that stands for what was given from outside, with its secrets sealed; a new reference. stored: as in
 * settings_seal(). */
static json_t *document_of(struct view given, const json_t *stored, const char *path,
                           struct error *error)
{
    json_t *json = settings_json_load(given, error);
    if (json == NULL)
        return NULL;
    /* Over nothing, so that null stands for the default as in any patch. */
    json_t *merged = settings_merge(NULL, json);
    char *folder = path_parent(path);
    bool sealed = settings_seal(merged, stored, folder, error);
    memory_free(folder);
    json_decref(json);
    if (sealed)
        return merged;
    json_decref(merged);
    return NULL;
}

static bool keep_document(void *user, int64_t number, struct view document)
{
    json_t **stored = user;
    (void)number;
    *stored = settings_json_load(document, NULL);
    return false;
}

/* A document that is not compared with what is in force, as revision `number`. */
static enum settings_change store_document(struct revisions *revisions, const char *path,
                                           struct view given, int64_t number, const char *who,
                                           const char *summary, struct error *error)
{
    json_t *former = NULL;
    if (number > 1 &&
        !revisions_each_document(revisions, number - 1, keep_document, &former, error))
        return SETTINGS_FAILED;
    json_t *document = document_of(given, former, path, error);
    const struct settings_snapshot *snapshot =
        document == NULL ? NULL : settings_from_json(document, number, error);
    enum settings_change result = SETTINGS_INVALID;
    if (snapshot != NULL) {
        json_t *whole = settings_write(&snapshot->values);
        bool stored = store_revision(revisions, snapshot, whole, who, summary, error);
        result = stored ? SETTINGS_CHANGED : SETTINGS_FAILED;
        json_decref(whole);
    }
    settings_release(snapshot);
    json_decref(document);
    json_decref(former);
    return result;
}

enum settings_change settings_store_seed(const char *path, struct view document,
                                         struct error *error)
{
    int64_t newest;
    struct revisions *revisions = revisions_open(path, error);
    enum settings_change result = SETTINGS_FAILED;
    if (revisions == NULL)
        return result;
    if (revisions_newest(revisions, &newest, error))
        result = newest > 0 ? SETTINGS_UNCHANGED
                            : store_document(revisions, path, document, 1, FIRST_WHO,
                                             "initial settings", error);
    revisions_close(revisions);
    return result;
}

enum settings_change settings_store_import(const char *path, struct view document, const char *who,
                                           int64_t *revision, struct error *error)
{
    int64_t newest;
    struct revisions *revisions = revisions_open(path, error);
    enum settings_change result = SETTINGS_FAILED;
    if (revisions == NULL)
        return result;
    if (revisions_newest(revisions, &newest, error)) {
        *revision = newest + 1;
        result = store_document(revisions, path, document, *revision, who, "import while stopped",
                                error);
    }
    revisions_close(revisions);
    return result;
}

/* The search for the newest revision that passes. */
struct search {
    const struct settings_snapshot *found;
    struct error *refused; /* why the newest one does not pass */
    bool first;
};

static bool try_document(void *user, int64_t number, struct view document)
{
    struct search *search = user;
    struct error reason;
    search->found = settings_parse(document, number, &reason);
    if (search->found == NULL && search->first)
        error_set(search->refused, 0, "Revision %" PRId64 ": %s", number, reason.text);
    search->first = false;
    return search->found == NULL;
}

static bool load(struct settings_store *store, const char *path, struct error *refused,
                 struct error *error)
{
    struct search search = {.refused = refused, .first = true};
    error_set(refused, 0, "%s", "");
    if (!revisions_newest(store->revisions, &store->newest, error))
        return false;
    if (store->newest == 0) {
        if (store_document(store->revisions, path, VIEW("{}"), 1, FIRST_WHO, "first start",
                           error) != SETTINGS_CHANGED)
            return false;
        store->newest = 1;
    }
    if (!revisions_each_document(store->revisions, 0, try_document, &search, error))
        return false;
    store->current = search.found;
    return store->current != NULL || error_set(error, 0, "No revision of the settings is valid. %s",
                                               refused == NULL ? "" : refused->text);
}

struct settings_store *settings_store_open(const char *path, struct error *refused,
                                           struct error *error)
{
    struct revisions *revisions = revisions_open(path, error);
    if (revisions == NULL)
        return NULL;
    struct settings_store *store = memory_allocate(1, sizeof *store);
    store->changing = lock_create();
    store->reading = lock_create();
    store->folder = path_parent(path);
    store->revisions = revisions;
    if (load(store, path, refused, error))
        return store;
    settings_store_close(store);
    return NULL;
}

void settings_store_close(struct settings_store *store)
{
    if (store == NULL)
        return;
    settings_release(store->current);
    revisions_close(store->revisions);
    memory_free(store->folder);
    lock_destroy(store->reading);
    lock_destroy(store->changing);
    memory_free(store);
}

const struct settings_snapshot *settings_store_current(struct settings_store *store)
{
    lock_acquire(store->reading);
    const struct settings_snapshot *snapshot = settings_retain(store->current);
    lock_release(store->reading);
    return snapshot;
}

static void swap(struct settings_store *store, const struct settings_snapshot *snapshot)
{
    lock_acquire(store->reading);
    const struct settings_snapshot *old = store->current;
    store->current = settings_retain(snapshot);
    lock_release(store->reading);
    settings_release(old);
    store->newest = snapshot->revision;
}

/* Stores what differs from the document in force and puts it in force. */
static enum settings_change put_in_force(struct settings_store *store,
                                         const struct settings_snapshot *snapshot, const char *who,
                                         struct error *error)
{
    char summary[SETTINGS_SUMMARY_SIZE];
    json_t *from = settings_write(&store->current->values);
    json_t *to = settings_write(&snapshot->values);
    enum settings_change result = SETTINGS_UNCHANGED;
    if (settings_difference(from, to, summary, sizeof summary)) {
        bool stored = store_revision(store->revisions, snapshot, to, who, summary, error);
        result = stored ? SETTINGS_CHANGED : SETTINGS_FAILED;
    }
    json_decref(from);
    json_decref(to);
    if (result == SETTINGS_CHANGED) {
        swap(store, snapshot);
        if (store->changed != NULL)
            store->changed(store->changed_user, snapshot, who, summary);
    }
    return result;
}

/* The document that a change leads to, with its secrets sealed; a new reference. */
static json_t *changed_document(struct settings_store *store, struct view json, bool is_patch,
                                struct error *error)
{
    json_t *changed = settings_json_load(json, error);
    if (changed == NULL)
        return NULL;
    if (is_patch) {
        json_t *patch = changed, *target = settings_write(&store->current->values);
        /* As the one who made the patch has seen it. */
        settings_mask(target);
        changed = settings_merge(target, patch);
        json_decref(target);
        json_decref(patch);
    }
    json_t *stored = settings_write(&store->current->values);
    bool sealed = settings_seal(changed, stored, store->folder, error);
    json_decref(stored);
    if (sealed)
        return changed;
    json_decref(changed);
    return NULL;
}

static bool is_stale(const struct settings_store *store, int64_t base_revision, struct error *error)
{
    if (base_revision == -1 || base_revision == store->current->revision)
        return false;
    error_set(error, 0,
              "The settings were changed meanwhile: revision %" PRId64 " is in force, not %" PRId64
              ". Read them again and repeat the change.",
              store->current->revision, base_revision);
    return true;
}

static enum settings_change change(struct settings_store *store, struct view json, bool is_patch,
                                   int64_t base_revision, const char *who, int64_t *revision,
                                   struct error *error)
{
    enum settings_change result = SETTINGS_CONFLICT;
    lock_acquire(store->changing);
    if (!is_stale(store, base_revision, error)) {
        json_t *document = changed_document(store, json, is_patch, error);
        const struct settings_snapshot *snapshot =
            document == NULL ? NULL : settings_from_json(document, store->newest + 1, error);
        result = snapshot == NULL ? SETTINGS_INVALID : put_in_force(store, snapshot, who, error);
        settings_release(snapshot);
        json_decref(document);
    }
    *revision = store->current->revision;
    lock_release(store->changing);
    return result;
}

enum settings_change settings_store_merge(struct settings_store *store, struct view patch,
                                          int64_t base_revision, const char *who, int64_t *revision,
                                          struct error *error)
{
    return change(store, patch, true, base_revision, who, revision, error);
}

enum settings_change settings_store_replace(struct settings_store *store, struct view document,
                                            int64_t base_revision, const char *who,
                                            int64_t *revision, struct error *error)
{
    return change(store, document, false, base_revision, who, revision, error);
}

static bool parse_document(void *user, int64_t number, struct view document)
{
    struct search *search = user;
    search->found = settings_parse(document, number, search->refused);
    search->first = false;
    return false;
}

/* The store is locked for changes. */
static const struct settings_snapshot *
older_snapshot(struct settings_store *store, int64_t revision, bool *there, struct error *error)
{
    struct search search = {.refused = error, .first = true};
    bool read = revisions_each_document(store->revisions, revision, parse_document, &search, error);
    *there = !read || !search.first;
    if (!*there)
        error_set(error, 0, "There is no revision %" PRId64 ".", revision);
    return search.found;
}

static const struct settings_snapshot *snapshot_of(struct settings_store *store, int64_t revision,
                                                   struct error *error)
{
    bool there;
    if (revision == 0)
        return settings_store_current(store);
    lock_acquire(store->changing);
    const struct settings_snapshot *snapshot = older_snapshot(store, revision, &there, error);
    lock_release(store->changing);
    return snapshot;
}

static enum settings_change put_again(struct settings_store *store,
                                      const struct settings_snapshot *older, const char *who,
                                      struct error *error)
{
    json_t *document = settings_write(&older->values);
    const struct settings_snapshot *snapshot =
        settings_from_json(document, store->newest + 1, error);
    enum settings_change result =
        snapshot == NULL ? SETTINGS_INVALID : put_in_force(store, snapshot, who, error);
    settings_release(snapshot);
    json_decref(document);
    return result;
}

enum settings_change settings_store_revert(struct settings_store *store, int64_t to_revision,
                                           const char *who, int64_t *revision, struct error *error)
{
    bool there;
    enum settings_change result;
    lock_acquire(store->changing);
    const struct settings_snapshot *older = older_snapshot(store, to_revision, &there, error);
    if (older != NULL)
        result = put_again(store, older, who, error);
    else
        result = there ? SETTINGS_INVALID : SETTINGS_NOT_FOUND;
    settings_release(older);
    *revision = store->current->revision;
    lock_release(store->changing);
    return result;
}

char *settings_store_json(struct settings_store *store, int64_t revision, const char *path,
                          struct error *error)
{
    const struct settings_snapshot *snapshot = snapshot_of(store, revision, error);
    if (snapshot == NULL)
        return NULL;
    json_t *document = settings_write(&snapshot->values);
    settings_mask(document);
    json_t *value = settings_json_at(document, path, error);
    char *text = value == NULL ? NULL : settings_json_dump(value);
    json_decref(document);
    settings_release(snapshot);
    return text;
}

bool settings_store_history(struct settings_store *store, int64_t before, size_t limit,
                            void (*each)(void *user, const struct settings_revision *revision),
                            void *user, struct error *error)
{
    lock_acquire(store->changing);
    bool read = revisions_history(store->revisions, before, limit, each, user, error);
    lock_release(store->changing);
    return read;
}

void settings_store_on_change(struct settings_store *store,
                              void (*changed)(void *user, const struct settings_snapshot *snapshot,
                                              const char *who, const char *summary),
                              void *user)
{
    store->changed = changed;
    store->changed_user = user;
}
