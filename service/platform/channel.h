/*
 * The way of the management protocol between processes of one computer: the named pipe
 * \\.\pipe\gatepost (Administrators and the local group "Gatepost Operators" only, remote clients
 * refused unless the settings allow them) or the Unix socket DATA/admin.sock (owner only, 0600). Calls
 * block; each connection is served by a thread of its own, of which there is a maximum.
 */
#ifndef GATEPOST_PLATFORM_CHANNEL_H
#define GATEPOST_PLATFORM_CHANNEL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct channel_server;
struct channel;

/* name: the pipe's name without \\.\pipe\, or the socket's path; see channel_default_name(). */
struct channel_server *channel_server_create(const char *name, struct error *error);

/* Blocks for the next client. NULL when channel_server_stop() was called. The caller owns the channel. */
struct channel *channel_accept(struct channel_server *server);

/* Any thread: wakes channel_accept() and makes it return NULL from then on. */
void channel_server_stop(struct channel_server *server);
void channel_server_destroy(struct channel_server *server);

enum channel_failure {
    CHANNEL_OK,
    CHANNEL_NOT_RUNNING, /* nobody serves this name */
    CHANNEL_DENIED,      /* this user may not */
    CHANNEL_BUSY,        /* no free instance within the deadline */
    CHANNEL_BROKEN
};

/* computer: NULL for this one (others: Windows pipes only). */
struct channel *channel_connect(const char *computer, const char *name, uint32_t deadline_ms,
                                enum channel_failure *failure, struct error *error);

/* Returns the bytes read, 0 at the end, -1 on failure or when deadline_ms passed (0 = wait for ever). */
int channel_read(struct channel *channel, void *data, size_t size, uint32_t deadline_ms);
bool channel_write(struct channel *channel, const void *data, size_t length, uint32_t deadline_ms);

/* Any thread: makes the calls that wait on it fail. */
void channel_cancel(struct channel *channel);
void channel_close(struct channel *channel);

/* "DOMAIN\user" or "user" of the process at the other end of a served channel; cut at size - 1. Windows
 * knows it only once something was read from the channel. */
void channel_client_name(struct channel *channel, char *name, size_t size);

/* The caller frees it. Windows: "gatepost" for the default data folder, else "gatepost-" and a hash of the
 * folder's full path, so that a trial beside the service has a channel of its own. */
char *channel_default_name(const char *data_folder);

#endif
