#include "ldap/local.h"

#include "base/memory.h"

static const char put_sql[] = "INSERT OR REPLACE INTO local_recipient VALUES(?1, ?2, ?3)";
static const char remove_sql[] = "DELETE FROM local_recipient WHERE key = ?1";
static const char find_sql[] = "SELECT address, display_name FROM local_recipient WHERE key = ?1";
static const char load_sql[] = "SELECT address, display_name FROM local_recipient";

struct local_list {
    struct database *database;
    sqlite3_stmt *put;
    sqlite3_stmt *remove;
    sqlite3_stmt *find;
};

struct local_list *local_list_create(struct database *database, struct error *error)
{
    struct local_list *list = memory_allocate(1, sizeof *list);
    list->database = database;
    if (database_prepare(database, put_sql, &list->put, error) &&
        database_prepare(database, remove_sql, &list->remove, error) &&
        database_prepare(database, find_sql, &list->find, error))
        return list;
    local_list_destroy(list);
    return NULL;
}

void local_list_destroy(struct local_list *list)
{
    if (list == NULL)
        return;
    sqlite3_finalize(list->put);
    sqlite3_finalize(list->remove);
    sqlite3_finalize(list->find);
    memory_free(list);
}

/* The key is made anew instead of read: what the file says and how addresses are compared must agree. */
static bool load_row(struct local_list *list, sqlite3_stmt *statement, struct address_table *table,
                     struct error *error)
{
    struct address_record record = {.address = database_column_text(statement, 0)};
    char name[DISPLAY_NAME_MAXIMUM + 1], shown[ADDRESS_SHOWN_SIZE];
    struct directory_key key;

    record.display_name = address_clean_display_name(database_column_text(statement, 1), name);
    if (!directory_key_make(record.address, &key, error)) {
        error_prefix(error, "The recipient list %s is damaged: \"%s\" is no address",
                     list->database->path, address_show(record.address, shown));
        return false;
    }
    if (address_table_put(table, &key, &record) == ADDRESS_TABLE_FULL)
        return error_set(error, 0, "The recipient list %s holds more than %d addresses.",
                         list->database->path, ADDRESS_TABLE_MAXIMUM);
    return true;
}

static bool load_rows(struct local_list *list, struct address_table *table, struct error *error)
{
    sqlite3_stmt *statement;
    int step = SQLITE_ROW;
    if (!database_prepare(list->database, load_sql, &statement, error))
        return false;
    bool good = true;
    while (good && (step = sqlite3_step(statement)) == SQLITE_ROW)
        good = load_row(list, statement, table, error);
    if (good && step != SQLITE_DONE)
        good = database_fail(list->database, error);
    sqlite3_finalize(statement);
    return good;
}

struct address_table *local_list_load(struct local_list *list, bool *ever_filled,
                                      struct error *error)
{
    int filled, count;
    if (!database_ask_number(list->database, "SELECT ever_filled FROM local_state", &filled,
                             error) ||
        !database_ask_number(list->database, "SELECT count(*) FROM local_recipient", &count, error))
        return NULL;
    struct address_table *table = address_table_create(count < 0 ? 0 : (size_t)count);
    if (!load_rows(list, table, error)) {
        address_table_destroy(table);
        return NULL;
    }
    *ever_filled = filled != 0;
    return table;
}

bool local_list_find(struct local_list *list, const struct directory_key *key, bool *found,
                     struct address_record *record, char address[ADDRESS_STORED_SIZE],
                     char display_name[DISPLAY_NAME_MAXIMUM + 1], struct error *error)
{
    *found = false;
    if (!database_bind_text(list->find, 1, view_of(key->text, key->length)))
        return database_fail(list->database, error);
    int step = sqlite3_step(list->find);
    if (step == SQLITE_ROW) {
        struct view stored = view_first(database_column_text(list->find, 0), ADDRESS_STORED_SIZE);
        memcpy(address, stored.data, stored.length);
        *record = (struct address_record){.address = view_of(address, stored.length),
                                          .display_name = address_clean_display_name(
                                              database_column_text(list->find, 1), display_name)};
        *found = true;
    }
    bool good = step == SQLITE_ROW || step == SQLITE_DONE || database_fail(list->database, error);
    sqlite3_reset(list->find);
    return good;
}

static bool store_record(struct local_list *list, const struct address_record *record,
                         struct error *error)
{
    struct directory_key key;
    sqlite3_stmt *statement = record->removed ? list->remove : list->put;
    if (!directory_key_make(record->address, &key, error))
        return false;
    bool bound = database_bind_text(statement, 1, view_of(key.text, key.length)) &&
                 (record->removed || (database_bind_text(statement, 2, record->address) &&
                                      database_bind_text(statement, 3, record->display_name)));
    bool stored =
        (bound && sqlite3_step(statement) == SQLITE_DONE) || database_fail(list->database, error);
    sqlite3_reset(statement);
    return stored;
}

static bool store_records(struct local_list *list, const struct address_table *changes,
                          struct error *error)
{
    struct address_record record;
    for (size_t position = 0; address_table_next(changes, &position, &record);)
        if (!store_record(list, &record, error))
            return false;
    return database_execute(list->database,
                            "UPDATE local_state SET ever_filled = 1 WHERE ever_filled = 0", error);
}

bool local_list_store(struct local_list *list, const struct address_table *changes,
                      struct error *error)
{
    if (!database_begin(list->database, error))
        return false;
    if (store_records(list, changes, error) && database_end(list->database, error))
        return true;
    database_undo(list->database);
    return false;
}
