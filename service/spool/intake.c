/* The side of the spool that other threads call: nothing here touches the file. */
#include "spool/internal.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "spool/database.h"

#include <assert.h>

/* ---- queue ---- */

void spool_work_init(struct work_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

void spool_work_append(struct work_list *list, struct work *work)
{
    work->next = NULL;
    *list->end = work;
    list->end = &work->next;
}

struct work *spool_work_take_first(struct work_list *list)
{
    struct work *work = list->first;
    if (work == NULL)
        return NULL;
    list->first = work->next;
    if (list->first == NULL)
        list->end = &list->first;
    return work;
}

void spool_work_move(struct work_list *to, struct work_list *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    spool_work_init(from);
}

void spool_enqueue(struct spool *spool, struct work *work, bool is_urgent)
{
    bool was_empty = spool->queue.first == NULL;
    if (was_empty)
        spool->queue_since_ms = clock_monotonic_ms();
    spool_work_append(&spool->queue, work);
    spool->queue_length++;
    bool becomes_urgent =
        !spool->is_urgent && (is_urgent || spool->queue_length >= spool->options.group_messages);
    spool->is_urgent |= becomes_urgent;
    if (spool->is_sleeping && (was_empty || becomes_urgent))
        condition_signal(spool->wake);
}

static void enqueue(struct spool *spool, struct work *work, bool is_urgent)
{
    lock_acquire(spool->lock);
    spool_enqueue(spool, work, is_urgent);
    lock_release(spool->lock);
}

/* ---- messages ---- */

struct spool_incoming *spool_begin(struct spool *spool, ident message, void (*resume)(void *user),
                                   void *user)
{
    struct spool_incoming *incoming = memory_allocate(1, sizeof *incoming);
    incoming->spool = spool;
    incoming->message = message;
    incoming->resume = resume;
    incoming->resume_user = user;
    buffer_init(&incoming->rest, SPOOL_CHUNK_BYTES);
    atomic_init(&incoming->chunk_was_lost, false);
    return incoming;
}

void spool_incoming_free(struct spool_incoming *incoming)
{
    if (incoming->item != NULL)
        spool_item_release(&incoming->item->item);
    buffer_free(&incoming->rest);
    memory_free(incoming);
}

static void hand_over_chunk(struct spool_incoming *incoming)
{
    struct spool *spool = incoming->spool;
    struct chunk_work *chunk = memory_allocate(1, sizeof *chunk);
    chunk->work.kind = WORK_CHUNK;
    chunk->incoming = incoming;
    chunk->number = incoming->chunks++;
    chunk->data = incoming->rest;
    buffer_init(&incoming->rest, SPOOL_CHUNK_BYTES);

    lock_acquire(spool->lock);
    incoming->chunks_waiting++;
    spool_enqueue(spool, &chunk->work, true);
    lock_release(spool->lock);
}

static bool must_wait(struct spool_incoming *incoming)
{
    struct lock *lock = incoming->spool->lock;
    lock_acquire(lock);
    incoming->is_waiting = incoming->chunks_waiting >= SPOOL_CHUNKS_WAITING;
    bool is_waiting = incoming->is_waiting;
    lock_release(lock);
    return is_waiting;
}

enum spool_flow spool_append(struct spool_incoming *incoming, const char *data, size_t length)
{
    bool grew_by_chunks = false;
    if (spool_state(incoming->spool) != SPOOL_READY || atomic_load(&incoming->chunk_was_lost))
        return SPOOL_REFUSE;
    while (length > 0) {
        size_t room = SPOOL_CHUNK_BYTES - incoming->rest.length;
        if (room == 0) {
            hand_over_chunk(incoming);
            grew_by_chunks = true;
            continue;
        }
        size_t piece = length < room ? length : room;
        buffer_append(&incoming->rest, data, piece);
        data += piece;
        length -= piece;
    }
    return grew_by_chunks && must_wait(incoming) ? SPOOL_WAIT : SPOOL_GO;
}

void spool_commit(struct spool_incoming *incoming, const struct spool_facts *facts,
                  const struct spool_recipient *recipients, size_t recipient_count, spool_done done,
                  void *user)
{
    assert(recipient_count > 0 && facts->message == incoming->message);
    struct spool *spool = incoming->spool;
    incoming->item = spool_item_create(facts, recipients, recipient_count);
    incoming->item->item.facts.size =
        (uint64_t)incoming->chunks * SPOOL_CHUNK_BYTES + incoming->rest.length;
    incoming->done = done;
    incoming->done_user = user;
    incoming->work.kind = WORK_MESSAGE;

    lock_acquire(spool->lock);
    incoming->is_waiting = false;
    spool_enqueue(spool, &incoming->work, true);
    lock_release(spool->lock);
}

void spool_abort(struct spool_incoming *incoming)
{
    struct spool *spool = incoming->spool;
    if (incoming->chunks == 0) {
        spool_incoming_free(incoming);
        return;
    }
    incoming->work.kind = WORK_DROP;
    lock_acquire(spool->lock);
    incoming->is_waiting = false;
    spool_enqueue(spool, &incoming->work, false);
    lock_release(spool->lock);
}

/* ---- outcomes ---- */

static const char *reply_of(const struct spool_outcome *outcome)
{
    return outcome->reply == NULL ? "" : outcome->reply;
}

void spool_record(struct spool *spool, const struct spool_outcome *outcomes, size_t count,
                  spool_done done, void *user)
{
    size_t text_bytes = 0;
    for (size_t i = 0; i < count; i++)
        text_bytes += strlen(reply_of(&outcomes[i])) + 1;
    struct outcome_work *work =
        memory_allocate(1, sizeof *work + count * sizeof outcomes[0] + text_bytes);
    char *place = (char *)&work->outcomes[count];
    work->work.kind = WORK_OUTCOMES;
    work->done = done;
    work->user = user;
    work->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(reply_of(&outcomes[i])) + 1;
        work->outcomes[i] = outcomes[i];
        work->outcomes[i].reply = memcpy(place, reply_of(&outcomes[i]), size);
        place += size;
    }
    enqueue(spool, &work->work, done != NULL);
}
