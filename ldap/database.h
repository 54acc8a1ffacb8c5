/*
 * directory.db: the file with the local list (local.h) and what directory servers told (store.h), and what both
 * need of SQLite. One thread at a time. Errors name the file.
 */
#ifndef GATEPOST_LDAP_DATABASE_H
#define GATEPOST_LDAP_DATABASE_H

#include "base/error.h"
#include "base/view.h"

#include <sqlite3.h>

struct database {
    sqlite3 *handle;
    char *path;
};

/* Makes the file when it is not there. NULL when it is damaged, of a newer version, or no such file. */
struct database *database_open(const char *path, struct error *error);

/* Its statements must be gone. */
void database_close(struct database *database);

/* Fills error from SQLite's last failure. Returns false always. */
bool database_fail(const struct database *database, struct error *error);

bool database_execute(struct database *database, const char *sql, struct error *error);
bool database_prepare(struct database *database, const char *sql, sqlite3_stmt **statement,
                      struct error *error);

/* The single number that the query returns. */
bool database_ask_number(struct database *database, const char *sql, int *number,
                         struct error *error);

/* For a statement that returns no rows; it is reset. */
bool database_step(struct database *database, sqlite3_stmt *statement, struct error *error);

/* One writing transaction. After a false from end, or instead of it, comes undo. */
bool database_begin(struct database *database, struct error *error);
bool database_end(struct database *database, struct error *error);
void database_undo(struct database *database);

/* The text or the bytes must live until the statement is reset. */
bool database_bind_text(sqlite3_stmt *statement, int position, struct view text);
bool database_bind_bytes(sqlite3_stmt *statement, int position, struct view bytes);

/* Valid until the statement's next step. */
struct view database_column_text(sqlite3_stmt *statement, int column);
struct view database_column_bytes(sqlite3_stmt *statement, int column);

#endif
