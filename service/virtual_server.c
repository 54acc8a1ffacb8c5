#include "virtual_server.h"

#include "base/hash.h"
#include "base/memory.h"
#include "platform/clock.h"
#include "platform/text.h"
#include "platform/thread.h"

#include <inttypes.h>

#define KILOBYTE                1024u
#define MINUTE_MS               60000
#define LIMIT_TOLD_EACH_MINUTES 15

struct virtual_server {
    atomic_uint references;
    char *name;
    const struct event_sink *events;
    struct virtual_server_counters counters;

    struct lock *lock; /* for all below */
    struct virtual_server_rules *rules;
    uint32_t connections;
    struct hash_table *of_address; /* address bytes -> number of its connections, as a pointer */
    bool limit_was_told;
    int64_t limit_told_ms; /* monotonic */
};

/* ---- rules ---- */

/* 0 is no limit. */
static uint64_t stricter(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static struct virtual_server_rules *rules_create(const struct settings_settings *settings,
                                                 const struct settings_virtual_server *own)
{
    const struct settings_message_delivery *common = &settings->message_delivery;
    struct virtual_server_rules *rules = memory_allocate(1, sizeof(*rules));
    uint64_t own_recipients = (uint64_t)own->recipients_per_message;
    atomic_init(&rules->references, 1);
    if (own->host_name[0] != '\0')
        view_copy_text(view_of_text(own->host_name), rules->host_name, sizeof(rules->host_name));
    else
        computer_name(rules->host_name, sizeof(rules->host_name));
    rules->greeting_delay_ms = (uint64_t)own->greeting_delay;
    rules->idle_ms = (uint64_t)own->connection_timeout * MINUTE_MS;
    rules->connections = (uint32_t)own->connections;
    rules->connections_per_address = (uint32_t)own->connections_per_address;
    rules->session = (struct smtp_session_options){
        .host_name = rules->host_name,
        .software = "Gatepost",
        .message_size =
            stricter((uint64_t)own->message_size, (uint64_t)common->receiving_size) * KILOBYTE,
        .session_size = (uint64_t)own->session_size * KILOBYTE,
        .messages = (uint32_t)own->messages_per_session,
        .recipients = (uint32_t)stricter(own_recipients, (uint64_t)common->recipients),
        .hop_count = (uint32_t)own->hop_count,
        .command_line = (uint32_t)own->command_line,
        .text_line = (uint32_t)own->text_line,
        .errors = (uint32_t)own->errors_per_session,
        .idle_commands = (uint32_t)own->idle_commands,
        .convert_bare_line_ends = own->bare_line_ends == BARE_LINE_ENDS_CONVERT,
    };
    return rules;
}

void virtual_server_rules_release(struct virtual_server_rules *rules)
{
    if (atomic_fetch_sub(&rules->references, 1) == 1)
        memory_free(rules);
}

/* ---- the server ---- */

struct virtual_server *virtual_server_create(const struct settings_settings *settings,
                                             const struct settings_virtual_server *own,
                                             const struct event_sink *events)
{
    struct virtual_server *server = memory_allocate(1, sizeof(*server));
    atomic_init(&server->references, 1);
    server->name = memory_copy_text(own->name);
    server->events = events;
    server->lock = lock_create();
    server->rules = rules_create(settings, own);
    server->of_address = hash_table_create();
    return server;
}

struct virtual_server *virtual_server_retain(struct virtual_server *server)
{
    atomic_fetch_add(&server->references, 1);
    return server;
}

void virtual_server_release(struct virtual_server *server)
{
    if (atomic_fetch_sub(&server->references, 1) != 1)
        return;
    virtual_server_rules_release(server->rules);
    hash_table_destroy(server->of_address, NULL);
    lock_destroy(server->lock);
    memory_free(server->name);
    memory_free(server);
}

void virtual_server_set_settings(struct virtual_server *server,
                                 const struct settings_settings *settings,
                                 const struct settings_virtual_server *own)
{
    struct virtual_server_rules *rules = rules_create(settings, own);
    lock_acquire(server->lock);
    struct virtual_server_rules *old = server->rules;
    server->rules = rules;
    lock_release(server->lock);
    virtual_server_rules_release(old);
}

const char *virtual_server_name(const struct virtual_server *server)
{
    return server->name;
}

struct virtual_server_counters *virtual_server_counters(struct virtual_server *server)
{
    return &server->counters;
}

/* ---- connections ---- */

static struct view key_of(const struct ip_address *address)
{
    return view_of((const char *)address->bytes, address->is_v6 ? 16 : 4);
}

static uintptr_t count_of(const struct virtual_server *server, const struct ip_address *client)
{
    return (uintptr_t)hash_table_get(server->of_address, key_of(client));
}

/* True when the administrator shall hear of it now. */
static bool is_limit_news(struct virtual_server *server)
{
    int64_t now = clock_monotonic_ms();
    if (server->limit_was_told &&
        now - server->limit_told_ms < (int64_t)LIMIT_TOLD_EACH_MINUTES * MINUTE_MS)
        return false;
    server->limit_was_told = true;
    server->limit_told_ms = now;
    return true;
}

static void tell_limit(const struct virtual_server *server, uint32_t limit)
{
    char limit_text[16];
    char minutes_text[16];
    snprintf(limit_text, sizeof(limit_text), "%" PRIu32, limit);
    snprintf(minutes_text, sizeof(minutes_text), "%d", LIMIT_TOLD_EACH_MINUTES);
    event_report(server->events, EVENT_CONNECTION_LIMIT, server->name, limit_text, minutes_text,
                 NULL);
}

/* Under the lock; NULL when a limit is reached. */
static struct virtual_server_rules *
count_in(struct virtual_server *server, const struct ip_address *client, struct verdict *refusal)
{
    struct virtual_server_rules *rules = server->rules;
    uintptr_t of_client = count_of(server, client);
    if (rules->connections != 0 && server->connections >= rules->connections) {
        verdict_set(refusal, "connection-limit", 421, "4.3.2", "Too many connections");
        return NULL;
    }
    if (rules->connections_per_address != 0 && of_client >= rules->connections_per_address) {
        verdict_set(refusal, "connection-limit-address", 421, "4.7.0",
                    "Too many connections from your address");
        return NULL;
    }
    server->connections++;
    hash_table_set(server->of_address, key_of(client), (void *)(of_client + 1));
    atomic_fetch_add(&rules->references, 1);
    return rules;
}

struct virtual_server_rules *virtual_server_enter(struct virtual_server *server,
                                                  const struct ip_address *client,
                                                  struct verdict *refusal)
{
    lock_acquire(server->lock);
    struct virtual_server_rules *rules = count_in(server, client, refusal);
    uint32_t limit = server->rules->connections;
    bool is_full = rules == NULL && limit != 0 && server->connections >= limit;
    bool is_news = is_full && is_limit_news(server);
    lock_release(server->lock);
    if (is_news)
        tell_limit(server, limit);
    if (rules != NULL)
        atomic_fetch_add_explicit(&server->counters.connections, 1, memory_order_relaxed);
    return rules;
}

void virtual_server_leave(struct virtual_server *server, const struct ip_address *client)
{
    lock_acquire(server->lock);
    uintptr_t left = count_of(server, client) - 1;
    if (left == 0)
        hash_table_take(server->of_address, key_of(client));
    else
        hash_table_set(server->of_address, key_of(client), (void *)left);
    server->connections--;
    lock_release(server->lock);
}

uint32_t virtual_server_connections(struct virtual_server *server)
{
    lock_acquire(server->lock);
    uint32_t connections = server->connections;
    lock_release(server->lock);
    return connections;
}
