#include "delivery_world.h"
#include "platform_folder.h"
#include "spool_world.h"
#include "unit.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdio.h>

#define ROWS 100000

struct row {
    enum tracking_event event;
    ident message;
    char *reply;
    char *destination;
};

static struct {
    char *folder;
    char *spool_path;
    struct spool *spool;
    struct delivery *delivery;
    const struct settings_snapshot *settings;
    struct ident_source idents;
    /* Under the lock. */
    struct lock *lock;
    struct row *rows;
    int row_count;
    int event_counts[1000];
    char event_texts[1000][1000];
} world;

/* ---- in place of tracking and the event log ---- */

void tracking_write(struct tracking *tracking, const struct tracking_record *record)
{
    (void)tracking;
    struct row row = {record->event, record->message, memory_copy_text(record->reply),
                      memory_copy_text(record->destination)};
    lock_acquire(world.lock);
    ck_assert_int_lt(world.row_count, ROWS);
    world.rows[world.row_count++] = row;
    lock_release(world.lock);
}

static void report(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    (void)user;
    lock_acquire(world.lock);
    world.event_counts[id]++;
    event_format(id, inserts, count, world.event_texts[id], sizeof world.event_texts[id]);
    lock_release(world.lock);
}

static const struct event_sink sink = {report, NULL};

int world_events(enum event_id id)
{
    lock_acquire(world.lock);
    int count = world.event_counts[id];
    lock_release(world.lock);
    return count;
}

const char *world_event_text(enum event_id id)
{
    return world.event_texts[id];
}

static const struct row *find_row(enum tracking_event event, ident message, int *count)
{
    const struct row *last = NULL;
    *count = 0;
    lock_acquire(world.lock);
    for (int i = 0; i < world.row_count; i++) {
        if (world.rows[i].event != event || (message != 0 && world.rows[i].message != message))
            continue;
        last = &world.rows[i];
        (*count)++;
    }
    lock_release(world.lock);
    return last;
}

int world_rows(enum tracking_event event, ident message)
{
    int count;
    find_row(event, message, &count);
    return count;
}

const char *world_reply(enum tracking_event event, ident message)
{
    int count;
    const struct row *row = find_row(event, message, &count);
    return row == NULL ? "" : row->reply;
}

const char *world_destination(enum tracking_event event, ident message)
{
    int count;
    const struct row *row = find_row(event, message, &count);
    return row == NULL ? "" : row->destination;
}

char *world_history(ident message)
{
    static const char *const names[] = {
        [TRACKING_ROUTED] = "routed",     [TRACKING_DELIVERED] = "delivered",
        [TRACKING_DEFERRED] = "deferred", [TRACKING_FAILED] = "failed",
        [TRACKING_EXPIRED] = "expired",   [TRACKING_BADMAIL] = "badmail",
    };
    struct buffer text;
    buffer_init(&text, 10000);
    lock_acquire(world.lock);
    for (int i = 0; i < world.row_count; i++) {
        if (world.rows[i].message == message)
            buffer_append_format(&text, "%s%s", text.length > 0 ? " " : "",
                                 names[world.rows[i].event]);
    }
    lock_release(world.lock);
    buffer_append_text(&text, "");
    return text.data;
}

/* ---- settings, start and stop ---- */

static const struct settings_snapshot *parse(const char *settings, uint16_t port)
{
    struct buffer json;
    struct error error;
    buffer_init(&json, 100000);
    const char *place = strstr(settings, "%u");
    size_t before = place == NULL ? strlen(settings) : (size_t)(place - settings);
    buffer_append(&json, settings, before);
    if (place != NULL)
        buffer_append_format(&json, "%u%s", port, place + 2);
    const struct settings_snapshot *snapshot = settings_parse(buffer_view(&json), 1, &error);
    ck_assert_msg(snapshot != NULL, "%s", error.text);
    buffer_free(&json);
    return snapshot;
}

static void start(void)
{
    struct spool_recovery recovery;
    struct error error;
    world.spool = spool_world_open(world.spool_path, &recovery);
    struct delivery_parts parts = {.spool = world.spool,
                                   .tracking = NULL,
                                   .events = &sink,
                                   .data_folder = world.folder,
                                   .host_name = "gate.test"};
    world.delivery = delivery_start(&parts, world.settings, &error);
    ck_assert_msg(world.delivery != NULL, "%s", error.text);
}

static void stop(uint32_t deadline_ms)
{
    delivery_stop(world.delivery, deadline_ms);
    spool_close(world.spool);
}

void world_open(const char *settings, uint16_t port)
{
    memset(&world, 0, sizeof world);
    world.lock = lock_create();
    world.rows = memory_allocate(ROWS, sizeof *world.rows);
    world.folder = scratch_folder();
    ident_source_init(&world.idents, 0);
    world.spool_path = path_join(world.folder, "spool.db");
    world.settings = parse(settings, port);
    start();
}

static void remove_folder(const char *name)
{
    char *path = path_join(world.folder, name);
    if (folder_exists(path))
        scratch_remove(path);
    else
        memory_free(path);
}

