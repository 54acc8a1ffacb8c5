#include "config/store.h"

#include "base/memory.h"
#include "config/revisions.h"
#include "config/settings_json.h"
#include "platform/clock.h"
#include "platform/thread.h"

#include <inttypes.h>

/* Who made the first revision. */
#define FIRST_WHO "Gatepost"

struct settings_store {
    struct lock
        *changing; /* held through a change, its callback included, and for each use of the file */
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

/* A document that is not compared with what is in force, as revision `number`. */
static enum settings_change store_document(struct revisions *revisions, struct view document,
                                           int64_t number, const char *who, const char *summary,
                                           struct error *error)
{
    json_t *given = settings_json_load(document, error);
    if (given == NULL)
        return SETTINGS_INVALID;
    /* Over nothing, so that null stands for the default as in any patch. */
    json_t *merged = settings_merge(NULL, given);
    const struct settings_snapshot *snapshot = settings_from_json(merged, number, error);
    enum settings_change result = SETTINGS_INVALID;
    if (snapshot != NULL) {
        json_t *whole = settings_write(&snapshot->values);
        bool stored = store_revision(revisions, snapshot, whole, who, summary, error);
        result = stored ? SETTINGS_CHANGED : SETTINGS_FAILED;
        json_decref(whole);
    }
    settings_release(snapshot);
    json_decref(merged);
    json_decref(given);
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
        result = newest > 0
                     ? SETTINGS_UNCHANGED
                     : store_document(revisions, document, 1, FIRST_WHO, "initial settings", error);
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
        result = store_document(revisions, document, *revision, who, "import while stopped", error);
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

static bool load(struct settings_store *store, struct error *refused, struct error *error)
{
    struct search search = {.refused = refused, .first = true};
    error_set(refused, 0, "%s", "");
    if (!revisions_newest(store->revisions, &store->newest, error))
        return false;
    if (store->newest == 0) {
        if (store_document(store->revisions, VIEW("{}"), 1, FIRST_WHO, "first start", error) !=
            SETTINGS_CHANGED)
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
    store->revisions = revisions;
    if (load(store, refused, error))
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

/* The document that a change leads to; a new reference. */
static json_t *changed_document(struct settings_store *store, struct view json, bool is_patch,
                                struct error *error)
{
    json_t *given = settings_json_load(json, error);
    if (given == NULL || !is_patch)
        return given;
    json_t *target = settings_write(&store->current->values);
    json_t *merged = settings_merge(target, given);
    json_decref(target);
    json_decref(given);
    return merged;
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

static const struct settings_snapshot *snapshot_of(struct settings_store *store, int64_t revision,
                                                   struct error *error)
{
    struct search search = {.refused = error, .first = true};
    if (revision == 0)
        return settings_store_current(store);
    lock_acquire(store->changing);
    bool read = revisions_each_document(store->revisions, revision, parse_document, &search, error);
    lock_release(store->changing);
    if (read && search.first)
        error_set(error, 0, "There is no revision %" PRId64 ".", revision);
    return search.found;
}

char *settings_store_json(struct settings_store *store, int64_t revision, const char *path,
                          struct error *error)
{
    const struct settings_snapshot *snapshot = snapshot_of(store, revision, error);
    if (snapshot == NULL)
        return NULL;
    json_t *document = settings_write(&snapshot->values);
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
