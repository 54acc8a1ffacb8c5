#include "tracking_world.h"
#include "unit.h"

#include "platform/file.h"
#include "tracking/database.h"

const char *world_path;
struct tracking *tracking;
struct tracking_reader *reader;
struct kept_row rows[KEPT_ROWS];
size_t row_count;

/* ---- events ---- */

#define EVENT_IDS 1000
static _Atomic unsigned seen[EVENT_IDS];
static char last_insert[400];

static void count_event(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    (void)user;
    snprintf(last_insert, sizeof last_insert, "%s", count > 0 ? inserts[0] : "");
    seen[id]++;
}

static const struct event_sink sink = {.report = count_event};

unsigned world_events_seen(enum event_id id)
{
    return seen[id];
}

const char *world_last_insert(void)
{
    return last_insert;
}

/* ---- the file ---- */

struct tracking_options world_options(void)
{
    return (struct tracking_options){.keep_days = 3650,
                                     .subjects = true,
                                     .refusals_per_minute = 1000000,
                                     .sources_per_minute = 1000000,
                                     .queue_records = 100000,
                                     .events = &sink};
}

static void clean(void)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s%s", world_path, endings[i]);
        if (file_exists(name))
            file_delete(name, NULL);
    }
}

void world_open(const struct tracking_options *options)
{
    struct error error = {0};
    tracking = tracking_open(world_path, options, &error);
    ck_assert_msg(tracking != NULL, "%s", error.text);
    reader = tracking_reader_create(tracking, &error);
    ck_assert_msg(reader != NULL, "%s", error.text);
}

void world_close(void)
{
    tracking_reader_destroy(reader);
    tracking_close(tracking);
}

void world_set_up(void)
{
    struct tracking_options options = world_options();
    for (int i = 0; i < EVENT_IDS; i++)
        seen[i] = 0;
    row_count = 0;
    clean();
    world_open(&options);
}

void world_tear_down(void)
{
    world_close();
    clean();
}

long long world_number(const char *sql)
{
    sqlite3 *database = tracking_database_open(world_path, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_int64 number = -1;
    ck_assert(database != NULL && tracking_database_number(database, sql, &number, NULL));
    sqlite3_close(database);
    return number;
}

/* ---- records and rows ---- */

void put(enum tracking_event event, ident message, int64_t time_us, const char *label)
{
    struct tracking_record record = {
        .event = event, .message = message, .time_us = time_us, .reply = label};
    tracking_write(tracking, &record);
}

void flush(void)
{
    ck_assert_msg(tracking_flush(tracking, 30000), "records are not written");
}

void keep_row(void *user, const struct tracking_row *row)
{
    (void)user;
    if (row_count == KEPT_ROWS)
        return;
    struct kept_row *kept = &rows[row_count++];
    kept->time_us = row->record.time_us;
    kept->event = row->record.event;
    kept->count = row->count;
    kept->message = row->record.message;
    snprintf(kept->client, sizeof kept->client, "%s", row->record.client);
    snprintf(kept->reason, sizeof kept->reason, "%s", row->record.reason);
    snprintf(kept->label, sizeof kept->label, "%s", row->record.reply);
}

void search(struct tracking_query query)
{
    struct error error = {0};
    char next[32];
    row_count = 0;
    if (query.limit == 0)
        query.limit = 1000;
    ck_assert_msg(tracking_search(reader, &query, keep_row, NULL, next, sizeof next, &error), "%s",
                  error.text);
}

const char *labels(void)
{
    static char text[4000];
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < row_count && length < sizeof text - 60; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? " " : "",
                                   rows[i].label);
    return text;
}
