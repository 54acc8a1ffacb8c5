/*
 * One entry taken from its queue for an attempt. The sender says of each recipient once what became
 * of it, then ends the attempt: what is left goes back into a queue, and everything is on record.
 * The delivery loop's thread.
 */
#ifndef GATEPOST_DELIVERY_ATTEMPT_H
#define GATEPOST_DELIVERY_ATTEMPT_H

#include "delivery/delivery_private.h"

struct give_up;

struct attempt {
    struct destination *destination;
    struct queue_entry *entry;
    struct give_up *give_up; /* collects the recipients that failed for good; NULL: none */
    int64_t retry_unix_ms;   /* when those that are deferred are tried again; 0: none */
};

/* Takes the next ready entry with its item in hand. False when there is none. */
bool attempt_begin(struct attempt *attempt, struct destination *destination);

/* The address and options of a recipient of the entry. */
const struct spool_recipient *attempt_recipient(const struct attempt *attempt, size_t recipient);

void attempt_delivered(struct attempt *attempt, size_t recipient, const char *reply);
void attempt_deferred(struct attempt *attempt, size_t recipient, const char *reply);
void attempt_failed(struct attempt *attempt, size_t recipient, const char *reply);

/* Was not tried: goes back to the head of the queue. */
void attempt_returned(struct attempt *attempt, size_t recipient);

/* Those of whom nothing was said are returned. */
void attempt_end(struct attempt *attempt);

/* All that is ready fails for good, for there is no way. */
void attempt_fail_ready(struct destination *destination, const char *reason);

/* An entry in no queue has waited too long; it is taken over. */
void attempt_expire(struct destination *destination, struct queue_entry *entry);

#endif
