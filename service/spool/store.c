#include "spool/store.h"

#include "base/memory.h"
#include "spool/database.h"

/*
 * One row for a message with its content, or the rest of it, and one for each recipient that is owed:
 * nothing else is written in the usual case, and both tables are only ever appended to, because idents
 * grow. 4 KB pages: every changed page goes whole into the log, and larger ones made each commit slower
 * (measured with 4 KB messages: 5.4k commits a second with pages of 4 KB, 4.4k with 16 KB).
 *
 * A message that is delivered soon leaves pages that the next one uses, so the file stays as large as
 * the greatest backlog was. auto_vacuum INCREMENTAL (some 5 % of the time) lets an idle spool
 * give that back in small steps; FULL would move pages at every commit.
 */
static const char *const schema[] = {
    "CREATE TABLE message ("
    " ident INTEGER PRIMARY KEY,"
    " session INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " ret INTEGER NOT NULL,"
    " body_type INTEGER NOT NULL,"
    " smtputf8 INTEGER NOT NULL,"
    " reverse_path TEXT NOT NULL,"
    " client TEXT NOT NULL,"
    " helo TEXT NOT NULL,"
    " virtual_server TEXT NOT NULL,"
    " message_id TEXT NOT NULL,"
    " subject TEXT NOT NULL,"
    " envid TEXT NOT NULL,"
    " rest BLOB NOT NULL) STRICT",

    "CREATE TABLE recipient ("
    " message INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " address TEXT NOT NULL,"
    " orcpt TEXT NOT NULL,"
    " notify INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " next_attempt_ms INTEGER NOT NULL,"
    " last_reply TEXT NOT NULL,"
    " PRIMARY KEY (message, number)) STRICT, WITHOUT ROWID",

    "CREATE TABLE chunk ("
    " message INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " data BLOB NOT NULL) STRICT",
    "CREATE UNIQUE INDEX chunk_place ON chunk (message, number)",

    "CREATE TABLE mark ("
    " clean INTEGER NOT NULL,"
    " greatest_message INTEGER NOT NULL) STRICT",
    "INSERT INTO mark VALUES (1, 0)",

    "PRAGMA application_id = 0x47507370", /* "GPsp" */
    "PRAGMA user_version = 1",
};

#define SCHEMA_VERSION 1

/* Free pages that are kept for the mail to come: 16 MB. */
#define KEPT_FREE_PAGES 4096

enum statement {
    BEGIN,
    COMMIT,
    PUT_MESSAGE,
    PUT_RECIPIENT,
    PUT_CHUNK,
    SETTLE_RECIPIENT,
    POSTPONE_RECIPIENT,
    DROP_SETTLED_MESSAGE,
    DROP_CHUNKS,
    SET_CLEAN,
    SET_GREATEST,
    STATEMENTS
};

static const char *const statement_texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [PUT_MESSAGE] =
        "INSERT INTO message (ident, session, received_ms, size, ret, body_type, smtputf8,"
        " reverse_path, client, helo, virtual_server, message_id, subject, envid, rest)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [PUT_RECIPIENT] = "INSERT INTO recipient (message, number, address, orcpt, notify, attempts,"
                      " next_attempt_ms, last_reply) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [PUT_CHUNK] = "INSERT INTO chunk (message, number, data) VALUES (?1, ?2, ?3)",
    [SETTLE_RECIPIENT] = "DELETE FROM recipient WHERE message = ?1 AND number = ?2",
    [POSTPONE_RECIPIENT] =
        "UPDATE recipient SET attempts = ?3, next_attempt_ms = ?4, last_reply = ?5"
        " WHERE message = ?1 AND number = ?2",
    [DROP_SETTLED_MESSAGE] = "DELETE FROM message WHERE ident = ?1"
                             " AND NOT EXISTS (SELECT 1 FROM recipient WHERE message = ?1)",
    [DROP_CHUNKS] = "DELETE FROM chunk WHERE message = ?1",
    [SET_CLEAN] = "UPDATE mark SET clean = ?1",
    [SET_GREATEST] = "UPDATE mark SET greatest_message = ?1",
};

