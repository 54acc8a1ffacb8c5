#include "delivery/delivery_private.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdlib.h>

/* ---- accepted messages ---- */

/* One turn of the loop takes all that has been stored meanwhile. */
static void take_accepted(void *argument)
{
    struct delivery *delivery = argument;
    lock_acquire(delivery->lock);
    const struct spool_item **accepted = delivery->accepted;
    size_t count = delivery->accepted_count;
    delivery->accepted = NULL;
    delivery->accepted_count = delivery->accepted_capacity = 0;
    lock_release(delivery->lock);

    for (size_t i = 0; i < count; i++) {
        /* While stopping it is the next start that finds it, in the spool. */
        if (!delivery->stopping)
            delivery_accept(delivery, accepted[i]);
        spool_item_release(accepted[i]);
    }
    memory_free(accepted);
    delivery_work(delivery);
}

/* On the spool's thread. */
static void item_stored(void *user, const struct spool_item *item)
{
    struct delivery *delivery = user;
    lock_acquire(delivery->lock);
    if (delivery->closed) {
        lock_release(delivery->lock);
        return;
    }
    if (delivery->accepted_count == delivery->accepted_capacity) {
        delivery->accepted_capacity =
            delivery->accepted_capacity == 0 ? 64 : delivery->accepted_capacity * 2;
        delivery->accepted = memory_resize(delivery->accepted, delivery->accepted_capacity,
                                           sizeof(const struct spool_item *));
    }
    delivery->accepted[delivery->accepted_count++] = spool_item_retain(item);
    if (delivery->accepted_count == 1)
        net_post(delivery->loop, take_accepted, delivery);
    lock_release(delivery->lock);
}

/* ---- start ---- */

struct beginning {
    struct delivery *delivery;
    const struct settings_snapshot *settings;
    struct error *error;
    bool done;
};

static void begin(void *argument)
{
    struct beginning *beginning = argument;
    struct delivery *delivery = beginning->delivery;
    delivery->settings = settings_retain(beginning->settings);
    delivery->routes = routes_create(beginning->settings);
    delivery->destinations = hash_table_create();
    delivery->domains = hash_table_create();
    list_init(&delivery->touched);
    delivery->record = record_create(delivery->loop, delivery->spool);
    delivery->each_second = net_timer_create(delivery->loop, remote_each_second, delivery);
    delivery->reader = spool_reader_create(delivery->spool, beginning->error);
    if (delivery->reader == NULL)
        return;
    delivery->worker = worker_start(delivery->loop, delivery->spool, beginning->error);
    beginning->done = delivery->worker != NULL && delivery_resume(delivery, beginning->error);
    delivery_work(delivery);
}

struct delivery *delivery_start(const struct delivery_parts *parts,
                                const struct settings_snapshot *settings, struct error *error)
{
    struct net_loop *loop = net_loop_start("delivery", error);
    if (loop == NULL)
        return NULL;
    struct delivery *delivery = memory_allocate(1, sizeof *delivery);
    delivery->spool = parts->spool;
    delivery->tracking = parts->tracking;
    delivery->events = parts->events;
    delivery->host_name = memory_copy_text(parts->host_name);
    delivery->data_folder = memory_copy_text(parts->data_folder);
    delivery->loop = loop;
    delivery->lock = lock_create();
    delivery->changed = condition_create();

    struct beginning beginning = {.delivery = delivery, .settings = settings, .error = error};
    net_call(loop, begin, &beginning);
    if (!beginning.done) {
        delivery_stop(delivery, 0);
        return NULL;
    }
    spool_set_taker(delivery->spool, item_stored, delivery);
    return delivery;
}

/* ---- settings ---- */

char *delivery_folder(const struct delivery *delivery, const char *folder, const char *name)
{
    return folder[0] == '\0' ? path_join(delivery->data_folder, name) : memory_copy_text(folder);
}

struct change {
    struct delivery *delivery;
    const struct settings_snapshot *settings;
};

static void change_settings(void *argument)
{
    const struct change *change = argument;
    struct delivery *delivery = change->delivery;
    settings_release(delivery->settings);
    routes_destroy(delivery->routes);
    delivery->settings = settings_retain(change->settings);
    delivery->routes = routes_create(delivery->settings);
    delivery_reroute(delivery);
    delivery_work(delivery);
}

void delivery_set_settings(struct delivery *delivery, const struct settings_snapshot *settings)
{
    struct change change = {delivery, settings};
    net_call(delivery->loop, change_settings, &change);
}

/* ---- stop ---- */

static void check_stopped(struct delivery *delivery)
{
    if (!delivery->stopping || delivery->connections > 0)
        return;
    lock_acquire(delivery->lock);
    delivery->stopped = true;
    condition_broadcast(delivery->changed);
    lock_release(delivery->lock);
}

void delivery_connection_gone(struct delivery *delivery)
{
    int64_t most = delivery_settings(delivery)->outbound.connections;
    bool was_full = delivery->connections >= (uint64_t)most;
    delivery->connections--;
    check_stopped(delivery);
    if (!was_full)
        return;
    struct view name;
    void *value;
    for (size_t at = 0; hash_table_next(delivery->destinations, &at, &name, &value);)
        destination_touch(value);
}

static void stop_remotes(struct delivery *delivery, bool now)
{
    struct view name;
    void *value;
    delivery->stopping = true;
    for (size_t at = 0; hash_table_next(delivery->destinations, &at, &name, &value);)
        remote_stop(value, now);
    check_stopped(delivery);
}

static void stop_gently(void *argument)
{
    stop_remotes(argument, false);
}

static void stop_now(void *argument)
{
    stop_remotes(argument, true);
}

