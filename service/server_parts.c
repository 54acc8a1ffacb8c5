#include "server_private.h"

#include "base/memory.h"
#include "platform/channel.h"
#include "platform/text.h"
#include "recipient_import.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOG_BYTES             (UINT64_C(10) << 20)
#define JOURNAL_BYTES         (UINT64_C(10) << 20)
#define INITIAL_SETTINGS_MOST SETTINGS_DOCUMENT_MAXIMUM
#define SECOND_MS             1000u
#define HOST_NAME_SIZE        256

static char *data_path(const struct server *server, const char *name)
{
    return path_join(server->data_folder, name);
}

/* ---- folder, log, events ---- */

static enum service_exit open_folder(struct server *server, struct error *error)
{
    if (!folder_create(server->data_folder, error))
        return SERVICE_EXIT_DATA;
    char *path = data_path(server, "gatepost.lock");
    server->folder_lock = file_lock(path, error);
    memory_free(path);
    return server->folder_lock != NULL ? SERVICE_EXIT_OK : SERVICE_EXIT_DATA;
}

static void close_folder(struct server *server)
{
    file_unlock(server->folder_lock);
}

/* Events go into the log file as well, so that it tells the whole story, and `gatepost run` shows them. */
static void report_event(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    static const enum log_level levels[] = {[EVENT_INFORMATION] = LOG_INFORMATION,
                                            [EVENT_WARNING] = LOG_WARNING,
                                            [EVENT_ERROR] = LOG_ERROR};
    struct server *server = user;
    char text[1024];
    struct event_sink log = event_log_sink(server->event_log);
    log.report(log.user, id, inserts, count);
    event_format(id, inserts, count, text, sizeof(text));
    log_line(levels[event_describe(id)->severity], 0, "event %d: %s", (int)id, text);
}

static void open_logs(struct server *server, const char *log_path, const char *journal_path)
{
    struct error error;
    server->log =
        log_file_open(log_path, LOG_BYTES, server->log_to_console, server->log_level, &error);
    if (error.text[0] != '\0')
        log_line(LOG_WARNING, 0, "%s", error.text);
    server->event_log = event_log_open(journal_path, JOURNAL_BYTES, &error);
    if (server->event_log == NULL) {
        log_line(LOG_WARNING, 0, "%s", error.text);
        server->event_log = event_log_open(NULL, JOURNAL_BYTES, &error);
    }
    server->events = (struct event_sink){report_event, server};
}

static enum service_exit open_folder_logs(struct server *server, struct error *error)
{
    char *log_path = data_path(server, "gatepost.log");
    char *journal_path = data_path(server, "events.log");
    (void)error;
    open_logs(server, log_path, journal_path);
    memory_free(log_path);
    memory_free(journal_path);
    return SERVICE_EXIT_OK;
}

static void close_logs(struct server *server)
{
    char waiting[24];
    snprintf(waiting, sizeof(waiting), "%" PRIu64, server->waiting_messages);
    if (server->started_ms != 0)
        event_report(&server->events, EVENT_STOPPED, waiting, NULL);
    event_log_close(server->event_log);
    log_file_close(server->log);
}

/* ---- settings ---- */

static enum service_exit seed_settings(const char *path, const char *document_path,
                                       struct error *error)
{
    struct buffer document;
    enum settings_change change = SETTINGS_FAILED;
    if (!file_exists(document_path))
        return SERVICE_EXIT_OK;
    buffer_init(&document, INITIAL_SETTINGS_MOST);
    if (file_read(document_path, &document, error))
        change = settings_store_seed(path, buffer_view(&document), error);
    buffer_free(&document);
    if (change == SETTINGS_CHANGED || change == SETTINGS_UNCHANGED)
        return SERVICE_EXIT_OK;
    error_prefix(error, "%s", document_path);
    return change == SETTINGS_INVALID ? SERVICE_EXIT_SETTINGS : SERVICE_EXIT_DATA;
}

static void report_refused_settings(struct server *server, const struct error *refused)
{
    char revision[24];
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    snprintf(revision, sizeof(revision), "%" PRId64, snapshot->revision);
    settings_release(snapshot);
    event_report(&server->events, EVENT_SETTINGS_REFUSED, refused->text, revision, NULL);
}

static enum service_exit open_settings(struct server *server, struct error *error)
{
    struct error refused = {.code = 0};
    char *path = data_path(server, "config.db");
    char *initial_path = data_path(server, "initial-settings.json");
    enum service_exit code = seed_settings(path, initial_path, error);
    if (code == SERVICE_EXIT_OK) {
        server->settings = settings_store_open(path, &refused, error);
        if (server->settings == NULL)
            code = error->code != 0 ? SERVICE_EXIT_DATA : SERVICE_EXIT_SETTINGS;
        else if (refused.text[0] != '\0')
            report_refused_settings(server, &refused);
    }
    memory_free(path);
    memory_free(initial_path);
    return code;
}

