/*
 * The writing side: records are packed into a queue under a lock; the writer takes the whole queue
 * some times a second, writes it in one transaction, and removes what is too old between two of them.
 */
#include "tracking/tracking.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/thread.h"
#include "tracking/internal.h"
#include "tracking/ledger.h"

#include <stdatomic.h>

#define BATCH_WAIT_MS    200   /* a record waits at most this long for others */
#define BATCH_RECORDS    10000 /* or for so many */
#define COUNTS_WAIT_MS   5000  /* counted refusals are added to their rows */
#define RETRY_WAIT_MS    1000
#define EXPIRY_WAIT_MS   3600000
#define EXPIRY_STEP_MS   20  /* pause between two pieces */
#define RECORD_BYTES     512 /* of the queue's memory, for each record it may hold */
#define QUEUE_KEPT_BYTES (4 << 20)
#define TROUBLE_WAIT_MS  60000 /* between two reports of trouble */
#define DAY_US           (INT64_C(24) * 3600 * 1000000)

struct tracking {
    char *path;
    struct thread *thread;
    _Atomic uint64_t dropped;

    struct lock *lock; /* for all that follows */
    struct condition *wake;
    struct condition *flushed;
    struct tracking_options options;
    struct tracking_flood *flood;
    struct buffer queue;
    uint32_t queue_records;
    int64_t queue_since_ms; /* monotonic, when the oldest of it came */
    uint64_t flush_asked;
    uint64_t flush_done;
    bool keep_has_changed; /* keep_days: what is too old now goes at once */
    bool is_sleeping;      /* the writer */
    bool is_stopping;

    /* The writer's own. */
    struct tracking_ledger *ledger;
    struct buffer batch;
    struct hash_table *counts;
    bool is_in_trouble; /* an event said so */
    int64_t quiet_until_ms;
    uint64_t dropped_seen;
    uint64_t dropped_reported;
    int64_t counts_at_ms;
    int64_t expiry_at_ms;
    int64_t retry_at_ms; /* 0: nothing failed */
};

const char *tracking_path(const struct tracking *tracking)
{
    return tracking->path;
}

uint64_t tracking_dropped(const struct tracking *tracking)
{
    return atomic_load(&tracking->dropped);
}

/* ---- the callers' side ---- */

static bool put_in_queue(struct tracking *tracking, struct tracking_entry *entry)
{
    if (!tracking->options.subjects)
        entry->texts[TRACKING_TEXT_SUBJECT] = VIEW_NONE;
    if (tracking->queue_records >= tracking->options.queue_records ||
        !tracking_entry_pack(entry, &tracking->queue))
        return false;
    tracking->queue_records++;
    if (tracking->queue_records == 1)
        tracking->queue_since_ms = clock_monotonic_ms();
    if (tracking->is_sleeping &&
        (tracking->queue_records == 1 || tracking->queue_records == BATCH_RECORDS))
        condition_signal(tracking->wake);
    return true;
}

void tracking_write(struct tracking *tracking, const struct tracking_record *record)
{
    struct tracking_entry entry;
    tracking_entry_measure(&entry, record, record->time_us != 0 ? 0 : clock_unix_us());
    lock_acquire(tracking->lock);
    bool is_listed =
        !tracking_event_is_refusal(entry.event) || tracking_flood_admit(tracking->flood, &entry);
    if (is_listed && !put_in_queue(tracking, &entry))
        atomic_fetch_add(&tracking->dropped, 1);
    lock_release(tracking->lock);
}

bool tracking_flush(struct tracking *tracking, uint32_t deadline_ms)
{
    int64_t until = clock_monotonic_ms() + deadline_ms;
    lock_acquire(tracking->lock);
    uint64_t number = ++tracking->flush_asked;
    condition_signal(tracking->wake);
    while (tracking->flush_done < number) {
        int64_t left = until - clock_monotonic_ms();
        if (left <= 0 || !condition_wait_for(tracking->flushed, tracking->lock, (uint32_t)left))
            break;
    }
    bool done = tracking->flush_done >= number;
    lock_release(tracking->lock);
    return done;
}

