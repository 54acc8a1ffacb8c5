#include "spool/database.h"

#define BUSY_MS 5000 /* for a person who looks into the file with another program */

sqlite3 *spool_database_open(const char *path, int flags, struct error *error)
{
    sqlite3 *database = NULL;
    if (sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        error_set(error, database == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(database),
                  "%s cannot be opened: %s", path,
                  database == NULL ? "out of memory" : sqlite3_errmsg(database));
        sqlite3_close(database);
        return NULL;
    }
    sqlite3_extended_result_codes(database, 1);
    sqlite3_busy_timeout(database, BUSY_MS);
    return database;
}

bool spool_database_error(sqlite3 *database, struct error *error)
{
    return error_set(error, sqlite3_extended_errcode(database), "the message store: %s",
                     sqlite3_errmsg(database));
}

bool spool_database_execute(sqlite3 *database, const char *sql, struct error *error)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ||
           spool_database_error(database, error);
}

sqlite3_stmt *spool_database_prepare(sqlite3 *database, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK)
        spool_database_error(database, error);
    return statement;
}

bool spool_database_run(sqlite3_stmt *statement, struct error *error)
{
    int result = sqlite3_step(statement);
    if (result != SQLITE_DONE)
        spool_database_error(sqlite3_db_handle(statement), error);
    sqlite3_reset(statement);
    return result == SQLITE_DONE;
}

bool spool_database_number(sqlite3 *database, const char *sql, sqlite3_int64 *number,
                           struct error *error)
{
    sqlite3_stmt *statement = spool_database_prepare(database, sql, error);
    if (statement == NULL)
        return false;
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    if (found)
        *number = sqlite3_column_int64(statement, 0);
    else
        spool_database_error(database, error);
    sqlite3_finalize(statement);
    return found;
}
