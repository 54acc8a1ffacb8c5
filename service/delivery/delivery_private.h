/*
 * What the parts of delivery share. All of it lives on the delivery loop's thread, unless said.
 *
 *   delivery.c     start, stop, what comes in from other threads
 *   destination.c  domains and destinations: which queue an entry belongs to
 *   resume.c       the timetable from before the start
 *   schedule.c     when a destination is tried: outages, timers, expiry
 *   attempt.c      one entry in the hands of a sender, and what becomes of its recipients
 *   give_up.c      from a failure into badmail
 *   drop.c         the sender into the drop folder
 *   remote.c       the sender to hosts: connections; remote_message.c: the messages on them
 */
#ifndef GATEPOST_DELIVERY_PRIVATE_H
#define GATEPOST_DELIVERY_PRIVATE_H

#include "base/hash.h"
#include "delivery/delivery.h"
#include "delivery/queue.h"
#include "delivery/record.h"
#include "delivery/route.h"
#include "delivery/worker.h"
#include "net/loop.h"
#include "platform/thread.h"

/* A domain that is the recipients' of some entry; remembers its route. */
struct delivery_domain {
    struct destination *destination;
    const char *rule;    /* that chose it, for tracking */
    uint32_t references; /* recipients in entries */
    char name[];         /* lower case */
};

struct destination {
    struct delivery *delivery;
    struct list touched; /* in delivery->touched: there may be something to do */
    struct queue queue;
    struct net_timer *timer; /* for what waits */
    size_t domains;          /* whose mail comes here at present */
    enum route_kind kind;
    uint16_t port;
    char name[ROUTE_NAME_SIZE];
    char host[256];
    char serves[300]; /* whose mail it is, for events */

    /* An outage: nothing can be delivered here. */
    bool outage;
    uint32_t failures;     /* in a row */
    int64_t not_before_ms; /* not tried before */
    char last_error[200];

    /* ROUTE_HOST */
    struct list connections;
    size_t connection_count;
    size_t connecting;         /* of them, not greeted yet */
    int64_t no_more_before_ms; /* it serves us, but let no further connection in */
    int64_t served_ms;         /* it answered to a message last; 0 = never */
    bool one_by_one;           /* no commands behind content, although it offers PIPELINING */

    /* ROUTE_DROP */
    size_t jobs; /* with the worker */
};

struct delivery {
    struct spool *spool;
    struct tracking *tracking;
    const struct event_sink *events;
    char *host_name;
    char *data_folder;
    struct net_loop *loop;
    struct worker *worker;
    struct spool_reader *reader;
    struct record *record;

    const struct settings_snapshot *settings;
    struct routes *routes;
    struct hash_table *destinations; /* by name */
    struct hash_table *domains;      /* by name */
    struct list touched;

    uint64_t in_hand_bytes;        /* of items that entries hold */
    size_t connections;            /* to all hosts */
    struct net_timer *each_second; /* runs while there are connections */
    bool each_second_runs;
    bool badmail_fails;
    bool stopping;

    /* Of all threads, under the lock. */
    struct lock *lock;
    struct condition *changed;
    const struct spool_item **accepted; /* by the spool, not yet looked at; each retained */
    size_t accepted_count;
    size_t accepted_capacity;
    bool stopped; /* the last connection is gone after stopping */
    bool closed;  /* nothing more is taken from the spool */
};

static inline const struct settings_settings *delivery_settings(const struct delivery *delivery)
{
    return &delivery->settings->values;
}

/* ---- destination.c ---- */

enum delivery_place { PLACE_BACK, PLACE_FRONT, PLACE_WAIT };

/* Puts an entry that is in no queue where its recipients' domains say; it is split when they say
 * different things or when it has more recipients than a transaction may have. */
void delivery_place(struct delivery *delivery, struct queue_entry *entry,
                    enum delivery_place place);

/* A new message, from the spool. */
void delivery_accept(struct delivery *delivery, const struct spool_item *item);

/* The settings have changed: routes are chosen anew. */
void delivery_reroute(struct delivery *delivery);

struct delivery_domain *delivery_domain_retain(struct delivery *delivery, const char *address);
void delivery_domain_release(struct delivery *delivery, struct delivery_domain *domain);

/* Keeps the item for the attempt, or lets go of it. */
void delivery_hold_item(struct delivery *delivery, struct queue_entry *entry,
                        const struct spool_item *item);
void delivery_let_go_item(struct delivery *delivery, struct queue_entry *entry);

/* Frees an entry that is in no queue, and what it holds. */
void delivery_entry_free(struct delivery *delivery, struct queue_entry *entry);

void destination_free(struct destination *destination);

/* ---- resume.c ---- */

/* Builds the timetable for what is left from before the start. */
bool delivery_resume(struct delivery *delivery, struct error *error);

/* ---- schedule.c ---- */

/* There may be something to do: looked at by the next delivery_work(). */
void destination_touch(struct destination *destination);

/* Does what there is to do at all destinations that were touched. At the end of each callback from
 * the loop; never from inside a sender. */
void delivery_work(struct delivery *delivery);

void destination_timer_fired(void *user);

/* Nothing can be delivered there: the whole destination waits for its next turn in the timetable.
 */
void destination_failed(struct destination *destination, const char *reason);

/* It took, or refused, a message: an outage is over. */
void destination_served(struct destination *destination);

/* Everything that waits is tried now. */
void destination_retry_now(struct destination *destination);

/* ---- drop.c, remote.c ---- */

void drop_work(struct destination *destination);
void remote_work(struct destination *destination);

/* Closes what is idle, and no transaction is begun any more; `now`: all connections at once. */
void remote_stop(struct destination *destination, bool now);

void remote_each_second(void *user);

/* ---- delivery.c ---- */

/* A connection has gone. */
void delivery_connection_gone(struct delivery *delivery);

/* The folder of the settings, or `name` in the data folder. The caller frees it. */
char *delivery_folder(const struct delivery *delivery, const char *folder, const char *name);

#endif
