#include "ldap/store.h"

#include "base/memory.h"

/* Addresses of one object as a text; as many as it may have, each of the greatest length. */
#define TEXT_MAXIMUM ((size_t)OBJECT_ADDRESSES_MAXIMUM * (ADDRESS_STORED_SIZE + 1))

enum statement {
    FIND_SOURCE,
    ADD_SOURCE,
    CHANGE_IDENTITY,
    GET_COOKIE,
    SET_STATE,
    FIND_OBJECT,
    ADD_OBJECT,
    CHANGE_OBJECT,
    REMOVE_OBJECT,
    ADD_ADDRESS,
    REMOVE_ADDRESS,
    SEE,
    FORGET_SEEN,
    COUNT,
    NEXT_UNSEEN,
    FIND_HOLDER,
    LOAD,
    STATEMENTS
};

static const char *const statements_sql[STATEMENTS] = {
    [FIND_SOURCE] = "SELECT source, filled, as_of, identity FROM ldap_source WHERE name = ?1",
    /* The lowest number that is free. */
    [ADD_SOURCE] =
        "INSERT INTO ldap_source SELECT"
        " (WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
        "  SELECT min(i) FROM n WHERE i NOT IN (SELECT source FROM ldap_source)),"
        " ?1, ?2, x'', 0, 0",
    [CHANGE_IDENTITY] =
        "UPDATE ldap_source SET identity = ?2, cookie = x'', filled = 0 WHERE name = ?1",
    [GET_COOKIE] = "SELECT cookie FROM ldap_source WHERE source = ?1",
    [SET_STATE] = "UPDATE ldap_source SET cookie = ?2, filled = ?3, as_of = ?4 WHERE source = ?1",
    [FIND_OBJECT] = "SELECT object, display_name, restricted, addresses FROM ldap_object "
                    "WHERE source = ?1 AND uuid = ?2",
    [ADD_OBJECT] = "INSERT INTO ldap_object VALUES(NULL, ?1, ?2, ?3, ?4, ?5)",
    [CHANGE_OBJECT] = "UPDATE ldap_object SET display_name = ?2, restricted = ?3, addresses = ?4 "
                      "WHERE object = ?1",
    [REMOVE_OBJECT] = "DELETE FROM ldap_object WHERE object = ?1",
    [ADD_ADDRESS] = "INSERT OR IGNORE INTO ldap_address VALUES(?1, ?2, ?3)",
    [REMOVE_ADDRESS] = "DELETE FROM ldap_address WHERE key = ?1 AND source = ?2 AND object = ?3",
    [SEE] = "INSERT OR IGNORE INTO temp.seen VALUES(?1, ?2)",
    [FORGET_SEEN] = "DELETE FROM temp.seen WHERE source = ?1",
    [COUNT] =
        "SELECT count(*), count(*) FILTER (WHERE object NOT IN "
        "(SELECT object FROM temp.seen WHERE source = ?1)) FROM ldap_object WHERE source = ?1",
    [NEXT_UNSEEN] = "SELECT uuid FROM ldap_object WHERE source = ?1 AND object NOT IN "
                    "(SELECT object FROM temp.seen WHERE source = ?1) LIMIT 1000",
    [FIND_HOLDER] = "SELECT o.source, o.display_name, o.restricted, o.addresses, o.uuid "
                    "FROM ldap_address a JOIN ldap_object o ON o.object = a.object "
                    "WHERE a.key = ?1 ORDER BY a.source, a.object LIMIT 1",
    [LOAD] = "SELECT source, display_name, restricted, addresses FROM ldap_object "
             "ORDER BY source, object",
};

static const char seen_sql[] = "CREATE TEMP TABLE seen(source INTEGER, object INTEGER, PRIMARY "
                               "KEY(source, object)) WITHOUT ROWID";

struct store {
    struct database *database;
    sqlite3_stmt *statements[STATEMENTS];
    struct buffer text; /* the addresses of the object that is being stored */
};

struct store *store_create(struct database *database, struct error *error)
{
    struct store *store = memory_allocate(1, sizeof *store);
    store->database = database;
    buffer_init(&store->text, TEXT_MAXIMUM);
    bool good = database_execute(database, seen_sql, error);
    for (int i = 0; good && i < STATEMENTS; i++)
        good = database_prepare(database, statements_sql[i], &store->statements[i], error);
    if (good)
        return store;
    store_destroy(store);
    return NULL;
}

