/*
 * The reception: listens on the addresses of all virtual servers, lets connections in or turns them away, and hands
 * those it lets in to the network loops. A change of settings touches only the addresses and limits that changed.
 */
#ifndef GATEPOST_RECEPTION_H
#define GATEPOST_RECEPTION_H

#include "inbound.h"

struct reception_parts {
    struct spool *spool;
    struct tracking *tracking;
    struct directory *directory;
    const struct live_source *directory_live; /* NULL: none */
    const struct live_source *callout_live;   /* NULL: none */
    struct harvest *harvest;
    struct ident_source *idents;
    const struct event_sink *events;
};

struct reception;

/* Starts the network loops; listens on nothing yet. */
struct reception *reception_create(const struct reception_parts *parts, struct policy *policy,
                                   struct error *error);

/* Takes over what the policy's settings say: virtual servers, limits, addresses. An address that cannot be bound
 * makes an event, the others are not held up by it; it is tried again at the next call. False when there was one:
 * error tells the first. One thread at a time. */
bool reception_apply(struct reception *reception, struct policy *policy, struct error *error);

/* Any thread: while paused, connections are answered with 421; sessions run on. */
void reception_pause(struct reception *reception, bool paused);
bool reception_is_paused(const struct reception *reception);

/* No new connections; every session gets 421 as soon as its protocol allows. */
void reception_close(struct reception *reception);

/* Waits for the sessions to end, at most that long; true when none is left. After reception_close(). */
bool reception_wait_until_empty(struct reception *reception, uint32_t milliseconds);

/* Closes the connections that are left; returns how many. */
uint32_t reception_cut(struct reception *reception);

/* When it is empty. */
void reception_destroy(struct reception *reception);

/* ---- for the administrator; any thread but a loop's ---- */

struct reception_address {
    const char *address; /* as in the settings */
    uint16_t port;
    bool recipient_filter;
    bool listens;
};

struct reception_server {
    const char *name;
    bool started;
    uint32_t connections;
    const struct virtual_server_counters *counters;
    const struct reception_address *addresses;
    size_t address_count;
};

/* Calls back for each virtual server in the order of the settings; what is handed over lives during the call. */
void reception_each_server(struct reception *reception,
                           void (*each)(void *user, const struct reception_server *server),
                           void *user);

/* Each session, in no order. */
void reception_each_session(struct reception *reception,
                            void (*each)(void *user, const struct inbound_session *session),
                            void *user);

/* Closes the connection of that session. */
bool reception_end_session(struct reception *reception, ident session);

#endif
