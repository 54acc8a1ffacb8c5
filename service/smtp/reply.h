/*
 * One reply of the server, possibly of several lines, in a buffer of fixed size (RFC 5321 4.2). Text
 * that comes from elsewhere cannot break a line: control characters are replaced, and what would pass
 * the 512 bytes of a line (4.5.3.1.5) is cut. Pure; any thread.
 */
#ifndef GATEPOST_SMTP_REPLY_H
#define GATEPOST_SMTP_REPLY_H

#include "base/view.h"

#define SMTP_REPLY_SIZE                                                                            \
    1536 /* the answer to EHLO is the longest; each line starts with room for 512 */

struct smtp_reply {
    size_t length;
    size_t line_limit; /* where the text of the present line must end */
    char text[SMTP_REPLY_SIZE];
};

void smtp_reply_init(struct smtp_reply *reply);

/* Starts a line. more: another line of the same reply follows. enhanced: RFC 2034, "" for none. */
void smtp_reply_begin(struct smtp_reply *reply, int code, bool more, const char *enhanced);
void smtp_reply_add(struct smtp_reply *reply, struct view text);
void smtp_reply_add_text(struct smtp_reply *reply, const char *text);
void smtp_reply_add_number(struct smtp_reply *reply, uint64_t number);
void smtp_reply_end(struct smtp_reply *reply);

#endif
