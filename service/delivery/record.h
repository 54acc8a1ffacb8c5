/*
 * What became of each recipient, on record: outcomes for the spool, collected during one turn of
 * the loop and handed over together, and rows for tracking.
 */
#ifndef GATEPOST_DELIVERY_RECORD_H
#define GATEPOST_DELIVERY_RECORD_H

#include "net/loop.h"
#include "spool/spool.h"
#include "tracking/tracking.h"

struct record;

/* These on the loop's thread. */
struct record *record_create(struct net_loop *loop, struct spool *spool);
void record_destroy(struct record *record); /* hands over what is left */

void record_settled(struct record *record, ident message, uint32_t recipient);

/* next_attempt_ms: unix. */
void record_retry(struct record *record, ident message, uint32_t recipient, uint32_t attempts,
                  int64_t next_attempt_ms, const char *reply);

/* A row for one recipient. Any thread. */
void record_track(struct tracking *tracking, enum tracking_event event,
                  const struct spool_item *item, const char *address, const char *destination,
                  const char *reply, const char *reason);

#endif
