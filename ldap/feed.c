#include "ldap/feed.h"

#include "base/memory.h"
#include "ldap/directory_private.h"
#include "ldap/reason.h"
#include "platform/clock.h"

/* Written at the latest when so many objects or addresses wait: then the lock of the directory and the
 * transaction are held for some 20 ms. */
#define BATCH_OBJECTS   500
#define BATCH_ADDRESSES 5000

/* Brought into the replica at the latest when so many addresses wait, or a tenth of those that are there. */
#define REFRESH_LEAST 5000
#define REFRESH_SHARE 10

enum operation_kind { PUT, SEE, REMOVE };

struct operation {
    enum operation_kind kind;
    struct object_uuid uuid;
    struct directory_object *object; /* PUT only */
};

struct feed {
    struct directory *directory;
    const struct feed_settings *settings;
    struct store_source source;
    struct operation operations[BATCH_OBJECTS];
    size_t count;
    size_t addresses;              /* in the operations */
    struct address_table *touched; /* written, and not yet in the replica */
    bool inconsistent;             /* something was seen that is not known */
    atomic_size_t objects;
    atomic_size_t fed;
};

static bool take_count(struct feed *feed, struct error *error)
{
    size_t objects, unseen;
    if (!store_count(feed->directory->store, feed->source.number, &objects, &unseen, error))
        return false;
    atomic_store(&feed->objects, objects);
    return true;
}

static void attach(struct feed *feed)
{
    struct directory *directory = feed->directory;
    unsigned bit = 1u << feed->source.number;
    view_copy_text(view_of_text(feed->settings->name), directory->names[feed->source.number],
                   DIRECTORY_NAME_SIZE);
    atomic_fetch_or(&directory->attached, bit);
    if (feed->source.filled)
        atomic_fetch_or(&directory->filled, bit);
    else
        atomic_fetch_and(&directory->filled, ~bit);
}

struct feed *feed_create(struct directory *directory, const struct feed_settings *settings,
                         struct store_source *source, struct error *error)
{
    struct feed *feed = memory_allocate(1, sizeof *feed);
    feed->directory = directory;
    feed->settings = settings;
    feed->touched = address_table_create(0);
    lock_acquire(directory->lock);
    bool good = store_open_source(directory->store, settings->name, settings->identity,
                                  &feed->source, error) &&
                store_forget_seen(directory->store, feed->source.number, error) &&
                take_count(feed, error);
    if (good)
        attach(feed);
    lock_release(directory->lock);
    *source = feed->source;
    if (good)
        return feed;
    feed_destroy(feed);
    return NULL;
}

static void drop_operations(struct feed *feed)
{
    for (size_t i = 0; i < feed->count; i++)
        if (feed->operations[i].object != NULL) {
            object_free(feed->operations[i].object);
            memory_free(feed->operations[i].object);
        }
    feed->count = 0;
    feed->addresses = 0;
}

void feed_destroy(struct feed *feed)
{
    if (feed == NULL)
        return;
    drop_operations(feed);
    address_table_destroy(feed->touched);
    memory_free(feed);
}

bool feed_cookie(struct feed *feed, struct buffer *cookie, struct error *error)
{
    lock_acquire(feed->directory->lock);
    bool good = store_cookie(feed->directory->store, feed->source.number, cookie, error);
    lock_release(feed->directory->lock);
    return good;
}

bool feed_begin(struct feed *feed, struct error *error)
{
    drop_operations(feed);
    feed->inconsistent = false;
    atomic_store(&feed->fed, 0);
    lock_acquire(feed->directory->lock);
    bool good = store_forget_seen(feed->directory->store, feed->source.number, error);
    lock_release(feed->directory->lock);
    return good;
}

static bool write_operation(struct feed *feed, const struct operation *operation,
                            struct error *error)
{
    struct store *store = feed->directory->store;
    unsigned source = feed->source.number;
    bool known = true;
    switch (operation->kind) {
    case PUT:
        return store_put(store, source, operation->object, feed->touched, error);
    case REMOVE:
        return store_remove(store, source, &operation->uuid, feed->touched, error);
    case SEE:
        break;
    }
    if (!store_see(store, source, &operation->uuid, &known, error))
        return false;
    feed->inconsistent |= !known;
    return true;
}

static bool write_operations(struct feed *feed, struct error *error)
{
    for (size_t i = 0; i < feed->count; i++)
        if (!write_operation(feed, &feed->operations[i], error))
            return false;
    return true;
}

/* Brings into the replica what was written. The lock is held. */
static bool refresh(struct feed *feed, struct error *error)
{
    struct address_table *touched = feed->touched;
    size_t most = replica_count(feed->directory->replica) + address_table_count(touched);
    if (most > ADDRESS_TABLE_MAXIMUM)
        return error_set(error, 0, "There are more than %d addresses.", ADDRESS_TABLE_MAXIMUM);
    feed->touched = address_table_create(0);
    return directory_refresh(feed->directory, touched, error);
}

static bool is_time_to_refresh(const struct feed *feed)
{
    size_t waiting = address_table_count(feed->touched);
    return waiting >= REFRESH_LEAST &&
           waiting >= replica_count(feed->directory->replica) / REFRESH_SHARE;
}

