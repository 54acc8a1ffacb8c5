/*
 * The management protocol, client side; blocking with a deadline. One thread at a time for one client. The
 * owner of a client closes it; results are new references.
 */
#ifndef GATEPOST_ADMIN_CLIENT_H
#define GATEPOST_ADMIN_CLIENT_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

struct admin_client;

enum admin_outcome {
    ADMIN_OK,
    ADMIN_NOT_RUNNING,
    ADMIN_DENIED,
    ADMIN_REFUSED, /* the service answered with an error: code and text are filled */
    ADMIN_BROKEN   /* the connection was lost, the deadline passed, or the answer made no sense */
};

struct admin_error {
    char code[24]; /* of admin/server.h; empty unless the service gave one */
    struct error error;
};

/* computer NULL: this one. channel_name: platform/channel.h. */
struct admin_client *admin_client_connect(const char *computer, const char *channel_name,
                                          uint32_t deadline_ms, enum admin_outcome *outcome,
                                          struct admin_error *error);
void admin_client_close(struct admin_client *client);

/* params: taken (reference stolen), NULL for none. *result: new reference when ADMIN_OK. */
enum admin_outcome admin_client_call(struct admin_client *client, const char *method,
                                     json_t *params, uint32_t deadline_ms, json_t **result,
                                     struct admin_error *error);

#endif
