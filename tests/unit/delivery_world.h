/* What the tests of delivery share: a spool, a delivery with the settings of the test, tracking
 * that only remembers (tracking_write() is here, in place of the real one), and waiting for what is
 * to come. One world at a time. */
#ifndef DELIVERY_WORLD_H
#define DELIVERY_WORLD_H

#include "delivery/delivery.h"

/* settings: JSON, with %u for the port where it stands. */
void world_open(const char *settings, uint16_t port);
void world_close(void);

/* Stops and starts delivery and spool; deadline_ms for the stop. */
void world_restart(uint32_t deadline_ms);

/* Takes other settings. */
void world_change(const char *settings, uint16_t port);

struct delivery *world_delivery(void);
const char *world_folder(void); /* the data folder */

/* Accepts a message; recipients are separated by spaces. Its ident is returned. received_ms: 0 =
 * now. */
ident world_send(const char *sender, const char *recipients, const char *content,
                 int64_t received_ms);

/* Sends `count` messages to info@example.test at once and waits until they are stored. */
void world_send_many(int count);

/* Waits until it holds; fails the test after a while. */
#define WORLD_WAIT(condition)                                                                      \
    do {                                                                                           \
        int tries = 0;                                                                             \
        while (!(condition))                                                                       \
            world_pause(#condition, ++tries);                                                      \
    } while (0)
void world_pause(const char *condition, int tries);

/* Messages that wait in the spool. */
uint64_t world_waiting(void);

/* How many tracking rows there are of that event for that message (0: any). */
int world_rows(enum tracking_event event, ident message);

/* The history of a message: "routed deferred delivered". The caller frees it. */
char *world_history(ident message);

/* The reply, or the destination, in the last row of that event. Valid until the next call. */
const char *world_reply(enum tracking_event event, ident message);
const char *world_destination(enum tracking_event event, ident message);

/* Events for the administrator. */
int world_events(enum event_id id);
const char *world_event_text(enum event_id id); /* of the last one, "" when there is none */

/* The row of the queue view. False when there is none. */
bool world_queue(const char *destination, struct delivery_queue *queue);

/* The files in a folder of the data folder that end so; the text of one of them (the caller frees
 * it). */
int world_files(const char *folder, const char *extension);
char *world_file(const char *folder, const char *extension);

#endif
