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

/* Monotonic milliseconds. One that cannot even be started is always in doubt. */
int64_t directory_run_quiet_until(const struct directory_run *run)
{
    if (run->source == NULL)
        return 0;
    int64_t age_ms = source_age_ms(run->source);
    return age_ms == INT64_MAX ? 0 : clock_monotonic_ms() - age_ms + (int64_t)run->settings.ask_ms;
}

/* It may know more about this domain by now than is known of it. */
static bool is_asked(const struct directory_run *run, struct view domain)
{
    return serves(run, domain) && directory_run_quiet_until(run) < clock_monotonic_ms();
}

/* What is known of it does not count as current. */
static bool is_stale(const struct directory_run *run)
{
    return run->source == NULL ||
           source_age_ms(run->source) > (int64_t)run->settings.source.stale_ms;
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
    if (clock_monotonic_ms() <= atomic_load(&directories->quiet_until))
        return false;
    lock_acquire(directories->live_lock);
    for (size_t i = 0; i < directories->live_count && !must; i++)
        must = is_asked(directories->live[i], domain);
    lock_release(directories->live_lock);
    return must;
}

/* Nothing is open any more. */
static struct live_answer conclude(struct question *question)
{
    struct live_answer answer = {.said = LIVE_NO};
    if (atomic_load(&question->yes)) {
        answer.said = LIVE_YES;
    } else if (atomic_load(&question->unclear)) {
        answer.said = LIVE_CANNOT_SAY;
        snprintf(
            answer.reason, sizeof answer.reason,
            "what is known of the directory is not current, and no server has answered in time");
    }
    return answer;
}

/* The last to finish answers, unless that is ask() itself, whose caller has not gone yet. */
static void finish(struct question *question)
{
    if (atomic_fetch_sub(&question->open, 1) > 1)
        return;
    struct live_answer answer = conclude(question);
    question->answered(question->user, &answer);
    memory_free(question);
}

static void take_answer(void *user, enum directory_answer answer)
{
    struct question *question = user;
    if (answer == DIRECTORY_PRESENT)
        atomic_store(&question->yes, true);
    finish(question);
}

/* Without an answer nobody knows. */
static void take_answer_of_stale(void *user, enum directory_answer answer)
{
    struct question *question = user;
    if (answer == DIRECTORY_UNKNOWN)
        atomic_store(&question->unclear, true);
    take_answer(question, answer);
}

static void ask_one(struct directory_run *run, const struct directory_key *key,
                    struct question *question)
{
    lookup_answer *take = is_stale(run) ? take_answer_of_stale : take_answer;
    atomic_fetch_add(&question->open, 1);
    if (run->lookup == NULL || atomic_load(&run->refused))
        take(question, DIRECTORY_UNKNOWN);
    else
        lookup_ask(run->lookup, key, take, question);
}

/* The lock is held, so that none of them is stopped meanwhile. */
static void ask_each(struct directories *directories, const struct directory_key *key,
                     struct view domain, struct question *question)
{
    for (size_t i = 0; i < directories->live_count; i++)
        if (is_asked(directories->live[i], domain))
            ask_one(directories->live[i], key, question);
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
    if (atomic_fetch_sub(&question->open, 1) > 1)
        return false;
    *answer = conclude(question);
    memory_free(question);
    return true;
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
