#include "live_wait.h"

#include "platform/thread.h"

struct waiting {
    struct lock *lock;
    struct condition *came;
    bool is_there;
    struct live_answer *answer;
};

static void answer_came(void *user, const struct live_answer *answer)
{
    struct waiting *waiting = user;
    lock_acquire(waiting->lock);
    *waiting->answer = *answer;
    waiting->is_there = true;
    condition_signal(waiting->came);
    lock_release(waiting->lock);
}

void live_wait(const struct live_source *source, struct view address, struct live_answer *answer)
{
    struct waiting waiting = {lock_create(), condition_create(), false, answer};
    if (!source->ask(source->source, address, answer_came, &waiting, answer)) {
        lock_acquire(waiting.lock);
        while (!waiting.is_there)
            condition_wait(waiting.came, waiting.lock);
        lock_release(waiting.lock);
    }
    condition_destroy(waiting.came);
    lock_destroy(waiting.lock);
}