struct spool_store {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    struct spool_store_changes changes;
    ident greatest;         /* of all that were ever put */
    ident greatest_in_file; /* as the last commit left it */
    int log_pages;
    int log_pages_copied; /* into the file, by the last checkpoint */
};

/* ---- opening ---- */

static int after_commit(void *user, sqlite3 *database, const char *name, int pages)
{
    struct spool_store *store = user;
    (void)database;
    (void)name;
    /* A log that has become shorter was begun anew. */
    if (pages < store->log_pages)
        store->log_pages_copied = 0;
    store->log_pages = pages;
    return SQLITE_OK;
}

static bool make_schema(sqlite3 *database, struct error *error)
{
    if (!spool_database_execute(database, "BEGIN IMMEDIATE", error))
        return false;
    for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++)
        if (!spool_database_execute(database, schema[i], error))
            return false;
    return spool_database_execute(database, "COMMIT", error);
}

static bool check_schema(sqlite3 *database, const char *path, struct error *error)
{
    sqlite3_int64 version;
    sqlite3_int64 tables;
    if (!spool_database_number(database, "PRAGMA user_version", &version, error) ||
        !spool_database_number(database, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return false;
    if (version == 0 && tables == 0)
        return make_schema(database, error);
    if (version == 0)
        return error_set(error, 0, "%s is not a message store", path);
    if (version > SCHEMA_VERSION)
        return error_set(error, 0,
                         "%s was written by a newer version of Gatepost (its format is %lld, this "
                         "version knows %d): install the newer version again",
                         path, (long long)version, SCHEMA_VERSION);
    return true;
}

/* Before the first write into a new file, because neither can be changed later. */
static bool set_up(sqlite3 *database, struct error *error)
{
    return spool_database_execute(database,
                                  "PRAGMA page_size = 4096;"
                                  "PRAGMA auto_vacuum = INCREMENTAL;"
                                  "PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = FULL;"
                                  "PRAGMA cache_size = -8000;",
                                  error);
}

/* Chunks whose message never came to be. The others can only be there by a mistake of ours, and a
 * message that nobody is owed would stay for ever. */
static bool remove_halves(sqlite3 *database, struct error *error)
{
    return spool_database_execute(
        database,
        "DELETE FROM chunk WHERE message NOT IN (SELECT ident FROM message);"
        "DELETE FROM recipient"
        " WHERE message NOT IN (SELECT ident FROM message);"
        "DELETE FROM message"
        " WHERE ident NOT IN (SELECT message FROM recipient);",
        error);
}

static bool recover(struct spool_store *store, struct spool_recovery *recovery, struct error *error)
{
    sqlite3 *database = store->database;
    sqlite3_int64 clean;
    sqlite3_int64 messages;
    sqlite3_int64 recipients;
    sqlite3_int64 greatest;
    if (!spool_store_begin(store, error) || !remove_halves(database, error) ||
        !spool_database_number(database, "SELECT clean FROM mark", &clean, error) ||
        !spool_database_number(database, "SELECT count(*) FROM message", &messages, error) ||
        !spool_database_number(database, "SELECT count(*) FROM recipient", &recipients, error) ||
        !spool_database_number(database, "SELECT greatest_message FROM mark", &greatest, error) ||
        !spool_store_set_clean(store, false, error) || !spool_store_commit(store, NULL, error))
        return false;
    store->greatest = store->greatest_in_file = (ident)greatest;
    *recovery = (struct spool_recovery){
        .was_clean = clean != 0,
        .messages = (uint64_t)messages,
        .recipients = (uint64_t)recipients,
        .greatest_message = (ident)greatest,
    };
    return true;
}

static bool prepare(struct spool_store *store, struct error *error)
{
    for (int i = 0; i < STATEMENTS; i++) {
        store->statements[i] = spool_database_prepare(store->database, statement_texts[i], error);
        if (store->statements[i] == NULL)
            return false;
    }
    return true;
}

struct spool_store *spool_store_open(const char *path, struct spool_recovery *recovery,
                                     struct error *error)
{
    sqlite3 *database =
        spool_database_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (database == NULL)
        return NULL;
    struct spool_store *store = memory_allocate(1, sizeof *store);
    store->database = database;
    if (set_up(database, error) && check_schema(database, path, error) && prepare(store, error)) {
        /* Also keeps SQLite from checkpoints of its own, which would come in the middle of a rush. */
        sqlite3_wal_hook(database, after_commit, store);
        if (recover(store, recovery, error))
            return store;
    }
    spool_store_close(store);
    return NULL;
}

void spool_store_close(struct spool_store *store)
{
    if (store == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->database);
    memory_free(store);
}

/* ---- transactions ---- */

bool spool_store_begin(struct spool_store *store, struct error *error)
{
    store->changes = (struct spool_store_changes){0};
    return spool_database_run(store->statements[BEGIN], error);
}

bool spool_store_commit(struct spool_store *store, struct spool_store_changes *changes,
                        struct error *error)
{
    if (store->greatest > store->greatest_in_file) {
        sqlite3_stmt *statement = store->statements[SET_GREATEST];
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)store->greatest);
        if (!spool_database_run(statement, error))
            return false;
    }
    if (!spool_database_run(store->statements[COMMIT], error))
        return false;
    store->greatest_in_file = store->greatest;
    if (changes != NULL)
        *changes = store->changes;
    return true;
}

