/*
 * The messages that wait for one destination, light enough for hundreds of thousands: an entry is
 * one message with those of its recipients that go there together. An entry is ready (in the order
 * it came), waiting for its time, or taken for an attempt. Times are monotonic milliseconds unless
 * said. Pure; the delivery loop's thread.
 */
#ifndef GATEPOST_DELIVERY_QUEUE_H
#define GATEPOST_DELIVERY_QUEUE_H

#include "base/list.h"
#include "spool/spool.h"

struct delivery_domain;

/* What the present attempt has brought for a recipient. */
enum queue_fate { FATE_OPEN, FATE_SETTLED, FATE_DEFERRED, FATE_RETURNED };

struct queue_recipient {
    struct delivery_domain *domain; /* of its address: decides the destination */
    uint32_t number;                /* as in the spool */
    uint8_t fate;                   /* enum queue_fate */
};

struct queue_entry {
    struct list link;              /* among the ready or the taken ones */
    const struct spool_item *item; /* in hand; NULL: to be loaded when its turn comes */
    ident message;
    int64_t received_ms; /* unix */
    int64_t next_attempt_ms;
    uint64_t size;
    uint32_t attempts;
    uint32_t recipient_count;
    struct queue_recipient recipients[];
};

struct queue {
    struct list ready;
    struct list taken;
    struct queue_entry **waiting; /* a heap, the earliest first */
    size_t waiting_count;
    size_t waiting_capacity;
    size_t ready_count;
    /* All entries, the taken ones too. */
    uint64_t messages;
    uint64_t recipients;
    uint64_t bytes;
};

void queue_init(struct queue *queue);

/* The queue must be empty. */
void queue_free(struct queue *queue);

/* An entry in no queue. */
struct queue_entry *queue_entry_create(size_t recipient_count);

/* One with other recipients of the same message, at the same place in the timetable; without item.
 */
struct queue_entry *queue_entry_create_like(const struct queue_entry *entry,
                                            size_t recipient_count);
void queue_entry_free(struct queue_entry *entry);

/* Into the queue: behind the others, before them, or until its next_attempt_ms. */
void queue_append(struct queue *queue, struct queue_entry *entry);
void queue_prepend(struct queue *queue, struct queue_entry *entry);
void queue_wait(struct queue *queue, struct queue_entry *entry);

/* The first of the ready ones, for an attempt; NULL when there is none. It stays counted. */
struct queue_entry *queue_take(struct queue *queue);

/* Out of the queue: an entry that was taken. */
void queue_leave(struct queue *queue, struct queue_entry *entry);

/* Makes ready what was to wait until now_ms or before. */
void queue_wake(struct queue *queue, int64_t now_ms);

/* When the next one is to be woken, INT64_MAX when none waits. */
int64_t queue_next_wake_ms(const struct queue *queue);

/* Received (unix) first of all; 0 when the queue is empty. */
int64_t queue_oldest_ms(const struct queue *queue);

/* Moves the ready and waiting entries that match out of the queue to the end of `out`. */
void queue_extract(struct queue *queue,
                   bool (*matches)(void *user, const struct queue_entry *entry), void *user,
                   struct list *out);

#endif
