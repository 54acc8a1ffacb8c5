/*
 * tracking.db as its writer uses it: one connection, transactions, prepared statements. One thread at a
 * time. After a call that failed the caller rolls back.
 *
 * A row for each event; what all events of a message have in common (facts) is stored once. Searches by
 * address and Message-ID go through hashes in buckets of messages that came together, newest bucket
 * first: the place where the next hash goes is then always in the few pages of the bucket that fills,
 * while an index over everything would have a page to read and to write for each record.
 */
#ifndef GATEPOST_TRACKING_LEDGER_H
#define GATEPOST_TRACKING_LEDGER_H

#include "base/hash.h"
#include "tracking/flood.h"
#include "tracking/record.h"

/* An event's row is found by its time in microseconds and, below it, a count that makes it unique. */
#define TRACKING_ROW_SHIFT 11

/* Facts that share one bucket: their identifiers differ below this bit only. */
#define TRACKING_BUCKET_SHIFT 14

/* What a hash in a bucket stands for. */
enum tracking_key { TRACKING_KEY_SENDER, TRACKING_KEY_RECIPIENT, TRACKING_KEY_MESSAGE_ID };

/* Addresses without regard to ASCII case, Message-IDs with or without their brackets. */
int64_t tracking_key_hash(const struct hash_key *hash_key, enum tracking_key key, struct view text);

struct tracking_ledger;

/* Makes the file when it is not there. */
struct tracking_ledger *tracking_ledger_open(const char *path, struct error *error);
void tracking_ledger_close(struct tracking_ledger *ledger); /* NULL is allowed */

bool tracking_ledger_begin(struct tracking_ledger *ledger, struct error *error);
bool tracking_ledger_put(struct tracking_ledger *ledger, const struct tracking_entry *entry,
                         struct error *error);

/* Adds to the row of this minute, source, event and reason, or makes it. */
bool tracking_ledger_put_count(struct tracking_ledger *ledger, const struct tracking_count *count,
                               struct error *error);
bool tracking_ledger_commit(struct tracking_ledger *ledger, struct error *error);
void tracking_ledger_roll_back(struct tracking_ledger *ledger);

/* Removes some of what is older, in a transaction of its own; *more: there is more to remove. */
bool tracking_ledger_expire(struct tracking_ledger *ledger, int64_t before_us, bool *more,
                            struct error *error);

#endif
