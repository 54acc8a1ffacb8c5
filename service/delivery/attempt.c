#include "delivery/attempt.h"

#include "base/log.h"
#include "delivery/give_up.h"
#include "delivery/retry.h"
#include "ndr/message_file.h"
#include "platform/clock.h"

/* ---- begin ---- */

/* All recipients in the item at hand? A message may have been settled while its entry was under
 * way. */
static bool item_fits(const struct queue_entry *entry)
{
    for (size_t i = 0; i < entry->recipient_count; i++) {
        if (message_file_recipient(entry->item, entry->recipients[i].number) == NULL)
            return false;
    }
    return true;
}

/* False when the attempt is over before it began. */
static bool load_item(struct attempt *attempt)
{
    struct destination *destination = attempt->destination;
    struct delivery *delivery = destination->delivery;
    struct queue_entry *entry = attempt->entry;
    struct error error;

    if (entry->item != NULL)
        return true;
    const struct spool_item *item = spool_load(delivery->reader, entry->message, &error);
    if (item != NULL) {
        delivery_hold_item(delivery, entry, item);
        spool_item_release(item);
    }
    if (item != NULL && item_fits(entry))
        return true;
    if (item == NULL && error.code != 0) {
        log_line(LOG_ERROR, entry->message, "cannot be read for delivery: %s", error.text);
        for (size_t i = 0; i < entry->recipient_count; i++)
            attempt_deferred(attempt, i, error.text);
        attempt_end(attempt);
        return false;
    }
    log_line(LOG_WARNING, entry->message, "is not in the store any more: nothing to deliver");
    queue_leave(&destination->queue, entry);
    delivery_entry_free(delivery, entry);
    return false;
}

bool attempt_begin(struct attempt *attempt, struct destination *destination)
{
    do {
        *attempt =
            (struct attempt){.destination = destination, .entry = queue_take(&destination->queue)};
        if (attempt->entry == NULL)
            return false;
    } while (!load_item(attempt));
    return true;
}

const struct spool_recipient *attempt_recipient(const struct attempt *attempt, size_t recipient)
{
    return message_file_recipient(attempt->entry->item,
                                  attempt->entry->recipients[recipient].number);
}

/* ---- what became of a recipient ---- */

static void track(const struct attempt *attempt, enum tracking_event event, size_t recipient,
                  const char *reply)
{
    if (attempt->entry->item != NULL)
        record_track(attempt->destination->delivery->tracking, event, attempt->entry->item,
                     attempt_recipient(attempt, recipient)->address, attempt->destination->name,
                     reply, "");
}

void attempt_delivered(struct attempt *attempt, size_t recipient, const char *reply)
{
    struct queue_recipient *slot = &attempt->entry->recipients[recipient];
    slot->fate = FATE_SETTLED;
    attempt->destination->last_error[0] = '\0';
    record_settled(attempt->destination->delivery->record, attempt->entry->message, slot->number);
    track(attempt, TRACKING_DELIVERED, recipient, reply);
}

static void give_up_recipient(struct attempt *attempt, size_t recipient, bool expired,
                              const char *reply)
{
    if (attempt->give_up == NULL)
        attempt->give_up = give_up_create(attempt->destination, attempt->entry);
    give_up_add(attempt->give_up, &attempt->entry->recipients[recipient], expired, reply);
}

void attempt_failed(struct attempt *attempt, size_t recipient, const char *reply)
{
    give_up_recipient(attempt, recipient, false, reply);
}

