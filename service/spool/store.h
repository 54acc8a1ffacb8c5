/*
 * spool.db as the spool thread uses it: one connection, statements that are prepared once,
 * transactions. One thread at a time. After a call that failed the caller rolls back.
 */
#ifndef GATEPOST_SPOOL_STORE_H
#define GATEPOST_SPOOL_STORE_H

#include "spool/spool.h"

struct sqlite3;
struct spool_store;

/* Makes the file when it is not there, removes what a crash left half, marks the file as in use. */
struct spool_store *spool_store_open(const char *path, struct spool_recovery *recovery,
                                     struct error *error);

/* NULL is allowed. */
void spool_store_close(struct spool_store *store);

/* What the transaction changes; counted from spool_store_begin() on. */
struct spool_store_changes {
    uint64_t messages_added;
    uint64_t messages_removed;
    uint64_t recipients_added;
    uint64_t recipients_removed;
};

bool spool_store_begin(struct spool_store *store, struct error *error);

/* Content of a message that has no row yet: number counts from 0. */
bool spool_store_put_chunk(struct spool_store *store, ident message, uint32_t number,
                           struct view data, struct error *error);

/* rest: the content behind the chunks. */
bool spool_store_put_message(struct spool_store *store, const struct spool_item *item,
                             struct view rest, struct error *error);

/* Those of a message that never came to be. */
bool spool_store_drop_chunks(struct spool_store *store, ident message, struct error *error);

/* Outcomes of one message stand together. Those of recipients that are not owed (any more) change nothing. */
bool spool_store_put_outcomes(struct spool_store *store, const struct spool_outcome *outcomes,
                              size_t count, struct error *error);

/* After true everything since spool_store_begin() is on disk. changes may be NULL. */
bool spool_store_commit(struct spool_store *store, struct spool_store_changes *changes,
                        struct error *error);
void spool_store_roll_back(struct spool_store *store);

/* Changes the mark for the next spool_store_open() in the transaction. */
bool spool_store_set_clean(struct spool_store *store, bool clean, struct error *error);

/* Pages in the write-ahead log that are not in the file itself yet. */
uint32_t spool_store_checkpoint_due(const struct spool_store *store);
bool spool_store_checkpoint(struct spool_store *store, struct error *error);

/* Gives at most `pages` free pages back to the file system, and keeps some for the mail to come. */
bool spool_store_shrink(struct spool_store *store, uint32_t pages, struct error *error);

#endif
