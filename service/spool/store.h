/*
 * spool.db as the spool thread uses it: one connection, statements that are prepared once,
 * transactions. One thread at a time. After a call that failed the caller rolls back.
 */
#ifndef GATEPOST_SPOOL_STORE_H
#define GATEPOST_SPOOL_STORE_H

#include "spool/spool.h"

struct sqlite3;
struct store;

/* Makes the file when it is not there, removes what a crash left half, marks the file as in use. */
struct store *store_open(const char *path, struct spool_recovery *recovery, struct error *error);

/* NULL is allowed. */
void store_close(struct store *store);

/* What the transaction changes; counted from store_begin() on. */
struct store_changes {
    uint64_t messages_added;
    uint64_t messages_removed;
    uint64_t recipients_added;
    uint64_t recipients_removed;
};

bool store_begin(struct store *store, struct error *error);

/* Content of a message that has no row yet: number counts from 0. */
bool store_put_chunk(struct store *store, ident message, uint32_t number, struct view data,
                     struct error *error);

/* rest: the content behind the chunks. */
bool store_put_message(struct store *store, const struct spool_item *item, struct view rest,
                       struct error *error);

/* Those of a message that never came to be. */
bool store_drop_chunks(struct store *store, ident message, struct error *error);

/* Outcomes of one message stand together. Those of recipients that are not owed (any more) change nothing. */
bool store_put_outcomes(struct store *store, const struct spool_outcome *outcomes, size_t count,
                        struct error *error);

/* After true everything since store_begin() is on disk. changes may be NULL. */
bool store_commit(struct store *store, struct store_changes *changes, struct error *error);
void store_roll_back(struct store *store);

/* Changes the mark for the next store_open() in the transaction. */
bool store_set_clean(struct store *store, bool clean, struct error *error);

/* Pages in the write-ahead log that are not in the file itself yet. */
uint32_t store_checkpoint_due(const struct store *store);
bool store_checkpoint(struct store *store, struct error *error);

/* Gives at most `pages` free pages back to the file system, and keeps some for the mail to come. */
bool store_shrink(struct store *store, uint32_t pages, struct error *error);

#endif
