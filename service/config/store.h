/*
 * config.db: every revision of the settings document with when and who, and the snapshot in force. A change
 * is a JSON merge patch (RFC 7396) against a revision; lists are replaced whole. It is validated whole, stored
 * (WAL, synchronous FULL), then swapped in. Locks inside; any thread.
 *
 * Nobody else writes the file while the service runs (file_lock() on the data folder), so there is nothing
 * to read again: whoever is asked to reload applies settings_store_current() once more.
 */
#ifndef GATEPOST_CONFIG_STORE_H
#define GATEPOST_CONFIG_STORE_H

#include "config/settings.h"

struct settings_store;

/* Longest `summary`, with its NUL. */
#define SETTINGS_SUMMARY_SIZE 1000

enum settings_change {
    SETTINGS_CHANGED,
    SETTINGS_UNCHANGED, /* the patch changes nothing: no new revision */
    SETTINGS_CONFLICT,  /* the base revision is not the newest: read again */
    SETTINGS_INVALID,
    SETTINGS_FAILED /* the store cannot be written */
};

/* Before settings_store_open(): when there is no revision yet, stores as the first one the default document with
 * `document` merged over it. UNCHANGED: there is one, and the document was not looked at. INVALID and FAILED
 * fill error and store nothing. */
enum settings_change settings_store_seed(const char *path, struct view document,
                                         struct error *error);

/* Without opening the store: a document becomes the newest revision, for a service that does not start because none of
 * its own is valid. CHANGED, INVALID or FAILED. */
enum settings_change settings_store_import(const char *path, struct view document, const char *who,
                                           int64_t *revision, struct error *error);

/* Makes the file with the default document when it is not there. When the newest revision does not pass the
 * checks, opens with the newest that does and fills *refused; NULL when none does or the file is not readable. */
struct settings_store *settings_store_open(const char *path, struct error *refused,
                                           struct error *error);
void settings_store_close(struct settings_store *store);

/* The snapshot in force, retained for the caller. */
const struct settings_snapshot *settings_store_current(struct settings_store *store);

/* base_revision -1: whatever is newest. who: for the history. *revision: the one that is now in force, whatever
 * the result. */
enum settings_change settings_store_merge(struct settings_store *store, struct view patch,
                                          int64_t base_revision, const char *who, int64_t *revision,
                                          struct error *error);

/* The whole document is replaced (import, go back). */
enum settings_change settings_store_replace(struct settings_store *store, struct view document,
                                            int64_t base_revision, const char *who,
                                            int64_t *revision, struct error *error);

/* JSON text of the document in force (revision 0) or of another revision, defaults included; at `path` ("outbound.smart_host",
 * "virtual_servers[0]", "" = all). The caller frees it with memory_free(). NULL with error when there is none. */
char *settings_store_json(struct settings_store *store, int64_t revision, const char *path,
                          struct error *error);

/* Newest first, those before revision `before` (0 = all), at most `limit`. The texts live during the call. */
struct settings_revision {
    int64_t revision;
    int64_t unix_ms;
    const char *who;
    const char *summary; /* what changed: "outbound.smart_host, retry.first" */
};
bool settings_store_history(struct settings_store *store, int64_t before, size_t limit,
                            void (*each)(void *user, const struct settings_revision *revision),
                            void *user, struct error *error);

/* Called after each swap, in the order of the revisions, on the thread that made the change, with the new
 * snapshot (not retained). It must not change the settings itself. Set before the first change. */
void settings_store_on_change(struct settings_store *store,
                              void (*changed)(void *user, const struct settings_snapshot *snapshot,
                                              const char *who, const char *summary),
                              void *user);

#endif
