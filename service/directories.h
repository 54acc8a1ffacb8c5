/*
 * The directories that the settings name: for each that is enabled a source (ldap/source.h) that keeps its
 * recipients in step, and events when its state turns.
 */
#ifndef GATEPOST_DIRECTORIES_H
#define GATEPOST_DIRECTORIES_H

#include "base/event.h"
#include "base/live.h"
#include "config/settings.h"
#include "directories_test.h"
#include "ldap/lookup.h"
#include "ldap/source.h"

struct directories;

/* All outlive it. data_folder: where the passwords of the settings can be opened. */
struct directories *directories_create(struct directory *directory, const char *data_folder,
                                       const struct event_sink *events);

/* Stops all sources, soon whatever they wait for. */
void directories_destroy(struct directories *directories);

/* Puts the snapshot in force. A source whose settings are as they were goes on; what is known of a directory that
 * is no longer there or enabled is forgotten. One call at a time. */
void directories_apply(struct directories *directories, const struct settings_snapshot *snapshot);

/* Any thread. */

/* Asks the servers of directories that are not current; lives as long as the directories. */
const struct live_source *directories_live(const struct directories *directories);

/* One directory that is in force. status.error also says why a source could not be started. */
struct directory_report {
    const char *name;
    struct source_status status;
    struct lookup_count lookups;
};

void directories_each(struct directories *directories,
                      void (*each)(void *user, const struct directory_report *report), void *user);

/* As source_synchronize(). name: NULL for all. How many there are of that name. */
size_t directories_synchronize(struct directories *directories, const char *name, bool full,
                               bool believe);

/* Runs the test, with a watch of its own. False when another one runs, or after directories_end_test(). */
bool directories_test(struct directories *directories, const struct directory_test *test);

/* Has a test that runs end soon, and allows no other: for who has to wait for whoever asked for it. */
void directories_end_test(struct directories *directories);

#endif
