#include "directories_private.h"

#include "base/memory.h"
#include "platform/clock.h"

#include <stdio.h>

/* A question to every directory that may know: the last answer that comes is followed by the one to the asker. */
struct question {
    live_answered *answered;
    void *user;
    atomic_size_t open;
    atomic_bool yes;
    atomic_bool unclear;
};

static bool serves(const struct directory_run *run, struct view domain)
{
    for (size_t i = 0; i < run->from->domains_count; i++)
        if (view_equal_nocase(domain, view_of_text(run->from->domains[i])))
            return true;
    return run->from->domains_count == 0;
}

/* Monotonic milliseconds; INT64_MAX when nobody can be asked. */
int64_t directory_run_current_until(const struct directory_run *run)
{
    if (run->source == NULL)
        return INT64_MAX;
    int64_t age_ms = source_age_ms(run->source);
    return age_ms == INT64_MAX
               ? 0
               : clock_monotonic_ms() - age_ms + (int64_t)run->settings.source.stale_ms;
}

/* What is known of it may be wrong about this domain by now. */
static bool is_doubtful(const struct directory_run *run, struct view domain)
{
    return serves(run, domain) && directory_run_current_until(run) < clock_monotonic_ms();
}

static struct view domain_of(struct view address)
{
    return view_from(address, view_find_last(address, '@') + 1);
}

static bool must_ask(void *source, struct view address)
{
    struct directories *directories = source;
    struct view domain = domain_of(address);
    bool must = false;
    /* For each unknown recipient of a flood: mostly there is nothing to look at. */
    if (clock_monotonic_ms() <= atomic_load(&directories->current_until))
        return false;
    lock_acquire(directories->live_lock);
    for (size_t i = 0; i < directories->live_count && !must; i++)
        must = is_doubtful(directories->live[i], domain);
    lock_release(directories->live_lock);
    return must;
}

static void finish(struct question *question)
{
    struct live_answer answer = {.said = LIVE_NO};
    if (atomic_fetch_sub(&question->open, 1) > 1)
        return;
    if (atomic_load(&question->yes)) {
        answer.said = LIVE_YES;
    } else if (atomic_load(&question->unclear)) {
        answer.said = LIVE_CANNOT_SAY;
        snprintf(
            answer.reason, sizeof answer.reason,
            "what is known of the directory is not current, and no server has answered in time");
    }
    question->answered(question->user, &answer);
    memory_free(question);
}

static void take_answer(void *user, enum directory_answer answer)
{
    struct question *question = user;
    if (answer == DIRECTORY_PRESENT)
        atomic_store(&question->yes, true);
    else if (answer == DIRECTORY_UNKNOWN)
        atomic_store(&question->unclear, true);
    finish(question);
}

/* The lock is held, so that none of them is stopped meanwhile. */
static void ask_each(struct directories *directories, const struct directory_key *key,
                     struct view domain, struct question *question)
{
    for (size_t i = 0; i < directories->live_count; i++) {
        if (!is_doubtful(directories->live[i], domain))
            continue;
        if (atomic_load(&directories->live[i]->refused)) {
            atomic_store(&question->unclear, true);
            continue;
        }
        atomic_fetch_add(&question->open, 1);
        lookup_ask(directories->live[i]->lookup, key, take_answer, question);
    }
}

static bool ask(void *source, struct view address, live_answered *answered, void *user,
                struct live_answer *answer)
{
    struct directories *directories = source;
    struct directory_key key;
    *answer = (struct live_answer){.said = LIVE_NO};
    if (!directory_key_make(address, &key, NULL))
        return true;
    struct question *question = memory_allocate(1, sizeof *question);
    question->answered = answered;
    question->user = user;
    /* One more than there are, so that it does not end before all are asked. */
    atomic_init(&question->open, 1);
    lock_acquire(directories->live_lock);
    ask_each(directories, &key, domain_of(address), question);
    lock_release(directories->live_lock);
    finish(question);
    return false;
}

void directories_live_fill(struct directories *directories)
{
    directories->live_source =
        (struct live_source){.must_ask = must_ask, .ask = ask, .source = directories};
}

const struct live_source *directories_live(const struct directories *directories)
{
    return &directories->live_source;
}
