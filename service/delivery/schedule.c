#include "base/memory.h"
#include "delivery/attempt.h"
#include "delivery/retry.h"
#include "platform/clock.h"

#include <stdio.h>

#define MS_PER_SECOND 1000
#define MS_PER_DAY    (24 * 60 * 60 * MS_PER_SECOND)

void destination_touch(struct destination *destination)
{
    if (list_is_empty(&destination->touched))
        list_append(&destination->delivery->touched, &destination->touched);
}

static bool must_wait(const struct destination *destination)
{
    return destination->not_before_ms > net_now_ms(destination->delivery->loop);
}

/* The timer fires when the next entry is due, or when the destination may be tried again for those
 * that are. */
static void arm(struct destination *destination)
{
    const struct queue *queue = &destination->queue;
    int64_t now_ms = net_now_ms(destination->delivery->loop);
    int64_t next_ms = queue_next_wake_ms(queue);
    if (must_wait(destination) && (queue->ready_count > 0 || next_ms < destination->not_before_ms))
        next_ms = destination->not_before_ms;
    if (next_ms == INT64_MAX)
        net_timer_stop(destination->timer);
    else
        net_timer_start(destination->timer, next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 0);
}

static void work_at(struct destination *destination)
{
    queue_wake(&destination->queue, net_now_ms(destination->delivery->loop));
    if (!must_wait(destination) && !destination->delivery->stopping) {
        switch (destination->kind) {
        case ROUTE_HOST:
            remote_work(destination);
            break;
        case ROUTE_DROP:
            drop_work(destination);
            break;
        case ROUTE_NOWHERE:
            attempt_fail_ready(destination, "5.4.4 There is no route to this domain: it is not "
                                            "accepted here and no smart host is set.");
            break;
        }
    }
    arm(destination);
}

void delivery_work(struct delivery *delivery)
{
    while (!list_is_empty(&delivery->touched)) {
        struct destination *destination =
            LIST_MEMBER(delivery->touched.next, struct destination, touched);
        list_remove(&destination->touched);
        work_at(destination);
    }
}

void destination_timer_fired(void *user)
{
    struct destination *destination = user;
    destination_touch(destination);
    delivery_work(destination->delivery);
}

void destination_retry_now(struct destination *destination)
{
    destination->not_before_ms = 0;
    destination->no_more_before_ms = 0;
    queue_wake(&destination->queue, INT64_MAX);
    destination_touch(destination);
}

/* ---- outages ---- */

static bool has_expired(void *user, const struct queue_entry *entry)
{
    const struct destination *destination = user;
    const struct settings_retry *retry = &delivery_settings(destination->delivery)->retry;
    bool local = destination->kind == ROUTE_DROP;
    return retry_expiry_ms(retry, local, entry->received_ms) <= clock_unix_ms();
}

static void expire(struct destination *destination)
{
    struct list expired;
    list_init(&expired);
    queue_extract(&destination->queue, has_expired, destination, &expired);
    while (!list_is_empty(&expired)) {
        struct queue_entry *entry = LIST_MEMBER(expired.next, struct queue_entry, link);
        list_remove(&entry->link);
        attempt_expire(destination, entry);
    }
}

/* Tracking shall say why a message that has just come does not go on. Those that are not in hand
 * have been told of before, or are so many that it would take too long to look at each. */
static void tell_deferral(struct destination *destination)
{
    struct delivery *delivery = destination->delivery;
    struct list *ready = &destination->queue.ready;
    for (struct list *link = ready->next; link != ready; link = link->next) {
        struct queue_entry *entry = LIST_MEMBER(link, struct queue_entry, link);
        struct attempt attempt = {.destination = destination, .entry = entry};
        if (entry->item == NULL)
            continue;
        for (size_t i = 0; i < entry->recipient_count; i++)
            record_track(delivery->tracking, TRACKING_DEFERRED, entry->item,
                         attempt_recipient(&attempt, i)->address, destination->name,
                         destination->last_error, "");
        delivery_let_go_item(delivery, entry);
    }
}

/* "10:42:05 UTC", for an event that is read soon. */
static void format_time_of_day(int64_t unix_ms, char *text, size_t size)
{
    int seconds = (int)(unix_ms % MS_PER_DAY / MS_PER_SECOND);
    snprintf(text, size, "%02d:%02d:%02d UTC", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void report_outage(const struct destination *destination, int64_t wait_ms)
{
    const struct delivery *delivery = destination->delivery;
    char next[32];
    format_time_of_day(clock_unix_ms() + wait_ms, next, sizeof next);
    if (destination->kind == ROUTE_HOST) {
        event_report(delivery->events, EVENT_NEXT_HOP_FAILED, destination->serves,
                     destination->name, destination->last_error, next, NULL);
        return;
    }
    char *folder = delivery_folder(delivery, delivery_settings(delivery)->folders.drop, "Drop");
    event_report(delivery->events, EVENT_DROP_FAILED, folder, destination->last_error, NULL);
    memory_free(folder);
}

void destination_failed(struct destination *destination, const char *reason)
{
    struct delivery *delivery = destination->delivery;
    /* Attempts that were under way together fail together: that is one failure. */
    if (must_wait(destination))
        return;
    int64_t wait_ms =
        retry_interval_ms(&delivery_settings(delivery)->retry, ++destination->failures);
    destination->not_before_ms = net_now_ms(delivery->loop) + wait_ms;
    view_copy_text(view_of_text(reason), destination->last_error, sizeof destination->last_error);
    if (!destination->outage) {
        destination->outage = true;
        report_outage(destination, wait_ms);
    }
    expire(destination);
    tell_deferral(destination);
    destination_touch(destination);
}

void destination_served(struct destination *destination)
{
    destination->served_ms = net_now_ms(destination->delivery->loop);
    destination->failures = 0;
    if (!destination->outage)
        return;
    destination->outage = false;
    destination->not_before_ms = 0;
    event_report(destination->delivery->events, EVENT_NEXT_HOP_RECOVERED, destination->serves,
                 destination->name, NULL);
    destination_touch(destination);
}
