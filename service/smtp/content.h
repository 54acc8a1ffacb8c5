/*
 * Message content as it comes over the wire, made into text with CRLF line ends and nothing else
 * (RFC 5321 2.3.8, 4.5.2). For DATA it takes the dot-stuffing off and finds the end, which is
 * CRLF.CRLF and never anything else: a bare CR or LF cannot be part of it in any mode, or what one
 * server takes for text another takes for commands (SMTP smuggling). For BDAT (RFC 3030) dots are
 * text. The state is in the struct, so the input may be cut anywhere. One thread at a time.
 */
#ifndef GATEPOST_SMTP_CONTENT_H
#define GATEPOST_SMTP_CONTENT_H

#include "base/view.h"

enum smtp_content_fault {
    SMTP_CONTENT_GOOD,
    SMTP_CONTENT_BARE_LINE_END, /* CR without LF or LF without CR */
    SMTP_CONTENT_NUL,
    SMTP_CONTENT_LONG_LINE
};

enum smtp_content_state {
    SMTP_CONTENT_LINE_START,
    SMTP_CONTENT_IN_LINE,
    SMTP_CONTENT_CR,    /* a CR that was not emitted yet */
    SMTP_CONTENT_DOT,   /* a dot at the start of a line, not emitted */
    SMTP_CONTENT_DOT_CR /* the dot and a CR behind it */
};

struct smtp_content_reader {
    bool dot_stuffed;            /* DATA */
    bool convert_bare_line_ends; /* into CRLF; otherwise they are a fault */
    size_t line_maximum;         /* bytes with CRLF */
    void (*emit)(void *user, const char *data, size_t length);
    void *user;

    enum smtp_content_state state;
    size_t line_length;            /* of the present line so far, without its end */
    enum smtp_content_fault fault; /* the first; all before it is emitted, nothing behind it */
};

/* The five fields above are set by the caller; this sets the others. */
void smtp_content_begin(struct smtp_content_reader *reader);

/* Emits the text in data. Returns how much of data was taken: all of it, or up to the end of the message,
 * and then *ended is true. */
size_t smtp_content_read(struct smtp_content_reader *reader, const char *data, size_t length,
                         bool *ended);

/* Behind the last chunk of BDAT: ends the last line if the client did not. */
void smtp_content_finish(struct smtp_content_reader *reader);

#endif
