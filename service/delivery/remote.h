/*
 * One connection to a host, with the SMTP client that talks over it. The delivery loop's thread;
 * shared by remote.c and remote_message.c.
 */
#ifndef GATEPOST_DELIVERY_REMOTE_H
#define GATEPOST_DELIVERY_REMOTE_H

#include "delivery/delivery_private.h"
#include "net/connection.h"
#include "smtp/client.h"

struct remote {
    struct list link; /* in destination->connections */
    struct destination *destination;
    struct net_connection *connection; /* NULL: gone */
    struct smtp_client *client;
    int64_t opened_ms;
    int64_t progress_ms; /* something was heard, or written away, last */
    uint32_t begun;      /* messages */
    uint32_t under_way;  /* of them, not done */
    bool connected;
    bool greeted;    /* the next hop is ready for mail */
    bool served;     /* a message was answered here */
    bool quitting;   /* no further message */
    bool no_room;    /* content waits until what was sent is written */
    bool unreadable; /* content could not be read: ours is the failure */
    bool ended;      /* the client has */
};

/* What the client sends, for struct smtp_client_host; user is the remote. */
enum smtp_client_next remote_message_next(void *user, const struct smtp_client_message **message);
enum smtp_client_content
remote_message_content(void *user, const struct smtp_client_message *message, struct view *piece);
void remote_message_recipient_done(void *user, const struct smtp_client_message *message,
                                   size_t recipient, enum smtp_client_outcome outcome,
                                   const struct smtp_client_reply *reply);
void remote_message_done(void *user, const struct smtp_client_message *message);

#endif
