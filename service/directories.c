#include "directories_private.h"

#include "base/memory.h"
#include "config/settings_table.h"

/* ---- one directory ---- */

static void note_unusable(struct directories *directories, const struct directory_run *run)
{
    event_report(directories->events, EVENT_DIRECTORY_UNUSABLE, run->from->name, run->error.text,
                 NULL);
}

static struct directory_run *start_run(struct directories *directories,
                                       const struct settings_snapshot *snapshot,
                                       const struct settings_directory *from)
{
    struct directory_run *run = memory_allocate(1, sizeof *run);
    struct source_status status;
    run->snapshot = settings_retain(snapshot);
    run->from = from;
    /* Without its password it cannot be read, but it is there, and what is known of it is served. */
    if (!directory_settings_fill(&run->settings, from, directories->data_folder, &run->error))
        note_unusable(directories, run);
    run->source = source_start(directories->directory, &run->settings.source, directories->watchdog,
                               &run->error);
    if (run->source == NULL)
        note_unusable(directories, run);
    else
        run->lookup = lookup_start(&run->settings.source, &run->settings.lookup,
                                   directories->watchdog, &run->error);
    directory_run_status(run, &status);
    run->told.filled = status.state == SOURCE_STALE;
    return run;
}

static void stop_run(struct directory_run *run)
{
    lookup_stop(run->lookup);
    source_stop(run->source);
    directory_settings_free(&run->settings);
    settings_release(run->snapshot);
    memory_free(run);
}

void directory_run_status(const struct directory_run *run, struct source_status *status)
{
    *status = (struct source_status){.state = SOURCE_FAILED};
    if (run->source != NULL)
        source_get_status(run->source, status);
    /* The first cause is the better one: what the server says of a password that was not there misleads. */
    if (run->error.text[0] != '\0')
        status->error = run->error;
}

/* ---- all of them ---- */

/* Nobody asks those any more that are not among the runs, when it returns; runs may be NULL. */
static void set_live(struct directories *directories, struct directory_run *const *runs,
                     size_t count)
{
    lock_acquire(directories->live_lock);
    directories->live_count = 0;
    for (size_t i = 0; i < count; i++)
        if (runs[i] != NULL)
            directories->live[directories->live_count++] = runs[i];
    lock_release(directories->live_lock);
}

struct directories *directories_create(struct directory *directory, const char *data_folder,
                                       const struct event_sink *events)
{
    struct directories *directories = memory_allocate(1, sizeof *directories);
    directories->directory = directory;
    directories->data_folder = data_folder;
    directories->events = events;
    directory_connection_prepare();
    directories->watchdog = watchdog_create();
    directories->lock = lock_create();
    directories->live_lock = lock_create();
    directories_live_fill(directories);
    directories->changed = condition_create();
    directories->watcher = thread_start("directories", directories_watch, directories);
    return directories;
}

void directories_destroy(struct directories *directories)
{
    lock_acquire(directories->lock);
    directories->stop = true;
    condition_signal(directories->changed);
    lock_release(directories->lock);
    thread_join(directories->watcher);
    set_live(directories, NULL, 0);
    for (size_t i = 0; i < directories->count; i++)
        stop_run(directories->runs[i]);
    watchdog_destroy(directories->watchdog);
    condition_destroy(directories->changed);
    lock_destroy(directories->live_lock);
    lock_destroy(directories->lock);
    memory_free(directories);
}

/* Takes the run out whose settings say the same; NULL when there is none. */
static struct directory_run *take_unchanged(struct directories *directories,
                                            const struct settings_directory *from)
{
    const struct setting_table *table = setting_find(settings_root, VIEW("directories"))->inner;
    for (size_t i = 0; i < directories->count; i++) {
        struct directory_run *run = directories->runs[i];
        if (run == NULL || run->source == NULL || run->error.text[0] != '\0' ||
            !settings_equal(table, run->from, from))
            continue;
        directories->runs[i] = NULL;
        return run;
    }
    return NULL;
}

