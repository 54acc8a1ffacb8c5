/*
 * Events for the administrator: one number for each, texts in events.def (the Windows message table is
 * made from the same file). A room reports through the sink it got when it was created and knows
 * nothing of the Event Log. Any thread; the sink copies what it keeps.
 */
#ifndef GATEPOST_BASE_EVENT_H
#define GATEPOST_BASE_EVENT_H

#include <stddef.h>

enum event_severity { EVENT_INFORMATION, EVENT_WARNING, EVENT_ERROR };

enum event_id {
#define EVENT(symbol, number, severity, category, text) EVENT_##symbol = number,
#include "base/events.def"
#undef EVENT
};

struct event_description {
    enum event_id id;
    enum event_severity severity;
    const char *symbol;
    const char *category;
    const char *text; /* %1 .. %9 stand for the inserts */
};

#define EVENT_INSERTS_MAXIMUM 9

struct event_sink {
    void (*report)(void *user, enum event_id id, const char *const *inserts, size_t count);
    void *user;
};

/* NULL for an unknown number. */
const struct event_description *event_describe(enum event_id id);

/* Inserts are texts, the last followed by NULL: event_report(sink, EVENT_LISTENING, address, NULL). */
void event_report(const struct event_sink *sink, enum event_id id, ...) __attribute__((sentinel));

/* The text with its inserts, cut at size - 1 bytes. Returns the length that it has whole. */
size_t event_format(enum event_id id, const char *const *inserts, size_t count, char *text,
                    size_t size);

#endif
