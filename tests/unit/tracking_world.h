/* What the tests of tracking share: a file, its events, and rows that are kept to be looked at. Calls that
 * check fail the test. */
#ifndef TRACKING_WORLD_H
#define TRACKING_WORLD_H

#include "tracking/tracking.h"

/* The file; each test program has its own. */
extern const char *world_path;
extern struct tracking *tracking;
extern struct tracking_reader *reader;

/* Generous limits, events counted. */
struct tracking_options world_options(void);

/* A new file. */
void world_set_up(void);
void world_tear_down(void);

void world_open(const struct tracking_options *options);
void world_close(void);

unsigned world_events_seen(enum event_id id);
const char *world_last_insert(void);

/* Writes a record whose reply is its label. */
void put(enum tracking_event event, ident message, int64_t time_us, const char *label);
void flush(void);

/* Rows that a search or a history gave. */
#define KEPT_ROWS 20000
struct kept_row {
    int64_t time_us;
    enum tracking_event event;
    uint64_t count;
    ident message;
    char client[48];
    char reason[48];
    char label[48]; /* reply */
};
extern struct kept_row rows[KEPT_ROWS];
extern size_t row_count;
void keep_row(void *user, const struct tracking_row *row);

/* Replaces what was kept. limit 0 in the query: 1000. */
void search(struct tracking_query query);

/* Their labels with a blank between them. */
const char *labels(void);

/* The number that a statement gives. */
long long world_number(const char *sql);

#endif
