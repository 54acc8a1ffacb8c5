/*
 * The inside of the SMTP session, shared by the session*.c files and by nobody else. session.c holds
 * lines, replies and the ways to an end; session_verbs.c the table of verbs and those that send no
 * mail; session_mail.c MAIL and RCPT; session_content.c DATA and BDAT.
 */
#ifndef GATEPOST_SMTP_SESSION_STATE_H
#define GATEPOST_SMTP_SESSION_STATE_H

#include "base/arena.h"
#include "smtp/address.h"
#include "smtp/content.h"
#include "smtp/header.h"
#include "smtp/session.h"

/* Reply codes on which something depends. */
#define SMTP_BAD_SEQUENCE  503
#define SMTP_NO_RECIPIENTS 554 /* RFC 5321 3.3 */

/* What the next byte of input belongs to. */
enum session_mode {
    SESSION_COMMAND,
    SESSION_SKIP, /* a command line that was refused already, up to its CRLF */
    SESSION_DATA,
    SESSION_CHUNK, /* of BDAT */
    SESSION_TLS    /* a handshake that is not ours to read */
};

struct smtp_session {
    ident id;
    const struct smtp_session_options *options;
    const struct smtp_peer *peer;
    const struct smtp_session_host *host;
    void *user;

    enum session_mode mode;
    bool started;
    bool talked_early;
    bool ended;
    bool shutting_down;

    bool extended;                      /* greeted with EHLO */
    char helo[SMTP_DOMAIN_MAXIMUM + 1]; /* empty before HELO or EHLO */
    const char *tls;                    /* NULL without */
    char tls_description[128];

    /* Limits of the session. */
    uint32_t errors;
    uint32_t idle_commands;
    uint32_t messages;
    uint64_t content_bytes; /* received_bytes of all messages before the present one */

    /* The command line that is being worked on; it lives until its question is answered. */
    char *line;
    size_t bytes_behind_line; /* input that was pipelined behind it */
    size_t skipped;
    bool skipped_ends_in_cr;
    struct view argument;
    struct view address; /* that the command is about, for tracking; empty when there is none */

    /* The open question. An answer from inside ask() is kept until ask() has returned, so that the host
     * never gets a second question while it is still in the first. */
    enum smtp_question question;
    bool is_asking;
    bool is_answered;
    struct verdict answer;

    /* The transaction. */
    struct arena *arena;
    bool in_transaction;
    struct smtp_envelope envelope;
    struct smtp_recipient
        *recipients; /* grows to what the options allow; kept for the next message */
    size_t recipient_capacity;
    struct smtp_recipient recipient; /* of the present RCPT; points into line */
    struct view rewritten;           /* what it shall be stored under; data NULL: what it is */

    /* The content. */
    bool by_chunks;       /* BDAT, not DATA */
    bool chunks_begun;    /* the first BDAT was accepted, the last one has not come */
    bool content_is_open; /* the host has a part of the message and waits for its end */
    bool content_refused; /* the rest is dropped, and this is the reply: */
    struct verdict refusal;
    struct smtp_content_reader reader;
    struct smtp_header_scanner header;
    struct smtp_content_facts facts;
    uint64_t message_bytes;  /* of text: without dot-stuffing and what we add */
    uint64_t received_bytes; /* on the wire, dropped ones too */
    uint64_t chunk_size;
    uint64_t chunk_left;
    bool chunk_is_last;
};

struct session_verb {
    const char *name;
    bool takes_argument;
    bool sends_no_mail; /* counts against idle_commands */
    enum smtp_stage stage;

    /* Syntax and state; keeps what was read in the session. False: *refusal is the reply. May be NULL. */
    bool (*check)(struct smtp_session *session, struct view argument, struct verdict *refusal);

    /* Replies, or asks the question whose answer decides on the reply. */
    void (*proceed)(struct smtp_session *session);
};

/* session.c */
void session_say(struct smtp_session *session, int code, const char *enhanced, const char *text);
void session_refuse(struct smtp_session *session, enum smtp_stage stage,
                    const struct verdict *verdict);
void session_give_up(struct smtp_session *session, const char *rule, const char *enhanced,
                     const char *text);
void session_count_error(struct smtp_session *session);
void session_ask(struct smtp_session *session, enum smtp_question question);
void session_end(struct smtp_session *session);

/* Forgets the transaction (RFC 5321 4.1.1.5); the greeting stays. */
void session_reset(struct smtp_session *session);

/* session_verbs.c: runs session->line. */
void session_run_command(struct smtp_session *session, struct view line);

/* session_mail.c */
bool session_check_mail(struct smtp_session *session, struct view argument,
                        struct verdict *refusal);
void session_proceed_mail(struct smtp_session *session);
void session_answer_mail(struct smtp_session *session, const struct verdict *verdict);
bool session_check_rcpt(struct smtp_session *session, struct view argument,
                        struct verdict *refusal);
void session_proceed_rcpt(struct smtp_session *session);
void session_answer_rcpt(struct smtp_session *session, const struct verdict *verdict);

/* session_content.c */
bool session_check_data(struct smtp_session *session, struct view argument,
                        struct verdict *refusal);
void session_proceed_data(struct smtp_session *session);
bool session_check_bdat(struct smtp_session *session, struct view argument,
                        struct verdict *refusal);
void session_proceed_bdat(struct smtp_session *session);
void session_answer_content(struct smtp_session *session, const struct verdict *verdict);
void session_answer_store(struct smtp_session *session, const struct verdict *verdict);
void session_abandon_content(struct smtp_session *session);
size_t session_read_data(struct smtp_session *session, const char *data, size_t length);
size_t session_read_chunk(struct smtp_session *session, const char *data, size_t length);

#endif
