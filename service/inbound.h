/*
 * Connections that come in: each joins one TCP connection to one SMTP session and answers what the session asks, by
 * the policy, the spool and tracking. They live on a few network loops.
 */
#ifndef GATEPOST_INBOUND_H
#define GATEPOST_INBOUND_H

#include "base/ident.h"
#include "ldap/directory.h"
#include "platform/socket.h"
#include "policy/harvest.h"
#include "policy/policy.h"
#include "spool/spool.h"
#include "tracking/tracking.h"
#include "virtual_server.h"

/* What all sessions work with; it outlives the loops. */
struct inbound_parts {
    struct spool *spool;
    struct tracking *tracking;
    struct directory *directory;
    const struct live_source *directory_live; /* the directory servers; NULL: nobody to ask */
    const struct live_source *callout_live;   /* the next hops; NULL: nobody to ask */
    struct harvest *harvest;
    struct ident_source *idents;

    /* On the loop's thread: a loop has no session left. */
    void (*emptied)(void *user);
    void *user;
};

struct inbound_loop;

/* number: 1.., for the name of its thread. */
struct inbound_loop *inbound_loop_start(const struct inbound_parts *parts, unsigned number,
                                        struct policy *policy, struct error *error);

/* When no session is left. */
void inbound_loop_stop(struct inbound_loop *loop);

/* The calls below: any thread but a loop's. */

/* In force from the next MAIL or RCPT on. */
void inbound_loop_set_policy(struct inbound_loop *loop, struct policy *policy);

/* A connection that was admitted; all of it goes to the loop: the socket, one entry of server, rules. */
struct inbound_arrival {
    socket_handle socket;
    struct socket_peer peer;
    ident session;
    struct virtual_server *server;
    struct virtual_server_rules *rules;
    bool recipient_filter;
};
void inbound_loop_take(struct inbound_loop *loop, const struct inbound_arrival *arrival);

/* Sessions that are there or on their way to the loop. */
uint32_t inbound_loop_sessions(const struct inbound_loop *loop);

/* Ends each session with 421 as soon as its protocol allows; those that still arrive, at once. */
void inbound_loop_shut_down(struct inbound_loop *loop);

/* Closes the connections of all sessions and returns how many there were. */
uint32_t inbound_loop_cut(struct inbound_loop *loop);

/* The connection of one session; false when the loop does not have it. */
bool inbound_loop_end_session(struct inbound_loop *loop, ident session);

struct inbound_session {
    ident session;
    const char *client;
    const char *helo;
    const char *virtual_server;
    int64_t since_ms; /* unix */
    uint32_t messages;
};

/* Calls back for each session, on the loop's thread, and returns afterwards. */
void inbound_loop_each_session(struct inbound_loop *loop,
                               void (*each)(void *user, const struct inbound_session *session),
                               void *user);

#endif
