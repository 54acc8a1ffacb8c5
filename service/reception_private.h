/*
 * The inside of reception.h: reception.c lets connections in and holds the loops, reception_listen.c the virtual
 * servers and their addresses.
 */
#ifndef GATEPOST_RECEPTION_PRIVATE_H
#define GATEPOST_RECEPTION_PRIVATE_H

#include "net/acceptor.h"
#include "platform/thread.h"
#include "reception.h"

#define NETWORK_LOOPS_MAXIMUM 4

/* An address of a virtual server. The acceptor's thread reads server and recipient_filter. */
struct listener {
    struct virtual_server *server; /* one entry */
    atomic_bool recipient_filter;
    char address[IP_TEXT_SIZE]; /* or "*" */
    uint16_t port;
    bool listens;
};

struct hosted_server {
    struct virtual_server *server; /* one entry */
    bool started;
    struct listener **listeners;
    size_t listener_count;
};

struct reception {
    struct reception_parts parts;
    struct net_acceptor *acceptor; /* NULL after reception_close() */
    int backlog;
    atomic_bool paused;

    struct inbound_loop *loops[NETWORK_LOOPS_MAXIMUM];
    unsigned loop_count;
    unsigned next_loop; /* on the acceptor's thread */

    struct lock *lock; /* for all below */
    struct condition *emptied;
    struct hosted_server *servers; /* in the order of the settings */
    size_t server_count;
};

/* reception_listen.c: under the lock. */
bool reception_host(struct reception *reception, const struct settings_settings *settings,
                    struct error *error);
void reception_host_nothing(struct reception *reception);

#endif