/* *was_there: for each name, whether a run of that name is stopped here. */
static void stop_others(struct directories *directories, const char *const *names, size_t count,
                        bool *was_there)
{
    for (size_t i = 0; i < directories->count; i++) {
        struct directory_run *run = directories->runs[i];
        if (run == NULL)
            continue;
        for (size_t j = 0; j < count; j++)
            was_there[j] |= strcmp(names[j], run->from->name) == 0;
        stop_run(run);
    }
}

static void keep_known(struct directories *directories, const char *const *names, size_t count)
{
    struct error error;
    if (!directory_keep_sources(directories->directory, names, count, &error))
        event_report(directories->events, EVENT_RECIPIENTS_FAILED, error.text, NULL);
}

/* The lock is held. */
static void take_over(struct directories *directories, const struct settings_snapshot *snapshot)
{
    const struct settings_settings *values = &snapshot->values;
    const struct settings_directory *from[DIRECTORIES_MAXIMUM];
    struct directory_run *runs[DIRECTORIES_MAXIMUM];
    const char *names[DIRECTORIES_MAXIMUM];
    bool was_there[DIRECTORIES_MAXIMUM] = {false};
    size_t count = 0;
    for (size_t i = 0; i < values->directories_count; i++) {
        if (!values->directories[i].enabled)
            continue;
        from[count] = &values->directories[i];
        names[count] = from[count]->name;
        runs[count] = take_unchanged(directories, from[count]);
        count++;
    }
    atomic_store(&directories->quiet_until, 0);
    set_live(directories, runs, count);
    stop_others(directories, names, count, was_there);
    keep_known(directories, names, count);
    for (size_t i = 0; i < count; i++) {
        directories->runs[i] =
            runs[i] != NULL ? runs[i] : start_run(directories, snapshot, from[i]);
        /* Other servers may be those of another directory. */
        if (was_there[i] && directories->runs[i]->source != NULL)
            source_synchronize(directories->runs[i]->source, true, false);
    }
    directories->count = count;
    set_live(directories, directories->runs, count);
}

void directories_apply(struct directories *directories, const struct settings_snapshot *snapshot)
{
    lock_acquire(directories->lock);
    take_over(directories, snapshot);
    lock_release(directories->lock);
}

void directories_each(struct directories *directories,
                      void (*each)(void *user, const struct directory_report *report), void *user)
{
    lock_acquire(directories->lock);
    for (size_t i = 0; i < directories->count; i++) {
        const struct directory_run *run = directories->runs[i];
        struct directory_report report = {.name = run->from->name};
        directory_run_status(run, &report.status);
        if (run->lookup != NULL)
            lookup_count(run->lookup, &report.lookups);
        each(user, &report);
    }
    lock_release(directories->lock);
}

size_t directories_synchronize(struct directories *directories, const char *name, bool full,
                               bool believe)
{
    size_t found = 0;
    lock_acquire(directories->lock);
    for (size_t i = 0; i < directories->count; i++) {
        const struct directory_run *run = directories->runs[i];
        if (name != NULL && !view_equal_nocase(view_of_text(name), view_of_text(run->from->name)))
            continue;
        found++;
        if (run->source != NULL)
            source_synchronize(run->source, full, believe);
    }
    lock_release(directories->lock);
    return found;
}

bool directories_test(struct directories *directories, const struct directory_test *test)
{
    struct directory_test watched = *test;
    lock_acquire(directories->lock);
    bool may = directories->test == NULL && !directories->no_test;
    if (may)
        directories->test = watched.watch = watch_create(directories->watchdog);
    lock_release(directories->lock);
    if (!may)
        return false;
    directory_test_run(&watched);
    lock_acquire(directories->lock);
    directories->test = NULL;
    lock_release(directories->lock);
    watch_destroy(watched.watch);
    return true;
}

void directories_end_test(struct directories *directories)
{
    lock_acquire(directories->lock);
    directories->no_test = true;
    if (directories->test != NULL)
        watch_cancel(directories->test);
    lock_release(directories->lock);
}