/* A part of a pass: the cookie stays what it was. */
static bool write_part(struct feed *feed, struct error *error)
{
    struct directory *directory = feed->directory;
    lock_acquire(directory->lock);
    bool good = database_begin(directory->database, error) && write_operations(feed, error) &&
                database_end(directory->database, error);
    if (!good)
        database_undo(directory->database);
    good = good && (!is_time_to_refresh(feed) || refresh(feed, error));
    lock_release(directory->lock);
    drop_operations(feed);
    return good;
}

static bool add_operation(struct feed *feed, enum operation_kind kind,
                          const struct object_uuid *uuid, struct directory_object *object,
                          struct error *error)
{
    feed->operations[feed->count++] = (struct operation){kind, *uuid, object};
    atomic_fetch_add(&feed->fed, 1);
    if (object != NULL)
        feed->addresses += address_table_count(object->addresses);
    return (feed->count < BATCH_OBJECTS && feed->addresses < BATCH_ADDRESSES) ||
           write_part(feed, error);
}

static bool is_wanted(const struct feed_settings *settings, struct view domain)
{
    for (size_t i = 0; i < settings->domain_count; i++)
        if (view_equal_nocase(domain, view_of_text(settings->domains[i])))
            return true;
    return settings->domain_count == 0;
}

/* Without the addresses of domains that this directory does not decide about. */
static void keep_own_domains(const struct feed_settings *settings, struct directory_object *object)
{
    struct address_table *kept = address_table_create(address_table_count(object->addresses));
    struct address_record record;
    struct directory_key key;
    bool primary_kept = false;
    for (size_t position = 0; address_table_next(object->addresses, &position, &record);) {
        struct view domain = view_from(record.address, view_find_last(record.address, '@') + 1);
        if (!is_wanted(settings, domain) || !directory_key_make(record.address, &key, NULL))
            continue;
        address_table_put(kept, &key, &record);
        primary_kept |= view_equal(record.address, object->primary);
    }
    if (!primary_kept)
        object->primary = VIEW_NONE;
    address_table_destroy(object->addresses);
    object->addresses = kept;
}

/* A copy whose views look into itself. */
static struct directory_object *take_object(struct directory_object *object)
{
    struct directory_object *taken = memory_allocate(1, sizeof *taken);
    *taken = *object;
    if (!view_is_empty(object->primary))
        taken->primary = view_of(taken->primary_text, object->primary.length);
    if (!view_is_empty(object->display_name))
        taken->display_name =
            address_clean_display_name(object->display_name, taken->display_name_text);
    object->addresses = NULL;
    return taken;
}

bool feed_put(struct feed *feed, struct directory_object *object, struct error *error)
{
    if (feed->settings->domain_count > 0)
        keep_own_domains(feed->settings, object);
    return add_operation(feed, PUT, &object->uuid, take_object(object), error);
}

bool feed_see(struct feed *feed, const struct object_uuid *uuid, struct error *error)
{
    return add_operation(feed, SEE, uuid, NULL, error);
}

bool feed_remove(struct feed *feed, const struct object_uuid *uuid, struct error *error)
{
    return add_operation(feed, REMOVE, uuid, NULL, error);
}

/* What was not seen goes, unless that is more than is likely. */
static bool finish_pass(struct feed *feed, bool believe, struct error *error)
{
    const struct feed_limits *limits = &feed->settings->limits;
    struct store *store = feed->directory->store;
    size_t objects, unseen;
    if (!store_count(store, feed->source.number, &objects, &unseen, error))
        return false;
    if (!believe && unseen > limits->removed_least &&
        unseen * 100 > objects * limits->removed_percent)
        return error_set(
            error, REASON_DOUBT,
            "The directory no longer shows %zu of the %zu entries that are known. Nothing was "
            "removed. If they are gone indeed, have it synchronized fully and say so; otherwise "
            "look after the rights of the account, the base and the filter.",
            unseen, objects);
    return store_remove_unseen(store, feed->source.number, feed->touched, error);
}

static bool write_commit(struct feed *feed, struct view cookie, bool complete, bool believe,
                         struct error *error)
{
    struct store *store = feed->directory->store;
    if (!write_operations(feed, error))
        return false;
    if (feed->inconsistent)
        return error_set(error, 0, "The server told of an entry that is not known here.");
    return (!complete || finish_pass(feed, believe, error)) &&
           store_set_state(store, feed->source.number, cookie, feed->source.filled || complete,
                           clock_unix_ms(), error) &&
           take_count(feed, error);
}

bool feed_commit(struct feed *feed, struct view cookie, bool complete, bool believe,
                 struct error *error)
{
    struct directory *directory = feed->directory;
    lock_acquire(directory->lock);
    bool good = database_begin(directory->database, error) &&
                write_commit(feed, cookie, complete, believe, error) &&
                database_end(directory->database, error);
    if (!good)
        database_undo(directory->database);
    good = good && refresh(feed, error);
    if (good && complete) {
        feed->source.filled = true;
        atomic_fetch_or(&directory->filled, 1u << feed->source.number);
    }
    lock_release(directory->lock);
    drop_operations(feed);
    return good;
}

bool feed_forget_cookie(struct feed *feed, struct error *error)
{
    struct directory *directory = feed->directory;
    drop_operations(feed);
    lock_acquire(directory->lock);
    bool good = store_set_state(directory->store, feed->source.number, VIEW_NONE,
                                feed->source.filled, clock_unix_ms(), error);
    lock_release(directory->lock);
    return good;
}

void feed_count(const struct feed *feed, struct feed_count *count)
{
    count->objects = atomic_load(&feed->objects);
    count->fed = atomic_load(&feed->fed);
}
