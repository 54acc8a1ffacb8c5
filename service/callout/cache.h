/*
 * What next hops have said about recipients, by the folded address (struct directory_key). Bounded:
 * refusals go first, so that a flood of made-up names never drives out a recipient who exists; of
 * each kind, the one that was not used for longest. How long an answer counts is for the asker to
 * know. One thread at a time. Room-private.
 */
#ifndef GATEPOST_CALLOUT_CACHE_H
#define GATEPOST_CALLOUT_CACHE_H

#include "base/view.h"

#define CALLOUT_TEXT_SIZE 160 /* of a reply, as much of it as is kept */

struct callout_cache;

struct callout_cached {
    bool accepted;
    int code; /* of the reply; 0: an address that the next hop cannot even be asked for */
    int64_t asked_ms;
    const char *text; /* the reply */
};

struct callout_cache *callout_cache_create(void);
void callout_cache_destroy(struct callout_cache *cache);

/* Replaces what was there. At most `most` answers are left. */
void callout_cache_set(struct callout_cache *cache, struct view key,
                       const struct callout_cached *answer, size_t most);

/* NULL when there is none; valid until the next change. */
const struct callout_cached *callout_cache_get(struct callout_cache *cache, struct view key);

/* Returns whether there was one. */
bool callout_cache_forget(struct callout_cache *cache, struct view key);

/* All addresses of a folded domain; an empty one: all there are. Returns how many there were. */
size_t callout_cache_forget_domain(struct callout_cache *cache, struct view domain);

size_t callout_cache_count(const struct callout_cache *cache, bool accepted);

#endif