void store_destroy(struct store *store)
{
    if (store == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    buffer_free(&store->text);
    memory_free(store);
}

static bool fail(struct store *store, struct error *error)
{
    return database_fail(store->database, error);
}

/* Steps a statement that returns at most one row that matters: *there tells whether it did. The caller
 * resets it. */
static bool ask(struct store *store, enum statement which, bool *there, struct error *error)
{
    int step = sqlite3_step(store->statements[which]);
    *there = step == SQLITE_ROW;
    return step == SQLITE_ROW || step == SQLITE_DONE || fail(store, error);
}

static bool run(struct store *store, enum statement which, bool bound, struct error *error)
{
    if (bound)
        return database_step(store->database, store->statements[which], error);
    return fail(store, error);
}

static struct view uuid_view(const struct object_uuid *uuid)
{
    return view_of((const char *)uuid->bytes, UUID_SIZE);
}

static bool find_source(struct store *store, const char *name, const char *identity,
                        struct store_source *source, bool *there, bool *same, struct error *error)
{
    sqlite3_stmt *find = store->statements[FIND_SOURCE];
    if (!database_bind_text(find, 1, view_of_text(name)))
        return fail(store, error);
    bool good = ask(store, FIND_SOURCE, there, error);
    if (good && *there) {
        source->number = (unsigned)sqlite3_column_int(find, 0);
        source->filled = sqlite3_column_int(find, 1) != 0;
        source->as_of_ms = sqlite3_column_int64(find, 2);
        *same = view_equal(database_column_text(find, 3), view_of_text(identity));
    }
    sqlite3_reset(find);
    return good;
}

static bool write_source(struct store *store, enum statement which, const char *name,
                         const char *identity, struct error *error)
{
    sqlite3_stmt *statement = store->statements[which];
    return run(store, which,
               database_bind_text(statement, 1, view_of_text(name)) &&
                   database_bind_text(statement, 2, view_of_text(identity)),
               error);
}

bool store_open_source(struct store *store, const char *name, const char *identity,
                       struct store_source *source, struct error *error)
{
    bool there = false, same = false;
    if (!find_source(store, name, identity, source, &there, &same, error))
        return false;
    if (!there || !same) {
        enum statement which = there ? CHANGE_IDENTITY : ADD_SOURCE;
        if (!write_source(store, which, name, identity, error) ||
            !find_source(store, name, identity, source, &there, &same, error))
            return false;
    }
    return (there && source->number < ADDRESS_SOURCES) ||
           error_set(error, 0, "There are more than %d directories.", ADDRESS_SOURCES - 1);
}

bool store_keep_sources(struct store *store, const char *const *names, size_t count,
                        struct error *error)
{
    bool good = database_execute(store->database,
                                 "CREATE TEMP TABLE IF NOT EXISTS kept(name TEXT PRIMARY KEY);"
                                 "DELETE FROM temp.kept",
                                 error);
    sqlite3_stmt *keep = NULL;
    good = good && database_prepare(store->database, "INSERT OR IGNORE INTO temp.kept VALUES(?1)",
                                    &keep, error);
    for (size_t i = 0; good && i < count; i++)
        good = (database_bind_text(keep, 1, view_of_text(names[i])) || fail(store, error)) &&
               database_step(store->database, keep, error);
    sqlite3_finalize(keep);
    return good &&
           database_execute(
               store->database,
               "BEGIN IMMEDIATE;"
               "DELETE FROM ldap_source WHERE name NOT IN (SELECT name FROM temp.kept);"
               "DELETE FROM ldap_address WHERE source NOT IN (SELECT source FROM ldap_source);"
               "DELETE FROM ldap_object WHERE source NOT IN (SELECT source FROM ldap_source);"
               "COMMIT",
               error);
}

/* Puts the addresses of a row into the table. */
static bool load_addresses(struct address_table *table, struct view addresses,
                           struct address_record *record)
{
    struct directory_key key;
    struct view line;
    while (view_split(&addresses, '\n', &line)) {
        record->address = line;
        if (directory_key_make(line, &key, NULL) &&
            address_table_put(table, &key, record) == ADDRESS_TABLE_FULL)
            return false;
    }
    return true;
}

bool store_load(struct store *store, struct address_table *table, struct error *error)
{
    sqlite3_stmt *load = store->statements[LOAD];
    char name[DISPLAY_NAME_MAXIMUM + 1];
    int step;
    bool room = true;
    while (room && (step = sqlite3_step(load)) == SQLITE_ROW) {
        struct address_record record = {
            .source = (uint8_t)(sqlite3_column_int(load, 0) % ADDRESS_SOURCES),
            .display_name = address_clean_display_name(database_column_text(load, 1), name),
            .restricted = sqlite3_column_int(load, 2) != 0,
        };
        room = load_addresses(table, database_column_text(load, 3), &record);
    }
    bool good = room ? step == SQLITE_DONE || fail(store, error)
                     : error_set(error, 0, "The directories hold more than %d addresses.",
                                 ADDRESS_TABLE_MAXIMUM);
    sqlite3_reset(load);
    return good;
}

bool store_cookie(struct store *store, unsigned source, struct buffer *cookie, struct error *error)
{
    sqlite3_stmt *get = store->statements[GET_COOKIE];
    bool there;
    sqlite3_bind_int(get, 1, (int)source);
    bool good = ask(store, GET_COOKIE, &there, error);
    if (good && there)
        buffer_append_view(cookie, database_column_bytes(get, 0));
    sqlite3_reset(get);
    return good;
}

/* An object as it is stored; the texts are copies. */
struct stored {
    bool there;
    sqlite3_int64 object;
    bool restricted;
    char *display_name;
    char *addresses;
};

static char *copy_column(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return memory_copy_text(text == NULL ? "" : text);
}

static bool find_object(struct store *store, unsigned source, const struct object_uuid *uuid,
                        struct stored *stored, struct error *error)
{
    sqlite3_stmt *find = store->statements[FIND_OBJECT];
    *stored = (struct stored){0};
    sqlite3_bind_int(find, 1, (int)source);
    if (!database_bind_bytes(find, 2, uuid_view(uuid)))
        return fail(store, error);
    bool good = ask(store, FIND_OBJECT, &stored->there, error);
    if (good && stored->there) {
        stored->object = sqlite3_column_int64(find, 0);
        stored->display_name = copy_column(find, 1);
        stored->restricted = sqlite3_column_int(find, 2) != 0;
        stored->addresses = copy_column(find, 3);
    }
    sqlite3_reset(find);
    return good;
}

static void stored_free(struct stored *stored)
{
    memory_free(stored->display_name);
    memory_free(stored->addresses);
}

static void touch(struct address_table *touched, const struct directory_key *key,
                  struct view address)
{
    struct address_record record = {.address = address, .removed = true};
    address_table_put(touched, key, &record);
}

static bool write_address(struct store *store, enum statement which,
                          const struct directory_key *key, unsigned source, sqlite3_int64 object,
                          struct error *error)
{
    sqlite3_stmt *statement = store->statements[which];
    sqlite3_bind_int(statement, 2, (int)source);
    sqlite3_bind_int64(statement, 3, object);
    return run(store, which, database_bind_text(statement, 1, view_of(key->text, key->length)),
               error);
}

/* Takes away the addresses of the object that are not in `still` (NULL: all). */
static bool drop_addresses(struct store *store, unsigned source, const struct stored *stored,
                           const struct address_table *still, struct address_table *touched,
                           struct error *error)
{
    struct view rest = view_of_text(stored->addresses), line;
    struct directory_key key;
    while (view_split(&rest, '\n', &line)) {
        if (!directory_key_make(line, &key, NULL))
            continue;
        touch(touched, &key, line);
        if ((still == NULL || !address_table_find(still, &key, NULL)) &&
            !write_address(store, REMOVE_ADDRESS, &key, source, stored->object, error))
            return false;
    }
    return true;
}

static bool add_addresses(struct store *store, unsigned source, sqlite3_int64 object,
                          const struct address_table *addresses, struct address_table *touched,
                          struct error *error)
{
    struct address_record record;
    struct directory_key key;
    for (size_t position = 0; address_table_next(addresses, &position, &record);) {
        if (!directory_key_make(record.address, &key, NULL))
            continue;
        touch(touched, &key, record.address);
        if (!write_address(store, ADD_ADDRESS, &key, source, object, error))
            return false;
    }
    return true;
}

/* One line for each address, the primary one first. */
static struct view address_text(struct store *store, const struct directory_object *object)
{
    struct address_record record;
    buffer_clear(&store->text);
    buffer_append_view(&store->text, object->primary);
    for (size_t position = 0; address_table_next(object->addresses, &position, &record);) {
        if (view_equal(record.address, object->primary))
            continue;
        if (store->text.length > 0)
            buffer_append(&store->text, "\n", 1);
        buffer_append_view(&store->text, record.address);
    }
    return buffer_view(&store->text);
}

static bool is_unchanged(const struct stored *stored, const struct directory_object *object,
                         struct view addresses)
{
    return stored->there && stored->restricted == object->restricted &&
           view_equal(view_of_text(stored->display_name), object->display_name) &&
           view_equal(view_of_text(stored->addresses), addresses);
}

static bool add_object(struct store *store, unsigned source, const struct directory_object *object,
                       struct view addresses, sqlite3_int64 *number, struct error *error)
{
    sqlite3_stmt *add = store->statements[ADD_OBJECT];
    sqlite3_bind_int(add, 1, (int)source);
    sqlite3_bind_int(add, 4, object->restricted);
    bool added = run(store, ADD_OBJECT,
                     database_bind_bytes(add, 2, uuid_view(&object->uuid)) &&
                         database_bind_text(add, 3, object->display_name) &&
                         database_bind_text(add, 5, addresses),
                     error);
    *number = sqlite3_last_insert_rowid(store->database->handle);
    return added;
}

static bool change_object(struct store *store, sqlite3_int64 number,
                          const struct directory_object *object, struct view addresses,
                          struct error *error)
{
    sqlite3_stmt *change = store->statements[CHANGE_OBJECT];
    sqlite3_bind_int64(change, 1, number);
    sqlite3_bind_int(change, 3, object->restricted);
    return run(store, CHANGE_OBJECT,
               database_bind_text(change, 2, object->display_name) &&
                   database_bind_text(change, 4, addresses),
               error);
}

static bool see(struct store *store, unsigned source, sqlite3_int64 object, struct error *error)
{
    sqlite3_bind_int(store->statements[SEE], 1, (int)source);
    sqlite3_bind_int64(store->statements[SEE], 2, object);
    return run(store, SEE, true, error);
}

bool store_put(struct store *store, unsigned source, const struct directory_object *object,
               struct address_table *touched, struct error *error)
{
    struct stored stored;
    if (!find_object(store, source, &object->uuid, &stored, error))
        return false;
    struct view addresses = address_text(store, object);
    bool good = true;
    if (!is_unchanged(&stored, object, addresses)) {
        if (stored.there)
            good = change_object(store, stored.object, object, addresses, error) &&
                   drop_addresses(store, source, &stored, object->addresses, touched, error);
        else
            good = add_object(store, source, object, addresses, &stored.object, error);
        good =
            good && add_addresses(store, source, stored.object, object->addresses, touched, error);
    }
    good = good && see(store, source, stored.object, error);
    stored_free(&stored);
    return good;
}

bool store_remove(struct store *store, unsigned source, const struct object_uuid *uuid,
                  struct address_table *touched, struct error *error)
{
    struct stored stored;
    if (!find_object(store, source, uuid, &stored, error))
        return false;
    sqlite3_bind_int64(store->statements[REMOVE_OBJECT], 1, stored.object);
    bool good = !stored.there || (drop_addresses(store, source, &stored, NULL, touched, error) &&
                                  run(store, REMOVE_OBJECT, true, error));
    stored_free(&stored);
    return good;
}

bool store_see(struct store *store, unsigned source, const struct object_uuid *uuid, bool *known,
               struct error *error)
{
    struct stored stored;
    if (!find_object(store, source, uuid, &stored, error))
        return false;
    *known = stored.there;
    bool good = !stored.there || see(store, source, stored.object, error);
    stored_free(&stored);
    return good;
}

bool store_forget_seen(struct store *store, unsigned source, struct error *error)
{
    sqlite3_bind_int(store->statements[FORGET_SEEN], 1, (int)source);
    return run(store, FORGET_SEEN, true, error);
}

bool store_count(struct store *store, unsigned source, size_t *objects, size_t *unseen,
                 struct error *error)
{
    sqlite3_stmt *count = store->statements[COUNT];
    bool there;
    sqlite3_bind_int(count, 1, (int)source);
    bool good = ask(store, COUNT, &there, error);
    *objects = (size_t)sqlite3_column_int64(count, 0);
    *unseen = (size_t)sqlite3_column_int64(count, 1);
    sqlite3_reset(count);
    return good;
}

/* The next ones that were not seen; at most as many as the statement gives. */
static bool list_unseen(struct store *store, unsigned source, struct object_uuid *uuids,
                        size_t size, size_t *count, struct error *error)
{
    sqlite3_stmt *next = store->statements[NEXT_UNSEEN];
    int step = SQLITE_DONE;
    *count = 0;
    sqlite3_bind_int(next, 1, (int)source);
    while (*count < size && (step = sqlite3_step(next)) == SQLITE_ROW) {
        struct view uuid = database_column_bytes(next, 0);
        if (uuid.length == UUID_SIZE)
            memcpy(uuids[(*count)++].bytes, uuid.data, UUID_SIZE);
    }
    bool good = step == SQLITE_ROW || step == SQLITE_DONE || fail(store, error);
    sqlite3_reset(next);
    return good;
}

bool store_remove_unseen(struct store *store, unsigned source, struct address_table *touched,
                         struct error *error)
{
    struct object_uuid uuids[100];
    size_t count;
    do {
        if (!list_unseen(store, source, uuids, sizeof uuids / sizeof uuids[0], &count, error))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!store_remove(store, source, &uuids[i], touched, error))
                return false;
    } while (count > 0);
    return true;
}

