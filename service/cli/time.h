/* Times as administrators write and read them: local. Any thread. */
#ifndef GATEPOST_CLI_TIME_H
#define GATEPOST_CLI_TIME_H

#include "platform/clock.h"

#include <stdbool.h>
#include <stdint.h>

/* "2026-11-24", "2026-11-24 10:00", "2026-11-24T10:00:30.250", local unless "Z" or "+01:00" follows; "90s",
 * "30m", "2h", "7d": so long before now_ms. Milliseconds since 1970 UTC. */
bool cli_time_given(const char *text, int64_t now_ms, int64_t *unix_ms);

#define CLI_TIME_SIZE CLOCK_UTC_SIZE

/* "2026-11-24 10:00:00". Returns `text`. */
const char *cli_time_local(int64_t unix_ms, char text[CLI_TIME_SIZE]);

#endif
