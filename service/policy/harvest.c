#include "policy/harvest.h"

#include "base/memory.h"

#include <stdatomic.h>
#include <string.h>

#define SECOND_MS INT64_C(1000)

struct harvest {
    struct harvest_sources *sources;
    atomic_uint waiting;
    atomic_uint_fast64_t delayed, undelayed, sessions_ended, turned_away;
};

struct harvest *harvest_create(void)
{
    struct harvest *harvest = memory_allocate(1, sizeof *harvest);
    harvest->sources = harvest_sources_create();
    return harvest;
}

void harvest_destroy(struct harvest *harvest)
{
    harvest_sources_destroy(harvest->sources);
    memory_free(harvest);
}

static void add(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

bool harvest_admit(struct harvest *harvest, const struct settings_harvest *limits,
                   const struct ip_address *client, int64_t now_ms, struct verdict *refusal)
{
    if (limits->source_unknown == 0 || !harvest_sources_hold(harvest->sources, client, now_ms))
        return true;
    verdict_set(refusal, "source-held-off", 421, "4.7.0",
                "Too many unknown recipients from your address");
    add(&harvest->turned_away);
    return false;
}

bool harvest_is_on(const struct settings_harvest *limits)
{
    return limits->tarpit != 0 || limits->session_unknown != 0 || limits->source_unknown != 0;
}

bool harvest_is_unknown(const struct verdict *verdict)
{
    return strcmp(verdict->enhanced, "5.1.1") == 0;
}

/* True when one of the limits has ended the session. */
static bool count_unknown(struct harvest *harvest, const struct settings_harvest *limits,
                          struct harvest_session *session, const struct ip_address *client,
                          int64_t now_ms, struct verdict *verdict, bool *held_off)
{
    session->unknown++;
    if (limits->source_unknown != 0 &&
        harvest_sources_count(harvest->sources, limits, client, now_ms, held_off))
        verdict_set(verdict, "source-unknown-limit", 421, "4.7.0",
                    "Too many unknown recipients from your address");
    else if (limits->session_unknown != 0 && session->unknown > limits->session_unknown)
        verdict_set(verdict, "session-unknown-limit", 421, "4.7.0", "Too many unknown recipients");
    else
        return false;
    add(&harvest->sessions_ended);
    return true;
}

static int64_t delay_of(const struct settings_harvest *limits,
                        const struct harvest_session *session)
{
    int64_t seconds = limits->tarpit;
    if (session->unknown > 1)
        seconds += limits->tarpit_step * (int64_t)(session->unknown - 1);
    return (seconds < limits->tarpit_maximum ? seconds : limits->tarpit_maximum) * SECOND_MS;
}

static bool may_wait(struct harvest *harvest, const struct settings_harvest *limits)
{
    if (atomic_fetch_add(&harvest->waiting, 1) < limits->tarpit_sessions)
        return true;
    atomic_fetch_sub(&harvest->waiting, 1);
    return false;
}

void harvest_refuse(struct harvest *harvest, const struct settings_harvest *limits,
                    struct harvest_session *session, const struct ip_address *client,
                    int64_t now_ms, struct verdict *verdict, bool *held_off)
{
    *held_off = false;
    if (harvest_is_unknown(verdict) &&
        count_unknown(harvest, limits, session, client, now_ms, verdict, held_off))
        return;
    if (limits->tarpit == 0)
        return;
    if (!may_wait(harvest, limits)) {
        add(&harvest->undelayed);
        return;
    }
    session->waits = true;
    verdict->delay_ms = (uint32_t)delay_of(limits, session);
    add(&harvest->delayed);
}

void harvest_release(struct harvest *harvest, struct harvest_session *session)
{
    if (session->waits)
        atomic_fetch_sub(&harvest->waiting, 1);
    session->waits = false;
}

struct harvest_sources *harvest_sources(struct harvest *harvest)
{
    return harvest->sources;
}

void harvest_count(struct harvest *harvest, int64_t now_ms, struct harvest_counts *counts)
{
    *counts = (struct harvest_counts){
        .delayed = atomic_load(&harvest->delayed),
        .undelayed = atomic_load(&harvest->undelayed),
        .sessions_ended = atomic_load(&harvest->sessions_ended),
        .turned_away = atomic_load(&harvest->turned_away),
        .waiting = atomic_load(&harvest->waiting),
        .held_off = harvest_sources_held(harvest->sources, now_ms),
    };
}
