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

#define CLOCK_UTC_SIZE 48 /* room for any year */

/* "2026-11-24T10:00:00.000Z", for log lines and journals. */
void clock_format_utc(int64_t unix_ms, char text[CLOCK_UTC_SIZE]);

/* From the system's generator; ends the process when there is none. */
void random_bytes(void *data, size_t length);

#endif
