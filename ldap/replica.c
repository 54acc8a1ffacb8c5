#include "ldap/replica.h"

#include "base/list.h"
#include "base/memory.h"
#include "platform/thread.h"

#include <stdatomic.h>

/* The delta is merged when its square passes the size of the base this many times: then the cost of
 * copying the delta and the share of the merge are about equal for each change. */
#define MERGE_RATIO    16
#define SMALLEST_MERGE 64

struct version {
    struct address_table *base;
    struct address_table *delta;
    size_t count;
};

struct replica {
    const char *const *source_names;
    _Atomic(struct version *) current; /* NULL until there is a first generation */
    atomic_size_t count;
    atomic_size_t memory;
    struct lock *lock;       /* guards the list of readers */
    struct condition *never; /* waited for with a time, to let readers finish */
    struct list readers;
};

struct replica_reader {
    struct list link;
    struct replica *replica;
    _Atomic(struct version *) reading; /* NULL between look-ups */
    char address[ADDRESS_STORED_SIZE];
    char display_name[DISPLAY_NAME_MAXIMUM];
};

struct replica *replica_create(const char *const *source_names)
{
    struct replica *replica = memory_allocate(1, sizeof *replica);
    replica->source_names = source_names;
    replica->lock = lock_create();
    replica->never = condition_create();
    list_init(&replica->readers);
    return replica;
}

static void version_destroy(struct version *version)
{
    if (version == NULL)
        return;
    address_table_destroy(version->base);
    address_table_destroy(version->delta);
    memory_free(version);
}

void replica_destroy(struct replica *replica)
{
    if (replica == NULL)
        return;
    version_destroy(atomic_load(&replica->current));
    condition_destroy(replica->never);
    lock_destroy(replica->lock);
    memory_free(replica);
}

static bool is_read(struct replica *replica, const struct version *version)
{
    for (struct list *link = replica->readers.next; link != &replica->readers; link = link->next)
        if (atomic_load(&LIST_MEMBER(link, struct replica_reader, link)->reading) == version)
            return true;
    return false;
}

/* Makes a version current. When it returns, nobody reads the one before, which the caller now owns. */
static struct version *swap(struct replica *replica, struct version *version)
{
    struct version *before = atomic_exchange(&replica->current, version);
    atomic_store(&replica->count, version->count);
    atomic_store(&replica->memory,
                 address_table_memory(version->base) + address_table_memory(version->delta));
    lock_acquire(replica->lock);
    while (before != NULL && is_read(replica, before))
        condition_wait_for(replica->never, replica->lock, 1);
    lock_release(replica->lock);
    return before;
}

static struct version *version_create(struct address_table *base, struct address_table *delta,
                                      size_t count)
{
    struct version *version = memory_allocate(1, sizeof *version);
    address_table_trim(base);
    address_table_trim(delta);
    *version = (struct version){base, delta, count};
    return version;
}

void replica_replace(struct replica *replica, struct address_table *generation)
{
    size_t count = address_table_count(generation);
    version_destroy(swap(replica, version_create(generation, address_table_create(0), count)));
}

static bool version_find(const struct version *version, const struct directory_key *key,
                         struct address_record *record)
{
    if (address_table_count(version->delta) > 0 && address_table_find(version->delta, key, record))
        return !record->removed;
    return address_table_find(version->base, key, record);
}

/* How many addresses there are after the changes. */
static size_t count_after(const struct version *version, const struct address_table *changes)
{
    size_t count = version->count;
    struct address_record change, before;
    struct directory_key key;
    for (size_t position = 0; address_table_next(changes, &position, &change);) {
        if (!directory_key_make(change.address, &key, NULL))
            continue;
        if (version_find(version, &key, &before))
            count -= change.removed;
        else
            count += !change.removed;
    }
    return count;
}

