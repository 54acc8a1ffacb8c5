#include "delivery/delivery_private.h"

#include "base/memory.h"

#include <stdlib.h>

/* What an item takes besides its content, roughly; it need not be exact. */
#define ITEM_BYTES 1024

#define DOMAIN_MAXIMUM 255

/* ---- destinations ---- */

static struct destination *destination_create(struct delivery *delivery, const struct route *route)
{
    struct destination *destination = memory_allocate(1, sizeof *destination);
    destination->delivery = delivery;
    list_init(&destination->touched);
    list_init(&destination->connections);
    queue_init(&destination->queue);
    destination->timer = net_timer_create(delivery->loop, destination_timer_fired, destination);
    destination->kind = route->kind;
    destination->port = route->port;
    memcpy(destination->name, route->name, sizeof destination->name);
    if (route->host != NULL)
        view_copy_text(view_of_text(route->host), destination->host, sizeof destination->host);
    routes_describe(delivery->routes, route, destination->serves, sizeof destination->serves);
    hash_table_set(delivery->destinations, view_of_text(destination->name), destination);
    return destination;
}

void destination_free(struct destination *destination)
{
    list_remove(&destination->touched);
    net_timer_destroy(destination->timer);
    queue_free(&destination->queue);
    memory_free(destination);
}

/* ---- domains ---- */

static void find_route(struct delivery *delivery, struct delivery_domain *domain)
{
    struct route route;
    routes_choose(delivery->routes, view_of_text(domain->name), &route);
    if (domain->destination != NULL)
        domain->destination->domains--;
    domain->destination = hash_table_get(delivery->destinations, view_of_text(route.name));
    if (domain->destination == NULL)
        domain->destination = destination_create(delivery, &route);
    domain->destination->domains++;
    domain->rule = route.rule;
}

struct delivery_domain *delivery_domain_retain(struct delivery *delivery, const char *address)
{
    struct view text = view_of_text(address);
    struct view part = view_first(view_from(text, view_find_last(text, '@') + 1), DOMAIN_MAXIMUM);
    char lower[DOMAIN_MAXIMUM];
    for (size_t i = 0; i < part.length; i++)
        lower[i] = ascii_lower(part.data[i]);
    struct view name = view_of(lower, part.length);

    struct delivery_domain *domain = hash_table_get(delivery->domains, name);
    if (domain == NULL) {
        domain = memory_allocate(1, sizeof *domain + name.length + 1);
        memcpy(domain->name, name.data, name.length);
        find_route(delivery, domain);
        hash_table_set(delivery->domains, name, domain);
    }
    domain->references++;
    return domain;
}

void delivery_domain_release(struct delivery *delivery, struct delivery_domain *domain)
{
    if (--domain->references > 0)
        return;
    domain->destination->domains--;
    hash_table_take(delivery->domains, view_of_text(domain->name));
    memory_free(domain);
}

/* ---- entries ---- */

void delivery_hold_item(struct delivery *delivery, struct queue_entry *entry,
                        const struct spool_item *item)
{
    entry->item = spool_item_retain(item);
    delivery->in_hand_bytes += entry->size + ITEM_BYTES;
}

void delivery_let_go_item(struct delivery *delivery, struct queue_entry *entry)
{
    if (entry->item == NULL)
        return;
    delivery->in_hand_bytes -= entry->size + ITEM_BYTES;
    spool_item_release(entry->item);
    entry->item = NULL;
}

void delivery_entry_free(struct delivery *delivery, struct queue_entry *entry)
{
    delivery_let_go_item(delivery, entry);
    for (size_t i = 0; i < entry->recipient_count; i++) {
        if (entry->recipients[i].domain != NULL)
            delivery_domain_release(delivery, entry->recipients[i].domain);
    }
    queue_entry_free(entry);
}

static size_t recipients_together(const struct delivery *delivery,
                                  const struct destination *destination)
{
    if (destination->kind == ROUTE_HOST)
        return (size_t)delivery_settings(delivery)->outbound.recipients_per_message;
    return SIZE_MAX;
}

static void put(struct destination *destination, struct queue_entry *entry,
                enum delivery_place place)
{
    struct queue *queue = &destination->queue;
    /* It will be a while: the memory serves other messages meanwhile. */
    if (place == PLACE_WAIT || destination->outage)
        delivery_let_go_item(destination->delivery, entry);

    if (place == PLACE_WAIT)
        queue_wait(queue, entry);
    else if (place == PLACE_FRONT)
        queue_prepend(queue, entry);
    else
        queue_append(queue, entry);
    destination_touch(destination);
}

static int compare_recipients(const void *a, const void *b)
{
    const struct queue_recipient *first = a;
    const struct queue_recipient *second = b;
    uintptr_t first_destination = (uintptr_t)first->domain->destination;
    uintptr_t second_destination = (uintptr_t)second->domain->destination;
    if (first_destination != second_destination)
        return first_destination < second_destination ? -1 : 1;
    return first->number < second->number ? -1 : first->number > second->number;
}

