/*
 * What went wrong, in a sentence for a person. The caller owns the struct (usually on its stack); the
 * callee fills it and returns false, NULL or an enum. Any thread.
 */
#ifndef GATEPOST_BASE_ERROR_H
#define GATEPOST_BASE_ERROR_H

#include "base/format.h"

#include <stdbool.h>

struct error {
    int code; /* of the layer that failed (errno, SQLite, Windows), 0 when it has none */
    char text[400];
};

/* Fills error when it is not NULL. Returns false always, so that `return error_set(...)` reads well. */
bool error_set(struct error *error, int code, const char *format, ...) FORMAT_LIKE_PRINTF(3, 4);

/* Puts "context: " before the text that is there. Returns false always. */
bool error_prefix(struct error *error, const char *format, ...) FORMAT_LIKE_PRINTF(2, 3);

#endif
