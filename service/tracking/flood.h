/*
 * Decides which refusals are listed one by one and counts the others: for each minute, source, event
 * and reason. One thread at a time (tracking.c holds its lock).
 */
#ifndef GATEPOST_TRACKING_FLOOD_H
#define GATEPOST_TRACKING_FLOOD_H

#include "base/hash.h"
#include "tracking/record.h"

struct tracking_flood;

struct tracking_flood *tracking_flood_create(void);
void tracking_flood_destroy(struct tracking_flood *flood);

/* listed: refusals a minute of one source that are listed; sources: that are counted apart in a minute. */
void tracking_flood_set_limits(struct tracking_flood *flood, uint32_t listed, uint32_t sources);

/* A refusal has come. True: list it; false: it was counted. */
bool tracking_flood_admit(struct tracking_flood *flood, const struct tracking_entry *entry);

struct tracking_count {
    int64_t minute;   /* since 1970 */
    int64_t first_us; /* of those that were counted since the last tracking_flood_take() */
    enum tracking_event event;
    uint64_t count;
    struct view client; /* "other": those beyond the number of sources */
    struct view reason;
};

/* What was counted since the last call: struct tracking_count by minute, event, client and reason.
 * NULL when there is nothing; the caller destroys it with tracking_counts_destroy(). */
struct hash_table *tracking_flood_take(struct tracking_flood *flood);
void tracking_counts_destroy(struct hash_table *counts);

#endif