void spool_store_roll_back(struct spool_store *store)
{
    /* Some failures have rolled back already; and this one cannot make matters worse. */
    if (!sqlite3_get_autocommit(store->database))
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

bool spool_store_set_clean(struct spool_store *store, bool clean, struct error *error)
{
    sqlite3_stmt *statement = store->statements[SET_CLEAN];
    sqlite3_bind_int(statement, 1, clean);
    return spool_database_run(statement, error);
}

/* ---- what is written in them ---- */

static void bind_text(sqlite3_stmt *statement, int position, const char *text)
{
    sqlite3_bind_text(statement, position, text, -1, SQLITE_STATIC);
}

/* Without a pointer SQLite would take it for NULL. */
static void bind_content(sqlite3_stmt *statement, int position, struct view content)
{
    sqlite3_bind_blob64(statement, position, content.length == 0 ? "" : content.data,
                        content.length, SQLITE_STATIC);
}

bool spool_store_put_chunk(struct spool_store *store, ident message, uint32_t number,
                           struct view data, struct error *error)
{
    sqlite3_stmt *statement = store->statements[PUT_CHUNK];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)message);
    sqlite3_bind_int64(statement, 2, number);
    bind_content(statement, 3, data);
    return spool_database_run(statement, error);
}

static bool put_recipient(struct spool_store *store, ident message,
                          const struct spool_recipient *recipient, struct error *error)
{
    sqlite3_stmt *statement = store->statements[PUT_RECIPIENT];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)message);
    sqlite3_bind_int64(statement, 2, recipient->number);
    bind_text(statement, 3, recipient->address);
    bind_text(statement, 4, recipient->orcpt);
    sqlite3_bind_int64(statement, 5, recipient->notify);
    sqlite3_bind_int64(statement, 6, recipient->attempts);
    sqlite3_bind_int64(statement, 7, recipient->next_attempt_ms);
    bind_text(statement, 8, recipient->last_reply);
    return spool_database_run(statement, error);
}

