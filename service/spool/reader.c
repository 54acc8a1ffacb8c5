/* The way out of the file: each reader has a connection of its own and never holds a transaction open
 * between two calls, because that would keep the log from starting anew. */
#include "spool/internal.h"

#include "base/arena.h"
#include "base/memory.h"
#include "spool/database.h"

enum statement { GET_MESSAGE, GET_RECIPIENTS, GET_CHUNK, GET_REST, STATEMENTS };

static const char *const statement_texts[STATEMENTS] = {
    [GET_MESSAGE] = "SELECT session, received_ms, size, ret, body_type, smtputf8, reverse_path,"
                    " client, helo, virtual_server, message_id, subject, envid"
                    " FROM message WHERE ident = ?1",
    [GET_RECIPIENTS] =
        ("SELECT number, address, orcpt, notify, attempts, next_attempt_ms, last_reply"
         " FROM recipient WHERE message = ?1 ORDER BY number"),
    [GET_CHUNK] = "SELECT data FROM chunk WHERE message = ?1 AND number = ?2",
    [GET_REST] = "SELECT rest FROM message WHERE ident = ?1",
};

struct spool_reader {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
};

struct spool_reader *spool_reader_create(struct spool *spool, struct error *error)
{
    sqlite3 *database = spool_database_open(spool->path, SQLITE_OPEN_READWRITE, error);
    if (database == NULL)
        return NULL;
    struct spool_reader *reader = memory_allocate(1, sizeof *reader);
    reader->database = database;
    bool prepared = spool_database_execute(database, "PRAGMA query_only = 1", error);
    for (int i = 0; prepared && i < STATEMENTS; i++) {
        reader->statements[i] = spool_database_prepare(database, statement_texts[i], error);
        prepared = reader->statements[i] != NULL;
    }
    if (prepared)
        return reader;
    spool_reader_destroy(reader);
    return NULL;
}

void spool_reader_destroy(struct spool_reader *reader)
{
    if (reader == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(reader->statements[i]);
    sqlite3_close(reader->database);
    memory_free(reader);
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text == NULL ? "" : text;
}

static const char *copy_column(struct arena *arena, sqlite3_stmt *statement, int column)
{
    return arena_copy_text(arena, view_of_text(column_text(statement, column)));
}

/* False after a failure, or at the end: then error->code is 0. */
static bool step(sqlite3_stmt *statement, struct error *error)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return true;
    if (result == SQLITE_DONE)
        return error_set(error, 0, "the message is not in the store any more");
    return spool_database_error(sqlite3_db_handle(statement), error);
}

/* ---- the timetable ---- */

static bool walk_waiting(sqlite3 *database,
                         void (*each)(void *user, const struct spool_waiting *waiting), void *user,
                         struct error *error)
{
    struct error end = {0};
    sqlite3_stmt *statement = spool_database_prepare(
        database,
        "SELECT recipient.message, number, address, attempts, received_ms, next_attempt_ms, size,"
        " last_reply FROM recipient JOIN message ON ident = recipient.message"
        " ORDER BY recipient.message, number",
        error);
    if (statement == NULL)
        return false;
    while (step(statement, &end)) {
        struct spool_waiting waiting = {
            .message = (ident)sqlite3_column_int64(statement, 0),
            .recipient = (uint32_t)sqlite3_column_int64(statement, 1),
            .address = column_text(statement, 2),
            .attempts = (uint32_t)sqlite3_column_int64(statement, 3),
            .received_ms = sqlite3_column_int64(statement, 4),
            .next_attempt_ms = sqlite3_column_int64(statement, 5),
            .size = (uint64_t)sqlite3_column_int64(statement, 6),
            .last_reply = column_text(statement, 7),
        };
        each(user, &waiting);
    }
    sqlite3_finalize(statement);
    return end.code == 0 || error_set(error, end.code, "%s", end.text);
}

bool spool_each_waiting(struct spool *spool,
                        void (*each)(void *user, const struct spool_waiting *waiting), void *user,
                        struct error *error)
{
    sqlite3 *database = spool_database_open(spool->path, SQLITE_OPEN_READWRITE, error);
    bool walked = database != NULL && walk_waiting(database, each, user, error);
    sqlite3_close(database);
    return walked;
}

/* ---- messages ---- */

static bool load_facts(struct spool_reader *reader, struct arena *arena, ident message,
                       struct spool_facts *facts, struct error *error)
{
    sqlite3_stmt *statement = reader->statements[GET_MESSAGE];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)message);
    bool found = step(statement, error);
    if (found)
        *facts = (struct spool_facts){
            .message = message,
            .session = (ident)sqlite3_column_int64(statement, 0),
            .received_ms = sqlite3_column_int64(statement, 1),
            .size = (uint64_t)sqlite3_column_int64(statement, 2),
            .ret = sqlite3_column_int(statement, 3),
            .body_type = sqlite3_column_int(statement, 4),
            .smtputf8 = sqlite3_column_int(statement, 5) != 0,
            .reverse_path = copy_column(arena, statement, 6),
            .client = copy_column(arena, statement, 7),
            .helo = copy_column(arena, statement, 8),
            .virtual_server = copy_column(arena, statement, 9),
            .message_id = copy_column(arena, statement, 10),
            .subject = copy_column(arena, statement, 11),
            .envid = copy_column(arena, statement, 12),
        };
    sqlite3_reset(statement);
    return found;
}

