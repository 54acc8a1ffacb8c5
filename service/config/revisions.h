/*
 * Inside the config room: the table of revisions in config.db. One thread at a time. Errors say which file,
 * and carry SQLite's code.
 */
#ifndef GATEPOST_CONFIG_REVISIONS_H
#define GATEPOST_CONFIG_REVISIONS_H

#include "config/store.h"

struct revisions;

/* Makes the file and the table when they are not there. */
struct revisions *revisions_open(const char *path, struct error *error);
void revisions_close(struct revisions *revisions);

/* The number of the newest one, 0 when there is none. */
bool revisions_newest(struct revisions *revisions, int64_t *newest, struct error *error);

/* Is on the disk when it returns true. */
bool revisions_append(struct revisions *revisions, const struct settings_revision *revision,
                      const char *document, struct error *error);

/* Calls back with one revision (number > 0) or with all, newest first, until it returns false. The document
 * lives during the call. */
bool revisions_each_document(struct revisions *revisions, int64_t number,
                             bool (*each)(void *user, int64_t number, struct view document),
                             void *user, struct error *error);

/* As settings_store_history(). */
bool revisions_history(struct revisions *revisions, int64_t before, size_t limit,
                       void (*each)(void *user, const struct settings_revision *revision),
                       void *user, struct error *error);

#endif