void tracking_set_options(struct tracking *tracking, const struct tracking_options *options)
{
    lock_acquire(tracking->lock);
    size_t maximum = (size_t)options->queue_records * RECORD_BYTES;
    tracking->keep_has_changed = options->keep_days != tracking->options.keep_days;
    tracking->options = *options;
    /* A buffer's maximum is never below what is in it. */
    tracking->queue.maximum = maximum > tracking->queue.length ? maximum : tracking->queue.length;
    tracking_flood_set_limits(tracking->flood, options->refusals_per_minute,
                              options->sources_per_minute);
    if (tracking->keep_has_changed)
        condition_signal(tracking->wake);
    lock_release(tracking->lock);
}

/* ---- the writer ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the writer has something to do, as things stand. */
static int64_t next_turn_ms(const struct tracking *tracking, int64_t now)
{
    bool is_asked = tracking->is_stopping || tracking->keep_has_changed ||
                    tracking->flush_asked > tracking->flush_done;
    int64_t turn = earlier(tracking->counts_at_ms, tracking->expiry_at_ms);
    if (tracking->retry_at_ms != 0)
        return tracking->is_stopping ? now : tracking->retry_at_ms;
    if (is_asked || tracking->queue_records >= BATCH_RECORDS)
        return now;
    if (tracking->queue_records > 0)
        turn = earlier(turn, tracking->queue_since_ms + BATCH_WAIT_MS);
    return turn;
}

/* What the writer found at one turn. */
struct turn {
    struct tracking_options options;
    uint64_t dropped;
    uint64_t flush_asked; /* answered when this turn's batch is written */
    bool is_stopping;
    bool took_queue; /* else the batch before is tried again */
};

/* The lock is held. */
static void take_queue(struct tracking *tracking, int64_t now)
{
    bool is_asked = tracking->is_stopping || tracking->flush_asked > tracking->flush_done;
    struct buffer empty = tracking->batch;
    empty.maximum = (size_t)tracking->options.queue_records * RECORD_BYTES;
    tracking->batch = tracking->queue;
    tracking->queue = empty;
    tracking->queue_records = 0;
    if (is_asked || now >= tracking->counts_at_ms) {
        tracking->counts = tracking_flood_take(tracking->flood);
        tracking->counts_at_ms = now + COUNTS_WAIT_MS;
    }
}

/* Waits for it. */
static void take_turn(struct tracking *tracking, struct turn *turn)
{
    lock_acquire(tracking->lock);
    int64_t now = clock_monotonic_ms();
    for (int64_t at; (at = next_turn_ms(tracking, now)) > now; now = clock_monotonic_ms()) {
        tracking->is_sleeping = true;
        condition_wait_for(tracking->wake, tracking->lock, (uint32_t)(at - now));
        tracking->is_sleeping = false;
    }
    bool is_retry = tracking->retry_at_ms != 0;
    *turn = (struct turn){
        .options = tracking->options,
        .dropped = atomic_load(&tracking->dropped),
        .flush_asked = is_retry ? tracking->flush_done : tracking->flush_asked,
        .is_stopping = tracking->is_stopping,
        .took_queue = !is_retry,
    };
    if (!is_retry)
        take_queue(tracking, now);
    if (tracking->keep_has_changed)
        tracking->expiry_at_ms = now;
    tracking->keep_has_changed = false;
    lock_release(tracking->lock);
}

static bool write_records(struct tracking *tracking, struct error *error)
{
    struct tracking_entry entry;
    const struct buffer *batch = &tracking->batch;
    for (size_t at = 0; at < batch->length;) {
        at += tracking_entry_unpack(&entry, batch->data + at);
        if (!tracking_ledger_put(tracking->ledger, &entry, error))
            return false;
    }
    return true;
}

static bool write_counts(struct tracking *tracking, struct error *error)
{
    struct view key;
    void *count;
    if (tracking->counts == NULL)
        return true;
    for (size_t position = 0; hash_table_next(tracking->counts, &position, &key, &count);)
        if (!tracking_ledger_put_count(tracking->ledger, count, error))
            return false;
    return true;
}

static bool write_batch(struct tracking *tracking, struct error *error)
{
    if (tracking->batch.length == 0 && tracking->counts == NULL)
        return true;
    if (!tracking_ledger_begin(tracking->ledger, error) || !write_records(tracking, error) ||
        !write_counts(tracking, error) || !tracking_ledger_commit(tracking->ledger, error)) {
        tracking_ledger_roll_back(tracking->ledger);
        return false;
    }
    return true;
}

static void forget_batch(struct tracking *tracking)
{
    buffer_shrink(&tracking->batch, QUEUE_KEPT_BYTES);
    if (tracking->counts != NULL)
        tracking_counts_destroy(tracking->counts);
    tracking->counts = NULL;
}

