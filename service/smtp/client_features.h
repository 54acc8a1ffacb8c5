/*
 * What a next hop offered in its reply to EHLO, and the commands that make use of it. Room-private.
 */
#ifndef GATEPOST_SMTP_CLIENT_FEATURES_H
#define GATEPOST_SMTP_CLIENT_FEATURES_H

#include "smtp/client.h"

struct client_features {
    bool pipelining;
    bool size;
    uint64_t size_limit; /* bytes, 0 = none or not said (RFC 1870 3) */
    bool eight_bit_mime;
    bool chunking;
    bool dsn;
    bool smtputf8;
    bool enhanced_status_codes;
};

/* line: of the reply to EHLO, without code; not the first, which greets. */
void client_features_add(struct client_features *features, struct view line);

/* False, and a reply that says why, when a next hop with these features can never take the message.
 */
bool client_can_send(const struct client_features *features,
                     const struct smtp_client_message *message, struct smtp_client_reply *reply);

/* An address that could end a command line or break out of its brackets is no address. */
bool client_is_sendable_path(const char *address);

void client_send_mail(const struct client_features *features,
                      const struct smtp_client_message *message,
                      const struct smtp_client_host *host, void *user);
void client_send_rcpt(const struct client_features *features,
                      const struct smtp_client_recipient *recipient,
                      const struct smtp_client_host *host, void *user);

#endif
