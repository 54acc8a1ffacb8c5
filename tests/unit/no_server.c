/* In the place of the server that the verbs `run` and `service` start: none is started in a unit test. */
#include "server.h"

#include <stddef.h>

struct server *server_create(const struct server_options *options)
{
    (void)options;
    return NULL;
}

void server_destroy(struct server *server)
{
    (void)server;
}

int server_run(struct server *server, struct service_host *host)
{
    (void)server;
    (void)host;
    return SERVICE_EXIT_INTERNAL;
}

void server_control(struct server *server, enum service_control control)
{
    (void)server;
    (void)control;
}
