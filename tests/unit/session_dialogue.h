/*
 * Turns that many dialogues have in common; see session_host.h.
 */
#ifndef SESSION_DIALOGUE_H
#define SESSION_DIALOGUE_H

/* A dialogue has lines of its own, which the formatter does not know. */
/* clang-format off */
#define BANNER \
    "S: 220 mx.example.test ESMTP Gatepost ready at Mon, 24 Nov 2025 11:03:00 +0000\n"

#define EXTENSIONS \
    "S: 250-8BITMIME\n" \
    "S: 250-PIPELINING\n" \
    "S: 250-ENHANCEDSTATUSCODES\n" \
    "S: 250-CHUNKING\n" \
    "S: 250-DSN\n"

#define HELLO \
    BANNER \
    "C: EHLO client.example\n" \
    "S: 250-mx.example.test Hello [192.0.2.1]\n" \
    "S: 250-SIZE 20000\n" \
    EXTENSIONS \
    "S: 250 SMTPUTF8\n"

#define MAIL \
    "C: MAIL FROM:<a@example.org>\n" \
    "S: 250 2.1.0 a@example.org....Sender OK\n"

#define RCPT \
    "C: RCPT TO:<info@example.test>\n" \
    "S: 250 2.1.5 info@example.test\n"

#define DATA \
    "C: DATA\n" \
    "S: 354 Start mail input; end with <CRLF>.<CRLF>\n"

#define RECEIVED_BY(id) \
    "M: Received: from client.example ([192.0.2.1])\n" \
    "M: \tby mx.example.test (Gatepost) with ESMTP\n" \
    "M: \tid " id " for <info@example.test>; Mon, 24 Nov 2025 11:03:00 +0000\n"

/* Identifiers of the first and second message and of the session, as text. */
#define ID1     "0000000000001"
#define ID2     "0000000000002"
#define SESSION "00000000000Z8"

#define QUEUED   "S: 250 2.6.0 Queued mail for delivery (id " ID1 ")\n"
#define ACCEPTED "H: for info@example.test\n" QUEUED
/* clang-format on */

#endif
