/*
 * The inside of inbound.h: inbound_loop.c keeps the sessions of one loop, inbound.c joins connection and session,
 * inbound_answer.c answers the session's questions, inbound_recipient.c that whether a recipient is taken,
 * inbound_store.c takes its messages into the spool, inbound_track.c puts on record what happened.
 */
#ifndef GATEPOST_INBOUND_PRIVATE_H
#define GATEPOST_INBOUND_PRIVATE_H

#include "base/arena.h"
#include "base/list.h"
#include "inbound.h"
#include "net/connection.h"
#include "smtp/session.h"

/* All on the loop's thread, but `count`. */
struct inbound_loop {
    struct inbound_parts parts;
    struct net_loop *net;
    struct policy *policy;
    struct policy_sources sources;
    struct arena *scratch; /* for the time of one call */
    struct list sessions;
    atomic_uint count;
    bool shutting_down;
};

/* Goes when the connection is closed and neither the spool nor the directory owes an answer, which may still come
 * after the client has gone. */
struct inbound {
    struct list link; /* in loop->sessions */
    struct inbound_loop *loop;
    struct inbound_arrival arrival;
    int64_t since_ms;
    char client_text[IP_TEXT_SIZE];
    struct policy_client client;
    struct smtp_peer peer;
    struct smtp_session *session;
    struct net_connection *connection; /* NULL once it is closed */
    bool peer_ended;                   /* nothing more will arrive */

    /* A greeting or an answer that is held back. */
    struct net_timer *timer; /* NULL before the first time */
    bool waits;
    bool greeted;
    struct verdict held;

    const struct smtp_envelope *envelope; /* of the session's last question */

    /* The recipient that was asked for last. */
    const struct smtp_recipient *recipient;
    struct policy_live *live; /* until its verdict is spoken; NULL when nobody far away was asked */
    bool looking_up;          /* a live answer is owed */
    struct harvest_session harvest;

    /* The message that comes in. */
    struct spool_incoming *incoming; /* NULL when none, or when it was handed over for good */
    const struct smtp_content_facts *facts; /* while it is stored */
    bool storing;                           /* the spool owes its answer */
    enum spool_result result;
    int64_t stored_us;      /* unix; when the spool answered */
    bool spool_waits;       /* for its writer: bring no more */
    bool paused;            /* the connection, for that reason */
    atomic_uint resumes;    /* that the spool has posted */
    unsigned resumes_taken; /* of them */
};

/* inbound.c: begins on the loop's thread. */
void inbound_begin(void *argument);
/* Answers from inside ask(); a verdict with a delay, after that time. */
void inbound_answer(struct inbound *inbound, const struct verdict *verdict);
/* What is held back is said now. */
void inbound_hurry(struct inbound *inbound);
/* The same after ask() has returned, and goes on with what the client has sent meanwhile. */
void inbound_answer_later(struct inbound *inbound, const struct verdict *verdict);
/* Whatever may now go on does. To be called last by all that comes from outside. */
void inbound_settle(struct inbound *inbound);

/* inbound_answer.c */
void inbound_ask(void *user, enum smtp_question question, const struct smtp_envelope *envelope,
                 const struct smtp_recipient *recipient, const struct smtp_content_facts *facts);

/* inbound_recipient.c */
void inbound_check_recipient(struct inbound *inbound, const struct smtp_recipient *recipient);
void inbound_forget_live(struct inbound *inbound);

/* inbound_store.c */
void inbound_begin_message(struct inbound *inbound, const struct smtp_envelope *envelope,
                           struct verdict *verdict);
bool inbound_content(void *user, const char *data, size_t length, struct verdict *verdict);
void inbound_abandon(void *user);
void inbound_store(struct inbound *inbound, const struct smtp_envelope *envelope,
                   const struct smtp_content_facts *facts);
bool inbound_is_owed(const struct inbound *inbound);

/* inbound_track.c */
void inbound_track_refusal(void *user, enum smtp_stage stage, const struct smtp_envelope *envelope,
                           struct view address, const struct verdict *verdict);
void inbound_track_received(struct inbound *inbound);
void inbound_track_stored(struct inbound *inbound);
/* The message that was coming in, or was to be stored, is not taken. */
void inbound_track_lost(struct inbound *inbound, const struct verdict *verdict);

/* inbound_loop.c: frees it when nothing is owed any more. */
void inbound_free_if_done(struct inbound *inbound);

#endif
