/*
 * Harvest defence. Recipient filtering tells a stranger which addresses exist, so whoever asks for many that do not
 * is slowed down, then turned away: refusals are held back (tarpit), for longer with each unknown recipient of the
 * session; a session, and a source, that has asked for too many gets 421, the source for some time. Only what was
 * refused is counted, so a sender to known recipients never meets any of it.
 *
 * When as many sessions wait as may, further refusals are given at once: waiting is the one part that costs us
 * something, and an honest sender with a mistyped address shall not get a 421 because others flood. What stops the
 * flood then are the other limits.
 *
 * Callers ask policy_watches() first; nothing here concerns own or exempt clients. Nothing waits here: the caller
 * holds the reply. Any thread. Limits come with each call, from the settings in force; times are monotonic
 * milliseconds.
 */
#ifndef GATEPOST_POLICY_HARVEST_H
#define GATEPOST_POLICY_HARVEST_H

#include "base/verdict.h"
#include "policy/harvest_sources.h"

struct harvest;

/* What is kept with one session; zero at its start. */
struct harvest_session {
    uint32_t unknown; /* recipients that it asked for */
    bool waits;       /* a reply to it is held back */
};

struct harvest *harvest_create(void);
void harvest_destroy(struct harvest *harvest);

/* A stranger may connect? Otherwise *refusal says why not: rule source-held-off. */
bool harvest_admit(struct harvest *harvest, const struct settings_harvest *limits,
                   const struct ip_address *client, int64_t now_ms, struct verdict *refusal);

/* Whether the limits hold anybody back. */
bool harvest_is_on(const struct settings_harvest *limits);

/* "Bad destination mailbox address" (RFC 3463), whoever found that out. */
bool harvest_is_unknown(const struct verdict *verdict);

/* A recipient was refused for a stranger: says with *verdict (5xx) how long the reply is to be held, or turns it into a
 * 421 that ends the session: rules session-unknown-limit, source-unknown-limit. With a delay the session counts as
 * waiting until harvest_release(). *held_off: the source is held off from now on. */
void harvest_refuse(struct harvest *harvest, const struct settings_harvest *limits,
                    struct harvest_session *session, const struct ip_address *client,
                    int64_t now_ms, struct verdict *verdict, bool *held_off);

/* The reply is given, or there is nobody left to give it to. */
void harvest_release(struct harvest *harvest, struct harvest_session *session);

/* For the administrator. */
struct harvest_sources *harvest_sources(struct harvest *harvest);

struct harvest_counts {
    uint64_t delayed;        /* refusals that were held back */
    uint64_t undelayed;      /* that were not because too many sessions waited */
    uint64_t sessions_ended; /* for too many unknown recipients, of their own or of their source */
    uint64_t turned_away;    /* connections of sources that are held off */
    size_t waiting;          /* sessions now */
    size_t held_off;         /* sources now */
};
void harvest_count(struct harvest *harvest, int64_t now_ms, struct harvest_counts *counts);

#endif
