#include "server_private.h"

#include "base/hash.h"
#include "base/memory.h"
#include "platform/clock.h"
#include "platform/socket.h"
#include "version.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_MS 1000

struct server *server_create(const struct server_options *options)
{
    struct server *server = memory_allocate(1, sizeof(*server));
    server->data_folder = memory_copy_text(options->data_folder);
    server->log_to_console = options->log_to_console;
    server->log_level = options->verbose ? LOG_DEBUG : LOG_INFORMATION;
    server->lock = lock_create();
    server->changed = condition_create();
    server->applying = lock_create();
    return server;
}

void server_destroy(struct server *server)
{
    lock_destroy(server->applying);
    condition_destroy(server->changed);
    lock_destroy(server->lock);
    memory_free(server->data_folder);
    memory_free(server);
}

void server_control(struct server *server, enum service_control control)
{
    lock_acquire(server->lock);
    switch (control) {
    case SERVICE_ASKED_TO_STOP:
        server->stop_is_asked = true;
        break;
    case SERVICE_ASKED_TO_PAUSE:
        server->pause_is_asked = true;
        break;
    case SERVICE_ASKED_TO_CONTINUE:
        server->pause_is_asked = false;
        break;
    case SERVICE_ASKED_TO_RELOAD:
        server->reload_is_asked = true;
        break;
    }
    condition_broadcast(server->changed);
    lock_release(server->lock);
}

static void set_state(struct server *server, enum server_state state)
{
    lock_acquire(server->lock);
    server->state = state;
    lock_release(server->lock);
}

enum server_state server_state(struct server *server)
{
    lock_acquire(server->lock);
    enum server_state state = server->state;
    lock_release(server->lock);
    return state;
}

struct policy *server_policy(struct server *server)
{
    lock_acquire(server->lock);
    struct policy *policy = policy_retain(server->policy);
    lock_release(server->lock);
    return policy;
}

/* ---- running ---- */

static void report_started(struct server *server)
{
    struct policy *policy = server_policy(server);
    char domains[24];
    char recipients[24];
    snprintf(domains, sizeof(domains), "%zu",
             policy_settings(policy)->values.accepted_domains_count);
    snprintf(recipients, sizeof(recipients), "%zu", directory_count(server->directory));
    policy_release(policy);
    server->started_ms = clock_unix_ms();
    event_report(&server->events, EVENT_STARTED, GATEPOST_VERSION, domains, recipients, NULL);
}

static void pause_or_continue(struct server *server, bool pauses)
{
    reception_pause(server->reception, pauses);
    set_state(server, pauses ? SERVER_PAUSED : SERVER_RUNNING);
    event_report(&server->events, pauses ? EVENT_PAUSED : EVENT_CONTINUED, NULL);
    if (pauses)
        service_report_paused(server->host);
    else
        service_report_running(server->host);
}

/* Does what it is told until that is to stop. */
static void serve(struct server *server)
{
    lock_acquire(server->lock);
    while (!server->stop_is_asked) {
        bool reloads = server->reload_is_asked;
        bool pauses = server->pause_is_asked;
        bool is_paused = server->state == SERVER_PAUSED;
        server->reload_is_asked = false;
        if (!reloads && pauses == is_paused) {
            condition_wait(server->changed, server->lock);
            continue;
        }
        lock_release(server->lock);
        if (reloads)
            server_apply_newest(server);
        if (pauses != is_paused)
            pause_or_continue(server, pauses);
        lock_acquire(server->lock);
    }
    lock_release(server->lock);
}

/* ---- the end ---- */

static bool wait_for_sessions(struct server *server, int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i++) {
        service_report_stopping(server->host, SERVER_HINT_MS);
        if (reception_wait_until_empty(server->reception, SECOND_MS))
            return true;
    }
    return false;
}

static void cut_sessions(struct server *server, int64_t seconds)
{
    char count_text[16];
    char seconds_text[24];
    uint32_t count = reception_cut(server->reception);
    snprintf(count_text, sizeof(count_text), "%" PRIu32, count);
    snprintf(seconds_text, sizeof(seconds_text), "%" PRId64, seconds);
    if (count > 0)
        event_report(&server->events, EVENT_STOP_TIMED_OUT, count_text, seconds_text, NULL);
    /* Those whose message is being stored end when the spool has answered. */
    while (!reception_wait_until_empty(server->reception, SECOND_MS))
        service_report_stopping(server->host, SERVER_HINT_MS);
}

static void end_sessions(struct server *server)
{
    struct policy *policy = server_policy(server);
    int64_t seconds = policy_settings(policy)->values.service.stop_time;
    policy_release(policy);
    set_state(server, SERVER_STOPPING);
    reception_close(server->reception);
    if (!wait_for_sessions(server, seconds))
        cut_sessions(server, seconds);
}

static void seed_hashes(void)
{
    uint64_t seed[2];
    random_bytes(seed, sizeof(seed));
    hash_key_set(seed[0], seed[1]);
}

int server_run(struct server *server, struct service_host *host)
{
    struct error error;
    server->host = host;
    seed_hashes();
    if (!socket_system_start(&error))
        return SERVICE_EXIT_INTERNAL;
    enum service_exit code = server_open_parts(server, &error);
    if (code != SERVICE_EXIT_OK)
        return (int)code;
    set_state(server, SERVER_RUNNING);
    report_started(server);
    service_report_running(host);
    serve(server);
    end_sessions(server);
    server_close_parts(server);
    return SERVICE_EXIT_OK;
}
