/*
 * Removes what is too old from tracking.db, a bounded piece at a time. The ledger's thread, inside its
 * transaction.
 */
#ifndef GATEPOST_TRACKING_EXPIRY_H
#define GATEPOST_TRACKING_EXPIRY_H

#include "base/error.h"

#include <stdint.h>

struct sqlite3;
struct tracking_expiry;

/* The database is borrowed. NULL on failure. */
struct tracking_expiry *tracking_expiry_create(struct sqlite3 *database, struct error *error);
void tracking_expiry_destroy(struct tracking_expiry *expiry); /* NULL is allowed */

/* One piece of the rows before `before_row`. filling: number of the bucket that is still in use.
 * *more: call again. */
bool tracking_expiry_step(struct tracking_expiry *expiry, int64_t before_row, int64_t filling,
                          bool *more, struct error *error);

#endif
