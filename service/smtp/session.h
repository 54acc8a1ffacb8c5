/*
 * The server side of one SMTP connection as a machine without socket, clock or file (RFC 5321, 1870,
 * 2034, 2920, 3030, 3461, 6152, 6531, 3207). Bytes go in with smtp_session_input(); replies, questions
 * and message content come out through the host's table. The session asks at most one question at a
 * time; the host answers with smtp_session_answer(), from inside the call or later, and until then the
 * session takes no input. One thread at a time; the thread of the connection. The creator owns the
 * session; options, host table and peer texts must outlive it.
 */
#ifndef GATEPOST_SMTP_SESSION_H
#define GATEPOST_SMTP_SESSION_H

#include "base/verdict.h"
#include "smtp/envelope.h"

/* What may be asked and counted in one session. 0 = no limit where marked. All come from settings. */
struct smtp_session_options {
    const char *host_name;  /* FQDN for banner, replies and Received */
    const char *software;   /* in the banner and the Received header: "Gatepost" */
    uint64_t message_size;  /* bytes, 0 = no limit; announced with SIZE */
    uint64_t session_size;  /* bytes of message content in a session, 0 = no limit */
    uint32_t messages;      /* messages a session, 0 = no limit; then 421 */
    uint32_t recipients;    /* accepted recipients a message; more get 452 4.5.3 */
    uint32_t hop_count;     /* Received lines; more get 554 5.4.6 */
    uint32_t command_line;  /* bytes with CRLF, 512 or more (RFC 5321 4.5.3.1.4) */
    uint32_t text_line;     /* bytes with CRLF in message content, 1000 or more */
    uint32_t errors;        /* 5xx to commands, unknown recipients apart; then 421; 0 = no limit */
    uint32_t idle_commands; /* commands that send no mail (NOOP, RSET, VRFY, HELP, EHLO) without an
                                     accepted recipient between them; then 421; 0 = no limit */
    bool convert_bare_line_ends; /* a bare CR or LF in content is turned into CRLF, never ends the
                                     message; false: the message is refused with 550 5.6.11 */
    bool offer_starttls;
};

struct smtp_peer {
    const char *address; /* text form */
    bool trusted;        /* by the host list: adds missing Message-ID and Date */
    const char *user;    /* authenticated user, NULL when anonymous */
    const char *tls;     /* "TLSv1.3 TLS_AES_256_GCM_SHA384", NULL without TLS */
};

enum smtp_question {
    SMTP_ASK_NOTHING,
    SMTP_ASK_SENDER,    /* MAIL: envelope.reverse_path and its parameters */
    SMTP_ASK_RECIPIENT, /* RCPT: the recipient handed over; not yet in envelope.recipients */
    SMTP_ASK_CONTENT,   /* DATA or the first BDAT: may the message begin? */
    SMTP_ASK_STORE      /* the content is complete: is it durable? Pass = 250 */
};

/* What the scanner saw in the header section on the way through. Views live as the envelope does. */
struct smtp_content_facts {
    uint64_t size; /* bytes handed to the host, the Received header included */
    struct view
        message_id; /* with angle brackets, unfolded, cut at 998 bytes; empty when there is none */
    struct view subject; /* unfolded, as written (RFC 2047 not decoded), cut at 998 bytes */
    struct view from;    /* the header field, unfolded, cut at 998 bytes */
    uint32_t received_lines;
};

/* Where a refusal was spoken. */
enum smtp_stage {
    SMTP_STAGE_CONNECT,
    SMTP_STAGE_COMMAND,
    SMTP_STAGE_SENDER,
    SMTP_STAGE_RECIPIENT,
    SMTP_STAGE_CONTENT
};

struct smtp_session_host {
    /* Bytes for the client; collected by the host, which writes them when it has control again. */
    void (*send)(void *user, const char *data, size_t length);

    /* The question that smtp_session_answer() must answer. recipient is set for SMTP_ASK_RECIPIENT,
     * facts for SMTP_ASK_STORE. */
    void (*ask)(void *user, enum smtp_question question, const struct smtp_envelope *envelope,
                const struct smtp_recipient *recipient, const struct smtp_content_facts *facts);

