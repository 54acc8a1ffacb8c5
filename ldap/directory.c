#include "ldap/directory_private.h"

#include "base/memory.h"
#include "ldap/import.h"
#include "platform/clock.h"

#define SOURCE "local list"

struct directory_reader {
    struct directory *directory;
    struct replica_reader *reader;
};

/* Everything that is in the file, at once. */
static bool load(struct directory *directory, struct error *error)
{
    int64_t begin = clock_monotonic_ms();
    bool ever_filled;
    struct address_table *table = local_list_load(directory->list, &ever_filled, error);
    if (table == NULL)
        return false;
    if (!store_load(directory->store, table, error)) {
        address_table_destroy(table);
        return false;
    }
    replica_replace(directory->replica, table);
    if (ever_filled)
        atomic_fetch_or(&directory->filled, LOCAL_LIST_BIT);
    directory->load_ms = (uint32_t)(clock_monotonic_ms() - begin);
    return true;
}

static bool open_parts(struct directory *directory, const char *path, struct error *error)
{
    return (directory->database = database_open(path, error)) != NULL &&
           (directory->list = local_list_create(directory->database, error)) != NULL &&
           (directory->store = store_create(directory->database, error)) != NULL &&
           load(directory, error);
}

struct directory *directory_open_local(const char *path, struct error *error)
{
    struct directory *directory = memory_allocate(1, sizeof *directory);
    directory->lock = lock_create();
    for (int i = 0; i < ADDRESS_SOURCES; i++)
        directory->name_of_source[i] = directory->names[i];
    directory->name_of_source[0] = SOURCE;
    directory->replica = replica_create(directory->name_of_source);
    directory->own_reader = directory_reader_create(directory);
    if (open_parts(directory, path, error))
        return directory;
    directory_close(directory);
    return NULL;
}

void directory_close(struct directory *directory)
{
    if (directory == NULL)
        return;
    directory_reader_destroy(directory->own_reader);
    replica_destroy(directory->replica);
    local_list_destroy(directory->list);
    store_destroy(directory->store);
    database_close(directory->database);
    lock_destroy(directory->lock);
    memory_free(directory);
}

struct directory_reader *directory_reader_create(struct directory *directory)
{
    struct directory_reader *reader = memory_allocate(1, sizeof *reader);
    reader->directory = directory;
    reader->reader = replica_reader_create(directory->replica);
    return reader;
}

void directory_reader_destroy(struct directory_reader *reader)
{
    if (reader == NULL)
        return;
    replica_reader_destroy(reader->reader);
    memory_free(reader);
}

enum directory_answer directory_find(struct directory_reader *reader, struct view address,
                                     struct directory_entry *entry)
{
    struct directory_key key;
    if (!directory_key_make(address, &key, NULL))
        return DIRECTORY_ABSENT;
    return directory_find_key(reader, &key, entry);
}

/* Whether what is in no list is nobody's: all directories must have been read, or the local list alone
 * decides. */
static bool can_tell(const struct directory *directory)
{
    unsigned attached = atomic_load(&directory->attached);
    unsigned needed = attached != 0 ? attached : LOCAL_LIST_BIT;
    return (atomic_load(&directory->filled) & needed) == needed;
}

enum directory_answer directory_find_key(struct directory_reader *reader,
                                         const struct directory_key *key,
                                         struct directory_entry *entry)
{
    enum directory_answer answer = replica_find(reader->reader, key, entry);
    return answer == DIRECTORY_ABSENT && !can_tell(reader->directory) ? DIRECTORY_UNKNOWN : answer;
}

size_t directory_count(struct directory *directory)
{
    return replica_count(directory->replica);
}

size_t directory_memory(struct directory *directory)
{
    return replica_memory(directory->replica);
}

uint32_t directory_load_ms(const struct directory *directory)
{
    return directory->load_ms;
}

/* The local list counts before the directories, so what is in it says so. */
static bool is_in_list(struct directory *directory, const struct directory_key *key,
                       struct directory_entry *entry)
{
    return directory_find_key(directory->own_reader, key, entry) == DIRECTORY_PRESENT &&
           entry->source == directory->name_of_source[0];
}

/* Whether the list has this address already, and under this name. An empty name asks for no change. */
static bool is_unchanged(struct directory *directory, const struct directory_key *key,
                         struct view display_name)
{
    struct directory_entry entry;
    return is_in_list(directory, key, &entry) &&
           (view_is_empty(display_name) || view_equal(display_name, entry.display_name));
}

/* Who holds the address now: 1 the list or a directory, 0 nobody, -1 when the file cannot be read. */
static int find_record(struct directory *directory, const struct directory_key *key,
                       struct store_holder *holder, struct error *error)
{
    bool found;
    if (!local_list_find(directory->list, key, &found, &holder->record, holder->address,
                         holder->display_name, error))
        return -1;
    if (!found && !store_find_holder(directory->store, key, &found, holder, error))
        return -1;
    return found;
}

static bool look_up_all(struct directory *directory, const struct address_table *touched,
                        struct address_table *changes, struct error *error)
{
    struct address_record record;
    struct directory_key key;
    struct store_holder holder;
    for (size_t position = 0; address_table_next(touched, &position, &record);) {
        if (!directory_key_make(record.address, &key, NULL))
            continue;
        int found = find_record(directory, &key, &holder, error);
        if (found < 0)
            return false;
        record.removed = true;
        address_table_put(changes, &key, found ? &holder.record : &record);
    }
    return true;
}

