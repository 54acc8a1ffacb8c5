#include "base/hash.h"

#include "base/memory.h"

#define SMALLEST_CAPACITY 16 /* a power of two, as every capacity is */

static struct hash_key process_key;

const struct hash_key *hash_key_of_process(void)
{
    return &process_key;
}

void hash_key_set(uint64_t k0, uint64_t k1)
{
    process_key = (struct hash_key){k0, k1};
}

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] = rotate_left(v[2], 32);
}

static uint64_t little_endian(const unsigned char *bytes, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

/* SipHash with one round for each word and three at the end (Aumasson and Bernstein, 2012). */
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    size_t tail = length % 8;
    uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
                     key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573};

    for (size_t i = 0; i + 8 <= length; i += 8) {
        uint64_t word = little_endian(bytes + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)length << 56;
    if (tail > 0)
        last |= little_endian(bytes + (length - tail), tail);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Open addressing with linear probing. A slot is free when key is NULL. */
struct slot {
    uint64_t hash;
    char *key;
    size_t key_length;
    void *value;
};

struct hash_table {
    struct slot *slots;
    size_t capacity;
    size_t count;
};

struct hash_table *hash_table_create(void)
{
    struct hash_table *table = memory_allocate(1, sizeof *table);
    table->capacity = SMALLEST_CAPACITY;
    table->slots = memory_allocate(table->capacity, sizeof *table->slots);
    return table;
}

void hash_table_destroy(struct hash_table *table, void (*free_value)(void *value))
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].key == NULL)
            continue;
        memory_free(table->slots[i].key);
        if (free_value != NULL)
            free_value(table->slots[i].value);
    }
    memory_free(table->slots);
    memory_free(table);
}

static uint64_t hash_of(struct view key)
{
    return hash_bytes(hash_key_of_process(), key.data, key.length);
}

/* The slot that holds the key, or the free one where it would go. There always is a free one. */
static struct slot *slot_find(const struct hash_table *table, struct view key, uint64_t hash)
{
    size_t mask = table->capacity - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        struct slot *slot = &table->slots[i];
        if (slot->key == NULL ||
            (slot->hash == hash && view_equal(view_of(slot->key, slot->key_length), key)))
            return slot;
    }
}

static void table_grow(struct hash_table *table)
{
    struct hash_table larger = {.capacity = table->capacity * 2, .count = table->count};
    larger.slots = memory_allocate(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < table->capacity; i++) {
        const struct slot *slot = &table->slots[i];
        if (slot->key != NULL)
            *slot_find(&larger, view_of(slot->key, slot->key_length), slot->hash) = *slot;
    }
    memory_free(table->slots);
    *table = larger;
}

void *hash_table_set(struct hash_table *table, struct view key, void *value)
{
    uint64_t hash = hash_of(key);
    struct slot *slot = slot_find(table, key, hash);
    if (slot->key != NULL) {
        void *replaced = slot->value;
        slot->value = value;
        return replaced;
    }
    /* At most three quarters full, so that runs stay short. */
    if ((table->count + 1) * 4 > table->capacity * 3) {
        table_grow(table);
        slot = slot_find(table, key, hash);
    }
    char *copy = memory_allocate(key.length + 1, 1);
    if (key.length > 0)
        memcpy(copy, key.data, key.length);
    *slot = (struct slot){hash, copy, key.length, value};
    table->count++;
    return NULL;
}

void *hash_table_get(const struct hash_table *table, struct view key)
{
    return slot_find(table, key, hash_of(key))->value;
}

/* Moves later members of the run back into the gap where their look-up would stop at it. */
static void close_gap(struct hash_table *table, size_t gap)
{
    size_t mask = table->capacity - 1;
    for (size_t i = (gap + 1) & mask; table->slots[i].key != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)table->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        table->slots[gap] = table->slots[i];
        gap = i;
    }
    table->slots[gap] = (struct slot){0};
}

void *hash_table_take(struct hash_table *table, struct view key)
{
    struct slot *slot = slot_find(table, key, hash_of(key));
    if (slot->key == NULL)
        return NULL;
    void *value = slot->value;
    memory_free(slot->key);
    close_gap(table, (size_t)(slot - table->slots));
    table->count--;
    return value;
}

size_t hash_table_count(const struct hash_table *table)
{
    return table->count;
}

bool hash_table_next(const struct hash_table *table, size_t *position, struct view *key,
                     void **value)
{
    while (*position < table->capacity) {
        const struct slot *slot = &table->slots[(*position)++];
        if (slot->key == NULL)
            continue;
        *key = view_of(slot->key, slot->key_length);
        *value = slot->value;
        return true;
    }
    return false;
}
