/*
 * One TCP connection on one loop: bytes in, bytes out, both bounded. What is sent is collected and written in one
 * go when the callback that sends has returned (or at net_connection_flush()). All calls on the loop's thread. The
 * creator owns the connection until it calls net_connection_close(); closed() is the last callback and comes
 * exactly once, whoever closes first; after it the connection is gone.
 */
#ifndef GATEPOST_NET_CONNECTION_H
#define GATEPOST_NET_CONNECTION_H

#include "base/error.h"
#include "base/ip.h"
#include "net/loop.h"
#include "platform/socket.h"

struct net_connection;

struct net_connection_events {
    /* New input is at the end of data; returns how many bytes from the front were taken. The rest is offered again
     * with more behind it, or by net_connection_offer(). When the input buffer is full and nothing is taken, reading
     * pauses until net_connection_offer() or net_connection_resume(). */
    size_t (*data)(void *user, const char *data, size_t length);

    /* All that was sent is with the system, after a time when it was not. May be NULL. */
    void (*drained)(void *user);

    /* The peer has sent its last byte, or the connection broke, or net_connection_close() was called. error->text
     * is empty for an orderly end. */
    void (*closed)(void *user, const struct error *error);

    /* The peer has sent its last byte but may still listen: what waits can be offered and answered, then the user
     * calls net_connection_finish(). NULL: such a connection is closed at once. */
    void (*ended)(void *user);
};

struct net_connection_limits {
    size_t input;  /* bytes of input that may wait, 4096 or more */
    size_t output; /* bytes of output that may wait; more breaks the connection */
};

/* Takes the accepted socket. NULL (and the socket closed) when the system has no more resources. */
struct net_connection *net_connection_accept(struct net_loop *loop, socket_handle socket,
                                             const struct net_connection_limits *limits,
                                             const struct net_connection_events *events,
                                             void *user);

/* Starts to connect to the first address of host (name or IP address) that answers within timeout_ms; each address
 * is tried in turn. connected() comes once, never from inside this call, error->text empty when it succeeded;
 * otherwise the connection is gone after it and closed() does not come. When the user closes first, closed() comes
 * and connected() does not. */
struct net_connection *net_connection_open(struct net_loop *loop, const char *host, uint16_t port,
                                           uint64_t timeout_ms,
                                           const struct net_connection_limits *limits,
                                           const struct net_connection_events *events,
                                           void (*connected)(void *user, const struct error *error),
                                           void *user);

void net_connection_send(struct net_connection *connection, const char *data, size_t length);
void net_connection_flush(struct net_connection *connection);

/* Bytes sent that the system has not taken yet. */
size_t net_connection_backlog(const struct net_connection *connection);

/* No more input is read / offered until resume. What is buffered is offered on resume. */
void net_connection_pause(struct net_connection *connection);
void net_connection_resume(struct net_connection *connection);

/* Offers what is buffered again, now: the user can take it now. Not from inside data(). */
void net_connection_offer(struct net_connection *connection);

/* Bytes that have arrived and were not taken. */
size_t net_connection_waiting(const struct net_connection *connection);

/* Writes out what was sent, then closes. Offers no more input. A peer that does not read, or that was still talking
 * and does not end, is cut after linger_ms (coarse, as below). */
void net_connection_finish(struct net_connection *connection, uint64_t linger_ms);

/* At once; what was not written is lost. */
void net_connection_close(struct net_connection *connection);

/* Fires events through `idle` when nothing was received or sent for this long; 0 = never. Coarse (about a second):
 * one timer for the loop, not one for each connection. */
void net_connection_set_idle(struct net_connection *connection, uint64_t milliseconds,
                             void (*idle)(void *user));

/* "192.0.2.1:25" of the peer. */
void net_connection_peer(const struct net_connection *connection, char *text, size_t size);

#endif
