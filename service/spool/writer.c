/*
 * The spool thread: takes all that waits, writes it in one transaction, answers. While the store fails it
 * refuses messages, keeps what is owed to the file (outcomes, chunks to remove) and tries again each second.
 */
#include "spool/internal.h"

#include "base/log.h"
#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <sqlite3.h>

#define TICK_MS 1000 /* the disk is looked at, a failing store tried again */

/* Outcomes nobody waits for ride along with the next message, for which they would else hold up the
 * sync; a crash in that time may deliver again what was delivered. */
#define OUTCOMES_WAIT_MS 20

/* Pages of the log (4 KB each) from which on it is copied into the file: when nothing waits, or in any
 * case. A log that starts anew before it is large stays in the system's cache, and its file, once
 * it has grown, is written without changing its size, which makes each sync cheaper. */
#define CHECKPOINT_PAGES      1000
#define CHECKPOINT_PAGES_MOST 8000

#define SHRINK_PAGES 1000 /* given back in one tick of an idle spool */

/* After "disk full" a probe that writes a page would succeed and the next message would not. */
#define FREE_BYTES_AFTER_FULL (UINT64_C(4) << 20)

struct writer {
    struct spool *spool;
    struct work_list pending; /* to be written, in this order */
    struct error failure;     /* why messages are refused at present */
    int64_t tick_at_ms;
    bool was_busy; /* since the last tick */
};

/* ---- state ---- */

static struct spool_options options_of(struct spool *spool)
{
    lock_acquire(spool->lock);
    struct spool_options options = spool->options;
    lock_release(spool->lock);
    return options;
}

static void set_state(struct writer *writer, enum spool_state state)
{
    atomic_store(&writer->spool->state, (int)state);
}

static void begin_failing(struct writer *writer, const struct error *error)
{
    char sentence[sizeof error->text + 1];
    writer->failure = *error;
    if (spool_state(writer->spool) == SPOOL_FAILING)
        return;
    set_state(writer, SPOOL_FAILING);
    snprintf(sentence, sizeof sentence, "%s.", error->text);
    event_report(options_of(writer->spool).events, EVENT_STORE_FAILED, sentence,
                 writer->spool->path, NULL);
}

static void megabytes(uint64_t bytes, char text[24])
{
    snprintf(text, 24, "%llu", (unsigned long long)(bytes >> 20));
}

static void begin_disk_low(struct writer *writer, const struct spool_options *options,
                           uint64_t bytes)
{
    char has[24];
    char set[24];
    megabytes(bytes, has);
    megabytes(options->minimum_free_bytes, set);
    set_state(writer, SPOOL_DISK_LOW);
    error_set(&writer->failure, 0, "the disk that holds %s has %s MB free, less than the %s MB set",
              writer->spool->path, has, set);
    event_report(options->events, EVENT_DISK_LOW, writer->spool->path, has, set, NULL);
}

/* A little more than the minimum is asked for, so that mail at the edge does not switch to and fro. */
static void watch_disk(struct writer *writer)
{
    struct spool *spool = writer->spool;
    struct spool_options options = options_of(spool);
    uint64_t minimum = options.minimum_free_bytes;
    enum spool_state state = spool_state(spool);
    struct error error;
    uint64_t bytes;
    char has[24];

    if (state == SPOOL_FAILING || (state == SPOOL_READY && minimum == 0))
        return;
    if (!disk_free_bytes(spool->folder, &bytes, &error)) {
        log_line(LOG_WARNING, 0, "free space is not known: %s", error.text);
    } else if (state == SPOOL_READY && bytes < minimum) {
        begin_disk_low(writer, &options, bytes);
    } else if (state == SPOOL_DISK_LOW && bytes >= minimum + minimum / 10) {
        megabytes(bytes, has);
        set_state(writer, SPOOL_READY);
        event_report(options.events, EVENT_DISK_ENOUGH, spool->path, has, NULL);
    }
}

static bool has_room_again(struct writer *writer)
{
    uint64_t bytes;
    return (writer->failure.code & 0xff) != SQLITE_FULL ||
           !disk_free_bytes(writer->spool->folder, &bytes, NULL) || bytes >= FREE_BYTES_AFTER_FULL;
}

/* Writes for the sake of writing. */
static void probe(struct writer *writer)
{
    struct spool_store *store = writer->spool->store;
    struct error error;
    if (!has_room_again(writer))
        return;
    if (spool_store_begin(store, &error) && spool_store_set_clean(store, false, &error) &&
        spool_store_commit(store, NULL, &error) && spool_store_checkpoint(store, &error)) {
        set_state(writer, SPOOL_READY);
        event_report(options_of(writer->spool).events, EVENT_STORE_RECOVERED, NULL);
        watch_disk(writer);
    } else {
        spool_store_roll_back(store);
        writer->failure = error;
    }
}

/* ---- answers ---- */

