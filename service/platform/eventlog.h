/*
 * The system's event log: source "Gatepost" in the Application log, texts from the message table in the
 * program (made from base/events.def). Where the system keeps none (host, Wine) the journal file tells
 * the same: one line an event, "2026-11-24T10:00:00.000Z 200 Information Listening: text".
 */
#ifndef GATEPOST_PLATFORM_EVENTLOG_H
#define GATEPOST_PLATFORM_EVENTLOG_H

#include "base/error.h"
#include "base/event.h"

#include <stdint.h>

struct event_log;

/* journal_path may be NULL. The journal is appended to, kept below journal_bytes by renaming it to
 * "NAME.1" once. Never fails because of the system's log; false only for the journal. */
struct event_log *event_log_open(const char *journal_path, uint64_t journal_bytes,
                                 struct error *error);
void event_log_close(struct event_log *log);

/* The sink for event_report(); any thread. */
struct event_sink event_log_sink(struct event_log *log);

#endif
