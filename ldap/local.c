#include "ldap/local.h"

#include "base/memory.h"

#include <limits.h>
#include <sqlite3.h>

/* PRAGMA user_version of the tables below. A change of how keys are made is a new version too. */
#define SCHEMA_VERSION 1

#define BUSY_TIMEOUT_MS 5000

static const char settings_sql[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-65536;"           /* KiB: an import touches most pages, in no order */
    "PRAGMA journal_size_limit=1048576;"; /* what an import leaves of the log, bytes */

/* `key` is how the address is compared (struct directory_key). */
static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE local_recipient("
    "  key TEXT PRIMARY KEY, address TEXT NOT NULL, display_name TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE local_state(ever_filled INTEGER NOT NULL);"
    "INSERT INTO local_state VALUES(0);"
    "PRAGMA user_version=1;"
    "COMMIT;";

static const char put_sql[] = "INSERT OR REPLACE INTO local_recipient VALUES(?1, ?2, ?3)";
static const char remove_sql[] = "DELETE FROM local_recipient WHERE key = ?1";
static const char page_sql[] =
    "SELECT address, display_name FROM local_recipient "
    "WHERE key > ?1 AND (?2 = '' OR instr(key, ?2) > 0) ORDER BY key LIMIT ?3";
static const char load_sql[] = "SELECT address, display_name FROM local_recipient";

struct local_list {
    sqlite3 *database;
    char *path;
    sqlite3_stmt *put;
    sqlite3_stmt *remove;
    sqlite3_stmt *page;
};

static bool fail(const struct local_list *list, struct error *error)
{
    int code = sqlite3_errcode(list->database);
    bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return error_set(
        error, code, "The recipient list %s cannot be used: %s.%s", list->path,
        sqlite3_errmsg(list->database),
        damaged ? " Put back a copy of the file, or move it away and import the recipients again."
                : "");
}

static bool execute(struct local_list *list, const char *sql, struct error *error)
{
    return sqlite3_exec(list->database, sql, NULL, NULL, NULL) == SQLITE_OK || fail(list, error);
}

static bool prepare(struct local_list *list, const char *sql, sqlite3_stmt **statement,
                    struct error *error)
{
    return sqlite3_prepare_v2(list->database, sql, -1, statement, NULL) == SQLITE_OK ||
           fail(list, error);
}

static bool bind_text(sqlite3_stmt *statement, int position, struct view text)
{
    const char *data = text.length == 0 ? "" : text.data;
    return sqlite3_bind_text(statement, position, data, (int)text.length, SQLITE_STATIC) ==
           SQLITE_OK;
}

static struct view column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return view_of(text, text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column));
}

/* The single number that the query returns. */
static bool ask_number(struct local_list *list, const char *sql, int *number, struct error *error)
{
    sqlite3_stmt *statement;
    if (!prepare(list, sql, &statement, error))
        return false;
    bool there = sqlite3_step(statement) == SQLITE_ROW || fail(list, error);
    if (there)
        *number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return there;
}

static bool prepare_schema(struct local_list *list, struct error *error)
{
    int version;
    if (!execute(list, settings_sql, error) ||
        !ask_number(list, "PRAGMA user_version", &version, error))
        return false;
    if (version > SCHEMA_VERSION)
        return error_set(error, 0,
                         "The recipient list %s was written by a newer version of Gatepost.",
                         list->path);
    return version == SCHEMA_VERSION || execute(list, schema_sql, error);
}

static bool open_database(struct local_list *list, struct error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(list->path, &list->database, flags, NULL) != SQLITE_OK)
        return fail(list, error);
    sqlite3_busy_timeout(list->database, BUSY_TIMEOUT_MS);
    return prepare_schema(list, error) && prepare(list, put_sql, &list->put, error) &&
           prepare(list, remove_sql, &list->remove, error) &&
           prepare(list, page_sql, &list->page, error);
}

struct local_list *local_list_open(const char *path, struct error *error)
{
    struct local_list *list = memory_allocate(1, sizeof *list);
    list->path = memory_copy_text(path);
    if (open_database(list, error))
        return list;
    local_list_close(list);
    return NULL;
}

