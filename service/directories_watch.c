#include "directories_private.h"

#include "ldap/reason.h"
#include "platform/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* How late a change of state may be told, milliseconds. */
#define INTERVAL_MS 250

static enum directory_trouble trouble_of(const struct source_status *status)
{
    if (status->failures == 0)
        return TROUBLE_NONE;
    switch (status->error.code) {
    case REASON_CERTIFICATE:
        return TROUBLE_CERTIFICATE;
    case REASON_DOUBT:
        return TROUBLE_DOUBT;
    case LDAP_INVALID_CREDENTIALS:
        return TROUBLE_PASSWORD;
    default:
        return TROUBLE_AWAY;
    }
}

static void tell_trouble(const struct directories *directories, const struct directory_run *run,
                         const struct source_status *status, enum directory_trouble trouble)
{
    static const enum event_id events[] = {[TROUBLE_AWAY] = EVENT_DIRECTORY_AWAY,
                                           [TROUBLE_CERTIFICATE] = EVENT_DIRECTORY_CERTIFICATE,
                                           [TROUBLE_PASSWORD] = EVENT_DIRECTORY_PASSWORD,
                                           [TROUBLE_DOUBT] = EVENT_DIRECTORY_DOUBT};
    char pause[24];
    snprintf(pause, sizeof pause, "%" PRId64, run->from->refused_pause);
    event_report(directories->events, events[trouble], run->from->name, status->error.text, pause,
                 NULL);
}

static void tell_stale(const struct directories *directories, const struct directory_run *run,
                       const struct source_status *status)
{
    char as_of[CLOCK_UTC_SIZE];
    clock_format_utc(status->as_of_ms, as_of);
    event_report(directories->events, EVENT_DIRECTORY_STALE, run->from->name, as_of,
                 status->error.text, NULL);
}

static void tell_blind(const struct directories *directories, const struct directory_run *run)
{
    char minutes[24];
    snprintf(minutes, sizeof minutes, "%" PRId64, run->from->full_interval_blind);
    event_report(directories->events, EVENT_DIRECTORY_BLIND, run->from->name, minutes, NULL);
}

static void tell_good(const struct directories *directories, const struct directory_run *run,
                      const struct source_status *status, enum event_id id)
{
    char objects[24];
    snprintf(objects, sizeof objects, "%zu", status->objects);
    event_report(directories->events, id, run->from->name, status->server, objects, NULL);
}

/* Each turn is told once, however long what it led to lasts. */
static void look_at(const struct directories *directories, struct directory_run *run)
{
    struct source_status status;
    struct directory_told *told = &run->told;
    directory_run_status(run, &status);
    enum directory_trouble trouble = trouble_of(&status);
    atomic_store(&run->refused, trouble == TROUBLE_PASSWORD);
    if (trouble != TROUBLE_NONE && trouble != told->trouble)
        tell_trouble(directories, run, &status, trouble);
    if (status.state == SOURCE_STALE && trouble != TROUBLE_NONE && !told->stale) {
        tell_stale(directories, run, &status);
        told->stale = true;
    }
    if (status.state == SOURCE_CURRENT && trouble == TROUBLE_NONE) {
        if (!told->filled)
            tell_good(directories, run, &status, EVENT_DIRECTORY_FILLED);
        else if (told->stale || told->trouble != TROUBLE_NONE)
            tell_good(directories, run, &status, EVENT_DIRECTORY_BACK);
        if (status.misses_deletions && !told->blind)
            tell_blind(directories, run);
        told->filled = true;
        told->stale = false;
        told->blind = status.misses_deletions;
    }
    /* What was told goes on until it is current again: while it tries, it is not yet good. */
    if (trouble != TROUBLE_NONE || status.state == SOURCE_CURRENT)
        told->trouble = trouble;
}

void directories_watch(void *argument)
{
    struct directories *directories = argument;
    lock_acquire(directories->lock);
    while (!directories->stop) {
        int64_t quiet_until = INT64_MAX;
        for (size_t i = 0; i < directories->count; i++) {
            look_at(directories, directories->runs[i]);
            int64_t until = directory_run_quiet_until(directories->runs[i]);
            quiet_until = until < quiet_until ? until : quiet_until;
        }
        atomic_store(&directories->quiet_until, quiet_until);
        condition_wait_for(directories->changed, directories->lock, INTERVAL_MS);
    }
    lock_release(directories->lock);
}