bool spool_store_put_message(struct spool_store *store, const struct spool_item *item,
                             struct view rest, struct error *error)
{
    const struct spool_facts *facts = &item->facts;
    sqlite3_stmt *statement = store->statements[PUT_MESSAGE];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)facts->message);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)facts->session);
    sqlite3_bind_int64(statement, 3, facts->received_ms);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)facts->size);
    sqlite3_bind_int(statement, 5, facts->ret);
    sqlite3_bind_int(statement, 6, facts->body_type);
    sqlite3_bind_int(statement, 7, facts->smtputf8);
    bind_text(statement, 8, facts->reverse_path);
    bind_text(statement, 9, facts->client);
    bind_text(statement, 10, facts->helo);
    bind_text(statement, 11, facts->virtual_server);
    bind_text(statement, 12, facts->message_id);
    bind_text(statement, 13, facts->subject);
    bind_text(statement, 14, facts->envid);
    bind_content(statement, 15, rest);
    if (!spool_database_run(statement, error))
        return false;
    for (size_t i = 0; i < item->recipient_count; i++)
        if (!put_recipient(store, facts->message, &item->recipients[i], error))
            return false;
    if (facts->message > store->greatest)
        store->greatest = facts->message;
    store->changes.messages_added++;
    store->changes.recipients_added += item->recipient_count;
    return true;
}

bool spool_store_drop_chunks(struct spool_store *store, ident message, struct error *error)
{
    sqlite3_stmt *statement = store->statements[DROP_CHUNKS];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)message);
    return spool_database_run(statement, error);
}

static bool put_outcome(struct spool_store *store, const struct spool_outcome *outcome,
                        struct error *error)
{
    bool settled = outcome->kind == SPOOL_SETTLED;
    sqlite3_stmt *statement = store->statements[settled ? SETTLE_RECIPIENT : POSTPONE_RECIPIENT];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)outcome->message);
    sqlite3_bind_int64(statement, 2, outcome->recipient);
    if (!settled) {
        sqlite3_bind_int64(statement, 3, outcome->attempts);
        sqlite3_bind_int64(statement, 4, outcome->next_attempt_ms);
        bind_text(statement, 5, outcome->reply);
    }
    if (!spool_database_run(statement, error))
        return false;
    if (settled)
        store->changes.recipients_removed += (uint64_t)sqlite3_changes64(store->database);
    return true;
}

static bool drop_message_when_settled(struct spool_store *store, ident message, struct error *error)
{
    sqlite3_stmt *statement = store->statements[DROP_SETTLED_MESSAGE];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)message);
    if (!spool_database_run(statement, error))
        return false;
    if (sqlite3_changes64(store->database) == 0)
        return true;
    store->changes.messages_removed++;
    return spool_store_drop_chunks(store, message, error);
}

bool spool_store_put_outcomes(struct spool_store *store, const struct spool_outcome *outcomes,
                              size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!put_outcome(store, &outcomes[i], error))
            return false;
        bool is_last = i + 1 == count || outcomes[i + 1].message != outcomes[i].message;
        if (is_last && !drop_message_when_settled(store, outcomes[i].message, error))
            return false;
    }
    return true;
}

/* ---- care for the file ---- */

uint32_t spool_store_checkpoint_due(const struct spool_store *store)
{
    return (uint32_t)(store->log_pages - store->log_pages_copied);
}

/* PASSIVE waits for nobody. What a reader keeps it from copying comes with the next one. */
bool spool_store_checkpoint(struct spool_store *store, struct error *error)
{
    int result =
        sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (result == SQLITE_OK)
        store->log_pages_copied = store->log_pages;
    if (result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED)
        return true;
    return spool_database_error(store->database, error);
}

bool spool_store_shrink(struct spool_store *store, uint32_t pages, struct error *error)
{
    sqlite3_int64 free_pages;
    if (!spool_database_number(store->database, "PRAGMA freelist_count", &free_pages, error))
        return false;
    if (free_pages <= KEPT_FREE_PAGES)
        return true;
    if (free_pages - KEPT_FREE_PAGES < pages)
        pages = (uint32_t)(free_pages - KEPT_FREE_PAGES);
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%lu)", (unsigned long)pages);
    return spool_database_execute(store->database, sql, error);
}
