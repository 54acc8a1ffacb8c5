/*
 * What the writing and the reading side of tracking.db share: how a connection is set up, and how
 * SQLite's errors become sentences. The thread of the connection.
 */
#ifndef GATEPOST_TRACKING_DATABASE_H
#define GATEPOST_TRACKING_DATABASE_H

#include "base/error.h"

#include <sqlite3.h>

/* NULL on failure. flags: SQLITE_OPEN_READWRITE, with SQLITE_OPEN_CREATE or without. */
sqlite3 *tracking_database_open(const char *path, int flags, struct error *error);

/* The last error of the connection. Returns false. */
bool tracking_database_error(sqlite3 *database, struct error *error);

bool tracking_database_execute(sqlite3 *database, const char *sql, struct error *error);

/* NULL on failure. The statement is made to be kept. */
sqlite3_stmt *tracking_database_prepare(sqlite3 *database, const char *sql, struct error *error);

/* Runs a statement that returns nothing and resets it. */
bool tracking_database_run(sqlite3_stmt *statement, struct error *error);

/* The first column of the first row. */
bool tracking_database_number(sqlite3 *database, const char *sql, sqlite3_int64 *number,
                              struct error *error);

#endif
