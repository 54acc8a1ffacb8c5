/* Time and randomness. Any thread. */
#ifndef GATEPOST_PLATFORM_CLOCK_H
#define GATEPOST_PLATFORM_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Wall clock: milliseconds / microseconds since 1970-01-01 UTC. For the edges only. */
int64_t clock_unix_ms(void);
int64_t clock_unix_us(void);

/* Never goes back; the zero point is arbitrary. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_ns(void);

/* Minutes that local time is ahead of UTC at that moment, for the dates in headers. */
int clock_utc_offset_minutes(int64_t unix_seconds);

/* From the system's generator; ends the process when there is none. */
void random_bytes(void *data, size_t length);

#endif
