#include "ldap/table.h"

#include "base/hash.h"
#include "base/memory.h"

/* A record: two bytes, the length of the address, the source and the flags; one byte, the length of the
 * name; the address; the name. */
#define HEADER_SIZE     3
#define LENGTH_MASK     0x03FFu
#define RESTRICTED_FLAG 0x0400u
#define SOURCE_SHIFT    11
#define SOURCE_MASK     0x0Fu
#define REMOVED_FLAG    0x8000u
#define RECORD_MAXIMUM  (HEADER_SIZE + ADDRESS_STORED_SIZE + DISPLAY_NAME_MAXIMUM)

_Static_assert(ADDRESS_STORED_SIZE <= LENGTH_MASK && ADDRESS_SOURCES <= SOURCE_MASK + 1,
               "the two bytes hold them");
_Static_assert((uint64_t)ADDRESS_TABLE_MAXIMUM *RECORD_MAXIMUM < UINT32_MAX,
               "offsets have 32 bits");

#define SMALLEST_CAPACITY 8
#define SMALLEST_POOL     256

/* A slot is 0 when free, else the hash (upper 32 bits) and the offset of the record plus 1. The slots
 * are in the order of the hashes, as far as collisions allow: the hash is scaled to the capacity, which
 * can be any number, so that the index is never larger than it has to be. */
struct address_table {
    char *pool;
    size_t pool_length;
    size_t pool_capacity;
    uint64_t *slots;
    size_t capacity;
    size_t count;
};

/* At most two thirds of the slots are taken. */
static size_t capacity_for(size_t count)
{
    return count + count / 2 + SMALLEST_CAPACITY;
}

struct address_table *address_table_create(size_t expected)
{
    struct address_table *table = memory_allocate(1, sizeof *table);
    table->capacity = capacity_for(expected);
    table->slots = memory_allocate(table->capacity, sizeof *table->slots);
    return table;
}

void address_table_destroy(struct address_table *table)
{
    if (table == NULL)
        return;
    memory_free(table->slots);
    memory_free(table->pool);
    memory_free(table);
}

static uint32_t slot_hash(uint64_t slot)
{
    return (uint32_t)(slot >> 32);
}

static size_t slot_offset(uint64_t slot)
{
    return (size_t)(slot & UINT32_MAX) - 1;
}

static uint32_t hash_of(const struct directory_key *key)
{
    return (uint32_t)(hash_bytes(hash_key_of_process(), key->text, key->length) >> 32);
}

static size_t home(const struct address_table *table, uint32_t hash)
{
    return (size_t)((uint64_t)hash * table->capacity >> 32);
}

static size_t next_slot(const struct address_table *table, size_t slot)
{
    return slot + 1 == table->capacity ? 0 : slot + 1;
}

/* Returns the bytes that the record takes. */
static size_t read_record(const struct address_table *table, size_t offset,
                          struct address_record *record)
{
    const unsigned char *header = (const unsigned char *)table->pool + offset;
    unsigned word = header[0] | (unsigned)header[1] << 8;
    size_t length = word & LENGTH_MASK;
    record->removed = (word & REMOVED_FLAG) != 0;
    record->restricted = (word & RESTRICTED_FLAG) != 0;
    record->source = word >> SOURCE_SHIFT & SOURCE_MASK;
    record->address = view_of(table->pool + offset + HEADER_SIZE, length);
    record->display_name = view_of(record->address.data + length, header[2]);
    return HEADER_SIZE + length + header[2];
}

static void write_record(struct address_table *table, const struct address_record *record)
{
    size_t name_length = record->display_name.length;
    unsigned word = (unsigned)record->address.length | (unsigned)record->source << SOURCE_SHIFT |
                    (record->restricted ? RESTRICTED_FLAG : 0) |
                    (record->removed ? REMOVED_FLAG : 0);
    char *to = table->pool + table->pool_length;
    to[0] = (char)(word & 0xFF);
    to[1] = (char)(word >> 8);
    to[2] = (char)name_length;
    memcpy(to + HEADER_SIZE, record->address.data, record->address.length);
    if (name_length > 0)
        memcpy(to + HEADER_SIZE + record->address.length, record->display_name.data, name_length);
    table->pool_length += HEADER_SIZE + record->address.length + name_length;
}

/* The slot of the address, or the free one where it would go. */
static size_t find_slot(const struct address_table *table, uint32_t hash,
                        const struct directory_key *key)
{
    size_t slot = home(table, hash);
    for (; table->slots[slot] != 0; slot = next_slot(table, slot)) {
        struct address_record record;
        if (slot_hash(table->slots[slot]) != hash)
            continue;
        read_record(table, slot_offset(table->slots[slot]), &record);
        if (address_matches(record.address, key))
            break;
    }
    return slot;
}

