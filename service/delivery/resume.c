#include "delivery/delivery_private.h"

#include "base/memory.h"
#include "platform/clock.h"

/* The rows of one message, which follow each other. */
struct gathering {
    struct delivery *delivery;
    struct spool_waiting first; /* of the message; its texts are not valid any more */
    struct queue_recipient *recipients;
    size_t count;
    size_t capacity;
    int64_t next_attempt_ms; /* the earliest, unix */
    uint32_t attempts;       /* the most */
};

/* Recipients that were to be tried at different times go together at the earliest, or a message
 * would fall apart for good. */
static void place(struct gathering *gathering)
{
    struct delivery *delivery = gathering->delivery;
    if (gathering->count == 0)
        return;
    struct queue_entry *entry = queue_entry_create(gathering->count);
    entry->message = gathering->first.message;
    entry->received_ms = gathering->first.received_ms;
    entry->size = gathering->first.size;
    entry->attempts = gathering->attempts;
    memcpy(entry->recipients, gathering->recipients,
           gathering->count * sizeof entry->recipients[0]);
    gathering->count = 0;

    int64_t wait_ms = gathering->next_attempt_ms - clock_unix_ms();
    if (wait_ms > 0)
        entry->next_attempt_ms = net_now_ms(delivery->loop) + wait_ms;
    delivery_place(delivery, entry, wait_ms > 0 ? PLACE_WAIT : PLACE_BACK);
}

static void gather(void *user, const struct spool_waiting *waiting)
{
    struct gathering *gathering = user;
    if (gathering->count > 0 && waiting->message != gathering->first.message)
        place(gathering);
    if (gathering->count == 0) {
        gathering->first = *waiting;
        gathering->next_attempt_ms = waiting->next_attempt_ms;
        gathering->attempts = waiting->attempts;
    }
    if (waiting->next_attempt_ms < gathering->next_attempt_ms)
        gathering->next_attempt_ms = waiting->next_attempt_ms;
    if (waiting->attempts > gathering->attempts)
        gathering->attempts = waiting->attempts;
    if (gathering->count == gathering->capacity) {
        gathering->capacity = gathering->capacity == 0 ? 16 : gathering->capacity * 2;
        gathering->recipients = memory_resize(gathering->recipients, gathering->capacity,
                                              sizeof *gathering->recipients);
    }
    gathering->recipients[gathering->count++] = (struct queue_recipient){
        .domain = delivery_domain_retain(gathering->delivery, waiting->address),
        .number = waiting->recipient,
    };
}

bool delivery_resume(struct delivery *delivery, struct error *error)
{
    struct gathering gathering = {.delivery = delivery};
    bool done = spool_each_waiting(delivery->spool, gather, &gathering, error);
    place(&gathering);
    memory_free(gathering.recipients);
    return done;
}
