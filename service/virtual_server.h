/*
 * One SMTP virtual server: who may connect at present, under which rules, and what was counted. Created from its
 * settings; a change makes new rules, under which new connections begin, while those that are there keep theirs.
 * Counted, because its sessions may outlast it. Any thread.
 */
#ifndef GATEPOST_VIRTUAL_SERVER_H
#define GATEPOST_VIRTUAL_SERVER_H

#include "base/event.h"
#include "base/ip.h"
#include "base/verdict.h"
#include "config/settings.h"
#include "smtp/session.h"

#include <stdatomic.h>

/* What holds for one connection from its start to its end. Never changes; counted. */
struct virtual_server_rules {
    atomic_uint references;
    struct smtp_session_options session;
    uint64_t greeting_delay_ms;
    uint64_t idle_ms;
    uint32_t connections;             /* 0 = no limit */
    uint32_t connections_per_address; /* 0 = no limit */
    char host_name[256];
};

void virtual_server_rules_release(struct virtual_server_rules *rules);

/* Since the start of the service. */
struct virtual_server_counters {
    atomic_uint_fast64_t connections;
    atomic_uint_fast64_t refused_connections;
    atomic_uint_fast64_t messages;
    atomic_uint_fast64_t message_bytes;
    atomic_uint_fast64_t accepted_recipients;
    atomic_uint_fast64_t refused_recipients;
    atomic_uint_fast64_t
        unknown_recipients; /* of them, or in place of them the end of the session */
};

struct virtual_server;

/* settings: this virtual server's place in the snapshot. */
struct virtual_server *virtual_server_create(const struct settings_settings *settings,
                                             const struct settings_virtual_server *own,
                                             const struct event_sink *events);
struct virtual_server *virtual_server_retain(struct virtual_server *server);
void virtual_server_release(struct virtual_server *server);

void virtual_server_set_settings(struct virtual_server *server,
                                 const struct settings_settings *settings,
                                 const struct settings_virtual_server *own);

const char *virtual_server_name(const struct virtual_server *server);
struct virtual_server_counters *virtual_server_counters(struct virtual_server *server);

/* May one more connection of this client begin? Then it is counted until virtual_server_leave(), and the rules
 * are the caller's to release. NULL: *refusal says why not. */
struct virtual_server_rules *virtual_server_enter(struct virtual_server *server,
                                                  const struct ip_address *client,
                                                  struct verdict *refusal);
void virtual_server_leave(struct virtual_server *server, const struct ip_address *client);

/* Connections at present. */
uint32_t virtual_server_connections(struct virtual_server *server);

#endif