/* How many of the recipients from `first` on may go together. */
static size_t group_length(const struct delivery *delivery, const struct queue_entry *entry,
                           size_t first)
{
    const struct destination *destination = entry->recipients[first].domain->destination;
    size_t most = recipients_together(delivery, destination);
    size_t length = 1;
    while (first + length < entry->recipient_count && length < most &&
           entry->recipients[first + length].domain->destination == destination)
        length++;
    return length;
}

static struct queue_entry *copy_part(struct delivery *delivery, const struct queue_entry *entry,
                                     size_t first, size_t length)
{
    struct queue_entry *part = queue_entry_create_like(entry, length);
    memcpy(part->recipients, entry->recipients + first, length * sizeof part->recipients[0]);
    if (entry->item != NULL)
        delivery_hold_item(delivery, part, entry->item);
    return part;
}

void delivery_place(struct delivery *delivery, struct queue_entry *entry, enum delivery_place place)
{
    size_t count = entry->recipient_count;
    if (count > 1)
        qsort(entry->recipients, count, sizeof entry->recipients[0], compare_recipients);
    if (group_length(delivery, entry, 0) == count) {
        put(entry->recipients[0].domain->destination, entry, place);
        return;
    }
    for (size_t first = 0, length; first < count; first += length) {
        length = group_length(delivery, entry, first);
        put(entry->recipients[first].domain->destination, copy_part(delivery, entry, first, length),
            place);
    }
    /* The parts have its domains now. */
    delivery_let_go_item(delivery, entry);
    queue_entry_free(entry);
}

static void track_accepted(struct delivery *delivery, const struct spool_item *item,
                           const struct queue_entry *entry)
{
    for (size_t i = 0; i < item->recipient_count; i++) {
        const char *address = item->recipients[i].address;
        const struct delivery_domain *domain = entry->recipients[i].domain;
        const struct destination *destination = domain->destination;
        record_track(delivery->tracking, TRACKING_ROUTED, item, address, destination->name, "",
                     domain->rule);
        if (destination->outage)
            record_track(delivery->tracking, TRACKING_DEFERRED, item, address, destination->name,
                         destination->last_error, "");
    }
}

void delivery_accept(struct delivery *delivery, const struct spool_item *item)
{
    const struct spool_facts *facts = &item->facts;
    uint64_t memory = (uint64_t)delivery_settings(delivery)->store.body_memory << 20;
    struct queue_entry *entry = queue_entry_create(item->recipient_count);
    entry->message = facts->message;
    entry->received_ms = facts->received_ms;
    entry->size = facts->size;
    for (size_t i = 0; i < item->recipient_count; i++) {
        entry->recipients[i].number = item->recipients[i].number;
        entry->recipients[i].domain = delivery_domain_retain(delivery, item->recipients[i].address);
    }
    track_accepted(delivery, item, entry);
    if (delivery->in_hand_bytes + facts->size + ITEM_BYTES <= memory)
        delivery_hold_item(delivery, entry, item);
    delivery_place(delivery, entry, PLACE_BACK);
}

/* ---- other settings ---- */

static bool goes_elsewhere(void *user, const struct queue_entry *entry)
{
    const struct destination *destination = user;
    for (size_t i = 0; i < entry->recipient_count; i++) {
        if (entry->recipients[i].domain->destination != destination)
            return true;
    }
    return false;
}

static void move_entries(struct destination *destination)
{
    struct delivery *delivery = destination->delivery;
    int64_t now_ms = net_now_ms(delivery->loop);
    struct list moved;
    list_init(&moved);
    queue_extract(&destination->queue, goes_elsewhere, destination, &moved);
    while (!list_is_empty(&moved)) {
        struct queue_entry *entry = LIST_MEMBER(moved.next, struct queue_entry, link);
        list_remove(&entry->link);
        delivery_place(delivery, entry, entry->next_attempt_ms > now_ms ? PLACE_WAIT : PLACE_BACK);
    }
}

static void describe_again(struct destination *destination)
{
    struct route route = {
        .kind = destination->kind, .host = destination->host, .port = destination->port};
    memcpy(route.name, destination->name, sizeof route.name);
    routes_describe(destination->delivery->routes, &route, destination->serves,
                    sizeof destination->serves);
}

static bool is_unused(const struct destination *destination)
{
    return destination->domains == 0 && destination->queue.messages == 0 &&
           destination->connection_count == 0 && destination->jobs == 0;
}

/* One at a time, because the table must not change during a walk. */
static bool free_one_unused(struct delivery *delivery)
{
    size_t position = 0;
    void *value;
    struct view name;
    while (hash_table_next(delivery->destinations, &position, &name, &value)) {
        if (!is_unused(value))
            continue;
        hash_table_take(delivery->destinations, name);
        destination_free(value);
        return true;
    }
    return false;
}

void delivery_reroute(struct delivery *delivery)
{
    struct view name;
    void *value;
    for (size_t at = 0; hash_table_next(delivery->domains, &at, &name, &value);) {
        struct delivery_domain *domain = value;
        find_route(delivery, domain);
    }
    for (size_t at = 0; hash_table_next(delivery->destinations, &at, &name, &value);) {
        move_entries(value);
        describe_again(value);
        destination_touch(value);
    }
    while (free_one_unused(delivery))
        ;
}
