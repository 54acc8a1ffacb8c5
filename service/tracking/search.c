/*
 * The searching side. A search collects the rows that match, newest first and not more than asked for, by
 * one of three ways, and then gives them out:
 *   by message     its facts are known, its events hang from them;
 *   by a key       an address without wildcards or a Message-ID. Whoever has much mail is found among
 *                  the newest rows at once; for the others the buckets are asked, newest first, until what
 *                  is left is older than what was found;
 *   by looking     at each row, for all that no index has: wildcards, subjects, clients.
 */
#include "base/memory.h"
#include "tracking/condition.h"
#include "tracking/database.h"
#include "tracking/internal.h"
#include "tracking/ledger.h"
#include "tracking/newest.h"

#include <stdatomic.h>

/* Rows that are looked at before the index is asked: some milliseconds. */
#define LOOK_FIRST_ROWS 1000

/* The newest rows of a Message-ID that its history shows: a stranger may use one for all of his mail. */
#define HISTORY_ROWS 10000

#define ROW_COLUMNS                                                                                \
    "SELECT event.id, event.event, event.count, event.recipient, event.destination, event.reply,"  \
    " event.reason, facts.session, facts.message, facts.size, facts.message_id, facts.sender,"     \
    " facts.client, facts.helo, facts.subject FROM event"                                          \
    " CROSS JOIN facts ON facts.id = event.facts"

enum statement {
    BEGIN,
    END,
    GET_ROW,
    LOOK,
    GET_ROWS_OF_FACTS,
    FIND_MESSAGE,
    FIND_KEY,
    GET_BUCKETS,
    STATEMENTS
};

static const char *const statement_texts[STATEMENTS] = {
    [BEGIN] = "BEGIN",
    [END] = "ROLLBACK",
    [GET_ROW] = ROW_COLUMNS " WHERE event.id = ?1",
    [LOOK] = ROW_COLUMNS " WHERE event.id >= ?1 AND event.id < ?2 ORDER BY event.id DESC",
    [GET_ROWS_OF_FACTS] =
        ROW_COLUMNS " WHERE event.facts = ?3 AND event.id >= ?1 AND event.id < ?2",
    [FIND_MESSAGE] = "SELECT id FROM facts WHERE message = ?1 AND message <> 0",
    [FIND_KEY] = "SELECT facts FROM lookup WHERE bucket = ?1 AND hash = ?2",
    [GET_BUCKETS] = "SELECT number, first, last FROM bucket ORDER BY number DESC",
};

struct tracking_reader {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    struct hash_key hash_key;
    atomic_bool is_cancelled;
};

/* ---- readers ---- */

static bool prepare(struct tracking_reader *reader, struct error *error)
{
    sqlite3_int64 k0;
    sqlite3_int64 k1;
    for (int i = 0; i < STATEMENTS; i++) {
        reader->statements[i] =
            tracking_database_prepare(reader->database, statement_texts[i], error);
        if (reader->statements[i] == NULL)
            return false;
    }
    if (!tracking_database_execute(reader->database,
                                   "PRAGMA query_only = 1; PRAGMA cache_size = -8000", error) ||
        !tracking_database_number(reader->database, "SELECT k0 FROM hash_key", &k0, error) ||
        !tracking_database_number(reader->database, "SELECT k1 FROM hash_key", &k1, error))
        return false;
    reader->hash_key = (struct hash_key){(uint64_t)k0, (uint64_t)k1};
    return true;
}

struct tracking_reader *tracking_reader_create(struct tracking *tracking, struct error *error)
{
    sqlite3 *database =
        tracking_database_open(tracking_path(tracking), SQLITE_OPEN_READWRITE, error);
    if (database == NULL)
        return NULL;
    struct tracking_reader *reader = memory_allocate(1, sizeof *reader);
    reader->database = database;
    atomic_init(&reader->is_cancelled, false);
    if (prepare(reader, error))
        return reader;
    tracking_reader_destroy(reader);
    return NULL;
}