void attempt_deferred(struct attempt *attempt, size_t recipient, const char *reply)
{
    struct destination *destination = attempt->destination;
    struct delivery *delivery = destination->delivery;
    const struct settings_retry *retry = &delivery_settings(delivery)->retry;
    struct queue_entry *entry = attempt->entry;
    int64_t now_unix_ms = clock_unix_ms();
    int64_t expiry_ms = retry_expiry_ms(retry, destination->kind == ROUTE_DROP, entry->received_ms);

    view_copy_text(view_of_text(reply), destination->last_error, sizeof destination->last_error);
    if (expiry_ms <= now_unix_ms) {
        give_up_recipient(attempt, recipient, true, reply);
        return;
    }
    entry->recipients[recipient].fate = FATE_DEFERRED;
    if (attempt->retry_unix_ms == 0)
        attempt->retry_unix_ms = retry_next_ms(retry, entry->attempts + 1, now_unix_ms, expiry_ms);
    record_retry(delivery->record, entry->message, entry->recipients[recipient].number,
                 entry->attempts + 1, attempt->retry_unix_ms, reply);
    track(attempt, TRACKING_DEFERRED, recipient, reply);
}

void attempt_returned(struct attempt *attempt, size_t recipient)
{
    attempt->entry->recipients[recipient].fate = FATE_RETURNED;
}

/* ---- end ---- */

static size_t count_fate(const struct queue_entry *entry, enum queue_fate fate)
{
    size_t count = 0;
    for (size_t i = 0; i < entry->recipient_count; i++)
        count += entry->recipients[i].fate == fate;
    return count;
}

/* An entry of those recipients alone, who are out of the old one then. NULL when there are none. */
static struct queue_entry *take_out(struct delivery *delivery, struct queue_entry *entry,
                                    enum queue_fate fate)
{
    size_t count = count_fate(entry, fate);
    if (count == 0)
        return NULL;
    struct queue_entry *part = queue_entry_create_like(entry, count);
    if (entry->item != NULL)
        delivery_hold_item(delivery, part, entry->item);
    for (size_t i = 0, to = 0; i < entry->recipient_count; i++) {
        struct queue_recipient *recipient = &entry->recipients[i];
        if (recipient->fate != fate)
            continue;
        part->recipients[to] = *recipient;
        part->recipients[to++].fate = FATE_OPEN;
        recipient->domain = NULL;
    }
    return part;
}

void attempt_end(struct attempt *attempt)
{
    struct delivery *delivery = attempt->destination->delivery;
    struct queue_entry *entry = attempt->entry;

    for (size_t i = 0; i < entry->recipient_count; i++) {
        if (entry->recipients[i].fate == FATE_OPEN)
            attempt_returned(attempt, i);
    }
    struct queue_entry *returned = take_out(delivery, entry, FATE_RETURNED);
    struct queue_entry *deferred = take_out(delivery, entry, FATE_DEFERRED);
    if (attempt->give_up != NULL)
        give_up_submit(attempt->give_up);
    queue_leave(&attempt->destination->queue, entry);
    delivery_entry_free(delivery, entry);

    if (returned != NULL)
        delivery_place(delivery, returned, PLACE_FRONT);
    if (deferred != NULL) {
        int64_t wait_ms = attempt->retry_unix_ms - clock_unix_ms();
        deferred->attempts++;
        deferred->next_attempt_ms = net_now_ms(delivery->loop) + wait_ms;
        delivery_place(delivery, deferred, PLACE_WAIT);
    }
}

/* ---- without an attempt ---- */

void attempt_fail_ready(struct destination *destination, const char *reason)
{
    struct attempt attempt = {.destination = destination};
    while ((attempt.entry = queue_take(&destination->queue)) != NULL) {
        for (size_t i = 0; i < attempt.entry->recipient_count; i++)
            attempt_failed(&attempt, i, reason);
        attempt_end(&attempt);
        attempt.give_up = NULL;
    }
}

void attempt_expire(struct destination *destination, struct queue_entry *entry)
{
    struct give_up *give_up = give_up_create(destination, entry);
    for (size_t i = 0; i < entry->recipient_count; i++)
        give_up_add(give_up, &entry->recipients[i], true, destination->last_error);
    give_up_submit(give_up);
    delivery_entry_free(destination->delivery, entry);
}
