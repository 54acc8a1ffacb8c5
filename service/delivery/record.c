#include "delivery/record.h"

#include "base/arena.h"
#include "base/memory.h"

/* Handed over before the turn ends when there are so many. */
#define OUTCOMES_TOGETHER 4096

struct record {
    struct spool *spool;
    struct net_timer *turn; /* fires at the end of this turn of the loop */
    struct spool_outcome *outcomes;
    size_t count;
    size_t capacity;
    struct arena *replies;
};

static void hand_over(struct record *record)
{
    if (record->count == 0)
        return;
    /* Nobody waits for the sync: should it never come, the message is delivered again. */
    spool_record(record->spool, record->outcomes, record->count, NULL, NULL);
    record->count = 0;
    arena_reset(record->replies);
}

static void turn_ends(void *user)
{
    hand_over(user);
}

struct record *record_create(struct net_loop *loop, struct spool *spool)
{
    struct record *record = memory_allocate(1, sizeof *record);
    record->spool = spool;
    record->turn = net_timer_create(loop, turn_ends, record);
    record->replies = arena_create(16384);
    return record;
}

void record_destroy(struct record *record)
{
    hand_over(record);
    net_timer_destroy(record->turn);
    arena_destroy(record->replies);
    memory_free(record->outcomes);
    memory_free(record);
}

static void add(struct record *record, const struct spool_outcome *outcome)
{
    if (record->count == record->capacity) {
        record->capacity = record->capacity == 0 ? 64 : record->capacity * 2;
        record->outcomes =
            memory_resize(record->outcomes, record->capacity, sizeof *record->outcomes);
    }
    if (record->count == 0)
        net_timer_start(record->turn, 0);
    record->outcomes[record->count++] = *outcome;
    if (record->count == OUTCOMES_TOGETHER)
        hand_over(record);
}

void record_settled(struct record *record, ident message, uint32_t recipient)
{
    struct spool_outcome outcome = {
        .message = message, .recipient = recipient, .kind = SPOOL_SETTLED, .reply = ""};
    add(record, &outcome);
}

void record_retry(struct record *record, ident message, uint32_t recipient, uint32_t attempts,
                  int64_t next_attempt_ms, const char *reply)
{
    struct spool_outcome outcome = {
        .message = message,
        .recipient = recipient,
        .kind = SPOOL_RETRY,
        .attempts = attempts,
        .next_attempt_ms = next_attempt_ms,
        .reply = arena_copy_text(record->replies, view_of_text(reply)),
    };
    add(record, &outcome);
}

void record_track(struct tracking *tracking, enum tracking_event event,
                  const struct spool_item *item, const char *address, const char *destination,
                  const char *reply, const char *reason)
{
    const struct spool_facts *facts = &item->facts;
    struct tracking_record row = {
        .event = event,
        .session = facts->session,
        .message = facts->message,
        .message_id = facts->message_id,
        .sender = facts->reverse_path[0] == '\0' ? "<>" : facts->reverse_path,
        .recipient = address,
        .destination = destination,
        .reply = reply,
        .reason = reason,
        .size = facts->size,
    };
    tracking_write(tracking, &row);
}
