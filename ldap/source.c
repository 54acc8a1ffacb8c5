#include "ldap/source.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/thread.h"

#include <stdio.h>

/* How soon a request is noticed while changes are waited for, milliseconds. */
#define SLICE_MS 200

struct source {
    const struct source_settings *settings;
    struct watch *watch;
    struct servers *servers;
    struct feed *feed;
    struct thread *thread;

    /* The thread's own. */
    int64_t last_full_ms; /* monotonic; 0 for never */

    atomic_int_fast64_t
        fresh_ms; /* monotonic; what is known was right then; 0: not since the start */

    struct lock *lock; /* guards all below */
    struct condition *woken;
    bool stop;
    bool wanted;
    bool wanted_full;
    bool wanted_believe;
    bool updating;
    bool filled;
    struct source_status status; /* without state, counts and age */
};

static void note_server(struct source *source, const char *server)
{
    lock_acquire(source->lock);
    view_copy_text(view_of_text(server), source->status.server, sizeof source->status.server);
    lock_release(source->lock);
}

/* An event when the state turns, not for each attempt. */
static void note_failure(struct source *source, const struct error *error)
{
    lock_acquire(source->lock);
    bool first = source->status.failures++ == 0;
    source->status.error = *error;
    source->status.connected = false;
    bool stop = source->stop;
    lock_release(source->lock);
    if (first && !stop && source->settings->events != NULL)
        event_report(source->settings->events, EVENT_DIRECTORY_AWAY, source->settings->feed.name,
                     error->text, NULL);
}

/* begin_ms: what is known now was right then. */
static void note_success(struct source *source, const struct provider_run *run, int64_t begin_ms)
{
    struct feed_count count;
    char objects[24];
    feed_count(source->feed, &count);
    snprintf(objects, sizeof objects, "%zu", count.objects);
    lock_acquire(source->lock);
    bool was_away = source->status.failures > 0, was_filled = source->filled;
    source->filled = true;
    atomic_store(&source->fresh_ms, begin_ms);
    source->status.as_of_ms = clock_unix_ms() - (clock_monotonic_ms() - begin_ms);
    source->status.failures = 0;
    source->status.updates++;
    source->status.error = (struct error){0};
    source->status.misses_deletions = run->misses_deletions;
    lock_release(source->lock);
    if (source->settings->events != NULL && (was_away || !was_filled))
        event_report(source->settings->events,
                     was_filled ? EVENT_DIRECTORY_BACK : EVENT_DIRECTORY_FILLED,
                     source->settings->feed.name, directory_connection_server(run->connection),
                     objects, NULL);
}

static bool is_stopping(struct source *source)
{
    lock_acquire(source->lock);
    bool stop = source->stop;
    lock_release(source->lock);
    return stop;
}

/* Until time is up or somebody wants something. */
static void pause_for(struct source *source, uint32_t milliseconds)
{
    int64_t end = clock_monotonic_ms() + milliseconds, left;
    lock_acquire(source->lock);
    while (!source->stop && !source->wanted && (left = end - clock_monotonic_ms()) > 0)
        condition_wait_for(source->woken, source->lock, (uint32_t)left);
    lock_release(source->lock);
}

static uint32_t retry_pause(struct source *source)
{
    const struct source_settings *settings = source->settings;
    uint64_t pause = settings->retry_least_ms;
    lock_acquire(source->lock);
    for (unsigned i = 1; i < source->status.failures && pause < settings->retry_most_ms; i++)
        pause *= 2;
    bool refused = source->status.error.code == LDAP_INVALID_CREDENTIALS;
    lock_release(source->lock);
    if (refused)
        return settings->refused_ms;
    return pause < settings->retry_most_ms ? (uint32_t)pause : settings->retry_most_ms;
}

static struct directory_connection *connect_to_any(struct source *source, struct error *error)
{
    struct directory_connection *connection = servers_connect(source->servers, error);
    note_server(source, servers_last(source->servers));
    return connection;
}

