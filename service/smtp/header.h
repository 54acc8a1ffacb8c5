/*
 * Watches the header section of a message on its way (RFC 5322 2.2): what tracking wants to know is
 * noted, what a submitter's program has left out is added at the end of the section (RFC 6409 8). The
 * text comes in with CRLF line ends only, cut anywhere, and goes out through emit. A section that ends
 * without an empty line gets one, for what would follow is not header. One thread at a time.
 */
#ifndef GATEPOST_SMTP_HEADER_H
#define GATEPOST_SMTP_HEADER_H

#include "base/arena.h"
#include "smtp/session.h"

#define SMTP_HEADER_NAME_MAXIMUM  128 /* a line that has no colon within it is not a field */
#define SMTP_HEADER_VALUE_MAXIMUM 998

enum smtp_header_state {
    SMTP_HEADER_LINE_START,
    SMTP_HEADER_NAME,
    SMTP_HEADER_NAME_BLANKS,
    SMTP_HEADER_VALUE,
    SMTP_HEADER_EMPTY_LINE, /* behind its CR */
    SMTP_HEADER_CLOSED
};

struct smtp_header_scanner {
    /* Set by the caller. */
    struct arena *arena; /* for what facts shows */
    struct smtp_content_facts *facts;
    const char
        *message_id;  /* to be added when there is none, with angle brackets; NULL for never */
    const char *date; /* the same */
    void (*emit)(void *user, const char *data, size_t length);
    void *user;

    enum smtp_header_state state;
    bool has_fields;
    bool has_date;
    size_t held_length; /* bytes of the present line that were not emitted yet */
    char held[SMTP_HEADER_NAME_MAXIMUM];
    struct view *noting; /* where the present value is to be shown, NULL when nobody asks */
    size_t value_length;
    char value[1 + SMTP_HEADER_VALUE_MAXIMUM]; /* with the colon in front */
};

/* The first six fields are set by the caller; this sets the others. */
void smtp_header_begin(struct smtp_header_scanner *scanner);
void smtp_header_scan(struct smtp_header_scanner *scanner, const char *data, size_t length);

/* The message has ended, perhaps within its header section. */
void smtp_header_finish(struct smtp_header_scanner *scanner);

#endif