/* False when deadline_ms passed first. */
static bool wait_until_stopped(struct delivery *delivery, uint32_t deadline_ms)
{
    int64_t end_ms = clock_monotonic_ms() + deadline_ms;
    lock_acquire(delivery->lock);
    while (!delivery->stopped) {
        int64_t left_ms = end_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            break;
        condition_wait_for(delivery->changed, delivery->lock, (uint32_t)left_ms);
    }
    bool stopped = delivery->stopped;
    lock_release(delivery->lock);
    return stopped;
}

static bool is_any(void *user, const struct queue_entry *entry)
{
    (void)user;
    (void)entry;
    return true;
}

static void free_destination(void *value)
{
    struct destination *destination = value;
    struct list entries;
    list_init(&entries);
    queue_extract(&destination->queue, is_any, NULL, &entries);
    while (!list_is_empty(&entries)) {
        struct queue_entry *entry = LIST_MEMBER(entries.next, struct queue_entry, link);
        list_remove(&entry->link);
        delivery_entry_free(destination->delivery, entry);
    }
    destination_free(destination);
}

static void finish(void *argument)
{
    struct delivery *delivery = argument;
    lock_acquire(delivery->lock);
    delivery->closed = true;
    lock_release(delivery->lock);
    take_accepted(delivery);
    if (delivery->worker != NULL)
        worker_destroy(delivery->worker);
    record_destroy(delivery->record);
    net_timer_destroy(delivery->each_second);
    hash_table_destroy(delivery->destinations, free_destination);
    hash_table_destroy(delivery->domains, NULL);
    spool_reader_destroy(delivery->reader);
    routes_destroy(delivery->routes);
    settings_release(delivery->settings);
}

void delivery_stop(struct delivery *delivery, uint32_t deadline_ms)
{
    net_call(delivery->loop, stop_gently, delivery);
    bool stopped = wait_until_stopped(delivery, deadline_ms);
    if (delivery->worker != NULL)
        worker_stop(delivery->worker);
    if (!stopped) {
        net_call(delivery->loop, stop_now, delivery);
        wait_until_stopped(delivery, UINT32_MAX);
    }
    net_call(delivery->loop, finish, delivery);
    net_loop_stop(delivery->loop);
    condition_destroy(delivery->changed);
    lock_destroy(delivery->lock);
    memory_free(delivery->host_name);
    memory_free(delivery->data_folder);
    memory_free(delivery);
}

/* ---- queues ---- */

static enum delivery_queue_state state_of(const struct destination *destination, int64_t now_ms)
{
    const struct queue *queue = &destination->queue;
    if (destination->not_before_ms > now_ms && queue->messages > 0)
        return DELIVERY_RETRY;
    if (!list_is_empty(&queue->taken))
        return DELIVERY_ACTIVE;
    return queue->ready_count == 0 && queue->waiting_count > 0 ? DELIVERY_RETRY : DELIVERY_READY;
}

static int64_t next_retry_unix_ms(const struct destination *destination, int64_t now_ms)
{
    const struct queue *queue = &destination->queue;
    int64_t next_ms = queue_next_wake_ms(queue);
    if (destination->not_before_ms > now_ms &&
        (queue->ready_count > 0 || next_ms < destination->not_before_ms))
        next_ms = destination->not_before_ms;
    return next_ms == INT64_MAX ? 0 : clock_unix_ms() + (next_ms - now_ms);
}

static void describe_queue(const struct destination *destination, struct delivery_queue *queue)
{
    int64_t now_ms = net_now_ms(destination->delivery->loop);
    *queue = (struct delivery_queue){
        .is_drop = destination->kind == ROUTE_DROP,
        .state = state_of(destination, now_ms),
        .messages = destination->queue.messages,
        .recipients = destination->queue.recipients,
        .bytes = destination->queue.bytes,
        .oldest_ms = queue_oldest_ms(&destination->queue),
        .next_retry_ms = next_retry_unix_ms(destination, now_ms),
    };
    view_copy_text(view_of_text(destination->name), queue->destination, sizeof queue->destination);
    view_copy_text(view_of_text(destination->last_error), queue->last_error,
                   sizeof queue->last_error);
}

static int compare_queues(const void *a, const void *b)
{
    const struct delivery_queue *first = a;
    const struct delivery_queue *second = b;
    return strcmp(first->destination, second->destination);
}

struct listing {
    const struct delivery *delivery;
    struct delivery_queue *queues;
    size_t count;
};

static void list_queues(void *argument)
{
    struct listing *listing = argument;
    const struct hash_table *destinations = listing->delivery->destinations;
    struct view name;
    void *value;
    listing->queues = memory_allocate(hash_table_count(destinations), sizeof *listing->queues);
    for (size_t at = 0; hash_table_next(destinations, &at, &name, &value);)
        describe_queue(value, &listing->queues[listing->count++]);
    qsort(listing->queues, listing->count, sizeof *listing->queues, compare_queues);
}

size_t delivery_queues(struct delivery *delivery, struct delivery_queue **queues)
{
    struct listing listing = {.delivery = delivery};
    net_call(delivery->loop, list_queues, &listing);
    *queues = listing.queues;
    return listing.count;
}

struct retry {
    struct delivery *delivery;
    const char *destination; /* NULL: all */
};

static void retry_now(void *argument)
{
    const struct retry *retry = argument;
    struct view name;
    void *value;
    for (size_t at = 0; hash_table_next(retry->delivery->destinations, &at, &name, &value);) {
        if (retry->destination == NULL || view_equal(name, view_of_text(retry->destination)))
            destination_retry_now(value);
    }
    delivery_work(retry->delivery);
}

void delivery_retry_now(struct delivery *delivery, const char *destination)
{
    struct retry retry = {delivery, destination};
    net_call(delivery->loop, retry_now, &retry);
}
