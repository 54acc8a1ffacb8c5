#include "tracking/ledger.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "tracking/database.h"
#include "tracking/expiry.h"

#define SCHEMA_VERSION 1

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* Messages whose facts the writer knows without asking the file: those on their way, by and large. */
#define KNOWN_FACTS 8192

/* Recipients that got their place in the index a moment ago. */
#define KNOWN_RECIPIENTS 16384

static const char *const schema[] = {
    "CREATE TABLE facts ("
    " id INTEGER PRIMARY KEY,"
    " message INTEGER NOT NULL,"
    " session INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " message_id TEXT NOT NULL,"
    " sender TEXT NOT NULL,"
    " client TEXT NOT NULL,"
    " helo TEXT NOT NULL,"
    " subject TEXT NOT NULL) STRICT",
    "CREATE INDEX facts_message ON facts (message) WHERE message <> 0",

    "CREATE TABLE event ("
    " id INTEGER PRIMARY KEY,"
    " facts INTEGER NOT NULL,"
    " event INTEGER NOT NULL,"
    " count INTEGER NOT NULL,"
    " recipient TEXT NOT NULL,"
    " destination TEXT NOT NULL,"
    " reply TEXT NOT NULL,"
    " reason TEXT NOT NULL) STRICT",
    "CREATE INDEX event_facts ON event (facts)",

    "CREATE TABLE lookup ("
    " bucket INTEGER NOT NULL,"
    " hash INTEGER NOT NULL,"
    " facts INTEGER NOT NULL,"
    " PRIMARY KEY (bucket, hash, facts)) STRICT, WITHOUT ROWID",

    /* The first and the last event of the messages in a bucket. */
    "CREATE TABLE bucket ("
    " number INTEGER PRIMARY KEY,"
    " first INTEGER NOT NULL,"
    " last INTEGER NOT NULL) STRICT",

    "CREATE TABLE hash_key (k0 INTEGER NOT NULL, k1 INTEGER NOT NULL) STRICT",

    "PRAGMA application_id = 0x47507472", /* "GPtr" */
    "PRAGMA user_version = 1",
};

enum statement {
    BEGIN,
    COMMIT,
    FIND_FACTS,
    PUT_FACTS,
    CHANGE_FACTS,
    PUT_EVENT,
    PUT_LOOKUP,
    ADD_TO_COUNT,
    WIDEN_BUCKET,
    STATEMENTS
};

static const char *const statement_texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [FIND_FACTS] = "SELECT id, session, size, message_id, sender, client, helo, subject FROM facts"
                   " WHERE message = ?1 AND message <> 0",
    [PUT_FACTS] = "INSERT INTO facts (id, session, size, message_id, sender, client, helo, subject,"
                  " message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [CHANGE_FACTS] = "UPDATE facts SET session = coalesce(nullif(?2, 0), session),"
                     " size = coalesce(nullif(?3, 0), size),"
                     " message_id = coalesce(nullif(?4, ''), message_id),"
                     " sender = coalesce(nullif(?5, ''), sender),"
                     " client = coalesce(nullif(?6, ''), client),"
                     " helo = coalesce(nullif(?7, ''), helo),"
                     " subject = coalesce(nullif(?8, ''), subject) WHERE id = ?1",
    [PUT_EVENT] =
        "INSERT INTO event (id, facts, event, count, recipient, destination, reply, reason)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [PUT_LOOKUP] = "INSERT OR IGNORE INTO lookup (bucket, hash, facts) VALUES (?1, ?2, ?3)",
    [ADD_TO_COUNT] = "UPDATE event SET count = count + ?2 WHERE id = ?1",
    [WIDEN_BUCKET] = "INSERT INTO bucket (number, first, last) VALUES (?1, ?2, ?3)"
                     " ON CONFLICT (number) DO UPDATE SET first = min(first, excluded.first),"
                     " last = max(last, excluded.last)",
};

/* Facts as they stand in the file; the hashes tell whether a record says anything new. */
struct known_facts {
    ident message; /* 0: none */
    int64_t facts;
    ident session;
    uint64_t size;
    uint64_t hashes[TRACKING_FACT_TEXTS]; /* 0: empty */
};

/* Rows that this transaction adds to a bucket. */
struct widened_bucket {
    int64_t number;
    int64_t first;
    int64_t last;
};

