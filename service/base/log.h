/*
 * Lines for a person who looks for trouble: level, session or message id, text. They go to the sink
 * that the program sets (console, log file), which puts the time in front; events for the administrator
 * go through event.h instead. Any thread; the sink gets a line whole, without line end, cut at 1023
 * bytes and with control characters replaced.
 */
#ifndef GATEPOST_BASE_LOG_H
#define GATEPOST_BASE_LOG_H

#include "base/format.h"
#include "base/ident.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFORMATION, LOG_DEBUG };

struct log_sink {
    void (*write)(void *user, enum log_level level, const char *line);
    void *user;
};

/* Set before the first thread starts; lines above `level` are not formatted. */
void log_set_sink(const struct log_sink *sink, enum log_level level);

/* id: session or message the line belongs to, 0 for none. */
void log_line(enum log_level level, ident id, const char *format, ...) FORMAT_LIKE_PRINTF(3, 4);

#endif
