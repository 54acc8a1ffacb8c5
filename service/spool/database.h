/*
 * What the writing and the reading side of spool.db share: how a connection is set up, and how
 * SQLite's errors become sentences. The thread of the connection.
 */
#ifndef GATEPOST_SPOOL_DATABASE_H
#define GATEPOST_SPOOL_DATABASE_H

#include "base/error.h"

#include <sqlite3.h>

/* 64 KB: a message up to this size is one row; a longer one is cut into chunks of exactly this size and
 * a rest of 1 byte or more that stands in the row. */
#define SPOOL_CHUNK_BYTES 65536

/* Opens and sets up; NULL on failure. flags: SQLITE_OPEN_READWRITE, with SQLITE_OPEN_CREATE or without. */
sqlite3 *spool_database_open(const char *path, int flags, struct error *error);

/* The last error of the connection. Returns false. */
bool spool_database_error(sqlite3 *database, struct error *error);

bool spool_database_execute(sqlite3 *database, const char *sql, struct error *error);

/* NULL on failure. The statement is made to be kept. */
sqlite3_stmt *spool_database_prepare(sqlite3 *database, const char *sql, struct error *error);

/* Runs a statement that returns nothing and resets it. */
bool spool_database_run(sqlite3_stmt *statement, struct error *error);

/* The first column of the first row. */
bool spool_database_number(sqlite3 *database, const char *sql, sqlite3_int64 *number,
                           struct error *error);

#endif
