/*
 * Message content on its way to the next hop: dots at the start of a line are doubled, the end is
 * marked (RFC 5321 4.5.2). Room-private.
 */
#ifndef GATEPOST_SMTP_CLIENT_CONTENT_H
#define GATEPOST_SMTP_CLIENT_CONTENT_H

#include "smtp/client.h"

struct client_content_writer {
    char last[2]; /* the two bytes before, which decide where a line starts and whether one was
                     begun */
};

void client_content_begin(struct client_content_writer *writer);
void client_content_write(struct client_content_writer *writer, struct view piece,
                          const struct smtp_client_host *host, void *user);

/* Ends the last line when it has no end, then says ".". */
void client_content_end(struct client_content_writer *writer, const struct smtp_client_host *host,
                        void *user);

#endif