void tracking_reader_destroy(struct tracking_reader *reader)
{
    if (reader == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(reader->statements[i]);
    sqlite3_close(reader->database);
    memory_free(reader);
}

void tracking_reader_cancel(struct tracking_reader *reader)
{
    /* The flag for the time between two statements. */
    atomic_store(&reader->is_cancelled, true);
    sqlite3_interrupt(reader->database);
}

/* False at the end and after a failure, which alone sets *failed. */
static bool step(struct tracking_reader *reader, sqlite3_stmt *statement, bool *failed,
                 struct error *error)
{
    bool is_cancelled = atomic_load(&reader->is_cancelled);
    int result = is_cancelled ? SQLITE_INTERRUPT : sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return true;
    if (result != SQLITE_DONE) {
        *failed = true;
        if (result == SQLITE_INTERRUPT)
            error_set(error, SQLITE_INTERRUPT, "the search was cancelled");
        else
            tracking_database_error(reader->database, error);
    }
    return false;
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text == NULL ? "" : text;
}

/* In the order of ROW_COLUMNS; texts live until the statement goes on. */
static struct tracking_row read_row(sqlite3_stmt *statement)
{
    return (struct tracking_row){
        .record =
            {
                .time_us = sqlite3_column_int64(statement, 0) >> TRACKING_ROW_SHIFT,
                .event = (enum tracking_event)sqlite3_column_int(statement, 1),
                .recipient = column_text(statement, 3),
                .destination = column_text(statement, 4),
                .reply = column_text(statement, 5),
                .reason = column_text(statement, 6),
                .session = (ident)sqlite3_column_int64(statement, 7),
                .message = (ident)sqlite3_column_int64(statement, 8),
                .size = (uint64_t)sqlite3_column_int64(statement, 9),
                .message_id = column_text(statement, 10),
                .sender = column_text(statement, 11),
                .client = column_text(statement, 12),
                .helo = column_text(statement, 13),
                .subject = column_text(statement, 14),
            },
        .count = (uint64_t)sqlite3_column_int64(statement, 2),
    };
}

/* Calls back for one row; *failed stays as it is when the row has gone. */
static void give_row(struct tracking_reader *reader, int64_t row,
                     void (*each)(void *user, const struct tracking_row *row), void *user,
                     bool *failed, struct error *error)
{
    sqlite3_stmt *statement = reader->statements[GET_ROW];
    sqlite3_bind_int64(statement, 1, row);
    if (step(reader, statement, failed, error)) {
        struct tracking_row found = read_row(statement);
        each(user, &found);
    }
    sqlite3_reset(statement);
}

static bool begin(struct tracking_reader *reader, struct error *error)
{
    atomic_store(&reader->is_cancelled, false);
    return tracking_database_run(reader->statements[BEGIN], error);
}

static void end(struct tracking_reader *reader)
{
    tracking_database_run(reader->statements[END], NULL);
}

/* ---- the three ways ---- */

struct search {
    struct tracking_reader *reader;
    const struct tracking_query *query;
    int64_t since; /* rows */
    int64_t before;
    struct tracking_newest found;
    bool failed;
    struct error *error;
};

static void offer_matches(struct search *search, sqlite3_stmt *statement)
{
    struct tracking_row row = read_row(statement);
    if (tracking_condition_holds(search->query, &row))
        tracking_newest_offer(&search->found, sqlite3_column_int64(statement, 0));
}

/* False when `rows` were not enough to find all that is asked for. */
static bool look(struct search *search, uint64_t rows)
{
    sqlite3_stmt *statement = search->reader->statements[LOOK];
    bool goes_on = true;
    sqlite3_bind_int64(statement, 1, search->since);
    sqlite3_bind_int64(statement, 2, search->before);
    while (rows-- > 0 && search->found.count < search->found.maximum &&
           (goes_on = step(search->reader, statement, &search->failed, search->error)))
        offer_matches(search, statement);
    sqlite3_reset(statement);
    return !goes_on || search->found.count == search->found.maximum;
}

static void search_facts(struct search *search, int64_t facts)
{
    sqlite3_stmt *statement = search->reader->statements[GET_ROWS_OF_FACTS];
    sqlite3_bind_int64(statement, 1, search->since);
    sqlite3_bind_int64(statement, 2, search->before);
    sqlite3_bind_int64(statement, 3, facts);
    while (step(search->reader, statement, &search->failed, search->error))
        offer_matches(search, statement);
    sqlite3_reset(statement);
}

static void search_message(struct search *search)
{
    sqlite3_stmt *statement = search->reader->statements[FIND_MESSAGE];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)search->query->message);
    while (step(search->reader, statement, &search->failed, search->error))
        search_facts(search, sqlite3_column_int64(statement, 0));
    sqlite3_reset(statement);
}

struct bucket {
    int64_t number;
    int64_t first;
    int64_t last;
    int64_t last_from_here; /* the greatest last of this one and those that are older */
};

/* Newest first; the caller frees them. */
static struct bucket *get_buckets(struct tracking_reader *reader, size_t *count, bool *failed,
                                  struct error *error)
{
    sqlite3_stmt *statement = reader->statements[GET_BUCKETS];
    struct bucket *buckets = NULL;
    size_t capacity = 0;
    *count = 0;
    while (step(reader, statement, failed, error)) {
        if (*count == capacity) {
            capacity = capacity == 0 ? 64 : 2 * capacity;
            buckets = memory_resize(buckets, capacity, sizeof *buckets);
        }
        buckets[(*count)++] = (struct bucket){
            .number = sqlite3_column_int64(statement, 0),
            .first = sqlite3_column_int64(statement, 1),
            .last = sqlite3_column_int64(statement, 2),
        };
    }
    sqlite3_reset(statement);
    int64_t last = INT64_MIN;
    for (size_t i = *count; i > 0; i--) {
        last = buckets[i - 1].last > last ? buckets[i - 1].last : last;
        buckets[i - 1].last_from_here = last;
    }
    return buckets;
}