static void resize_index(struct address_table *table, size_t capacity)
{
    struct address_table resized = *table;
    resized.capacity = capacity;
    resized.slots = memory_allocate(capacity, sizeof *resized.slots);
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i] == 0)
            continue;
        size_t slot = home(&resized, slot_hash(table->slots[i]));
        while (resized.slots[slot] != 0)
            slot = next_slot(&resized, slot);
        resized.slots[slot] = table->slots[i];
    }
    memory_free(table->slots);
    *table = resized;
}

static void resize_pool(struct address_table *table, size_t capacity)
{
    table->pool_capacity = capacity;
    table->pool = memory_resize(table->pool, capacity, 1);
}

static void make_room(struct address_table *table, size_t record_size)
{
    if (capacity_for(table->count + 1) > table->capacity)
        resize_index(table, table->capacity * 2);
    if (table->pool_length + record_size > table->pool_capacity)
        resize_pool(table,
                    table->pool_length + table->pool_length / 2 + record_size + SMALLEST_POOL);
}

/* The address must not be in the table. */
static void insert(struct address_table *table, uint32_t hash, const struct address_record *record)
{
    make_room(table, HEADER_SIZE + record->address.length + record->display_name.length);
    size_t slot = home(table, hash);
    while (table->slots[slot] != 0)
        slot = next_slot(table, slot);
    table->slots[slot] = (uint64_t)hash << 32 | (table->pool_length + 1);
    write_record(table, record);
    table->count++;
}

enum address_table_put address_table_put(struct address_table *table,
                                         const struct directory_key *key,
                                         const struct address_record *record)
{
    uint32_t hash = hash_of(key);
    if (table->slots[find_slot(table, hash, key)] != 0)
        return ADDRESS_TABLE_PRESENT;
    if (table->count == ADDRESS_TABLE_MAXIMUM)
        return ADDRESS_TABLE_FULL;
    insert(table, hash, record);
    return ADDRESS_TABLE_ADDED;
}

/* A key is made only where the hashes are equal, which is rare unless the address is there. */
static bool has_record(const struct address_table *table, uint32_t hash,
                       const struct address_record *record)
{
    struct directory_key key;
    size_t slot = home(table, hash);
    while (table->slots[slot] != 0 && slot_hash(table->slots[slot]) != hash)
        slot = next_slot(table, slot);
    return table->slots[slot] != 0 && directory_key_make(record->address, &key, NULL) &&
           table->slots[find_slot(table, hash, &key)] != 0;
}

void address_table_merge(struct address_table *table, const struct address_table *from,
                         const struct address_table *hidden, bool with_removed)
{
    /* At once, because the records come in the order of their hashes: in an index that grew under way
     * they would all crowd at its front. */
    size_t capacity = capacity_for(table->count + from->count);
    if (capacity > table->capacity)
        resize_index(table, capacity);
    if (table->pool_length + from->pool_length > table->pool_capacity)
        resize_pool(table, table->pool_length + from->pool_length);
    for (size_t i = 0; i < from->capacity; i++) {
        struct address_record record;
        if (from->slots[i] == 0)
            continue;
        uint32_t hash = slot_hash(from->slots[i]);
        read_record(from, slot_offset(from->slots[i]), &record);
        if (record.removed && !with_removed)
            continue;
        if (hidden != NULL && has_record(hidden, hash, &record))
            continue;
        if (!has_record(table, hash, &record))
            insert(table, hash, &record);
    }
}

void address_table_trim(struct address_table *table)
{
    size_t capacity = capacity_for(table->count);
    if (capacity < table->capacity)
        resize_index(table, capacity);
    if (table->pool_length < table->pool_capacity)
        resize_pool(table, table->pool_length);
}

bool address_table_find(const struct address_table *table, const struct directory_key *key,
                        struct address_record *record)
{
    uint64_t slot = table->slots[find_slot(table, hash_of(key), key)];
    if (slot != 0 && record != NULL)
        read_record(table, slot_offset(slot), record);
    return slot != 0;
}

bool address_table_next(const struct address_table *table, size_t *position,
                        struct address_record *record)
{
    if (*position == table->pool_length)
        return false;
    *position += read_record(table, *position, record);
    return true;
}

size_t address_table_count(const struct address_table *table)
{
    return table->count;
}

size_t address_table_memory(const struct address_table *table)
{
    return sizeof *table + table->pool_capacity + table->capacity * sizeof *table->slots;
}