static void close_settings(struct server *server)
{
    settings_store_close(server->settings);
}

/* ---- stores ---- */

static enum service_exit open_directory(struct server *server, struct error *error)
{
    char count[24];
    char milliseconds[16];
    char *path = data_path(server, "directory.db");
    server->directory = directory_open_local(path, error);
    memory_free(path);
    if (server->directory == NULL) {
        event_report(&server->events, EVENT_RECIPIENTS_FAILED, error->text, NULL);
        return SERVICE_EXIT_DIRECTORY;
    }
    snprintf(count, sizeof(count), "%zu", directory_count(server->directory));
    snprintf(milliseconds, sizeof(milliseconds), "%" PRIu32, directory_load_ms(server->directory));
    event_report(&server->events, EVENT_RECIPIENTS_LOADED, count, milliseconds, NULL);
    return SERVICE_EXIT_OK;
}

static void close_directory(struct server *server)
{
    directory_close(server->directory);
}

/* What is known from the last time serves from here on; the servers are asked once settings are in force. */
static enum service_exit open_directories(struct server *server, struct error *error)
{
    (void)error;
    server->directories =
        directories_create(server->directory, server->data_folder, &server->events);
    server->directory_live = directories_live(server->directories);
    return SERVICE_EXIT_OK;
}

static void close_directories(struct server *server)
{
    directories_destroy(server->directories);
}

static enum service_exit open_tracking(struct server *server, struct error *error)
{
    struct tracking_options options;
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    char *path = data_path(server, "tracking.db");
    server_fill_tracking_options(server, &snapshot->values, &options);
    server->tracking = tracking_open(path, &options, error);
    settings_release(snapshot);
    memory_free(path);
    return server->tracking != NULL ? SERVICE_EXIT_OK : SERVICE_EXIT_DATA;
}

static void close_tracking(struct server *server)
{
    tracking_close(server->tracking);
}

static void take_recovery(struct server *server, const struct spool_recovery *recovery)
{
    char messages[24];
    ident_source_init(&server->idents, recovery->greatest_message);
    snprintf(messages, sizeof(messages), "%" PRIu64, recovery->messages);
    if (!recovery->was_clean)
        event_report(&server->events, EVENT_UNCLEAN_SHUTDOWN, messages, NULL);
}

static enum service_exit open_spool(struct server *server, struct error *error)
{
    struct spool_options options;
    struct spool_recovery recovery;
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    char *path = data_path(server, "spool.db");
    server_fill_spool_options(server, &snapshot->values, &options);
    server->spool = spool_open(path, &options, &recovery, error);
    settings_release(snapshot);
    memory_free(path);
    if (server->spool == NULL)
        return SERVICE_EXIT_DATA;
    take_recovery(server, &recovery);
    return SERVICE_EXIT_OK;
}

static void close_spool(struct server *server)
{
    uint64_t recipients;
    spool_count(server->spool, &server->waiting_messages, &recipients);
    spool_close(server->spool);
}

/* ---- mail in and out ---- */

/* For EHLO. */
static void own_host_name(const struct settings_snapshot *snapshot, char name[HOST_NAME_SIZE])
{
    const char *set = snapshot->values.virtual_servers[0].host_name;
    if (set[0] != '\0')
        view_copy_text(view_of_text(set), name, HOST_NAME_SIZE);
    else
        computer_name(name, HOST_NAME_SIZE);
}

static enum service_exit open_delivery(struct server *server, struct error *error)
{
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    char host_name[HOST_NAME_SIZE];
    own_host_name(snapshot, host_name);
    const struct delivery_parts parts = {
        .spool = server->spool,
        .tracking = server->tracking,
        .events = &server->events,
        .data_folder = server->data_folder,
        .host_name = host_name,
    };
    server->delivery = delivery_start(&parts, snapshot, error);
    settings_release(snapshot);
    return server->delivery != NULL ? SERVICE_EXIT_OK : SERVICE_EXIT_DATA;
}

static void close_delivery(struct server *server)
{
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    uint32_t deadline_ms = (uint32_t)snapshot->values.service.stop_time * SECOND_MS;
    settings_release(snapshot);
    delivery_stop(server->delivery, deadline_ms);
}