static void answer_chunk(struct chunk_work *chunk)
{
    struct spool_incoming *incoming = chunk->incoming;
    lock_acquire(incoming->spool->lock);
    incoming->chunks_waiting--;
    if (incoming->is_waiting && incoming->chunks_waiting < SPOOL_CHUNKS_WAITING) {
        incoming->is_waiting = false;
        /* Under the lock: it cannot come any more when spool_abort() or spool_commit() has returned. */
        incoming->resume(incoming->resume_user);
    }
    lock_release(incoming->spool->lock);
    buffer_free(&chunk->data);
    memory_free(chunk);
}

static void answer_stored(struct spool *spool, struct spool_incoming *incoming)
{
    if (incoming->chunks == 0)
        spool_item_keep_body(incoming->item, &incoming->rest, spool->body_memory);
    if (spool->take != NULL)
        spool->take(spool->take_user, &incoming->item->item);
    incoming->done(incoming->done_user, SPOOL_STORED, NULL);
    spool_incoming_free(incoming);
}

static void answer_outcomes(struct outcome_work *work, enum spool_result result,
                            const struct error *error)
{
    if (work->done != NULL)
        work->done(work->user, result, error);
    memory_free(work);
}

static void answer_written(struct spool *spool, struct work *work)
{
    switch (work->kind) {
    case WORK_MESSAGE:
        answer_stored(spool, (struct spool_incoming *)work);
        break;
    case WORK_CHUNK:
        answer_chunk((struct chunk_work *)work);
        break;
    case WORK_DROP:
        spool_incoming_free((struct spool_incoming *)work);
        break;
    case WORK_OUTCOMES:
        answer_outcomes((struct outcome_work *)work, SPOOL_STORED, NULL);
        break;
    }
}

/* What was not written: messages and chunks are given up, the rest stays owed. */
static void answer_refused(struct writer *writer, struct work *work, const struct error *error)
{
    struct spool_incoming *incoming;
    switch (work->kind) {
    case WORK_MESSAGE:
        incoming = (struct spool_incoming *)work;
        incoming->done(incoming->done_user, SPOOL_NOT_STORED, error);
        work->kind = WORK_DROP;
        if (incoming->chunks == 0)
            spool_incoming_free(incoming);
        else
            spool_work_append(&writer->pending, work);
        break;
    case WORK_CHUNK:
        atomic_store(&((struct chunk_work *)work)->incoming->chunk_was_lost, true);
        answer_chunk((struct chunk_work *)work);
        break;
    case WORK_DROP:
    case WORK_OUTCOMES:
        spool_work_append(&writer->pending, work);
        break;
    }
}

static void refuse_all(struct writer *writer, struct work_list *list)
{
    for (struct work *work; (work = spool_work_take_first(list)) != NULL;)
        answer_refused(writer, work, &writer->failure);
}

/* ---- transactions ---- */

static bool write_work(struct spool_store *store, struct work *work, struct error *error)
{
    struct spool_incoming *incoming = (struct spool_incoming *)work;
    struct chunk_work *chunk = (struct chunk_work *)work;
    struct outcome_work *outcomes = (struct outcome_work *)work;
    switch (work->kind) {
    case WORK_MESSAGE:
        return spool_store_put_message(store, &incoming->item->item, buffer_view(&incoming->rest),
                                       error);
    case WORK_CHUNK:
        return spool_store_put_chunk(store, chunk->incoming->message, chunk->number,
                                     buffer_view(&chunk->data), error);
    case WORK_DROP:
        return spool_store_drop_chunks(store, incoming->message, error);
    case WORK_OUTCOMES:
        return spool_store_put_outcomes(store, outcomes->outcomes, outcomes->count, error);
    }
    return false;
}

static bool write_group(struct spool_store *store, const struct work_list *group,
                        struct spool_store_changes *changes, struct error *error)
{
    bool written = spool_store_begin(store, error);
    for (struct work *work = group->first; written && work != NULL; work = work->next)
        written = write_work(store, work, error);
    written = written && spool_store_commit(store, changes, error);
    if (!written)
        spool_store_roll_back(store);
    return written;
}

static void count_changes(struct spool *spool, const struct spool_store_changes *changes)
{
    /* Adding first: nobody sees less than none. */
    atomic_fetch_add(&spool->messages, changes->messages_added);
    atomic_fetch_add(&spool->recipients, changes->recipients_added);
    atomic_fetch_sub(&spool->messages, changes->messages_removed);
    atomic_fetch_sub(&spool->recipients, changes->recipients_removed);
    atomic_fetch_add(&spool->transactions, 1);
}

static void write_pending(struct writer *writer, uint32_t most)
{
    struct spool *spool = writer->spool;
    struct spool_store_changes changes;
    struct work_list group;
    struct error error;

    spool_work_init(&group);
    for (uint32_t i = 0; i < most && writer->pending.first != NULL; i++)
        spool_work_append(&group, spool_work_take_first(&writer->pending));
    if (write_group(spool->store, &group, &changes, &error)) {
        count_changes(spool, &changes);
        spool->written_us = clock_unix_us();
        for (struct work *work; (work = spool_work_take_first(&group)) != NULL;)
            answer_written(spool, work);
        return;
    }
    begin_failing(writer, &error);
    /* In the order they came: what stays owed comes to the end of pending again. */
    spool_work_move(&group, &writer->pending);
    refuse_all(writer, &group);
}