    /* The next piece of the message as it is to be stored: dot-stuffing removed, CRLF line ends, the
     * Received header in front. Called after SMTP_ASK_CONTENT was passed. False: cannot be stored, the
     * rest is read and dropped and *verdict (filled by the host) is the reply; content_abandoned()
     * follows. */
    bool (*content)(void *user, const char *data, size_t length, struct verdict *verdict);

    /* The message that began will not come to its end (RSET, QUIT, refusal, close). Once for each message
     * whose SMTP_ASK_CONTENT was passed, unless SMTP_ASK_STORE is asked: from then on it is the host's. */
    void (*content_abandoned)(void *user);

    /* Every 4xx and 5xx that concerns mail, whoever decided it: for tracking and counters; also what ends
     * the session (SMTP_STAGE_COMMAND). Not the mere errors of syntax outside a transaction, such as an
     * unknown command. address is the forward- or reverse-path, empty where there is none. */
    void (*refused)(void *user, enum smtp_stage stage, const struct smtp_envelope *envelope,
                    struct view address, const struct verdict *verdict);

    /* 220 to STARTTLS was sent: after it is flushed, the host starts the handshake with the first byte that
     * arrives from now on, and then calls smtp_session_tls_started(). There was no input behind the
     * command: with any, STARTTLS is refused and the session ends. */
    void (*start_tls)(void *user);

    /* Nothing more will be said: close when what was sent is flushed. */
    void (*end)(void *user);

    ident (*new_message)(void *user); /* a fresh message identifier */
    int64_t (*wall_clock)(
        void *user); /* seconds since 1970 UTC, for the Received and Date headers */
};

struct smtp_session;

struct smtp_session *smtp_session_create(ident id, const struct smtp_session_options *options,
                                         const struct smtp_peer *peer,
                                         const struct smtp_session_host *host, void *user);

/* Not from inside a call of the host table. */
void smtp_session_destroy(struct smtp_session *session);

/* Greets with 220, or with the code of a verdict that is no pass (and ends). Input that was offered
 * before this counts as an early talker: 554 5.5.1 and the end. */
void smtp_session_start(struct smtp_session *session, const struct verdict *verdict);

/* Takes what it can of `data` and returns how many bytes that was. The host keeps the rest and offers
 * it again, with more behind it, once the session is ready (smtp_session_is_waiting() false) or more has
 * arrived. At most the longest line that the options allow is ever left over while not waiting. */
size_t smtp_session_input(struct smtp_session *session, const char *data, size_t length);

/* True while a question is open or TLS is awaited, or the session has ended: do not offer input. */
bool smtp_session_is_waiting(const struct smtp_session *session);
bool smtp_session_has_ended(const struct smtp_session *session);

/* Answers the open question. A verdict with delay_ms is answered by the host after that time: the
 * session itself does not wait. Runs on with nothing but what the host offers next. Without an open
 * question, and after the end, it does nothing. */
void smtp_session_answer(struct smtp_session *session, const struct verdict *verdict);

/* The recipient that SMTP_ASK_RECIPIENT handed over shall be stored under another address (postmaster,
 * +detail): call before smtp_session_answer() with a pass. */
void smtp_session_rewrite_recipient(struct smtp_session *session, struct view address);

void smtp_session_tls_started(struct smtp_session *session, const char *description);

/* 421 4.4.2 and the end: idle for too long. */
void smtp_session_time_out(struct smtp_session *session);

/* 421 4.3.2 and the end, when the client's next command comes or at once when it is between commands;
 * a message whose content is under way is finished first. */
void smtp_session_shut_down(struct smtp_session *session);

/* The peer has closed: abandons what is under way. */
void smtp_session_peer_closed(struct smtp_session *session);

ident smtp_session_id(const struct smtp_session *session);

/* For the list of current sessions: HELO name ("" before), number of messages accepted. */
const char *smtp_session_helo(const struct smtp_session *session);
uint32_t smtp_session_messages(const struct smtp_session *session);

#endif