struct tracking_ledger {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    struct tracking_expiry *expiry;
    struct hash_key hash_key;
    int64_t next_facts;
    int64_t bucket_began_us; /* the one that fills */
    int64_t next_row_count;  /* the lower bits of the next row */
    struct widened_bucket *widened;
    size_t widened_count;
    size_t widened_capacity;
    int64_t counts_minute;
    struct hash_table *count_rows; /* event, client, reason of that minute -> int64_t, its row */
    struct known_facts known_facts[KNOWN_FACTS];
    uint64_t known_recipients[KNOWN_RECIPIENTS];
};

/* ---- opening ---- */

static bool make_schema(sqlite3 *database, struct error *error)
{
    uint64_t key[2];
    char sql[120];
    if (!tracking_database_execute(database, "BEGIN IMMEDIATE", error))
        return false;
    for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++)
        if (!tracking_database_execute(database, schema[i], error))
            return false;
    random_bytes(key, sizeof key);
    snprintf(sql, sizeof sql, "INSERT INTO hash_key VALUES (%lld, %lld)", (long long)(key[0] >> 1),
             (long long)(key[1] >> 1));
    return tracking_database_execute(database, sql, error) &&
           tracking_database_execute(database, "COMMIT", error);
}

static bool check_schema(sqlite3 *database, const char *path, struct error *error)
{
    sqlite3_int64 version;
    sqlite3_int64 tables;
    if (!tracking_database_number(database, "PRAGMA user_version", &version, error) ||
        !tracking_database_number(database, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return false;
    if (version == 0 && tables == 0)
        return make_schema(database, error);
    if (version == 0)
        return error_set(error, 0, "%s is not a tracking file", path);
    if (version > SCHEMA_VERSION)
        return error_set(error, 0,
                         "%s was written by a newer version of Gatepost (its format is %lld, this "
                         "version knows %d): install the newer version again",
                         path, (long long)version, SCHEMA_VERSION);
    return true;
}

/* NORMAL syncs at checkpoints only: what a power failure takes is the last moments of the record, and
 * nobody waits for it. A checkpoint each 16 MB of log finds the pages of many batches changed once. */
static bool set_up(sqlite3 *database, struct error *error)
{
    return tracking_database_execute(database,
                                     "PRAGMA page_size = 4096;"
                                     "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = NORMAL;"
                                     "PRAGMA wal_autocheckpoint = 4000;"
                                     "PRAGMA cache_size = -16000;",
                                     error);
}

static bool read_state(struct tracking_ledger *ledger, struct error *error)
{
    sqlite3 *database = ledger->database;
    sqlite3_int64 greatest;
    sqlite3_int64 began;
    sqlite3_int64 k0;
    sqlite3_int64 k1;
    if (!tracking_database_number(database, "SELECT ifnull(max(id), 0) FROM facts", &greatest,
                                  error) ||
        !tracking_database_number(database,
                                  "SELECT ifnull((SELECT first FROM bucket"
                                  " ORDER BY number DESC LIMIT 1), 0)",
                                  &began, error) ||
        !tracking_database_number(database, "SELECT k0 FROM hash_key", &k0, error) ||
        !tracking_database_number(database, "SELECT k1 FROM hash_key", &k1, error))
        return false;
    ledger->next_facts = greatest + 1;
    ledger->bucket_began_us = began >> TRACKING_ROW_SHIFT;
    ledger->hash_key = (struct hash_key){(uint64_t)k0, (uint64_t)k1};
    return true;
}

static bool prepare(struct tracking_ledger *ledger, struct error *error)
{
    for (int i = 0; i < STATEMENTS; i++) {
        ledger->statements[i] =
            tracking_database_prepare(ledger->database, statement_texts[i], error);
        if (ledger->statements[i] == NULL)
            return false;
    }
    return true;
}

struct tracking_ledger *tracking_ledger_open(const char *path, struct error *error)
{
    sqlite3 *database =
        tracking_database_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (database == NULL)
        return NULL;
    struct tracking_ledger *ledger = memory_allocate(1, sizeof *ledger);
    ledger->database = database;
    ledger->count_rows = hash_table_create();
    if (set_up(database, error) && check_schema(database, path, error) && prepare(ledger, error) &&
        read_state(ledger, error)) {
        ledger->expiry = tracking_expiry_create(database, error);
        if (ledger->expiry != NULL)
            return ledger;
    }
    tracking_ledger_close(ledger);
    return NULL;
}

void tracking_ledger_close(struct tracking_ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(ledger->statements[i]);
    tracking_expiry_destroy(ledger->expiry);
    sqlite3_close(ledger->database);
    hash_table_destroy(ledger->count_rows, memory_free);
    memory_free(ledger->widened);
    memory_free(ledger);
}

/* ---- facts ---- */

static void bind_view(sqlite3_stmt *statement, int position, struct view text)
{
    sqlite3_bind_text(statement, position, text.length == 0 ? "" : text.data, (int)text.length,
                      SQLITE_STATIC);
}

int64_t tracking_key_hash(const struct hash_key *hash_key, enum tracking_key key, struct view text)
{
    char bytes[1 + TRACKING_TEXT_BYTES];
    if (key == TRACKING_KEY_MESSAGE_ID)
        text = tracking_bare_message_id(text);
    text = view_first(text, TRACKING_TEXT_BYTES);
    bytes[0] = (char)key;
    for (size_t i = 0; i < text.length; i++)
        bytes[1 + i] = key == TRACKING_KEY_MESSAGE_ID ? text.data[i] : ascii_lower(text.data[i]);
    return (int64_t)hash_bytes(hash_key, bytes, 1 + text.length);
}

static bool put_lookup(struct tracking_ledger *ledger, int64_t facts, enum tracking_key key,
                       struct view text, struct error *error)
{
    sqlite3_stmt *statement = ledger->statements[PUT_LOOKUP];
    sqlite3_bind_int64(statement, 1, facts >> TRACKING_BUCKET_SHIFT);
    sqlite3_bind_int64(statement, 2, tracking_key_hash(&ledger->hash_key, key, text));
    sqlite3_bind_int64(statement, 3, facts);
    return tracking_database_run(statement, error);
}

/* 0 for an empty text, and for no other. */
static uint64_t text_hash(const struct tracking_ledger *ledger, struct view text)
{
    return text.length == 0 ? 0 : hash_bytes(&ledger->hash_key, text.data, text.length) | 1;
}

/* Takes over what the entry says; tells for each text whether it is new. */
static bool learn_facts(const struct tracking_ledger *ledger, struct known_facts *known,
                        const struct tracking_entry *entry, bool is_new[TRACKING_FACT_TEXTS])
{
    bool any = false;
    for (int i = 0; i < TRACKING_FACT_TEXTS; i++) {
        uint64_t hash = text_hash(ledger, entry->texts[i]);
        is_new[i] = hash != 0 && hash != known->hashes[i];
        if (is_new[i])
            known->hashes[i] = hash;
        any |= is_new[i];
    }
    if (entry->session != 0 && entry->session != known->session) {
        known->session = entry->session;
        any = true;
    }
    if (entry->size != 0 && entry->size != known->size) {
        known->size = entry->size;
        any = true;
    }
    return any;
}

static bool write_facts(struct tracking_ledger *ledger, int64_t facts, enum statement which,
                        const struct tracking_entry *entry, struct error *error)
{
    sqlite3_stmt *statement = ledger->statements[which];
    sqlite3_bind_int64(statement, 1, facts);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)entry->session);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)entry->size);
    for (int i = 0; i < TRACKING_FACT_TEXTS; i++)
        bind_view(statement, 4 + i, entry->texts[i]);
    if (which == PUT_FACTS)
        sqlite3_bind_int64(statement, 4 + TRACKING_FACT_TEXTS, (sqlite3_int64)entry->message);
    return tracking_database_run(statement, error);
}

