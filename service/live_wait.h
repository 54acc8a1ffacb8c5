/* A live answer for a thread that can wait for it: that of an administrator's question. Not for a loop's. */
#ifndef GATEPOST_LIVE_WAIT_H
#define GATEPOST_LIVE_WAIT_H

#include "base/live.h"

/* Waits as long as the source takes, which has a deadline. */
void live_wait(const struct live_source *source, struct view address, struct live_answer *answer);

#endif
