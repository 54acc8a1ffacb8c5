#include "ldap/database.h"

#include "base/memory.h"

/* PRAGMA user_version of the tables below. A change of how keys are made is a new version too. */
#define SCHEMA_VERSION 2

#define BUSY_TIMEOUT_MS 5000

static const char settings_sql[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-65536;"           /* KiB: an import touches most pages, in no order */
    "PRAGMA journal_size_limit=1048576;"; /* what an import leaves of the log, bytes */

/* `key` is how the address is compared (struct directory_key). */
static const char local_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE local_recipient("
    "  key TEXT PRIMARY KEY, address TEXT NOT NULL, display_name TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE local_state(ever_filled INTEGER NOT NULL);"
    "INSERT INTO local_state VALUES(0);"
    "PRAGMA user_version=1;"
    "COMMIT;";

/* An object of a directory is known by objectGUID or entryUUID, 16 bytes; its addresses are one text, a line
 * each, the primary address first. ldap_address finds who holds an address. `identity` is what the objects
 * depend on: a directory with another base or filter is filled anew. */
static const char ldap_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE ldap_source("
    "  source INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, identity TEXT NOT NULL,"
    "  cookie BLOB NOT NULL, filled INTEGER NOT NULL, as_of INTEGER NOT NULL);"
    "CREATE TABLE ldap_object("
    "  object INTEGER PRIMARY KEY, source INTEGER NOT NULL, uuid BLOB NOT NULL,"
    "  display_name TEXT NOT NULL, restricted INTEGER NOT NULL, addresses TEXT NOT NULL,"
    "  UNIQUE(source, uuid));"
    "CREATE TABLE ldap_address("
    "  key TEXT NOT NULL, source INTEGER NOT NULL, object INTEGER NOT NULL,"
    "  PRIMARY KEY(key, source, object)) WITHOUT ROWID;"
    "PRAGMA user_version=2;"
    "COMMIT;";

bool database_fail(const struct database *database, struct error *error)
{
    int code = sqlite3_errcode(database->handle);
    bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return error_set(
        error, code, "The recipient list %s cannot be used: %s.%s", database->path,
        sqlite3_errmsg(database->handle),
        damaged ? " Put back a copy of the file, or move it away and import the recipients again."
                : "");
}

bool database_execute(struct database *database, const char *sql, struct error *error)
{
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           database_fail(database, error);
}

bool database_prepare(struct database *database, const char *sql, sqlite3_stmt **statement,
                      struct error *error)
{
    return sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
                              NULL) == SQLITE_OK ||
           database_fail(database, error);
}

bool database_ask_number(struct database *database, const char *sql, int *number,
                         struct error *error)
{
    sqlite3_stmt *statement;
    if (!database_prepare(database, sql, &statement, error))
        return false;
    bool there = sqlite3_step(statement) == SQLITE_ROW || database_fail(database, error);
    if (there)
        *number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return there;
}

static bool prepare_schema(struct database *database, struct error *error)
{
    int version;
    if (!database_execute(database, settings_sql, error) ||
        !database_ask_number(database, "PRAGMA user_version", &version, error))
        return false;
    if (version > SCHEMA_VERSION)
        return error_set(error, 0,
                         "The recipient list %s was written by a newer version of Gatepost.",
                         database->path);
    return (version >= 1 || database_execute(database, local_sql, error)) &&
           (version >= 2 || database_execute(database, ldap_sql, error));
}

struct database *database_open(const char *path, struct error *error)
{
    struct database *database = memory_allocate(1, sizeof *database);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    database->path = memory_copy_text(path);
    bool open = sqlite3_open_v2(path, &database->handle, flags, NULL) == SQLITE_OK ||
                database_fail(database, error);
    if (open)
        sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    if (open && prepare_schema(database, error))
        return database;
    database_close(database);
    return NULL;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    sqlite3_close(database->handle);
    memory_free(database->path);
    memory_free(database);
}

bool database_step(struct database *database, sqlite3_stmt *statement, struct error *error)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE || database_fail(database, error);
    sqlite3_reset(statement);
    return done;
}

bool database_begin(struct database *database, struct error *error)
{
    return database_execute(database, "BEGIN IMMEDIATE", error);
}

bool database_end(struct database *database, struct error *error)
{
    return database_execute(database, "COMMIT", error);
}

void database_undo(struct database *database)
{
    /* Some failures have ended the transaction already; then there is nothing left to roll back. */
    if (!sqlite3_get_autocommit(database->handle))
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool database_bind_text(sqlite3_stmt *statement, int position, struct view text)
{
    const char *data = text.length == 0 ? "" : text.data;
    return sqlite3_bind_text(statement, position, data, (int)text.length, SQLITE_STATIC) ==
           SQLITE_OK;
}

bool database_bind_bytes(sqlite3_stmt *statement, int position, struct view bytes)
{
    const char *data = bytes.length == 0 ? "" : bytes.data;
    return sqlite3_bind_blob(statement, position, data, (int)bytes.length, SQLITE_STATIC) ==
           SQLITE_OK;
}

struct view database_column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return view_of(text, text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column));
}

struct view database_column_bytes(sqlite3_stmt *statement, int column)
{
    const char *bytes = sqlite3_column_blob(statement, column);
    return view_of(bytes, bytes == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, column));
}
