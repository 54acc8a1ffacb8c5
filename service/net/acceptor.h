/*
 * One thread that accepts on all listening addresses and hands each connection to a loop in turn.
 */
#ifndef GATEPOST_NET_ACCEPTOR_H
#define GATEPOST_NET_ACCEPTOR_H

#include "net/loop.h"
#include "platform/socket.h"

struct net_acceptor;

struct net_accepted {
    socket_handle socket; /* the receiver takes it */
    struct socket_peer peer;
    void *listener; /* as given to net_acceptor_add() */
};

/* accepted() runs on the acceptor's thread for each connection; it decides and posts to a loop. */
struct net_acceptor *net_acceptor_create(void (*accepted)(void *user,
                                                          const struct net_accepted *accepted),
                                         void *user, struct error *error);

/* Any thread; false when the address cannot be bound. "*" addresses are two calls (IPv4 and IPv6) by the caller.
 * At most 64 addresses at a time. */
bool net_acceptor_add(struct net_acceptor *acceptor, const struct ip_address *address,
                      uint16_t port, int backlog, void *listener, struct error *error);

/* Closes the sockets of this listener; after it returns accepted() does not come for it any more. */
void net_acceptor_remove(struct net_acceptor *acceptor, void *listener);

/* The port that is bound for a listener (for port 0), 0 when none. */
uint16_t net_acceptor_port(struct net_acceptor *acceptor, void *listener);

void net_acceptor_destroy(struct net_acceptor *acceptor);

#endif