static const struct provider *choose_provider(const struct source *source,
                                              const struct root_dse *root)
{
    switch (source->settings->kind) {
    case SOURCE_AUTOMATIC:
        break;
    case SOURCE_ACTIVE_DIRECTORY:
        return &provider_dirsync;
    case SOURCE_USN:
        return &provider_usn;
    case SOURCE_SYNC:
        return &provider_sync;
    case SOURCE_SEARCH:
        return &provider_search;
    }
    if (root->is_active_directory)
        return root->has_dirsync ? &provider_dirsync : &provider_usn;
    return root->has_sync ? &provider_sync : &provider_search;
}

static void set_provider(struct source *source, const struct provider *provider)
{
    lock_acquire(source->lock);
    view_copy_text(view_of_text(provider->name), source->status.provider,
                   sizeof source->status.provider);
    source->status.connected = true;
    lock_release(source->lock);
}

/* What is wanted now; it counts as begun. */
static void take_wishes(struct source *source, struct provider_run *run, bool *full)
{
    const struct source_settings *settings = source->settings;
    uint32_t due = run->misses_deletions ? settings->full_blind_ms : settings->full_ms;
    lock_acquire(source->lock);
    *full = source->wanted_full || (source->last_full_ms != 0 &&
                                    clock_monotonic_ms() - source->last_full_ms >= (int64_t)due);
    run->believe = source->wanted_believe;
    source->wanted = source->wanted_full = source->wanted_believe = false;
    source->updating = true;
    lock_release(source->lock);
}

static bool update(struct source *source, const struct provider *provider, struct provider_run *run,
                   struct error *error)
{
    int64_t begin = clock_monotonic_ms();
    bool full;
    take_wishes(source, run, &full);
    bool good = provider->update(run, full, error);
    if (good && (full || source->last_full_ms == 0))
        source->last_full_ms = begin;
    lock_acquire(source->lock);
    source->updating = false;
    if (!good) {
        /* What was wanted is still to be done, by the next update that succeeds. */
        source->wanted_full |= full;
        source->wanted_believe |= run->believe;
    }
    lock_release(source->lock);
    if (good)
        note_success(source, run, begin);
    return good;
}

static bool is_wanted(struct source *source)
{
    lock_acquire(source->lock);
    bool wanted = source->wanted || source->stop;
    lock_release(source->lock);
    return wanted;
}

/* Takes changes as they come, until somebody wants something or it is time for a full pass. From time to time the
 * server is asked whether it still lives: a connection on which nothing happens looks the same when it is dead. */
static bool follow(struct source *source, const struct provider *provider, struct provider_run *run,
                   struct error *error)
{
    int64_t next_probe = clock_monotonic_ms() + source->settings->poll_ms;
    while (!is_wanted(source) &&
           clock_monotonic_ms() - source->last_full_ms < (int64_t)source->settings->full_ms) {
        if (!provider->wait(run, SLICE_MS, error))
            return false;
        int64_t now = clock_monotonic_ms();
        if (now < next_probe)
            continue;
        if (!search_root(run->connection, &run->root, error))
            return false;
        note_success(source, run, now);
        next_probe = now + source->settings->poll_ms;
    }
    return true;
}

/* As long as the connection serves. True when it did at all. */
static bool serve(struct source *source, const struct provider *provider, struct provider_run *run,
                  struct error *error)
{
    bool served = false;
    while (!is_stopping(source) && update(source, provider, run, error)) {
        served = true;
        if (provider->wait == NULL)
            pause_for(source, source->settings->poll_ms);
        else if (!follow(source, provider, run, error))
            break;
    }
    return served;
}

/* DirSync can be refused although the server has it: then by uSNChanged. */
static bool is_refused(const struct provider *provider, const struct error *error)
{
    return provider == &provider_dirsync && (error->code == LDAP_INSUFFICIENT_ACCESS ||
                                             error->code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION ||
                                             error->code == LDAP_UNWILLING_TO_PERFORM);
}

