/*
 * The envelope of one mail transaction as the session has understood it (RFC 5321 2.3.1, 3461, 6531).
 * Views live in the arena of the transaction: until the message is stored or refused, or RSET.
 */
#ifndef GATEPOST_SMTP_ENVELOPE_H
#define GATEPOST_SMTP_ENVELOPE_H

#include "base/ident.h"

/* RFC 6152, 3030 */
enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };

/* RFC 3461 4.3 */
enum smtp_ret { SMTP_RET_UNSET, SMTP_RET_HDRS, SMTP_RET_FULL };

/* RFC 3461 4.1: a set of bits; 0 = not given */
enum smtp_notify {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8
};

/* A mailbox without angle brackets and source route; local part as written, quotes kept. The null
 * reverse-path has an empty text; <postmaster> has an empty domain. */
struct smtp_address {
    struct view text;
    struct view local_part;
    struct view domain; /* without the final dot; address literals with their brackets */
};

struct smtp_recipient {
    struct smtp_address address;
    unsigned notify;   /* enum smtp_notify */
    struct view orcpt; /* "rfc822;xtext" as it came, empty when not given */
};

struct smtp_envelope {
    ident message; /* given at MAIL, 0 before */
    struct view helo;
    struct smtp_address reverse_path;
    enum smtp_body body;
    bool smtputf8;
    enum smtp_ret ret;
    struct view envid;      /* xtext as it came */
    uint64_t declared_size; /* SIZE=, 0 when not given */
    size_t recipient_count; /* accepted ones */
    const struct smtp_recipient *recipients;
};

#endif
