/*
 * Questions about a recipient to somebody far away, while the sender waits: a directory server, or the next hop.
 * Whoever can be asked fills a struct live_source; whoever asks knows no more of it than that. Any thread.
 */
#ifndef GATEPOST_BASE_LIVE_H
#define GATEPOST_BASE_LIVE_H

#include "base/view.h"

enum live_said {
    LIVE_YES,
    LIVE_NO,
    LIVE_CANNOT_SAY /* no answer in time, too many questions, or the answer makes no sense: 451 */
};

struct live_answer {
    enum live_said said;
    const char
        *rule; /* static, for tracking: "recipient-known"; NULL: the one that the policy has */
    bool restricted; /* LIVE_YES, but it takes mail from authenticated senders only */
    char reply
        [120]; /* LIVE_NO: text for the client, printable; empty: the one that the policy has */
    char
        reason[160]; /* for the administrator: who said what, or why nobody can say ("no answer from
                          ldap1.example.test port 636 within 3 s"). Never told to the client, and holds
                          nothing that a client chose, because tracking counts refusals by it */
};

typedef void live_answered(void *user, const struct live_answer *answer);

struct live_source {
    /* At once, from memory: whether it has to be asked before "no" is said, because what is known of the
     * address's domain is too old. False also when it cannot be asked: then what is known decides. NULL: always. */
    bool (*must_ask)(void *source, struct view address);

    /* True: *answer is there at once (remembered, or there are too many questions). False: answered() comes exactly
     * once, by the source's deadline at the latest and also when the source is stopped, on any thread, perhaps
     * before ask() has returned. It must not wait: the asker posts it to its own loop. There is no cancel.
     * address: copied. */
    bool (*ask)(void *source, struct view address, live_answered *answered, void *user,
                struct live_answer *answer);
    void *source;
};

#endif