/* A bucket ends when it is full, and after a day: so that quiet servers can forget too. */
static int64_t new_facts(struct tracking_ledger *ledger, int64_t time_us)
{
    int64_t in_bucket = ledger->next_facts & ((1 << TRACKING_BUCKET_SHIFT) - 1);
    if (in_bucket != 0 && time_us - ledger->bucket_began_us >= DAY_US) {
        ledger->next_facts = ((ledger->next_facts >> TRACKING_BUCKET_SHIFT) + 1)
                             << TRACKING_BUCKET_SHIFT;
        in_bucket = 0;
    }
    if (in_bucket == 0 || ledger->bucket_began_us == 0)
        ledger->bucket_began_us = time_us;
    return ledger->next_facts++;
}

/* From the file. False after a failure; known->message stays 0 when the message is not known there. */
static bool find_facts(struct tracking_ledger *ledger, ident message, struct known_facts *known,
                       struct error *error)
{
    sqlite3_stmt *statement = ledger->statements[FIND_FACTS];
    *known = (struct known_facts){0};
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)message);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        known->message = message;
        known->facts = sqlite3_column_int64(statement, 0);
        known->session = (ident)sqlite3_column_int64(statement, 1);
        known->size = (uint64_t)sqlite3_column_int64(statement, 2);
        for (int i = 0; i < TRACKING_FACT_TEXTS; i++) {
            const char *text = (const char *)sqlite3_column_text(statement, 3 + i);
            known->hashes[i] = text_hash(ledger, view_of_text(text));
        }
    } else if (result != SQLITE_DONE) {
        tracking_database_error(ledger->database, error);
    }
    sqlite3_reset(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

static bool put_facts(struct tracking_ledger *ledger, const struct tracking_entry *entry,
                      int64_t *facts, struct error *error)
{
    struct known_facts alone = {0};
    struct known_facts *known = &alone;
    bool is_new[TRACKING_FACT_TEXTS];
    if (entry->message != 0) {
        known = &ledger->known_facts[entry->message * UINT64_C(0x9e3779b97f4a7c15) % KNOWN_FACTS];
        if (known->message != entry->message && !find_facts(ledger, entry->message, known, error))
            return false;
    }
    bool is_known = known->message != 0;
    if (!learn_facts(ledger, known, entry, is_new) && is_known) {
        *facts = known->facts;
        return true;
    }
    if (!is_known)
        known->facts = new_facts(ledger, entry->time_us);
    known->message = entry->message;
    *facts = known->facts;
    return write_facts(ledger, *facts, is_known ? CHANGE_FACTS : PUT_FACTS, entry, error) &&
           (!is_new[TRACKING_TEXT_SENDER] ||
            put_lookup(ledger, *facts, TRACKING_KEY_SENDER, entry->texts[TRACKING_TEXT_SENDER],
                       error)) &&
           (!is_new[TRACKING_TEXT_MESSAGE_ID] ||
            put_lookup(ledger, *facts, TRACKING_KEY_MESSAGE_ID,
                       entry->texts[TRACKING_TEXT_MESSAGE_ID], error));
}

/* ---- events ---- */

static bool put_recipient(struct tracking_ledger *ledger, int64_t facts, struct view recipient,
                          struct error *error)
{
    if (recipient.length == 0)
        return true;
    uint64_t hash = text_hash(ledger, recipient) ^ (uint64_t)facts * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t *known = &ledger->known_recipients[(hash >> 8) % KNOWN_RECIPIENTS];
    if (*known == hash)
        return true;
    *known = hash;
    return put_lookup(ledger, facts, TRACKING_KEY_RECIPIENT, recipient, error);
}

static void widen_bucket(struct tracking_ledger *ledger, int64_t facts, int64_t row)
{
    int64_t number = facts >> TRACKING_BUCKET_SHIFT;
    /* Nearly always the last one. */
    for (size_t i = ledger->widened_count; i > 0; i--) {
        struct widened_bucket *bucket = &ledger->widened[i - 1];
        if (bucket->number == number) {
            bucket->first = row < bucket->first ? row : bucket->first;
            bucket->last = row > bucket->last ? row : bucket->last;
            return;
        }
    }
    if (ledger->widened_count == ledger->widened_capacity) {
        ledger->widened_capacity = ledger->widened_capacity == 0 ? 8 : 2 * ledger->widened_capacity;
        ledger->widened =
            memory_resize(ledger->widened, ledger->widened_capacity, sizeof *ledger->widened);
    }
    ledger->widened[ledger->widened_count++] = (struct widened_bucket){number, row, row};
}

/* Several records may have the same time: each next try is a microsecond later. */
static bool put_row(struct tracking_ledger *ledger, int64_t facts,
                    const struct tracking_entry *entry, uint64_t count, int64_t *row,
                    struct error *error)
{
    sqlite3_stmt *statement = ledger->statements[PUT_EVENT];
    int result;
    *row = entry->time_us << TRACKING_ROW_SHIFT |
           (ledger->next_row_count++ & ((1 << TRACKING_ROW_SHIFT) - 1));
    sqlite3_bind_int64(statement, 2, facts);
    sqlite3_bind_int(statement, 3, (int)entry->event);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)count);
    bind_view(statement, 5, entry->texts[TRACKING_TEXT_RECIPIENT]);
    bind_view(statement, 6, entry->texts[TRACKING_TEXT_DESTINATION]);
    bind_view(statement, 7, entry->texts[TRACKING_TEXT_REPLY]);
    bind_view(statement, 8, entry->texts[TRACKING_TEXT_REASON]);
    for (;;) {
        sqlite3_bind_int64(statement, 1, *row);
        result = sqlite3_step(statement);
        if (result == SQLITE_DONE || (result & 0xff) != SQLITE_CONSTRAINT)
            break;
        sqlite3_reset(statement);
        *row += 1 << TRACKING_ROW_SHIFT;
    }
    if (result != SQLITE_DONE)
        tracking_database_error(ledger->database, error);
    sqlite3_reset(statement);
    widen_bucket(ledger, facts, *row);
    return result == SQLITE_DONE;
}

