/*
 * Moments in the management protocol: RFC 3339 in UTC, "2026-11-24T10:00:00Z" or "2026-11-24T10:00:00.250Z". What
 * clock_format_utc() writes. Any thread.
 */
#ifndef GATEPOST_MOMENT_H
#define GATEPOST_MOMENT_H

#include "base/view.h"

/* False when the text is no such moment between the years 1970 and 9999. */
bool moment_parse(struct view text, int64_t *unix_us);

#endif
