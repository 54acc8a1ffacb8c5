#include "tracking/expiry.h"

#include "base/memory.h"
#include "tracking/database.h"
#include "tracking/ledger.h"

enum statement {
    EXPIRE_EVENTS,
    FIND_OLD_BUCKET,
    EXPIRE_LOOKUP,
    EXPIRE_FACTS,
    DROP_BUCKET,
    STATEMENTS
};

static const char *const statement_texts[STATEMENTS] = {
    [EXPIRE_EVENTS] = "DELETE FROM event WHERE id IN"
                      " (SELECT id FROM event WHERE id < ?1 ORDER BY id LIMIT 2000)",
    [FIND_OLD_BUCKET] = "SELECT number FROM bucket WHERE last < ?1 AND number < ?2"
                        " ORDER BY number LIMIT 1",
    [EXPIRE_LOOKUP] = "DELETE FROM lookup WHERE bucket = ?1 AND (hash, facts) IN"
                      " (SELECT hash, facts FROM lookup WHERE bucket = ?1 LIMIT 4000)",
    [EXPIRE_FACTS] = "DELETE FROM facts WHERE id IN"
                     " (SELECT id FROM facts WHERE id >= ?1 AND id < ?2 LIMIT 2000)",
    [DROP_BUCKET] = "DELETE FROM bucket WHERE number = ?1",
};

struct tracking_expiry {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
};

struct tracking_expiry *tracking_expiry_create(sqlite3 *database, struct error *error)
{
    struct tracking_expiry *expiry = memory_allocate(1, sizeof *expiry);
    expiry->database = database;
    for (int i = 0; i < STATEMENTS; i++) {
        expiry->statements[i] = tracking_database_prepare(database, statement_texts[i], error);
        if (expiry->statements[i] == NULL) {
            tracking_expiry_destroy(expiry);
            return NULL;
        }
    }
    return expiry;
}

void tracking_expiry_destroy(struct tracking_expiry *expiry)
{
    if (expiry == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(expiry->statements[i]);
    memory_free(expiry);
}

/* *any: something was there to be deleted. */
static bool run(struct tracking_expiry *expiry, enum statement which, bool *any,
                struct error *error)
{
    if (!tracking_database_run(expiry->statements[which], error))
        return false;
    *any = sqlite3_changes64(expiry->database) > 0;
    return true;
}

static bool expire_events(struct tracking_expiry *expiry, int64_t before_row, bool *any,
                          struct error *error)
{
    sqlite3_bind_int64(expiry->statements[EXPIRE_EVENTS], 1, before_row);
    return run(expiry, EXPIRE_EVENTS, any, error);
}

/* *number: -1 when there is none. */
static bool find_old_bucket(struct tracking_expiry *expiry, int64_t before_row, int64_t filling,
                            int64_t *number, struct error *error)
{
    sqlite3_stmt *statement = expiry->statements[FIND_OLD_BUCKET];
    sqlite3_bind_int64(statement, 1, before_row);
    sqlite3_bind_int64(statement, 2, filling);
    int result = sqlite3_step(statement);
    *number = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        tracking_database_error(expiry->database, error);
    sqlite3_reset(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

/* First its hashes, then the facts; it goes itself when none is left. */
static bool expire_bucket(struct tracking_expiry *expiry, int64_t number, struct error *error)
{
    bool any;
    sqlite3_bind_int64(expiry->statements[EXPIRE_LOOKUP], 1, number);
    if (!run(expiry, EXPIRE_LOOKUP, &any, error))
        return false;
    if (any)
        return true;
    sqlite3_stmt *facts = expiry->statements[EXPIRE_FACTS];
    sqlite3_bind_int64(facts, 1, number << TRACKING_BUCKET_SHIFT);
    sqlite3_bind_int64(facts, 2, (number + 1) << TRACKING_BUCKET_SHIFT);
    if (!run(expiry, EXPIRE_FACTS, &any, error))
        return false;
    if (any)
        return true;
    sqlite3_bind_int64(expiry->statements[DROP_BUCKET], 1, number);
    return run(expiry, DROP_BUCKET, &any, error);
}

bool tracking_expiry_step(struct tracking_expiry *expiry, int64_t before_row, int64_t filling,
                          bool *more, struct error *error)
{
    int64_t bucket;
    if (!expire_events(expiry, before_row, more, error))
        return false;
    if (*more)
        return true;
    /* None of its events is left. */
    if (!find_old_bucket(expiry, before_row, filling, &bucket, error))
        return false;
    *more = bucket >= 0;
    return !*more || expire_bucket(expiry, bucket, error);
}
