/*
 * The client side of one SMTP connection as a machine without socket, clock or file (RFC 5321,
 * 1870, 2034, 2920, 3461, 6152, 6531). Bytes of the next hop go in with smtp_client_input();
 * commands and content come out through the host's table, which also says what is to be sent next.
 * Many messages go over one connection. Where the next hop offers PIPELINING, MAIL, RCPT and DATA
 * go in one write, and the commands of the next message go behind the content of the one before
 * (RFC 2920 3.1).
 *
 * The next hop is not trusted: replies are bounded, and whatever is not a proper answer to what was
 * said ends the connection with a temporary failure. One thread at a time. The creator owns the
 * client; host table and host name must outlive it, and a message until its message_done().
 */
#ifndef GATEPOST_SMTP_CLIENT_H
#define GATEPOST_SMTP_CLIENT_H

#include "smtp/envelope.h"

#define SMTP_CLIENT_REPLY_TEXT_SIZE 512

/* A reply of the next hop, or what the client itself has to say where there was none. */
struct smtp_client_reply {
    int code;                               /* 0 when the next hop did not say it */
    char enhanced[12];                      /* RFC 3463, "5.1.1"; empty when it came without */
    char text[SMTP_CLIENT_REPLY_TEXT_SIZE]; /* "550 5.1.1 No such user": several lines joined,
                                               printable UTF-8, cut */
};

struct smtp_client_recipient {
    const char *address;
    const char *orcpt; /* "rfc822;xtext", "" when not given */
    unsigned notify;   /* enum smtp_notify bits, 0 when not given */
};

struct smtp_client_message {
    const char *reverse_path; /* "" is the null reverse-path */
    const char *envid;        /* xtext, "" when not given */
    enum smtp_ret ret;
    enum smtp_body body; /* sent as it is where 8BITMIME is not offered */
    bool smtputf8;       /* fails with 5.6.7 where SMTPUTF8 is not offered */
    uint64_t size;       /* bytes of content; more than the next hop's SIZE fails with 5.3.4 */
    const struct smtp_client_recipient *recipients;
    size_t recipient_count; /* 1.. */
};

enum smtp_client_outcome {
    SMTP_CLIENT_DELIVERED, /* the next hop has taken the responsibility */
    SMTP_CLIENT_DEFERRED,  /* 4xx, connection lost, protocol error: not now */
    SMTP_CLIENT_FAILED,    /* 5xx: never */
    SMTP_CLIENT_RETURNED   /* nothing was said about this one: it may be sent again at once */
};

enum smtp_client_next { SMTP_CLIENT_MESSAGE, SMTP_CLIENT_WAIT, SMTP_CLIENT_QUIT };

enum smtp_client_content {
    SMTP_CLIENT_PIECE,
    SMTP_CLIENT_CONTENT_END,
    SMTP_CLIENT_CONTENT_UNREADABLE
};

enum smtp_client_end {
    SMTP_CLIENT_END_ORDERLY, /* QUIT, or closed by the next hop while nothing was under way */
    SMTP_CLIENT_END_REFUSED, /* greeting, EHLO or HELO was not 2xx, or 421 */
    SMTP_CLIENT_END_BROKEN /* closed or silent in the middle, protocol error, content unreadable */
};

/* None of these may destroy the client or call it. */
struct smtp_client_host {
    /* Bytes for the next hop; collected by the host, which writes them when it has control again.
     */
    void (*send)(void *user, const char *data, size_t length);

    /* Bytes of content that may be sent now; commands do not ask. After less than all was sent, the
     * host calls smtp_client_drained(). */
    size_t (*room)(void *user);

    /* What is to be done next. After WAIT the host calls smtp_client_offer() when there is
     * something. */
    enum smtp_client_next (*next)(void *user, const struct smtp_client_message **message);

    /* The next piece of the content, lines ended by CRLF; the view lives until the next call. */
    enum smtp_client_content (*content)(void *user, const struct smtp_client_message *message,
                                        struct view *piece);

    /* The outcome for one recipient; once for each. `reply` lives during the call. */
    void (*recipient_done)(void *user, const struct smtp_client_message *message, size_t recipient,
                           enum smtp_client_outcome outcome, const struct smtp_client_reply *reply);

    /* All recipients have been told; the client is done with the message. */
    void (*message_done)(void *user, const struct smtp_client_message *message);

    /* The last call, once: close when what was sent is flushed. Messages under way have been told
     * before. */
    void (*end)(void *user, enum smtp_client_end end, const struct smtp_client_reply *reply);
};

struct smtp_client;

/* host_name: for EHLO. The client waits for the greeting. */
struct smtp_client *smtp_client_create(const char *host_name, const struct smtp_client_host *host,
                                       void *user);

/* Messages under way are forgotten without a word. */
void smtp_client_destroy(struct smtp_client *client);

/* Takes whole lines and returns how many bytes that was; the host offers the rest again with more
 * behind it. No more than a line of SMTP_CLIENT_LINE_MAXIMUM bytes is ever left over. */
#define SMTP_CLIENT_LINE_MAXIMUM 4096
size_t smtp_client_input(struct smtp_client *client, const char *data, size_t length);

/* There may be something to send now: asks next() if it can. */
void smtp_client_offer(struct smtp_client *client);

/* There may be room for content again. */
void smtp_client_drained(struct smtp_client *client);

/* The connection is gone / the next hop did not answer in time. */
void smtp_client_closed(struct smtp_client *client, const char *reason);
void smtp_client_time_out(struct smtp_client *client);

/* Connected, greeted, and nothing is under way. */
bool smtp_client_is_idle(const struct smtp_client *client);

/* Only the reply to QUIT is awaited: nothing hangs on it any more. */
bool smtp_client_is_leaving(const struct smtp_client *client);
bool smtp_client_has_ended(const struct smtp_client *client);

#endif
