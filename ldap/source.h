/*
 * One directory: its servers, and the thread that keeps its recipients in step. It connects to the first server
 * that can be used, goes on with the same one as long as it lives, and tries again with growing pauses when none
 * can be. Whatever happens, what is known goes on being served.
 */
#ifndef GATEPOST_LDAP_SOURCE_H
#define GATEPOST_LDAP_SOURCE_H

#include "base/event.h"
#include "ldap/provider.h"
#include "ldap/servers.h"

enum source_kind {
    SOURCE_AUTOMATIC,        /* by what the server says of itself */
    SOURCE_ACTIVE_DIRECTORY, /* DirSync; by uSNChanged where that is refused */
    SOURCE_USN,              /* by uSNChanged from the start */
    SOURCE_SYNC,             /* RFC 4533 */
    SOURCE_SEARCH            /* a full search each time */
};

/* The caller keeps all of it as long as the source. Times in milliseconds. */
struct source_settings {
    enum source_kind kind;
    struct servers_settings servers;
    struct provider_settings provider;
    struct feed_settings feed;
    uint32_t poll_ms;        /* between two looks; with SOURCE_SYNC, at whether the server lives */
    uint32_t full_ms;        /* between two passes through everything */
    uint32_t full_blind_ms;  /* the same where deletions are not seen otherwise */
    uint32_t retry_least_ms; /* the first pause after a failure; each next one is twice as long */
    uint32_t retry_most_ms;
    uint32_t refused_ms; /* pause after a refused password, so that the account is not locked */
    uint32_t stale_ms;   /* what was not confirmed for so long is no longer current */
    const struct event_sink *events; /* may be NULL */
};

enum source_state {
    SOURCE_NEVER_FILLED, /* nothing was tried to its end yet */
    SOURCE_FILLING,      /* the first pass is under way */
    SOURCE_CURRENT,
    SOURCE_STALE, /* known, but not confirmed for some time */
    SOURCE_FAILED /* never filled, and the last attempt failed */
};

struct source_status {
    enum source_state state;
    bool connected;
    bool misses_deletions;
    size_t objects;                   /* known */
    size_t read;                      /* in the pass that is under way, of about `objects` */
    int64_t as_of_ms;                 /* what is known was right then, Unix time; 0 for never */
    int64_t age_ms;                   /* since then */
    char server[HOST_NAME_SIZE + 16]; /* the last one that was tried or used */
    char provider[24];                /* empty when none was chosen yet */
    struct error error;               /* of the last attempt; empty text when it succeeded */
    unsigned failures;                /* attempts since the last success */
    size_t updates;                   /* that succeeded, since the start */
};

struct source;

/* Starts the thread. NULL when the settings or the file cannot be used. */
struct source *source_start(struct directory *directory, const struct source_settings *settings,
                            struct watchdog *watchdog, struct error *error);

/* Ends the thread soon, whatever it waits for. */
void source_stop(struct source *source);

/* Any thread. */
void source_get_status(struct source *source, struct source_status *status);

/* Any thread, without a lock: how long ago what is known was right for the last time, milliseconds; INT64_MAX when
 * it was not since the start. */
int64_t source_age_ms(const struct source *source);

/* Any thread: has everything looked at now; full: from the beginning; believe: what is missing then is gone,
 * however much. */
void source_synchronize(struct source *source, bool full, bool believe);

const char *source_state_name(enum source_state state);

#endif
