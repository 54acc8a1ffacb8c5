#include "config/revisions.h"

#include "base/memory.h"

#include <sqlite3.h>

/* PRAGMA user_version of the table below. */
#define SCHEMA_VERSION 1

#define BUSY_TIMEOUT_MS 5000

static const char connection_sql[] = "PRAGMA journal_mode=WAL;"
                                     "PRAGMA synchronous=FULL;";

static const char schema_sql[] = "BEGIN IMMEDIATE;"
                                 "CREATE TABLE revision("
                                 "  number INTEGER PRIMARY KEY, unix_ms INTEGER NOT NULL,"
                                 "  who TEXT NOT NULL, summary TEXT NOT NULL,"
                                 "  document TEXT NOT NULL);"
                                 "PRAGMA user_version=1;"
                                 "COMMIT;";

static const char newest_sql[] = "SELECT coalesce(max(number), 0) FROM revision";
static const char append_sql[] = "INSERT INTO revision VALUES(?1, ?2, ?3, ?4, ?5)";
static const char documents_sql[] = "SELECT number, document FROM revision "
                                    "WHERE ?1 = 0 OR number = ?1 ORDER BY number DESC";
static const char history_sql[] = "SELECT number, unix_ms, who, summary FROM revision "
                                  "WHERE ?1 = 0 OR number < ?1 ORDER BY number DESC LIMIT ?2";

struct revisions {
    sqlite3 *database;
    char *path;
};

static bool fail(const struct revisions *revisions, struct error *error)
{
    int code = sqlite3_errcode(revisions->database);
    bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return error_set(error, code, "The settings store %s cannot be used: %s.%s", revisions->path,
                     sqlite3_errmsg(revisions->database),
                     damaged ? " Put back a copy of the file, or move it away and import the "
                               "settings again."
                             : "");
}

static bool execute(struct revisions *revisions, const char *sql, struct error *error)
{
    return sqlite3_exec(revisions->database, sql, NULL, NULL, NULL) == SQLITE_OK ||
           fail(revisions, error);
}

static sqlite3_stmt *prepare(struct revisions *revisions, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(revisions->database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail(revisions, error);
    return statement;
}

/* Of a query that returns one number. */
static bool ask_number(struct revisions *revisions, const char *sql, int64_t *number,
                       struct error *error)
{
    sqlite3_stmt *statement = prepare(revisions, sql, error);
    if (statement == NULL)
        return false;
    bool there = sqlite3_step(statement) == SQLITE_ROW || fail(revisions, error);
    if (there)
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return there;
}

static bool prepare_schema(struct revisions *revisions, struct error *error)
{
    int64_t version;
    if (!execute(revisions, connection_sql, error) ||
        !ask_number(revisions, "PRAGMA user_version", &version, error))
        return false;
    if (version > SCHEMA_VERSION)
        return error_set(error, 0,
                         "The settings store %s was written by a newer version of Gatepost.",
                         revisions->path);
    return version == SCHEMA_VERSION || execute(revisions, schema_sql, error);
}

struct revisions *revisions_open(const char *path, struct error *error)
{
    struct revisions *revisions = memory_allocate(1, sizeof *revisions);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    revisions->path = memory_copy_text(path);
    if (sqlite3_open_v2(path, &revisions->database, flags, NULL) != SQLITE_OK) {
        fail(revisions, error);
    } else {
        sqlite3_busy_timeout(revisions->database, BUSY_TIMEOUT_MS);
        if (prepare_schema(revisions, error))
            return revisions;
    }
    revisions_close(revisions);
    return NULL;
}

void revisions_close(struct revisions *revisions)
{
    sqlite3_close(revisions->database);
    memory_free(revisions->path);
    memory_free(revisions);
}

bool revisions_newest(struct revisions *revisions, int64_t *newest, struct error *error)
{
    return ask_number(revisions, newest_sql, newest, error);
}

bool revisions_append(struct revisions *revisions, const struct settings_revision *revision,
                      const char *document, struct error *error)
{
    sqlite3_stmt *statement = prepare(revisions, append_sql, error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, revision->revision);
    sqlite3_bind_int64(statement, 2, revision->unix_ms);
    sqlite3_bind_text(statement, 3, revision->who, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, revision->summary, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, document, -1, SQLITE_STATIC);
    bool done = sqlite3_step(statement) == SQLITE_DONE || fail(revisions, error);
    sqlite3_finalize(statement);
    return done;
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text == NULL ? "" : text;
}

bool revisions_each_document(struct revisions *revisions, int64_t number,
                             bool (*each)(void *user, int64_t number, struct view document),
                             void *user, struct error *error)
{
    sqlite3_stmt *statement = prepare(revisions, documents_sql, error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, number);
    int result;
    do {
        result = sqlite3_step(statement);
    } while (result == SQLITE_ROW && each(user, sqlite3_column_int64(statement, 0),
                                          view_of_text(column_text(statement, 1))));
    bool read = result == SQLITE_ROW || result == SQLITE_DONE || fail(revisions, error);
    sqlite3_finalize(statement);
    return read;
}

bool revisions_history(struct revisions *revisions, int64_t before, size_t limit,
                       void (*each)(void *user, const struct settings_revision *revision),
                       void *user, struct error *error)
{
    sqlite3_stmt *statement = prepare(revisions, history_sql, error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, before);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)limit);
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct settings_revision revision = {
            .revision = sqlite3_column_int64(statement, 0),
            .unix_ms = sqlite3_column_int64(statement, 1),
            .who = column_text(statement, 2),
            .summary = column_text(statement, 3),
        };
        each(user, &revision);
    }
    bool read = result == SQLITE_DONE || fail(revisions, error);
    sqlite3_finalize(statement);
    return read;
}
