/*
 * Inside the platform room: the journal file of events, see eventlog.h for its lines. Any thread.
 */
#ifndef GATEPOST_PLATFORM_JOURNAL_H
#define GATEPOST_PLATFORM_JOURNAL_H

#include "base/error.h"
#include "base/event.h"

#include <stdint.h>

struct journal;

/* maximum: bytes after which the file is renamed to "PATH.1" and a new one begun. */
struct journal *journal_open(const char *path, uint64_t maximum, struct error *error);
void journal_close(struct journal *journal);

/* What cannot be written is lost: there is nobody left to tell. */
void journal_write(struct journal *journal, const struct event_description *event,
                   const char *const *inserts, size_t count);

#endif