static void search_key(struct search *search, enum tracking_key key, struct view text)
{
    sqlite3_stmt *statement = search->reader->statements[FIND_KEY];
    int64_t hash = tracking_key_hash(&search->reader->hash_key, key, text);
    size_t count;
    struct bucket *buckets = get_buckets(search->reader, &count, &search->failed, search->error);
    for (size_t i = 0; i < count && !search->failed; i++) {
        const struct bucket *bucket = &buckets[i];
        if (tracking_newest_is_closed_to(&search->found, bucket->last_from_here))
            break;
        if (bucket->last < search->since || bucket->first >= search->before)
            continue;
        sqlite3_bind_int64(statement, 1, bucket->number);
        sqlite3_bind_int64(statement, 2, hash);
        while (step(search->reader, statement, &search->failed, search->error))
            search_facts(search, sqlite3_column_int64(statement, 0));
        sqlite3_reset(statement);
    }
    memory_free(buckets);
}

/* False when no index helps. */
static bool find_key(const struct tracking_query *query, enum tracking_key *key, struct view *text)
{
    const struct {
        enum tracking_key key;
        struct view text;
    } candidates[] = {
        {TRACKING_KEY_MESSAGE_ID, view_of_text(query->message_id)},
        {TRACKING_KEY_RECIPIENT, view_of_text(query->recipient)},
        {TRACKING_KEY_SENDER, view_of_text(query->sender)},
    };
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        bool is_exact = candidates[i].key == TRACKING_KEY_MESSAGE_ID ||
                        !tracking_has_wildcard(candidates[i].text);
        if (candidates[i].text.length > 0 && is_exact) {
            *key = candidates[i].key;
            *text = candidates[i].text;
            return true;
        }
    }
    return false;
}

static void find_rows(struct search *search)
{
    enum tracking_key key;
    struct view text;
    if (search->query->message != 0) {
        search_message(search);
    } else if (!find_key(search->query, &key, &text)) {
        look(search, UINT64_MAX);
    } else if (!look(search, LOOK_FIRST_ROWS + search->found.maximum)) {
        search->found.count = 0;
        search_key(search, key, text);
    }
}

/* ---- search ---- */

/* Of a row that is not older than the time. */
static int64_t row_of_time(int64_t time_us)
{
    return time_us > INT64_MAX >> TRACKING_ROW_SHIFT ? INT64_MAX
                                                     : time_us * (1 << TRACKING_ROW_SHIFT);
}

static bool set_range(struct search *search)
{
    const struct tracking_query *query = search->query;
    search->since = query->since_us == 0 ? INT64_MIN : row_of_time(query->since_us);
    search->before = query->until_us == 0 ? INT64_MAX : row_of_time(query->until_us);
    if (query->after == NULL || query->after[0] == '\0')
        return true;
    uint64_t after;
    if (!view_to_uint64(view_of_text(query->after), &after) || after > INT64_MAX)
        return error_set(search->error, 0, "\"%s\" is not the end of a page", query->after);
    if ((int64_t)after < search->before)
        search->before = (int64_t)after;
    return true;
}

bool tracking_search(struct tracking_reader *reader, const struct tracking_query *query,
                     void (*each)(void *user, const struct tracking_row *row), void *user,
                     char *next, size_t next_size, struct error *error)
{
    struct search search = {.reader = reader, .query = query, .error = error};
    size_t limit = query->limit > 0 ? query->limit : 1;
    next[0] = '\0';
    if (!set_range(&search) || !begin(reader, error))
        return false;
    /* One more than is asked for tells whether there is a next page. */
    tracking_newest_init(&search.found, limit + 1);
    find_rows(&search);
    tracking_newest_sort(&search.found);
    size_t count = search.found.count < limit ? search.found.count : limit;
    for (size_t i = 0; i < count && !search.failed; i++)
        give_row(reader, search.found.rows[i], each, user, &search.failed, error);
    if (search.found.count > limit)
        snprintf(next, next_size, "%lld", (long long)search.found.rows[limit - 1]);
    tracking_newest_free(&search.found);
    end(reader);
    return !search.failed;
}

bool tracking_history(struct tracking_reader *reader, ident message, const char *message_id,
                      void (*each)(void *user, const struct tracking_row *row), void *user,
                      struct error *error)
{
    const struct tracking_query query = {.message = message,
                                         .message_id = message == 0 ? message_id : NULL};
    struct search search = {.reader = reader, .query = &query, .error = error};
    set_range(&search);
    if (!begin(reader, error))
        return false;
    tracking_newest_init(&search.found, message != 0 ? SIZE_MAX : HISTORY_ROWS);
    if (message != 0)
        search_message(&search);
    else
        search_key(&search, TRACKING_KEY_MESSAGE_ID, view_of_text(message_id));
    tracking_newest_sort(&search.found);
    for (size_t i = search.found.count; i > 0 && !search.failed; i--)
        give_row(reader, search.found.rows[i - 1], each, user, &search.failed, error);
    tracking_newest_free(&search.found);
    end(reader);
    return !search.failed;
}
