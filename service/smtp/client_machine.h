/*
 * What the two halves of the client share: client.c is the connection from greeting to QUIT,
 * client_mail.c the mail transactions on it. Room-private.
 */
#ifndef GATEPOST_SMTP_CLIENT_MACHINE_H
#define GATEPOST_SMTP_CLIENT_MACHINE_H

#include "smtp/client_content.h"
#include "smtp/client_features.h"
#include "smtp/client_reply.h"

enum client_state {
    CLIENT_GREETING,
    CLIENT_EHLO,
    CLIENT_HELO,
    CLIENT_OPEN,
    CLIENT_QUITTING,
    CLIENT_ENDED
};

/* Commands of a transaction in their order: RSET, MAIL, one RCPT for each recipient, DATA. */
enum { POSITION_RSET, POSITION_MAIL, POSITION_RCPT };

struct client_transaction {
    const struct smtp_client_message *message; /* NULL: none */
    size_t sent;                               /* positions before this were sent */
    size_t answered;                           /* positions before this were answered */
    size_t accepted;
    size_t told; /* recipients whose outcome the host knows */
    bool *recipient_told;
    size_t capacity; /* of recipient_told */
    bool mail_accepted;
    bool any_accepted; /* MAIL, some RCPT or DATA got 2xx or 3xx */
};

struct smtp_client {
    const struct smtp_client_host *host;
    void *user;
    const char *host_name;
    enum client_state state;
    struct client_features features;
    struct client_reply_reader reader;

    /* At most two at a time: one whose content is on its way or waits for its reply, and behind it
     * one in its commands. Replies come in that order. */
    struct client_transaction content;
    struct client_transaction envelope;
    bool content_sent; /* the reply to it is awaited */
    struct client_content_writer writer;
    struct view piece; /* of the content, still to be sent */
    bool
        needs_reset; /* the next hop still has the envelope of a transaction that came to nothing */
    size_t completed; /* transactions that came to their proper end */
};

/* client_mail.c */

/* Sends what can be sent now. */
void client_advance(struct smtp_client *client);

/* A reply while connected and greeted. */
void client_mail_reply(struct smtp_client *client, const struct smtp_client_reply *reply);

/* True when some reply is awaited, or content is on its way. */
bool client_mail_is_under_way(const struct smtp_client *client);

/* Tells the recipients of everything under way that the connection came to nothing. */
void client_mail_abandon(struct smtp_client *client, const struct smtp_client_reply *reply);

/* What the next hop owes an answer to, for a person: "MAIL", "the end of the message". */
const char *client_mail_awaited(const struct smtp_client *client);

/* client.c */

void client_end(struct smtp_client *client, enum smtp_client_end end,
                const struct smtp_client_reply *reply);
void client_protocol_error(struct smtp_client *client, const char *got);

#endif
