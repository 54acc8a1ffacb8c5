/*
 * Recipients that a message will not be delivered to: tracking says why, the message goes to
 * badmail, and only then is it settled in the spool. When it cannot be written to badmail, it goes
 * back into the queue. The delivery loop's thread.
 */
#ifndef GATEPOST_DELIVERY_GIVE_UP_H
#define GATEPOST_DELIVERY_GIVE_UP_H

#include "delivery/delivery_private.h"

struct give_up;

/* Begins with nobody. `entry` stays the caller's. */
struct give_up *give_up_create(struct destination *destination, const struct queue_entry *entry);

/* Takes the recipient out of its entry (with its domain) and copies the reason. */
void give_up_add(struct give_up *give_up, struct queue_recipient *recipient, bool expired,
                 const char *reason);

/* Hands it to the worker. */
void give_up_submit(struct give_up *give_up);

#endif