bool tracking_ledger_put(struct tracking_ledger *ledger, const struct tracking_entry *entry,
                         struct error *error)
{
    int64_t facts;
    int64_t row;
    return put_facts(ledger, entry, &facts, error) &&
           put_recipient(ledger, facts, entry->texts[TRACKING_TEXT_RECIPIENT], error) &&
           put_row(ledger, facts, entry, 1, &row, error);
}

static size_t count_key(const struct tracking_count *count, char key[2 + 2 * TRACKING_TEXT_BYTES])
{
    size_t length = 0;
    key[length++] = (char)count->event;
    memcpy(key + length, count->client.data, count->client.length);
    length += count->client.length;
    key[length++] = '\0';
    memcpy(key + length, count->reason.data, count->reason.length);
    return length + count->reason.length;
}

bool tracking_ledger_put_count(struct tracking_ledger *ledger, const struct tracking_count *count,
                               struct error *error)
{
    char bytes[2 + 2 * TRACKING_TEXT_BYTES];
    struct view key = view_of(bytes, count_key(count, bytes));
    if (count->minute != ledger->counts_minute) {
        hash_table_destroy(ledger->count_rows, memory_free);
        ledger->count_rows = hash_table_create();
        ledger->counts_minute = count->minute;
    }
    int64_t *row = hash_table_get(ledger->count_rows, key);
    if (row != NULL) {
        sqlite3_stmt *statement = ledger->statements[ADD_TO_COUNT];
        sqlite3_bind_int64(statement, 1, *row);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)count->count);
        return tracking_database_run(statement, error);
    }
    struct tracking_entry entry = {.time_us = count->first_us, .event = count->event};
    int64_t facts;
    entry.texts[TRACKING_TEXT_CLIENT] = count->client;
    entry.texts[TRACKING_TEXT_REASON] = count->reason;
    row = memory_allocate(1, sizeof *row);
    hash_table_set(ledger->count_rows, key, row);
    return put_facts(ledger, &entry, &facts, error) &&
           put_row(ledger, facts, &entry, count->count, row, error);
}

