/*
 * Session and message identifiers: 63 bits, ordered by time, never repeated within an installation.
 * Upper 42 bits: milliseconds since 2020-01-01 UTC; lower 21 bits: a count. Written as 13 characters
 * of Crockford's base 32 (no I, L, O, U), which sort as the numbers do. The same text appears in
 * replies, the Received header, tracking rows, events and log lines. 0 means none.
 */
#ifndef GATEPOST_BASE_IDENT_H
#define GATEPOST_BASE_IDENT_H

#include "base/view.h"

#include <stdatomic.h>

typedef uint64_t ident;

#define IDENT_TEXT_SIZE 14

struct ident_source {
    _Atomic uint64_t last;
};

/* `after`: the greatest one that was ever given out (0 when unknown), so that a clock that was set
 * back cannot make one twice. */
void ident_source_init(struct ident_source *source, ident after);

/* Any thread. unix_ms: wall clock, milliseconds since 1970. */
ident ident_next(struct ident_source *source, int64_t unix_ms);

/* Writes 13 characters and a NUL. */
void ident_format(ident value, char text[IDENT_TEXT_SIZE]);

/* Case-insensitive; false on anything but 13 valid characters. */
bool ident_parse(struct view text, ident *value);

#endif
