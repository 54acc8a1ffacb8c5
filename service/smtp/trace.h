/*
 * The lines that a relay adds in front of a message (RFC 5321 4.4) and the dates in them (RFC 5322 3.3).
 * Pure; any thread.
 */
#ifndef GATEPOST_SMTP_TRACE_H
#define GATEPOST_SMTP_TRACE_H

#include "base/view.h"

#define SMTP_DATE_SIZE     48
#define SMTP_RECEIVED_SIZE 2048

struct smtp_trace {
    const char *helo;
    const char *peer_address; /* text form, IPv4 or IPv6 */
    const char *host_name;
    const char *software;
    const char *tls; /* protocol and cipher, NULL without TLS */
    bool extended;   /* EHLO, not HELO */
    bool authenticated;
    bool smtputf8;
    const char *message;   /* identifier, text form */
    struct view recipient; /* empty unless there is exactly one: the others are nobody's business */
    int64_t time;          /* seconds since 1970 UTC */
};

/* "Mon, 24 Nov 2025 11:03:00 +0000" */
void smtp_format_date(int64_t time, char text[SMTP_DATE_SIZE]);

/* "SMTP", "ESMTPSA", "UTF8SMTPS" ... (RFC 3848, RFC 6531 4.3) */
const char *smtp_protocol_keyword(const struct smtp_trace *trace);

/* The whole field with CRLF. Returns its length; the size holds the longest that a session can make. */
size_t smtp_format_received(const struct smtp_trace *trace, char text[SMTP_RECEIVED_SIZE]);

#endif
