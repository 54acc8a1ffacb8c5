/*
 * The front hall: builds the parts, joins them, starts and stops them. server_run() is what both
 * `gatepost service` and `gatepost run` do.
 */
#ifndef GATEPOST_SERVER_H
#define GATEPOST_SERVER_H

#include "platform/service.h"

#include <stdbool.h>

struct server_options {
    const char *data_folder;
    bool log_to_console; /* run: log lines on stderr */
    bool verbose;        /* log lines of sessions too */
};

struct server;

struct server *server_create(const struct server_options *options);
void server_destroy(struct server *server);

/* Starts, serves until it is told to stop, stops. Returns an enum service_exit; when it is not OK an event and
 * the log say why. Reports START_PENDING with checkpoints, RUNNING once every address is bound and the recipients
 * are loaded, STOP_PENDING while it ends. Once. */
int server_run(struct server *server, struct service_host *host);

/* Any thread; only posts. */
void server_control(struct server *server, enum service_control control);

#endif