static struct spool_recipient read_recipient(sqlite3_stmt *statement, struct arena *arena)
{
    return (struct spool_recipient){
        .number = (uint32_t)sqlite3_column_int64(statement, 0),
        .address = copy_column(arena, statement, 1),
        .orcpt = copy_column(arena, statement, 2),
        .notify = (unsigned)sqlite3_column_int64(statement, 3),
        .attempts = (uint32_t)sqlite3_column_int64(statement, 4),
        .next_attempt_ms = sqlite3_column_int64(statement, 5),
        .last_reply = copy_column(arena, statement, 6),
    };
}

/* The caller frees *recipients. Between the two reads the message may have been settled: then there is
 * none left. */
static bool load_recipients(struct spool_reader *reader, struct arena *arena, ident message,
                            struct spool_recipient **recipients, size_t *count, struct error *error)
{
    sqlite3_stmt *statement = reader->statements[GET_RECIPIENTS];
    size_t capacity = 0;
    *recipients = NULL;
    *count = 0;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)message);
    while (step(statement, error)) {
        if (*count == capacity) {
            capacity = capacity == 0 ? 8 : capacity * 2;
            *recipients = memory_resize(*recipients, capacity, sizeof **recipients);
        }
        (*recipients)[(*count)++] = read_recipient(statement, arena);
    }
    sqlite3_reset(statement);
    return *count > 0 && error->code == 0;
}

const struct spool_item *spool_load(struct spool_reader *reader, ident message, struct error *error)
{
    struct error own;
    struct arena *arena = arena_create(4096);
    struct stored_item *stored = NULL;
    struct spool_facts facts;
    struct spool_recipient *recipients = NULL;
    size_t count;
    if (error == NULL)
        error = &own;
    if (load_facts(reader, arena, message, &facts, error) &&
        load_recipients(reader, arena, message, &recipients, &count, error))
        stored = spool_item_create(&facts, recipients, count);
    memory_free(recipients);
    arena_destroy(arena);
    return stored == NULL ? NULL : &stored->item;
}

/* ---- content ---- */

struct spool_content {
    struct spool_reader *reader;
    const struct spool_item *item;
    uint32_t chunks; /* those before the rest */
    uint32_t next;   /* number of the piece that comes next; chunks + 1: the end */
    bool at_end;
    struct buffer piece; /* a copy of what came from the file */
};

struct spool_content *spool_content_open(struct spool_reader *reader, const struct spool_item *item,
                                         struct error *error)
{
    struct spool_content *content = memory_allocate(1, sizeof *content);
    (void)error;
    content->reader = reader;
    content->item = spool_item_retain(item);
    if (item->facts.size > 0)
        content->chunks = (uint32_t)((item->facts.size - 1) / SPOOL_CHUNK_BYTES);
    buffer_init(&content->piece, SPOOL_CHUNK_BYTES);
    return content;
}

void spool_content_close(struct spool_content *content)
{
    if (content == NULL)
        return;
    buffer_free(&content->piece);
    spool_item_release(content->item);
    memory_free(content);
}

static bool read_piece(struct spool_content *content, struct error *error)
{
    bool is_rest = content->next == content->chunks;
    sqlite3_stmt *statement = content->reader->statements[is_rest ? GET_REST : GET_CHUNK];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)content->item->facts.message);
    if (!is_rest)
        sqlite3_bind_int64(statement, 2, content->next);
    bool found = step(statement, error);
    if (found) {
        buffer_clear(&content->piece);
        found = buffer_append(&content->piece, sqlite3_column_blob(statement, 0),
                              (size_t)sqlite3_column_bytes(statement, 0)) ||
                error_set(error, SQLITE_CORRUPT, "the message store: a piece is too long");
    }
    sqlite3_reset(statement);
    return found;
}

bool spool_content_next(struct spool_content *content, struct view *piece, struct error *error)
{
    if (content->next > content->chunks) {
        content->at_end = true;
        return false;
    }
    if (spool_item_body(content->item, piece)) {
        content->next = content->chunks + 1;
    } else {
        if (!read_piece(content, error))
            return false;
        content->next++;
        *piece = buffer_view(&content->piece);
    }
    /* A message without content has no piece. */
    content->at_end = piece->length == 0;
    return !content->at_end;
}

bool spool_content_at_end(const struct spool_content *content)
{
    return content->at_end;
}