/* ---- transactions ---- */

bool tracking_ledger_begin(struct tracking_ledger *ledger, struct error *error)
{
    ledger->widened_count = 0;
    return tracking_database_run(ledger->statements[BEGIN], error);
}

bool tracking_ledger_commit(struct tracking_ledger *ledger, struct error *error)
{
    sqlite3_stmt *statement = ledger->statements[WIDEN_BUCKET];
    for (size_t i = 0; i < ledger->widened_count; i++) {
        sqlite3_bind_int64(statement, 1, ledger->widened[i].number);
        sqlite3_bind_int64(statement, 2, ledger->widened[i].first);
        sqlite3_bind_int64(statement, 3, ledger->widened[i].last);
        if (!tracking_database_run(statement, error))
            return false;
    }
    return tracking_database_run(ledger->statements[COMMIT], error);
}

static void forget_known(struct tracking_ledger *ledger)
{
    memset(ledger->known_facts, 0, sizeof ledger->known_facts);
    memset(ledger->known_recipients, 0, sizeof ledger->known_recipients);
}

/* What was learnt in the transaction is not in the file. */
void tracking_ledger_roll_back(struct tracking_ledger *ledger)
{
    if (!sqlite3_get_autocommit(ledger->database))
        sqlite3_exec(ledger->database, "ROLLBACK", NULL, NULL, NULL);
    forget_known(ledger);
    ledger->counts_minute = 0;
}

bool tracking_ledger_expire(struct tracking_ledger *ledger, int64_t before_us, bool *more,
                            struct error *error)
{
    if (!tracking_ledger_begin(ledger, error) ||
        !tracking_expiry_step(ledger->expiry, before_us << TRACKING_ROW_SHIFT,
                              ledger->next_facts >> TRACKING_BUCKET_SHIFT, more, error) ||
        !tracking_ledger_commit(ledger, error)) {
        tracking_ledger_roll_back(ledger);
        return false;
    }
    /* A message that is forgotten in the file must not be known here. */
    if (*more)
        forget_known(ledger);
    return true;
}
