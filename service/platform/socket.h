/*
 * Listening sockets in the hands of one acceptor thread, which gives accepted connections away to event
 * loops. Connections themselves are libuv's.
 */
#ifndef GATEPOST_PLATFORM_SOCKET_H
#define GATEPOST_PLATFORM_SOCKET_H

#include "base/error.h"
#include "base/ip.h"

#include <stddef.h>

/* A socket as libuv takes it (uv_os_sock_t): SOCKET on Windows, a descriptor elsewhere. */
typedef uintptr_t socket_handle;
#define SOCKET_NONE ((socket_handle)-1)

struct socket_peer {
    struct ip_address address;
    uint16_t port;
    struct ip_address local_address;
    uint16_t local_port;
};

/* Bound and listening, not inherited by child processes, not blocking. On Windows nobody else can bind
 * the same address (SO_EXCLUSIVEADDRUSE); elsewhere SO_REUSEADDR lets a restart bind at once. IPv6
 * sockets take IPv6 only: all addresses of both families are two sockets. */
socket_handle socket_listen(const struct ip_address *address, uint16_t port, int backlog,
                            struct error *error);

/* The next waiting connection with TCP_NODELAY set, not blocking, not inherited; SOCKET_NONE when none
 * waits or it has gone already. *exhausted is set when the system is out of handles or memory: wait a
 * little before the next call. */
socket_handle socket_accept(socket_handle listener, struct socket_peer *peer, bool *exhausted);
void socket_close(socket_handle handle);

/* The port that a socket is bound to, which matters after port 0 was asked for; 0 when unknown. */
uint16_t socket_local_port(socket_handle handle);

/* Sends what fits at once and closes: for "421 too many connections" before a loop is involved. */
void socket_send_and_close(socket_handle handle, const char *data, size_t length);

/* Waits until one of the listeners has a connection or socket_waker_wake() was called. */
struct socket_waker;
struct socket_waker *socket_waker_create(struct error *error);
void socket_waker_destroy(struct socket_waker *waker);
void socket_waker_wake(struct socket_waker *waker); /* any thread */

/* ready[i] tells whether listeners[i] has a connection. False when woken. count <= 64. */
bool socket_wait(struct socket_waker *waker, const socket_handle *listeners, size_t count,
                 bool *ready);

/* Once at the start of the program, before the first socket (WSAStartup; SIGPIPE ignored, as many handles as allowed). */
bool socket_system_start(struct error *error);

#endif
