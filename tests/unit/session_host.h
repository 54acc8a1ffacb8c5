/*
 * A host for the SMTP session in tests: it plays dialogues that are written down as text and keeps a
 * transcript in the same form.
 *
 *     C: line     the client sends it, with CRLF; {CR}, {LF} and {NUL} in it stand for these bytes
 *     c: text     the same without CRLF
 *     S: line     a line of a reply
 *     H: event    what the host is told or asked apart from that
 *     M: line     of a message as it is to be stored, when that is asked
 *
 * The host decides by the first letters of an address: "unknown" 550, "busy" 451, "drop" 550 and hang
 * up, "slow" 421, "rewrite" is stored as moved@example.test. Subject "no-space": the store says 452.
 */
#ifndef SESSION_HOST_H
#define SESSION_HOST_H

#include "base/buffer.h"
#include "smtp/session.h"

struct session_host {
    struct smtp_session_options options;
    struct smtp_peer peer;
    struct smtp_session *session;

    bool answers_later;         /* not from inside ask() */
    size_t content_fails_after; /* bytes; 0 = never */
    struct verdict greeting;

    enum smtp_question question;
    struct verdict answer;
    struct view rewrite;
    bool in_content;
    ident last_message;
    struct buffer input;
    struct buffer transcript;
    struct buffer content;
};

/* Options and peer as most tests want them; change what is special and then start. */
void session_host_init(struct session_host *host);
void session_host_free(struct session_host *host);
void session_host_start(struct session_host *host);

/* Offers bytes behind what was left over, and answers what is asked. */
void session_host_offer(struct session_host *host, const char *data, size_t length);

/* Plays a whole dialogue, started or not, and compares the transcript after each turn. */
void session_host_play(struct session_host *host, const char *dialogue);

/* Starts, plays and frees. */
void session_host_run(struct session_host *host, const char *dialogue);

/* What the client says in a dialogue, and what is expected as transcript. */
void session_host_read_dialogue(const char *dialogue, struct buffer *input,
                                struct buffer *expected);

#endif
