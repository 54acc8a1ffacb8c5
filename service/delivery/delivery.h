/*
 * From the spool outwards: chooses the destination of each recipient, keeps one queue for each, delivers to hosts
 * by SMTP and to the drop folder, tries again by the timetable, gives up into badmail. It has one loop thread of
 * its own (network and timers) and some worker threads (files). Everything it decides is on record in the spool and
 * in tracking.
 */
#ifndef GATEPOST_DELIVERY_DELIVERY_H
#define GATEPOST_DELIVERY_DELIVERY_H

#include "base/event.h"
#include "config/settings.h"
#include "spool/spool.h"
#include "tracking/tracking.h"

struct delivery;

struct delivery_parts {
    struct spool *spool;
    struct tracking *tracking;
    const struct event_sink *events;
    const char *data_folder; /* Drop and Badmail stand here unless the settings say otherwise */
    const char *host_name;   /* EHLO name */
};

/* Loads the timetable from the spool, sets itself as the spool's taker and starts. */
struct delivery *delivery_start(const struct delivery_parts *parts,
                                const struct settings_snapshot *settings, struct error *error);

/* Any thread: routes are chosen anew for what waits. */
void delivery_set_settings(struct delivery *delivery, const struct settings_snapshot *settings);

/* Lets transactions that have begun end within deadline_ms, then stops and frees. The spool must still be open. */
void delivery_stop(struct delivery *delivery, uint32_t deadline_ms);

enum delivery_queue_state { DELIVERY_ACTIVE, DELIVERY_READY, DELIVERY_RETRY };

/* A copy of what a queue is at the moment. */
struct delivery_queue {
    char destination[280]; /* "mail.example.test:25", "drop:example.test" */
    bool is_drop;
    enum delivery_queue_state state;
    uint64_t messages;
    uint64_t recipients;
    uint64_t bytes;
    int64_t oldest_ms;     /* unix, of the oldest message; 0 when empty */
    int64_t next_retry_ms; /* 0 when none */
    char last_error[200];
};

/* Any thread; blocks for one turn of the delivery loop. The caller frees *queues with memory_free(). */
size_t delivery_queues(struct delivery *delivery, struct delivery_queue **queues);

/* Any thread: everything that waits for `destination` (NULL: all) is tried now. */
void delivery_retry_now(struct delivery *delivery, const char *destination);

#endif
