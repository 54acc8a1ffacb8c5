/* The inside of directories.h: directories.c starts and stops, directories_settings.c translates the settings,
 * directories_watch.c makes the events, directories_live.c asks servers about single addresses. */
#ifndef GATEPOST_DIRECTORIES_PRIVATE_H
#define GATEPOST_DIRECTORIES_PRIVATE_H

#include "base/arena.h"
#include "directories.h"
#include "platform/thread.h"

/* As many as the settings may have. */
#define DIRECTORIES_MAXIMUM 15

/* The settings of one directory as its source wants them. Texts that the snapshot does not have live in the
 * arena. */
struct directory_settings {
    struct arena *arena;
    struct source_settings source;
    struct lookup_settings lookup;
    uint32_t ask_ms; /* servers are asked when what is known is older */
};

/* False, with an error, when the password cannot be opened; the rest is filled then, and the password empty. The
 * snapshot that holds `from` must outlive it. */
bool directory_settings_fill(struct directory_settings *settings,
                             const struct settings_directory *from, const char *data_folder,
                             struct error *error);
void directory_settings_free(struct directory_settings *settings);

/* What goes wrong with a directory, as far as it has an event of its own. */
enum directory_trouble {
    TROUBLE_NONE,
    TROUBLE_AWAY,
    TROUBLE_CERTIFICATE,
    TROUBLE_PASSWORD,
    TROUBLE_DOUBT
};

/* What events have told of a directory. */
struct directory_told {
    bool filled;
    bool stale;
    bool blind;
    enum directory_trouble trouble;
};

/* One directory that is in force. */
struct directory_run {
    const struct settings_snapshot *snapshot; /* holds `from` */
    const struct settings_directory *from;
    struct directory_settings settings;
    struct source *source; /* NULL: it could not be started */
    struct lookup *lookup; /* NULL: there is no source */
    struct error error;    /* why */
    struct directory_told told;
    atomic_bool refused; /* the password: another try counts towards a lock of the account */
};

struct directories {
    struct directory *directory;
    const char *data_folder;
    const struct event_sink *events;
    struct watchdog *watchdog;
    struct live_source live_source;
    struct thread *watcher;

    struct lock *lock; /* guards all below */
    struct condition *changed;
    bool stop;
    struct watch *test; /* of the test that runs; NULL for none */
    bool no_test;
    struct directory_run *runs[DIRECTORIES_MAXIMUM];
    size_t count;

    /* Monotonic milliseconds: until then at least, nobody is asked. */
    _Atomic int64_t quiet_until;
    struct lock *live_lock; /* for what network loops ask; held for moments only */
    struct directory_run *live[DIRECTORIES_MAXIMUM];
    size_t live_count;
};

void directory_run_status(const struct directory_run *run, struct source_status *status);

/* directories_live.c */
void directories_live_fill(struct directories *directories);
int64_t directory_run_quiet_until(const struct directory_run *run);

/* directories_watch.c: a thread that ends when `stop` is set. */
void directories_watch(void *argument);

#endif
