/*
 * Reads the replies of a next hop line by line (RFC 5321 4.2, 2034). Room-private.
 */
#ifndef GATEPOST_SMTP_CLIENT_REPLY_H
#define GATEPOST_SMTP_CLIENT_REPLY_H

#include "base/format.h"
#include "smtp/client.h"

enum client_reply_status { CLIENT_REPLY_MORE, CLIENT_REPLY_COMPLETE, CLIENT_REPLY_MALFORMED };

/* A reply in the making. Zero-filled before each. */
struct client_reply_reader {
    struct smtp_client_reply reply;
    size_t lines;
    size_t text_length;
    bool full;
};

/* line: without its line end. */
enum client_reply_status client_reply_read_line(struct client_reply_reader *reader,
                                                struct view line);

/* What follows the code and the enhanced code in a line of a reply. */
struct view client_reply_line_text(struct view line);

/* The first digit of the code. */
static inline int client_reply_class(const struct smtp_client_reply *reply)
{
    return reply->code / 100;
}

/* A line that is none of a reply, in a form that a report can show. */
void client_reply_show_line(struct view line, char *text, size_t size);

/* A reply that the client makes itself. */
void client_reply_set(struct smtp_client_reply *reply, int code, const char *enhanced,
                      const char *format, ...) FORMAT_LIKE_PRINTF(4, 5);

#endif