/* Whom it is to ask it learns with the other settings, before there is an address to listen on. */
static enum service_exit open_callout(struct server *server, struct error *error)
{
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    char host_name[HOST_NAME_SIZE];
    own_host_name(snapshot, host_name);
    server->callout = callout_start(host_name, &server->events, error);
    settings_release(snapshot);
    if (server->callout == NULL)
        return SERVICE_EXIT_INTERNAL;
    server->callout_live = callout_source(server->callout);
    return SERVICE_EXIT_OK;
}

static void close_callout(struct server *server)
{
    callout_stop(server->callout);
}

static enum service_exit open_reception(struct server *server, struct error *error)
{
    const struct reception_parts parts = {
        .spool = server->spool,
        .tracking = server->tracking,
        .directory = server->directory,
        .directory_live = server->directory_live,
        .callout_live = &server->callout_live,
        .harvest = server->harvest,
        .idents = &server->idents,
        .events = &server->events,
    };
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    struct policy *policy = policy_create(snapshot);
    server->reception = reception_create(&parts, policy, error);
    policy_release(policy);
    settings_release(snapshot);
    return server->reception != NULL ? SERVICE_EXIT_OK : SERVICE_EXIT_INTERNAL;
}

static void close_reception(struct server *server)
{
    reception_destroy(server->reception);
}

/* ---- who asks for unknown recipients ---- */

static enum service_exit open_harvest(struct server *server, struct error *error)
{
    (void)error;
    server->harvest = harvest_create();
    return SERVICE_EXIT_OK;
}

static void close_harvest(struct server *server)
{
    harvest_destroy(server->harvest);
}

/* Sessions that had time to end have had it before. */
static void close_addresses(struct server *server)
{
    reception_close(server->reception);
    reception_cut(server->reception);
    while (!reception_wait_until_empty(server->reception, SECOND_MS))
        continue;
    policy_release(server->policy);
    server->policy = NULL;
}

static enum service_exit open_addresses(struct server *server, struct error *error)
{
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    bool all_listen = server_apply(server, snapshot, error);
    settings_release(snapshot);
    if (all_listen)
        return SERVICE_EXIT_OK;
    close_addresses(server);
    return SERVICE_EXIT_LISTEN;
}

/* ---- administrators ---- */

static enum service_exit open_admin(struct server *server, struct error *error)
{
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    unsigned clients = (unsigned)snapshot->values.service.administrators;
    settings_release(snapshot);
    char *channel = channel_default_name(server->data_folder);
    server->admin = admin_server_create(channel, clients, error);
    memory_free(channel);
    if (server->admin == NULL)
        return SERVICE_EXIT_INTERNAL;
    server->imports = recipient_imports_create();
    server_register_methods(server);
    server_watch_settings(server);
    admin_server_start(server->admin);
    return SERVICE_EXIT_OK;
}

static void close_admin(struct server *server)
{
    directories_end_test(server->directories);
    admin_server_stop(server->admin);
    admin_server_destroy(server->admin);
    recipient_imports_destroy(server->imports);
}

/* ---- all of them ---- */

/* A part whose open fails has left nothing behind. */
static const struct part {
    enum service_exit (*open)(struct server *server, struct error *error);
    void (*close)(struct server *server);
} parts[] = {
    {open_folder, close_folder},
    {open_folder_logs, close_logs},
    {open_settings, close_settings},
    {open_directory, close_directory},
    {open_directories, close_directories},
    {open_tracking, close_tracking},
    {open_spool, close_spool},
    {open_delivery, close_delivery},
    {open_callout, close_callout},
    {open_harvest, close_harvest},
    {open_reception, close_reception},
    {open_addresses, close_addresses},
    {open_admin, close_admin},
};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static void close_first(struct server *server, size_t count)
{
    while (count > 0)
        parts[--count].close(server);
}

/* Without a data folder the system's event log and the console are what is left. */
static void report_failure(struct server *server, struct error *error)
{
    bool has_logs = server->event_log != NULL;
    size_t length = strlen(error->text);
    if (length > 0 && error->text[length - 1] != '.')
        error_set(error, error->code, "%s.", error->text);
    if (!has_logs)
        open_logs(server, NULL, NULL);
    event_report(&server->events, EVENT_START_FAILED, error->text, NULL);
    if (!has_logs)
        close_logs(server);
}

enum service_exit server_open_parts(struct server *server, struct error *error)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        service_report_starting(server->host, SERVER_HINT_MS);
        enum service_exit code = parts[i].open(server, error);
        if (code == SERVICE_EXIT_OK)
            continue;
        report_failure(server, error);
        close_first(server, i);
        return code;
    }
    return SERVICE_EXIT_OK;
}

void server_close_parts(struct server *server)
{
    for (size_t i = PART_COUNT; i > 0; i--) {
        service_report_stopping(server->host, SERVER_HINT_MS);
        parts[i - 1].close(server);
    }
}