void world_close(void)
{
    stop(1000);
    settings_release(world.settings);
    remove_folder("Drop");
    remove_folder("Badmail");
    memory_free(world.spool_path);
    scratch_remove(world.folder);
    for (int i = 0; i < world.row_count; i++) {
        memory_free(world.rows[i].reply);
        memory_free(world.rows[i].destination);
    }
    memory_free(world.rows);
    lock_destroy(world.lock);
}

void world_restart(uint32_t deadline_ms)
{
    stop(deadline_ms);
    start();
}

void world_change(const char *settings, uint16_t port)
{
    const struct settings_snapshot *old = world.settings;
    world.settings = parse(settings, port);
    delivery_set_settings(world.delivery, world.settings);
    settings_release(old);
}

struct delivery *world_delivery(void)
{
    return world.delivery;
}

const char *world_folder(void)
{
    return world.folder;
}

/* ---- messages ---- */

static void wait_for_resume(struct answers *answers)
{
    lock_acquire(answers->lock);
    while (answers->resumed == 0)
        condition_wait(answers->condition, answers->lock);
    answers->resumed = 0;
    lock_release(answers->lock);
}

static ident commit(const char *sender, const char *recipients, const char *content,
                    int64_t received_ms, struct answers *answers)
{
    struct spool_recipient list[1000];
    char addresses[1000][50];
    size_t count = 0;
    struct view rest = view_of_text(recipients);
    struct view address;
    while (view_split(&rest, ' ', &address)) {
        view_copy_text(address, addresses[count], sizeof addresses[count]);
        list[count] = (struct spool_recipient){
            .number = (uint32_t)count, .address = addresses[count], .orcpt = "", .last_reply = ""};
        count++;
    }
    struct spool_facts facts = {
        .message = ident_next(&world.idents, clock_unix_ms()),
        .session = 1,
        .received_ms = received_ms != 0 ? received_ms : clock_unix_ms(),
        .reverse_path = sender,
        .client = "192.0.2.1",
        .helo = "client.test",
        .virtual_server = "test",
        .message_id = "<1@client.test>",
        .subject = "Test",
        .envid = "",
        .size = strlen(content),
    };
    struct spool_incoming *incoming =
        spool_begin(world.spool, facts.message, answers_resume, answers);
    for (size_t at = 0; at < facts.size; at += 60000) {
        struct view piece = view_first(view_from(view_of_text(content), at), 60000);
        if (spool_append(incoming, piece.data, piece.length) == SPOOL_WAIT)
            wait_for_resume(answers);
    }
    spool_commit(incoming, &facts, list, count, answers_done, answers);
    return facts.message;
}

ident world_send(const char *sender, const char *recipients, const char *content,
                 int64_t received_ms)
{
    struct answers *answers = answers_create();
    ident message = commit(sender, recipients, content, received_ms, answers);
    answers_wait(answers, 1);
    ck_assert_uint_eq(answers->stored, 1);
    answers_destroy(answers);
    return message;
}

void world_send_many(int count)
{
    struct answers *answers = answers_create();
    for (int i = 0; i < count; i++) {
        char content[100];
        snprintf(content, sizeof content, "Subject: %d\r\n\r\nText\r\n", i);
        commit("eve@example.net", "info@example.test", content, 0, answers);
    }
    answers_wait(answers, (unsigned)count);
    answers_destroy(answers);
}

uint64_t world_waiting(void)
{
    uint64_t messages, recipients;
    spool_count(world.spool, &messages, &recipients);
    return messages;
}

void world_pause(const char *condition, int tries)
{
    ck_assert_msg(tries < 4000, "it never came true that %s", condition);
    pause_a_little();
}

bool world_queue(const char *destination, struct delivery_queue *queue)
{
    struct delivery_queue *queues;
    size_t count = delivery_queues(world.delivery, &queues);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(queues[i].destination, destination) == 0) {
            *queue = queues[i];
            found = true;
        }
    }
    memory_free(queues);
    return found;
}

/* ---- files ---- */

struct search {
    const char *folder;
    const char *extension;
    int count;
    char *path;
};

static void look_at(void *user, const char *name, bool is_folder)
{
    struct search *search = user;
    if (is_folder || !view_ends_with_nocase(view_of_text(name), view_of_text(search->extension)))
        return;
    search->count++;
    memory_free(search->path);
    search->path = path_join(search->folder, name);
}

static struct search search_files(const char *folder, const char *extension)
{
    char *path = path_join(world.folder, folder);
    struct search search = {.folder = path, .extension = extension};
    if (folder_exists(path))
        folder_each(path, look_at, &search, NULL);
    memory_free(path);
    return search;
}

int world_files(const char *folder, const char *extension)
{
    struct search search = search_files(folder, extension);
    memory_free(search.path);
    return search.count;
}

char *world_file(const char *folder, const char *extension)
{
    struct search search = search_files(folder, extension);
    ck_assert_int_gt(search.count, 0);
    char *text = scratch_text(search.path);
    memory_free(search.path);
    return text;
}