static bool use(struct source *source, struct directory_connection *connection, struct error *error)
{
    struct provider_run run;
    if (!provider_prepare(&run, connection, &source->settings->provider, source->feed, error))
        return false;
    const struct provider *provider = choose_provider(source, &run.root);
    set_provider(source, provider);
    bool served = serve(source, provider, &run, error);
    if (!served && is_refused(provider, error) && !is_stopping(source)) {
        *error = (struct error){0};
        set_provider(source, &provider_usn);
        served = serve(source, &provider_usn, &run, error);
    }
    if (provider->end != NULL)
        provider->end(&run);
    return served;
}

static void run(void *argument)
{
    struct source *source = argument;
    while (!is_stopping(source)) {
        struct error error = {0};
        struct directory_connection *connection = connect_to_any(source, &error);
        bool served = connection != NULL && use(source, connection, &error);
        directory_connection_destroy(connection);
        if (is_stopping(source))
            break;
        /* A connection that had served may end, that is no failure yet: servers close idle ones. */
        if (!served)
            note_failure(source, &error);
        pause_for(source, served ? source->settings->retry_least_ms : retry_pause(source));
    }
}

static bool prepare(struct source *source, struct directory *directory, struct error *error)
{
    const struct source_settings *settings = source->settings;
    struct store_source stored;
    if ((source->servers = servers_create(&settings->servers, source->watch, error)) == NULL ||
        (source->feed = feed_create(directory, &settings->feed, &stored, error)) == NULL)
        return error_prefix(error, "Directory \"%s\"", settings->feed.name);
    source->filled = stored.filled;
    source->status.as_of_ms = stored.as_of_ms;
    return true;
}

static void source_free(struct source *source)
{
    feed_destroy(source->feed);
    servers_destroy(source->servers);
    watch_destroy(source->watch);
    condition_destroy(source->woken);
    lock_destroy(source->lock);
    memory_free(source);
}

struct source *source_start(struct directory *directory, const struct source_settings *settings,
                            struct watchdog *watchdog, struct error *error)
{
    struct source *source = memory_allocate(1, sizeof *source);
    source->settings = settings;
    source->lock = lock_create();
    source->woken = condition_create();
    source->watch = watch_create(watchdog);
    if (!prepare(source, directory, error)) {
        source_free(source);
        return NULL;
    }
    source->thread = thread_start("directory", run, source);
    return source;
}

void source_stop(struct source *source)
{
    if (source == NULL)
        return;
    lock_acquire(source->lock);
    source->stop = true;
    condition_signal(source->woken);
    lock_release(source->lock);
    watch_cancel(source->watch);
    thread_join(source->thread);
    source_free(source);
}

void source_synchronize(struct source *source, bool full, bool believe)
{
    lock_acquire(source->lock);
    source->wanted = true;
    source->wanted_full |= full;
    source->wanted_believe |= believe;
    condition_signal(source->woken);
    lock_release(source->lock);
}

int64_t source_age_ms(const struct source *source)
{
    int64_t fresh_ms = atomic_load(&source->fresh_ms);
    return fresh_ms == 0 ? INT64_MAX : clock_monotonic_ms() - fresh_ms;
}

static enum source_state judge(const struct source *source)
{
    if (source->filled)
        return source_age_ms(source) <= (int64_t)source->settings->stale_ms ? SOURCE_CURRENT
                                                                            : SOURCE_STALE;
    if (source->updating)
        return SOURCE_FILLING;
    return source->status.failures > 0 ? SOURCE_FAILED : SOURCE_NEVER_FILLED;
}

void source_get_status(struct source *source, struct source_status *status)
{
    struct feed_count count;
    feed_count(source->feed, &count);
    lock_acquire(source->lock);
    *status = source->status;
    int64_t age_ms = source_age_ms(source);
    status->age_ms = age_ms != INT64_MAX ? age_ms : clock_unix_ms() - status->as_of_ms;
    status->state = judge(source);
    status->read = source->updating ? count.fed : 0;
    lock_release(source->lock);
    status->objects = count.objects;
}

const char *source_state_name(enum source_state state)
{
    switch (state) {
    case SOURCE_NEVER_FILLED:
        return "never-filled";
    case SOURCE_FILLING:
        return "filling";
    case SOURCE_CURRENT:
        return "current";
    case SOURCE_STALE:
        return "stale";
    case SOURCE_FAILED:
        break;
    }
    return "failed";
}