static void apply_to_delta(struct replica *replica, struct version *before,
                           struct address_table *changes)
{
    size_t count = count_after(before, changes);
    address_table_merge(changes, before->delta, NULL, true);
    before = swap(replica, version_create(before->base, changes, count));
    before->base = NULL; /* lives on in the new version */
    version_destroy(before);
}

static void apply_to_base(struct replica *replica, const struct version *before,
                          struct address_table *changes)
{
    size_t expected = address_table_count(before->base) + address_table_count(changes);
    struct address_table *base = address_table_create(expected);
    address_table_merge(changes, before->delta, NULL, true);
    address_table_merge(base, changes, NULL, false);
    address_table_merge(base, before->base, changes, false);
    address_table_destroy(changes);
    replica_replace(replica, base);
}

void replica_apply(struct replica *replica, struct address_table *changes)
{
    struct version *current = atomic_load(&replica->current);
    if (current == NULL)
        replica_replace(replica, address_table_create(0));
    current = atomic_load(&replica->current);

    size_t delta = address_table_count(current->delta) + address_table_count(changes);
    if (delta < SMALLEST_MERGE || delta * delta < MERGE_RATIO * address_table_count(current->base))
        apply_to_delta(replica, current, changes);
    else
        apply_to_base(replica, current, changes);
}

struct replica_reader *replica_reader_create(struct replica *replica)
{
    struct replica_reader *reader = memory_allocate(1, sizeof *reader);
    reader->replica = replica;
    lock_acquire(replica->lock);
    list_append(&replica->readers, &reader->link);
    lock_release(replica->lock);
    return reader;
}

void replica_reader_destroy(struct replica_reader *reader)
{
    if (reader == NULL)
        return;
    lock_acquire(reader->replica->lock);
    list_remove(&reader->link);
    lock_release(reader->replica->lock);
    memory_free(reader);
}

static const struct version *begin_reading(struct replica_reader *reader)
{
    struct version *version;
    do {
        version = atomic_load(&reader->replica->current);
        atomic_store(&reader->reading, version);
    } while (version != atomic_load(&reader->replica->current));
    return version;
}

static void end_reading(struct replica_reader *reader)
{
    atomic_store_explicit(&reader->reading, NULL, memory_order_release);
}

static void copy_entry(struct replica_reader *reader, const struct address_record *record,
                       struct directory_entry *entry)
{
    memcpy(reader->address, record->address.data, record->address.length);
    memcpy(reader->display_name, record->display_name.data, record->display_name.length);
    entry->address = view_of(reader->address, record->address.length);
    entry->display_name = view_of(reader->display_name, record->display_name.length);
    entry->source = reader->replica->source_names[record->source];
    entry->restricted = record->restricted;
}

enum directory_answer replica_find(struct replica_reader *reader, const struct directory_key *key,
                                   struct directory_entry *entry)
{
    struct address_record record;
    const struct version *version = begin_reading(reader);
    bool known = version != NULL;
    bool found = known && version_find(version, key, &record);
    if (found && entry != NULL)
        copy_entry(reader, &record, entry);
    end_reading(reader);
    return !known ? DIRECTORY_UNKNOWN : found ? DIRECTORY_PRESENT : DIRECTORY_ABSENT;
}

void replica_each(const struct replica *replica,
                  void (*each)(void *user, const struct address_record *record), void *user)
{
    const struct version *version = atomic_load(&replica->current);
    struct address_record record;
    struct directory_key key;
    if (version == NULL)
        return;
    for (size_t position = 0; address_table_next(version->delta, &position, &record);)
        if (!record.removed)
            each(user, &record);
    for (size_t position = 0; address_table_next(version->base, &position, &record);)
        if (!directory_key_make(record.address, &key, NULL) ||
            !address_table_find(version->delta, &key, NULL))
            each(user, &record);
}

size_t replica_count(const struct replica *replica)
{
    return atomic_load(&replica->count);
}

size_t replica_memory(const struct replica *replica)
{
    return atomic_load(&replica->memory);
}