bool directory_refresh(struct directory *directory, struct address_table *touched,
                       struct error *error)
{
    struct address_table *changes = address_table_create(address_table_count(touched));
    bool good = look_up_all(directory, touched, changes, error);
    if (good && address_table_count(changes) > 0)
        replica_apply(directory->replica, changes);
    else
        address_table_destroy(changes);
    address_table_destroy(touched);
    return good;
}

/* Puts changes of the local list into the file, then into memory. Takes the table. */
static bool commit(struct directory *directory, struct address_table *changes, struct error *error)
{
    size_t most = directory_count(directory) + address_table_count(changes);
    bool stored =
        most <= ADDRESS_TABLE_MAXIMUM
            ? local_list_store(directory->list, changes, error)
            : error_set(error, 0, "The recipient list cannot hold more than %d addresses.",
                        ADDRESS_TABLE_MAXIMUM);
    if (!stored) {
        address_table_destroy(changes);
        return false;
    }
    atomic_fetch_or(&directory->filled, LOCAL_LIST_BIT);
    if (atomic_load(&directory->attached) != 0)
        return directory_refresh(directory, changes, error);
    replica_apply(directory->replica, changes);
    return true;
}

static enum directory_change commit_one(struct directory *directory,
                                        const struct directory_key *key,
                                        const struct address_record *record, struct error *error)
{
    struct address_table *changes = address_table_create(1);
    address_table_put(changes, key, record);
    return commit(directory, changes, error) ? DIRECTORY_CHANGED : DIRECTORY_FAILED;
}

static enum directory_change bad_address(struct view address, struct error *error)
{
    char shown[ADDRESS_SHOWN_SIZE];
    error_prefix(error, "\"%s\" is not a mail address", address_show(address, shown));
    return DIRECTORY_BAD_ADDRESS;
}

enum directory_change directory_add(struct directory *directory, struct view address,
                                    struct view display_name, struct error *error)
{
    char stored[ADDRESS_STORED_SIZE], name[DISPLAY_NAME_MAXIMUM + 1];
    struct directory_key key;
    if (!directory_key_make(address, &key, error))
        return bad_address(address, error);
    struct address_record record = {.address = address_stored_form(address, &key, stored),
                                    .display_name = address_clean_display_name(display_name, name)};
    lock_acquire(directory->lock);
    enum directory_change change = is_unchanged(directory, &key, record.display_name)
                                       ? DIRECTORY_UNCHANGED
                                       : commit_one(directory, &key, &record, error);
    lock_release(directory->lock);
    return change;
}

enum directory_change directory_remove(struct directory *directory, struct view address,
                                       struct error *error)
{
    char stored[ADDRESS_STORED_SIZE];
    struct directory_key key;
    if (!directory_key_make(address, &key, error))
        return bad_address(address, error);
    struct address_record record = {.address = address_stored_form(address, &key, stored),
                                    .removed = true};
    struct directory_entry entry;
    lock_acquire(directory->lock);
    enum directory_change change = is_in_list(directory, &key, &entry)
                                       ? commit_one(directory, &key, &record, error)
                                       : DIRECTORY_UNCHANGED;
    lock_release(directory->lock);
    return change;
}

/* What makes the list into the one that is wanted. */
struct difference {
    const struct address_table *wanted;
    struct address_table *changes;
    struct directory_import_result *result;
};

static void add_what_is_new(struct directory *directory, struct difference *difference)
{
    struct address_record record;
    struct directory_entry entry;
    struct directory_key key;
    for (size_t position = 0; address_table_next(difference->wanted, &position, &record);) {
        if (!directory_key_make(record.address, &key, NULL))
            continue;
        if (is_in_list(directory, &key, &entry))
            difference->result->unchanged++;
        else
            difference->result->added++;
        if (!is_unchanged(directory, &key, record.display_name))
            address_table_put(difference->changes, &key, &record);
    }
}

static void remove_unless_wanted(void *user, const struct address_record *record)
{
    struct difference *difference = user;
    struct address_record change = {.address = record->address, .removed = true};
    struct directory_key key;
    if (record->source != 0 || !directory_key_make(record->address, &key, NULL) ||
        address_table_find(difference->wanted, &key, NULL))
        return;
    difference->result->removed++;
    address_table_put(difference->changes, &key, &change);
}

static bool commit_import(struct directory *directory, const struct address_table *wanted,
                          enum directory_import_mode mode, struct directory_import_result *result,
                          struct error *error)
{
    struct difference difference = {wanted, address_table_create(0), result};
    add_what_is_new(directory, &difference);
    if (mode == DIRECTORY_IMPORT_REPLACE)
        replica_each(directory->replica, remove_unless_wanted, &difference);
    return commit(directory, difference.changes, error);
}

bool directory_import(struct directory *directory, struct view contents,
                      enum directory_import_mode mode, struct directory_import_result *result,
                      struct error *error)
{
    *result = (struct directory_import_result){0};
    if (contents.length > DIRECTORY_IMPORT_MAXIMUM)
        return error_set(error, 0, "The file is larger than %zu bytes.", DIRECTORY_IMPORT_MAXIMUM);
    struct address_table *wanted = import_table(contents, result, error);
    if (wanted == NULL)
        return false;
    lock_acquire(directory->lock);
    bool good = commit_import(directory, wanted, mode, result, error);
    lock_release(directory->lock);
    address_table_destroy(wanted);
    return good;
}
