/*
 * Questions to the directory servers themselves, about addresses that are not in memory: a mailbox that was made a
 * moment ago gets its first mail so. However many are asked about, the servers see few questions: those for the
 * same address are one, answers are remembered for a short time, and a token bucket limits how many are asked a
 * second. Whoever waits is answered by a deadline.
 *
 * Any thread asks; the answer comes on a thread of the pool, or on the asking one before lookup_ask() returns.
 */
#ifndef GATEPOST_LDAP_LOOKUP_H
#define GATEPOST_LDAP_LOOKUP_H

#include "ldap/directory.h"
#include "ldap/source.h"

struct lookup_settings {
    unsigned threads;      /* each with a connection of its own, 1 to LOOKUP_THREADS_MAXIMUM */
    uint32_t deadline_ms;  /* for one question, the wait for its turn included */
    uint32_t keep_ms;      /* an answer is remembered so long */
    unsigned keep_most;    /* answers that are remembered */
    unsigned waiting_most; /* questions that wait or are being asked */
    unsigned rate;         /* questions a second, over time */
    unsigned burst;        /* questions at once, after a quiet time */
};

#define LOOKUP_THREADS_MAXIMUM 8

/* DIRECTORY_UNKNOWN: it could not be learnt: no server answered in time, or too much was asked. */
typedef void lookup_answer(void *user, enum directory_answer answer);

struct lookup;

/* source: says how servers are reached, and is kept by the caller as the settings are. */
struct lookup *lookup_start(const struct source_settings *source,
                            const struct lookup_settings *settings, struct watchdog *watchdog,
                            struct error *error);

/* Answers everything that waits with "unknown", and ends soon. */
void lookup_stop(struct lookup *lookup);

void lookup_ask(struct lookup *lookup, const struct directory_key *key, lookup_answer *answer,
                void *user);

/* A change was told by the directory: what is remembered of the address is forgotten. */
void lookup_forget(struct lookup *lookup, const struct directory_key *key);

struct lookup_count {
    uint64_t asked;      /* at a server */
    uint64_t merged;     /* into a question that was under way */
    uint64_t remembered; /* answered from what is remembered */
    uint64_t limited;    /* not asked because of the rate or because too many waited */
    uint64_t failed;     /* no server answered in time */
};
void lookup_count(struct lookup *lookup, struct lookup_count *count);

#endif
