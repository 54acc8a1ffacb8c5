/*
 * The log file: the lines of base/log.h with the time in front, appended to a file that is renamed to "NAME.1" when
 * it has grown too large, and on the console when that is wanted.
 */
#ifndef GATEPOST_LOG_FILE_H
#define GATEPOST_LOG_FILE_H

#include "base/error.h"
#include "base/log.h"

#include <stdint.h>

struct log_file;

/* path NULL: console only. Never fails: a log that cannot be written is no reason not to serve; *error (may be
 * NULL) then says why, and otherwise has no text. Becomes the sink of log_line(). */
struct log_file *log_file_open(const char *path, uint64_t maximum_bytes, bool to_console,
                               enum log_level level, struct error *error);

/* Lines that come later go nowhere. */
void log_file_close(struct log_file *log);

#endif
