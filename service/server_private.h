/*
 * The inside of server.h: server.c runs the service from start to stop, server_parts.c opens and closes what it is
 * made of, server_settings.c puts settings into force, server_admin*.c answer administrators.
 */
#ifndef GATEPOST_SERVER_PRIVATE_H
#define GATEPOST_SERVER_PRIVATE_H

#include "admin/server.h"
#include "base/event.h"
#include "callout/callout.h"
#include "config/store.h"
#include "delivery/delivery.h"
#include "directories.h"
#include "ldap/directory.h"
#include "log_file.h"
#include "platform/eventlog.h"
#include "platform/file.h"
#include "platform/thread.h"
#include "policy/policy.h"
#include "reception.h"
#include "server.h"
#include "spool/spool.h"
#include "tracking/tracking.h"

enum server_state { SERVER_STARTING, SERVER_RUNNING, SERVER_PAUSED, SERVER_STOPPING };

struct recipient_imports;

struct server {
    char *data_folder;
    bool log_to_console;
    enum log_level log_level;
    struct service_host *host;
    int64_t started_ms; /* unix; 0 before */

    struct lock *lock; /* for all up to `policy` */
    struct condition *changed;
    bool stop_is_asked;
    bool reload_is_asked;
    bool pause_is_asked;
    enum server_state state;
    struct policy *policy; /* in force */

    struct lock *applying; /* settings are put into force one revision after the other */

    /* The parts, in the order in which they are opened. */
    struct file_lock *folder_lock;
    struct log_file *log;
    struct event_log *event_log;
    struct event_sink events; /* event log and log file */
    struct settings_store *settings;
    struct directory *directory;
    struct directories *directories;
    struct tracking *tracking;
    struct spool *spool;
    struct ident_source idents;
    struct delivery *delivery;
    struct callout *callout;
    struct live_source callout_live;
    struct harvest *harvest;
    const struct live_source *directory_live; /* the directory servers; NULL: nobody to ask */
    struct reception *reception;
    struct recipient_imports *imports;
    struct admin_server *admin;

    uint64_t waiting_messages; /* when the spool was closed */
};

/* server_parts.c: all parts in order, or none: then the result is not SERVICE_EXIT_OK and error says why. */
enum service_exit server_open_parts(struct server *server, struct error *error);
void server_close_parts(struct server *server);

/* Time in which the Service Control Manager may expect the next sign of life. */
#define SERVER_HINT_MS 30000

/* server_settings.c */
void server_fill_tracking_options(const struct server *server,
                                  const struct settings_settings *settings,
                                  struct tracking_options *options);
void server_fill_spool_options(const struct server *server,
                               const struct settings_settings *settings,
                               struct spool_options *options);
/* Everything that can change while mail flows takes over the snapshot. False: an address cannot be bound. */
bool server_apply(struct server *server, const struct settings_snapshot *snapshot,
                  struct error *error);
void server_apply_newest(struct server *server);
/* Follow changes that administrators make. */
void server_watch_settings(struct server *server);

/* The policy in force, retained. */
struct policy *server_policy(struct server *server);
enum server_state server_state(struct server *server);

/* server_admin.c: all methods of the management protocol. */
void server_register_methods(struct server *server);

#endif
