/*
 * Ends waiting that lasts too long. libldap's own time limits do not cover every wait (a server that falls
 * silent in the middle of a TLS record is one that they do not), so a thread looks after the sockets in use and
 * shuts down each whose deadline has passed; the call that waits in it then fails.
 *
 * Any thread. Who makes a watch uses it from one thread, but for watch_cancel(). The watchdog outlives its
 * watches.
 */
#ifndef GATEPOST_LDAP_WATCHDOG_H
#define GATEPOST_LDAP_WATCHDOG_H

#include "platform/socket.h"

#include <stdatomic.h>

struct watchdog;
struct watch;

struct watchdog *watchdog_create(void);
void watchdog_destroy(struct watchdog *watchdog);

struct watch *watch_create(struct watchdog *watchdog);
void watch_destroy(struct watch *watch);

/* The socket that is looked after from now on; SOCKET_NONE before it is closed. */
void watch_set_socket(struct watch *watch, socket_handle socket);

/* From now on the socket has `milliseconds`, until watch_end(). */
void watch_begin(struct watch *watch, uint32_t milliseconds);

/* Whether it came in time. */
bool watch_end(struct watch *watch);

/* Any thread: shuts the socket down now, and every later one at once. */
void watch_cancel(struct watch *watch);

/* What watch_cancel() sets; valid as long as the watch. */
const atomic_bool *watch_cancelled(const struct watch *watch);

#endif
