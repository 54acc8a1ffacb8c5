/*
 * A connection that one thread makes and uses by itself, blocking. Unlike the sockets of socket.h it can be
 * ended from another thread while its own waits in it.
 */
#ifndef GATEPOST_PLATFORM_CONNECT_H
#define GATEPOST_PLATFORM_CONNECT_H

#include "platform/socket.h"

#include <stdatomic.h>

/* Connected within deadline_ms, blocking from then on, with keep-alive and TCP_NODELAY. Gives up soon after
 * *cancelled has become true (another thread may set it). SOCKET_NONE when it failed: error says why, without
 * naming the peer. */
socket_handle socket_connect(const struct ip_address *address, uint16_t port, uint32_t deadline_ms,
                             const atomic_bool *cancelled, struct error *error);

/* No single call waits longer than this for the peer. */
void socket_limit_waiting(socket_handle handle, uint32_t milliseconds);

/* Any thread: whoever waits in the socket returns, whoever uses it later fails. It has still to be closed. */
void socket_shutdown(socket_handle handle);

#endif