bool store_set_state(struct store *store, unsigned source, struct view cookie, bool filled,
                     int64_t as_of_ms, struct error *error)
{
    sqlite3_stmt *set = store->statements[SET_STATE];
    if (cookie.length > STORE_COOKIE_MAXIMUM)
        return error_set(error, 0, "The server's cookie is larger than %d bytes.",
                         STORE_COOKIE_MAXIMUM);
    sqlite3_bind_int(set, 1, (int)source);
    sqlite3_bind_int(set, 3, filled);
    sqlite3_bind_int64(set, 4, as_of_ms);
    return run(store, SET_STATE, database_bind_bytes(set, 2, cookie), error);
}

/* The line with that key, in its stored form. */
static bool find_line(struct view addresses, const struct directory_key *key, struct view *found)
{
    while (view_split(&addresses, '\n', found))
        if (address_matches(*found, key))
            return true;
    return false;
}

static bool fill_holder(sqlite3_stmt *find, const struct directory_key *key,
                        struct store_holder *holder)
{
    struct view addresses = database_column_text(find, 3), uuid = database_column_bytes(find, 4),
                line;
    if (!find_line(addresses, key, &line) || line.length > ADDRESS_STORED_SIZE ||
        uuid.length != UUID_SIZE)
        return false;
    memcpy(holder->address, line.data, line.length);
    memcpy(holder->uuid.bytes, uuid.data, UUID_SIZE);
    view_copy_text(view_first(addresses, view_find(addresses, '\n')), holder->primary,
                   sizeof holder->primary);
    holder->record = (struct address_record){
        .address = view_of(holder->address, line.length),
        .display_name =
            address_clean_display_name(database_column_text(find, 1), holder->display_name),
        .restricted = sqlite3_column_int(find, 2) != 0,
        .source = (uint8_t)(sqlite3_column_int(find, 0) % ADDRESS_SOURCES),
    };
    return true;
}

bool store_find_holder(struct store *store, const struct directory_key *key, bool *found,
                       struct store_holder *holder, struct error *error)
{
    sqlite3_stmt *find = store->statements[FIND_HOLDER];
    if (!database_bind_text(find, 1, view_of(key->text, key->length)))
        return fail(store, error);
    bool good = ask(store, FIND_HOLDER, found, error);
    if (good && *found && !fill_holder(find, key, holder))
        good = error_set(error, 0, "The recipient list %s is damaged: an address has no holder.",
                         store->database->path);
    sqlite3_reset(find);
    return good;
}
