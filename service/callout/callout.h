/*
 * Call-out: who receives mail in a domain whose own server is the only one that knows? The next hop
 * is asked: MAIL FROM:<>, RCPT TO, RSET, over one connection to each that is kept. Questions for
 * the same address are one, the answers are remembered, and the questions a second are bounded. The
 * answer has three values: 4xx, a connection that fails and what is no SMTP are "not now", never
 * no. A next hop that accepts a made-up address accepts everything (a catch-all) and is not asked.
 *
 * All of it lives on a thread of its own. Any thread may ask; start, apply and stop come from one
 * thread at a time, which is not a loop's.
 */
#ifndef GATEPOST_CALLOUT_CALLOUT_H
#define GATEPOST_CALLOUT_CALLOUT_H

#include "base/error.h"
#include "base/event.h"
#include "base/live.h"
#include "config/settings.h"

struct callout;

/* The settings' table `callout`, times in milliseconds. */
struct callout_rules {
    int64_t deadline_ms;
    int64_t answer_ms;
    int64_t connect_ms;
    int64_t keep_idle_ms;
    int64_t retry_most_ms;
    int64_t questions_per_second;
    size_t questions_waiting;
    int64_t accepted_ms;
    int64_t refresh_ms;
    int64_t away_ms;
    int64_t refused_ms;
    int64_t catch_all_ms;
    size_t remembered;
};

void callout_rules_of(const struct settings_callout *settings, struct callout_rules *rules);

/* host_name: for EHLO; copied. */
struct callout *callout_start(const char *host_name, const struct event_sink *events,
                              struct error *error);

/* What is asked is answered with "not now" before it returns. Nobody asks any more. */
void callout_stop(struct callout *callout);

/* In force when it returns. Of the domains those count whose recipients the next hop knows. What is
 * known of a domain whose next hop has changed is forgotten. */
void callout_apply(struct callout *callout, const struct callout_rules *rules,
                   const struct settings_accepted_domain *domains, size_t count);

/* Asks what the next hop says. Rules: callout-accepted, callout-catch-all, callout-refused and
 * callout-unavailable. The answer comes on the call-out's thread. */
struct live_source callout_source(struct callout *callout);

enum callout_state { CALLOUT_UNTOLD, CALLOUT_KNOWS_RECIPIENTS, CALLOUT_CATCH_ALL };

struct callout_status {
    const char *domain;
    const char *next_hop; /* "mail.example.test:25" */
    enum callout_state state;
    bool connected;
    int64_t away_ms;    /* for so long; 0: it is not away */
    const char *reason; /* why it is away */
    uint64_t asked;     /* questions that the next hop was asked, for all its domains */
    size_t waiting;     /* questions */
};

/* Calls back for each domain, in no order, on the call-out's thread, and returns afterwards. */
void callout_each(struct callout *callout,
                  void (*each)(void *user, const struct callout_status *status), void *user);

struct callout_memory {
    size_t accepted, refused;
};
struct callout_memory callout_remembered(struct callout *callout);

/* Forgets what is known of an address, or of all for an empty one: catch-alls too. Returns how many
 * answers that were. */
size_t callout_forget(struct callout *callout, struct view address);

#endif