/* ---- the thread ---- */

/* Waits for work that is urgent or has waited, or for the tick, and moves it into `taken`. False when the
 * spool is to end. */
static bool take_work(struct writer *writer, struct work_list *taken, uint32_t *most)
{
    struct spool *spool = writer->spool;
    lock_acquire(spool->lock);
    for (;;) {
        bool has_work = spool->queue.first != NULL;
        int64_t until = has_work ? spool->queue_since_ms + OUTCOMES_WAIT_MS : writer->tick_at_ms;
        int64_t now = clock_monotonic_ms();
        if (spool->is_stopping || (has_work && spool->is_urgent) || now >= until)
            break;
        spool->is_sleeping = true;
        condition_wait_for(spool->wake, spool->lock, (uint32_t)(until - now));
        spool->is_sleeping = false;
    }
    bool goes_on = !spool->is_stopping || spool->queue.first != NULL;
    writer->was_busy |= spool->queue.first != NULL;
    spool_work_move(taken, &spool->queue);
    spool->queue_length = 0;
    spool->is_urgent = false;
    *most = spool->options.group_messages > 0 ? spool->options.group_messages : 1;
    lock_release(spool->lock);
    return goes_on;
}

static bool can_be_written(const struct writer *writer, const struct work *work)
{
    if (work->kind == WORK_DROP || work->kind == WORK_OUTCOMES)
        return true;
    const struct spool_incoming *incoming = work->kind == WORK_CHUNK
                                                ? ((const struct chunk_work *)work)->incoming
                                                : (const struct spool_incoming *)work;
    return spool_state(writer->spool) == SPOOL_READY && !atomic_load(&incoming->chunk_was_lost);
}

static void do_work(struct writer *writer, struct work_list *taken, uint32_t most)
{
    for (struct work *work; (work = spool_work_take_first(taken)) != NULL;) {
        if (can_be_written(writer, work))
            spool_work_append(&writer->pending, work);
        else
            answer_refused(writer, work, &writer->failure);
    }
    while (writer->pending.first != NULL && spool_state(writer->spool) != SPOOL_FAILING)
        write_pending(writer, most);
}

static bool somebody_waits(struct spool *spool)
{
    lock_acquire(spool->lock);
    bool waits = spool->is_urgent;
    lock_release(spool->lock);
    return waits;
}

static void care_for_log(struct writer *writer, bool is_idle)
{
    struct spool_store *store = writer->spool->store;
    uint32_t due = spool_store_checkpoint_due(store);
    struct error error;
    if (spool_state(writer->spool) == SPOOL_FAILING)
        return;
    bool is_time = due >= CHECKPOINT_PAGES_MOST || (is_idle && due > 0) ||
                   (due >= CHECKPOINT_PAGES && !somebody_waits(writer->spool));
    if (is_time && !spool_store_checkpoint(store, &error))
        begin_failing(writer, &error);
}

static void tick(struct writer *writer)
{
    bool is_idle = !writer->was_busy;
    struct error error;
    writer->tick_at_ms = clock_monotonic_ms() + TICK_MS;
    writer->was_busy = false;
    if (spool_state(writer->spool) == SPOOL_FAILING) {
        probe(writer);
        return;
    }
    watch_disk(writer);
    if (!is_idle)
        return;
    if (!spool_store_shrink(writer->spool->store, SHRINK_PAGES, &error))
        begin_failing(writer, &error);
    else
        care_for_log(writer, true);
}

/* Marks the file clean when nothing was lost. */
static void finish(struct writer *writer)
{
    struct spool_store *store = writer->spool->store;
    struct error error;
    if (spool_state(writer->spool) == SPOOL_FAILING)
        probe(writer);
    while (writer->pending.first != NULL && spool_state(writer->spool) != SPOOL_FAILING)
        write_pending(writer, UINT32_MAX);
    if (spool_state(writer->spool) != SPOOL_FAILING &&
        (!spool_store_begin(store, &error) || !spool_store_set_clean(store, true, &error) ||
         !spool_store_commit(store, NULL, &error)))
        begin_failing(writer, &error);
    for (struct work *work; (work = spool_work_take_first(&writer->pending)) != NULL;) {
        if (work->kind == WORK_DROP)
            spool_incoming_free((struct spool_incoming *)work);
        else
            answer_outcomes((struct outcome_work *)work, SPOOL_NOT_STORED, &writer->failure);
    }
}

void spool_write_until_stopped(void *argument)
{
    struct writer writer = {.spool = argument};
    struct work_list taken;
    uint32_t most;
    thread_be_urgent();
    spool_work_init(&taken);
    spool_work_init(&writer.pending);
    writer.tick_at_ms = clock_monotonic_ms();

    while (take_work(&writer, &taken, &most)) {
        if (clock_monotonic_ms() >= writer.tick_at_ms)
            tick(&writer);
        do_work(&writer, &taken, most);
        care_for_log(&writer, false);
    }
    finish(&writer);
}