static void answer_flush(struct tracking *tracking, const struct turn *turn)
{
    lock_acquire(tracking->lock);
    tracking->flush_done = turn->flush_asked;
    condition_broadcast(tracking->flushed);
    lock_release(tracking->lock);
}

/* One event when trouble begins and one when it ends, whichever kind it is. */
static void report(struct tracking *tracking, const struct turn *turn, const struct error *failure)
{
    char text[sizeof failure->text + 1];
    int64_t now = clock_monotonic_ms();
    bool has_trouble = failure != NULL || turn->dropped > tracking->dropped_seen;
    tracking->dropped_seen = turn->dropped;
    if (has_trouble && !tracking->is_in_trouble && now >= tracking->quiet_until_ms) {
        tracking->is_in_trouble = true;
        snprintf(text, sizeof text, "%s.",
                 failure != NULL ? failure->text : "records come faster than they can be written");
        event_report(turn->options.events, EVENT_TRACKING_FAILED, text, NULL);
    } else if (!has_trouble && tracking->is_in_trouble) {
        tracking->is_in_trouble = false;
        tracking->quiet_until_ms = now + TROUBLE_WAIT_MS;
        snprintf(text, sizeof text, "%llu",
                 (unsigned long long)(turn->dropped - tracking->dropped_reported));
        tracking->dropped_reported = turn->dropped;
        event_report(turn->options.events, EVENT_TRACKING_RECOVERED, text, NULL);
    }
}

static void expire(struct tracking *tracking, const struct turn *turn)
{
    bool more = false;
    struct error error;
    int64_t now = clock_monotonic_ms();
    if (now < tracking->expiry_at_ms || turn->is_stopping)
        return;
    int64_t before_us = clock_unix_us() - (int64_t)turn->options.keep_days * DAY_US;
    if (!tracking_ledger_expire(tracking->ledger, before_us, &more, &error)) {
        report(tracking, turn, &error);
        tracking->expiry_at_ms = now + RETRY_WAIT_MS;
    } else {
        tracking->expiry_at_ms = now + (more ? EXPIRY_STEP_MS : EXPIRY_WAIT_MS);
    }
}

static void write_until_stopped(void *argument)
{
    struct tracking *tracking = argument;
    struct turn turn;
    bool is_last;
    do {
        struct error error;
        take_turn(tracking, &turn);
        if (write_batch(tracking, &error)) {
            tracking->retry_at_ms = 0;
            forget_batch(tracking);
            answer_flush(tracking, &turn);
            report(tracking, &turn, NULL);
            expire(tracking, &turn);
            is_last = turn.is_stopping && turn.took_queue;
        } else {
            tracking->retry_at_ms = clock_monotonic_ms() + RETRY_WAIT_MS;
            report(tracking, &turn, &error);
            is_last = turn.is_stopping;
        }
    } while (!is_last);
    forget_batch(tracking);
}

/* ---- opening and closing ---- */

struct tracking *tracking_open(const char *path, const struct tracking_options *options,
                               struct error *error)
{
    struct tracking_ledger *ledger = tracking_ledger_open(path, error);
    if (ledger == NULL)
        return NULL;
    struct tracking *tracking = memory_allocate(1, sizeof *tracking);
    tracking->ledger = ledger;
    tracking->path = memory_copy_text(path);
    tracking->lock = lock_create();
    tracking->wake = condition_create();
    tracking->flushed = condition_create();
    tracking->flood = tracking_flood_create();
    atomic_init(&tracking->dropped, 0);
    tracking->counts_at_ms = clock_monotonic_ms() + COUNTS_WAIT_MS;
    tracking_set_options(tracking, options);
    tracking->thread = thread_start("tracking", write_until_stopped, tracking);
    return tracking;
}

void tracking_close(struct tracking *tracking)
{
    if (tracking == NULL)
        return;
    lock_acquire(tracking->lock);
    tracking->is_stopping = true;
    condition_signal(tracking->wake);
    lock_release(tracking->lock);
    thread_join(tracking->thread);

    tracking_ledger_close(tracking->ledger);
    tracking_flood_destroy(tracking->flood);
    buffer_free(&tracking->queue);
    buffer_free(&tracking->batch);
    condition_destroy(tracking->flushed);
    condition_destroy(tracking->wake);
    lock_destroy(tracking->lock);
    memory_free(tracking->path);
    memory_free(tracking);
}