void local_list_close(struct local_list *list)
{
    if (list == NULL)
        return;
    sqlite3_finalize(list->put);
    sqlite3_finalize(list->remove);
    sqlite3_finalize(list->page);
    sqlite3_close(list->database);
    memory_free(list->path);
    memory_free(list);
}

/* The key is made anew instead of read: what the file says and how addresses are compared must agree. */
static bool load_row(struct local_list *list, sqlite3_stmt *statement, struct address_table *table,
                     struct error *error)
{
    struct address_record record = {.address = column_text(statement, 0)};
    char name[DISPLAY_NAME_MAXIMUM + 1], shown[ADDRESS_SHOWN_SIZE];
    struct directory_key key;

    record.display_name = address_clean_display_name(column_text(statement, 1), name);
    if (!directory_key_make(record.address, &key, error)) {
        error_prefix(error, "The recipient list %s is damaged: \"%s\" is no address", list->path,
                     address_show(record.address, shown));
        return false;
    }
    if (address_table_put(table, &key, &record) == ADDRESS_TABLE_FULL)
        return error_set(error, 0, "The recipient list %s holds more than %d addresses.",
                         list->path, ADDRESS_TABLE_MAXIMUM);
    return true;
}

static bool load_rows(struct local_list *list, struct address_table *table, struct error *error)
{
    sqlite3_stmt *statement;
    int step = SQLITE_ROW;
    if (!prepare(list, load_sql, &statement, error))
        return false;
    bool good = true;
    while (good && (step = sqlite3_step(statement)) == SQLITE_ROW)
        good = load_row(list, statement, table, error);
    if (good && step != SQLITE_DONE)
        good = fail(list, error);
    sqlite3_finalize(statement);
    return good;
}

struct address_table *local_list_load(struct local_list *list, bool *ever_filled,
                                      struct error *error)
{
    int filled, count;
    if (!ask_number(list, "SELECT ever_filled FROM local_state", &filled, error) ||
        !ask_number(list, "SELECT count(*) FROM local_recipient", &count, error))
        return NULL;
    struct address_table *table = address_table_create(count < 0 ? 0 : (size_t)count);
    if (!load_rows(list, table, error)) {
        address_table_destroy(table);
        return NULL;
    }
    *ever_filled = filled != 0;
    return table;
}

static bool store_record(struct local_list *list, const struct address_record *record,
                         struct error *error)
{
    struct directory_key key;
    sqlite3_stmt *statement = record->removed ? list->remove : list->put;
    if (!directory_key_make(record->address, &key, error))
        return false;
    bool bound = bind_text(statement, 1, view_of(key.text, key.length)) &&
                 (record->removed || (bind_text(statement, 2, record->address) &&
                                      bind_text(statement, 3, record->display_name)));
    bool stored = (bound && sqlite3_step(statement) == SQLITE_DONE) || fail(list, error);
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
    return execute(list, "UPDATE local_state SET ever_filled = 1 WHERE ever_filled = 0", error);
}

bool local_list_store(struct local_list *list, const struct address_table *changes,
                      struct error *error)
{
    if (!execute(list, "BEGIN IMMEDIATE", error))
        return false;
    if (store_records(list, changes, error) && execute(list, "COMMIT", error))
        return true;
    /* Some failures have ended the transaction already; then there is nothing left to roll back. */
    if (!sqlite3_get_autocommit(list->database))
        sqlite3_exec(list->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

bool local_list_page(struct local_list *list, struct view after, struct view part, size_t limit,
                     void (*each)(void *user, struct view address, struct view display_name),
                     void *user, size_t *count, struct error *error)
{
    int step = SQLITE_ERROR;
    sqlite3_int64 most = limit > INT_MAX ? INT_MAX : (sqlite3_int64)limit;
    if (bind_text(list->page, 1, after) && bind_text(list->page, 2, part) &&
        sqlite3_bind_int64(list->page, 3, most) == SQLITE_OK) {
        while ((step = sqlite3_step(list->page)) == SQLITE_ROW) {
            each(user, column_text(list->page, 0), column_text(list->page, 1));
            ++*count;
        }
    }
    bool done = step == SQLITE_DONE || fail(list, error);
    sqlite3_reset(list->page);
    return done;
}
