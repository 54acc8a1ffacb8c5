/* A next hop for the tests of delivery: a small SMTP server on 127.0.0.1 that keeps what it got and
 * does what the test tells it. It has threads of its own. */
#ifndef SMTP_HOP_H
#define SMTP_HOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hop;

/* What the hop is asked: the verb, "CONNECT", or "CONTENT" at the end of a message; argument: the
 * rest of the line. connection and message count from 1, recipient within the message. */
struct hop_step {
    const char *verb;
    const char *argument;
    int connection;
    int message; /* of all that were begun with MAIL */
    int recipient;
};

/* The reply without CRLF; "" for the usual one, NULL to hang up, HOP_SILENT to say nothing. On the
 * hop's thread. */
#define HOP_SILENT "silent"
typedef const char *(*hop_script)(const struct hop_step *step);

/* script: NULL for the usual replies. features: the lines of EHLO behind the first, "250-...\r\n";
 * NULL for PIPELINING and 8BITMIME. port: 0 for any free one. */
struct hop *hop_open(uint16_t port, hop_script script, const char *features);
void hop_close(struct hop *hop);
uint16_t hop_port(const struct hop *hop);

struct hop_message {
    char *reverse_path; /* all behind "MAIL " */
    char *recipients;   /* all behind "RCPT ", each with a line end */
    char *content;      /* dots taken away */
    size_t length;
    int connection;
};

/* Messages that got 2xx. */
int hop_count(struct hop *hop);
const struct hop_message *hop_get(struct hop *hop, int index);
int hop_connections(struct hop *hop);

/* How often a verb was heard. */
int hop_heard(struct hop *hop, const char *verb);

/* A port of 127.0.0.1 where nobody listens. */
uint16_t hop_free_port(void);

#endif
