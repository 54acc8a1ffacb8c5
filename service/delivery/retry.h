/*
 * The retry timetable of Exchange: some quick "glitch" retries, then the first, second, third and
 * all subsequent intervals, each counted from the attempt that failed; given up when the message is
 * too old. Pure; any thread.
 */
#ifndef GATEPOST_DELIVERY_RETRY_H
#define GATEPOST_DELIVERY_RETRY_H

#include "config/settings.h"

/* Milliseconds from an attempt that failed to the next one. attempts: how many have failed, 1 or
 * more. */
int64_t retry_interval_ms(const struct settings_retry *retry, uint32_t attempts);

/* When a message is given up, on the clock that received_ms is of. local: for the drop folder. */
int64_t retry_expiry_ms(const struct settings_retry *retry, bool local, int64_t received_ms);

/* When a message is tried again whose attempt has failed at now_ms. The last attempt is made at
 * expiry_ms, not later: whoever waits for the hop to come back shall have the whole time. now_ms <
 * expiry_ms. */
int64_t retry_next_ms(const struct settings_retry *retry, uint32_t attempts, int64_t now_ms,
                      int64_t expiry_ms);

#endif
