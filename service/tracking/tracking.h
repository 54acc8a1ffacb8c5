/*
 * What happened to each message and to each recipient that was refused: tracking.db (WAL, synchronous NORMAL),
 * written in batches by a thread of its own that never holds up a session. When it cannot keep up or cannot
 * write, records are dropped and counted, mail flows on, and an event says so.
 *
 * Refusals of one source beyond a number a minute are counted in one row for each minute, source and reason,
 * so that an attack cannot fill the disk.
 */
#ifndef GATEPOST_TRACKING_TRACKING_H
#define GATEPOST_TRACKING_TRACKING_H

#include "base/error.h"
#include "base/event.h"
#include "base/ident.h"

enum tracking_event {
    TRACKING_CONNECTION_REFUSED = 1, /* at connect */
    TRACKING_SENDER_REFUSED,
    TRACKING_RECIPIENT_REFUSED,
    TRACKING_MESSAGE_REFUSED, /* at or after DATA */
    TRACKING_RECEIVED,        /* content complete; one an accepted recipient */
    TRACKING_STORED,          /* durable, answered with 250; one a message */
    TRACKING_ROUTED,          /* destination chosen; one a recipient */
    TRACKING_DELIVERED,
    TRACKING_DEFERRED,
    TRACKING_FAILED, /* refused for good by the next hop */
    TRACKING_EXPIRED,
    TRACKING_BADMAIL
};

/* "recipient-refused" ...; NULL for an unknown number. The other way: 0 for an unknown name. */
const char *tracking_event_name(enum tracking_event event);
enum tracking_event tracking_event_of_name(struct view name);

/* Everything but time and event may be empty (0, NULL or ""). */
struct tracking_record {
    int64_t time_us; /* unix, microseconds; 0 = now */
    enum tracking_event event;
    ident session;
    ident message;
    const char *message_id; /* header, with brackets */
    const char *sender;     /* reverse-path, "<>" for the null one */
    const char *recipient;
    const char *client; /* IP address */
    const char *helo;
    const char *destination; /* next hop or folder */
    const char *reply;       /* ours or the next hop's */
    const char *reason;      /* name of the rule */
    const char *subject;
    uint64_t size;
};

struct tracking_options {
    uint32_t keep_days;
    bool subjects;
    uint32_t refusals_per_minute; /* listed one by one for each source; more are counted */
    uint32_t sources_per_minute;  /* counted apart; more are counted together under "other" */
    uint32_t queue_records;       /* that wait for the writer; more are dropped and counted */
    const struct event_sink *events;
};

struct tracking;

struct tracking *tracking_open(const char *path, const struct tracking_options *options,
                               struct error *error);

/* Writes what waits. */
void tracking_close(struct tracking *tracking);
void tracking_set_options(struct tracking *tracking, const struct tracking_options *options);

/* Copies the record and returns at once. Any thread. */
void tracking_write(struct tracking *tracking, const struct tracking_record *record);

/* Blocks until all that was handed in before is in the file, or deadline_ms passed (false). */
bool tracking_flush(struct tracking *tracking, uint32_t deadline_ms);

uint64_t tracking_dropped(const struct tracking *tracking);

/* A row as it is found. count > 1: so many refusals of this minute, source and reason (recipient empty). */
struct tracking_row {
    struct tracking_record record;
    uint64_t count;
};

/* All given conditions must hold; empty ones do not count. */
struct tracking_query {
    const char *sender;     /* without case; "*" and "?" are wildcards; "<>" is the null one */
    const char *recipient;  /* the same */
    const char *message_id; /* header, with or without brackets */
    ident message;
    ident session;
    const char *subject; /* a part, without ASCII case */
    const char *client;
    unsigned events;   /* bits 1 << enum tracking_event; 0 = all */
    int64_t since_us;  /* 0 = open */
    int64_t until_us;  /* not included; 0 = open */
    size_t limit;      /* 1.. */
    const char *after; /* *next of the page before, NULL for the first */
};

/* Each thread that searches makes its own. */
struct tracking_reader;
struct tracking_reader *tracking_reader_create(struct tracking *tracking, struct error *error);
void tracking_reader_destroy(struct tracking_reader *reader);

/* Newest first. next: filled with what continues after the last row, "" at the end; size 32 or more. The row
 * lives during the call. */
bool tracking_search(struct tracking_reader *reader, const struct tracking_query *query,
                     void (*each)(void *user, const struct tracking_row *row), void *user,
                     char *next, size_t next_size, struct error *error);

/* All rows of one message, oldest first: by its ident, or by its Message-ID when ident is 0. */
bool tracking_history(struct tracking_reader *reader, ident message, const char *message_id,
                      void (*each)(void *user, const struct tracking_row *row), void *user,
                      struct error *error);

/* Any thread: makes a search that runs on `reader` end with an error. */
void tracking_reader_cancel(struct tracking_reader *reader);

#endif
