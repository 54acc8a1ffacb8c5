/*
 * The inside of callout.h: callout.c is the door for other threads, domain.c answers from memory or
 * has the next hop asked, hop.c keeps a next hop's questions and decides when it is asked,
 * hop_connection.c asks. All of it runs on the call-out's thread.
 */
#ifndef GATEPOST_CALLOUT_CALLOUT_PRIVATE_H
#define GATEPOST_CALLOUT_CALLOUT_PRIVATE_H

#include "base/hash.h"
#include "base/list.h"
#include "callout/cache.h"
#include "callout/callout.h"
#include "ldap/directory.h"
#include "net/connection.h"
#include "smtp/client.h"

struct callout {
    struct net_loop *loop;
    char *host_name;
    const struct event_sink *events;
    struct callout_rules rules;
    struct callout_cache *cache;
    struct hash_table *domains;   /* by the folded domain */
    struct hash_table *hops;      /* by "host:port" */
    struct hash_table *questions; /* those not answered yet, by the folded address */
};

struct callout_domain {
    struct callout *callout;
    char *name; /* folded */
    struct callout_hop *hop;
    enum callout_state state;
    int64_t check_ms; /* when a made-up address is to be asked for next */
    bool checking;
    bool has_accepted; /* somebody, some time */
    bool wanted;       /* while settings are applied */
};

struct callout_waiter {
    struct callout_waiter *next;
    live_answered *answered;
    void *user;
};

/* One address that a next hop is to be asked for. */
struct callout_question {
    struct list link;              /* in hop->queue, when it waits there */
    struct callout_domain *domain; /* NULL: nobody wants to know any more */
    struct callout_waiter *waiters;
    int64_t deadline_ms; /* of the waiters */
    char *key;
    char *address;
    bool is_check; /* for a made-up address */
    bool returned; /* not answered, to be asked over another connection */
    struct smtp_client_recipient recipient;
    struct smtp_client_message message;
};

struct callout_hop {
    struct callout *callout;
    char *name;
    char *host;
    uint16_t port;
    size_t domains; /* that have it; 0: it goes when its connection is gone */
    struct list queue;
    size_t waiting;                     /* in the queue */
    struct callout_question *under_way; /* NULL: none */
    struct net_timer *timer;
    int64_t tick_ms; /* when it fires; 0: it does not run */
    uint64_t asked;

    struct net_connection *connection; /* NULL: none */
    struct smtp_client *client;
    int64_t heard_ms;
    bool connected;
    bool served;    /* this connection has answered a question */
    bool timed_out; /* it did not, in time */
    bool quitting;

    int64_t paced_us;      /* no question before this, with a second's worth of credit */
    int64_t not_before_ms; /* no connection before this */
    int64_t back_off_ms;
    int64_t away_since_ms; /* 0: it is not away */
    char reason[CALLOUT_TEXT_SIZE];
};

/* domain.c */
struct callout_domain *callout_domain_create(struct callout *callout, struct view name,
                                             struct callout_hop *hop);
/* What waits is answered; what is known of it is forgotten. */
void callout_domain_destroy(struct callout_domain *domain);
void callout_domain_ask(struct callout_domain *domain, const struct directory_key *key,
                        struct view address, struct callout_waiter *waiter);
/* The next hop has said what it thinks of a recipient, or nothing that counts. */
void callout_domain_heard(struct callout_question *question, enum live_said said,
                          const struct smtp_client_reply *reply);
void callout_tell(struct callout_waiter *waiters, const struct live_answer *answer);
/* "not now" for that reason. */
void callout_cannot_say(struct callout_waiter *waiters, const char *reason);

/* There is no answer now: its waiters get one from memory, as long as that may be, or "not now". */
void callout_question_fail(struct callout_question *question, const char *reason);
/* The next one who asks for the address is a new question. */
void callout_question_close(struct callout *callout, const struct callout_question *question);
void callout_question_free(struct callout_question *question);

/* hop.c */
struct callout_hop *callout_hop_of(struct callout *callout, const char *host, uint16_t port);
void callout_hop_release(struct callout_hop *hop);
void callout_hop_free_if_done(struct callout_hop *hop);
/* False when there is no room. Otherwise it is the hop's until it has been asked. */
bool callout_hop_add(struct callout_hop *hop, struct callout_question *question);
/* Answers with "not now" what waits and belongs to the domain (NULL: all). */
void callout_hop_fail(struct callout_hop *hop, const struct callout_domain *domain,
                      const char *reason);
/* Whether there is no use in asking at present. */
bool callout_hop_is_left_alone(const struct callout_hop *hop);
void callout_hop_is_away(struct callout_hop *hop, const char *reason);
void callout_hop_has_answered(struct callout_hop *hop);
void callout_hop_leave_alone(struct callout_hop *hop);
/* The next question that may be asked now; NULL: none. */
struct callout_question *callout_hop_take(struct callout_hop *hop);
void callout_hop_return(struct callout_hop *hop, struct callout_question *question);
void callout_hop_work(struct callout_hop *hop);

/* hop_connection.c */
void callout_connection_open(struct callout_hop *hop);
/* Something may be said now. */
void callout_connection_offer(struct callout_hop *hop);
/* Each tick: is the next hop silent, or the connection not needed? */
void callout_connection_look_after(struct callout_hop *hop);

#endif
