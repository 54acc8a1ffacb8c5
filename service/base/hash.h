/*
 * A keyed hash (SipHash-1-3, so that a stranger cannot choose keys that collide) and a table from
 * bytes to pointers. The table copies its keys and does not own its values. One thread at a time;
 * look-ups alone may come from several threads when nobody changes it.
 */
#ifndef GATEPOST_BASE_HASH_H
#define GATEPOST_BASE_HASH_H

#include "base/view.h"

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

/* Random, made once for the process by hash_key_set(); zero until then (tests). */
const struct hash_key *hash_key_of_process(void);
void hash_key_set(uint64_t k0, uint64_t k1);

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length);

struct hash_table;

struct hash_table *hash_table_create(void);

/* free_value may be NULL; otherwise it is called for each value that is left. */
void hash_table_destroy(struct hash_table *table, void (*free_value)(void *value));

/* Sets the value for `key` (not NULL) and returns the one it replaced, or NULL. */
void *hash_table_set(struct hash_table *table, struct view key, void *value);
void *hash_table_get(const struct hash_table *table, struct view key);

/* Removes and returns the value, NULL when there was none. */
void *hash_table_take(struct hash_table *table, struct view key);
size_t hash_table_count(const struct hash_table *table);

/* Walks in no order; *position starts at 0. The table must not change meanwhile. */
bool hash_table_next(const struct hash_table *table, size_t *position, struct view *key,
                     void **value);

#endif
