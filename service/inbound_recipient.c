/*
 * May a recipient be taken? The policy answers from memory, or says who has to be asked first; then the session waits
 * for that answer, and the policy is asked again with it. What it refuses to a stranger, the harvest defence may
 * hold back or turn into the end of the session.
 */
#include "inbound_private.h"

#include "base/log.h"
#include "base/memory.h"
#include "platform/clock.h"

#define ADDRESS_SCRATCH 512 /* for an address that the policy puts together */

static void accept(struct inbound *inbound, struct view delivered_to)
{
    struct virtual_server_counters *counters = virtual_server_counters(inbound->arrival.server);
    atomic_fetch_add_explicit(&counters->accepted_recipients, 1, memory_order_relaxed);
    if (!view_equal(delivered_to, inbound->recipient->address.text))
        smtp_session_rewrite_recipient(inbound->session, delivered_to);
}

static enum policy_asks check(struct inbound *inbound, struct policy_live *live,
                              struct verdict *verdict)
{
    const struct inbound_loop *loop = inbound->loop;
    struct view delivered_to;
    char scratch[ADDRESS_SCRATCH];
    enum policy_asks asks = policy_check_recipient(loop->policy, &loop->sources, &inbound->client,
                                                   inbound->recipient->address.text, live, scratch,
                                                   sizeof(scratch), &delivered_to, verdict);
    if (asks == POLICY_DECIDED && verdict->kind == VERDICT_PASS)
        accept(inbound, delivered_to);
    return asks;
}

/* ---- harvest defence ---- */

static void count_unknown(struct inbound *inbound, const struct verdict *verdict)
{
    struct virtual_server_counters *counters = virtual_server_counters(inbound->arrival.server);
    if (harvest_is_unknown(verdict))
        atomic_fetch_add_explicit(&counters->unknown_recipients, 1, memory_order_relaxed);
}

static void defend(struct inbound *inbound, struct verdict *verdict)
{
    const struct inbound_loop *loop = inbound->loop;
    const struct settings_harvest *limits = &policy_settings(loop->policy)->values.harvest;
    bool held_off;
    if (!harvest_is_on(limits) || loop->shutting_down ||
        !policy_watches(loop->policy, &inbound->client))
        return;
    harvest_refuse(loop->parts.harvest, limits, &inbound->harvest, &inbound->client.address,
                   clock_monotonic_ms(), verdict, &held_off);
    if (held_off)
        log_line(LOG_INFORMATION, inbound->arrival.session,
                 "%s is held off: it asked for too many unknown recipients", inbound->client_text);
}

/* ---- somebody far away ---- */

/* On any thread. The loop reads it after the post. */
static void live_answer_came(void *user, const struct live_answer *answer);

/* False while an answer is owed. */
static bool ask(struct inbound *inbound, struct verdict *verdict)
{
    struct policy_live *live = inbound->live;
    while (check(inbound, live, verdict) != POLICY_DECIDED) {
        inbound->looking_up = true;
        if (!live->source->ask(live->source->source, live->wanted, live_answer_came, inbound,
                               &live->answers[live->slot]))
            return false;
        inbound->looking_up = false;
        policy_live_add(live);
    }
    return true;
}

static void finish(struct inbound *inbound, struct verdict *verdict)
{
    if (verdict->kind == VERDICT_REFUSE) {
        count_unknown(inbound, verdict);
        defend(inbound, verdict);
    } else if (verdict->kind == VERDICT_PASS) {
        inbound_forget_live(inbound);
    }
}

static void go_on(void *argument)
{
    struct inbound *inbound = argument;
    struct verdict verdict;
    inbound->looking_up = false;
    policy_live_add(inbound->live);
    if (inbound->connection == NULL) {
        inbound_free_if_done(inbound);
    } else if (ask(inbound, &verdict)) {
        finish(inbound, &verdict);
        inbound_answer_later(inbound, &verdict);
    }
}

static void live_answer_came(void *user, const struct live_answer *answer)
{
    struct inbound *inbound = user;
    inbound->live->answers[inbound->live->slot] = *answer;
    net_post(inbound->loop->net, go_on, inbound);
}

void inbound_forget_live(struct inbound *inbound)
{
    memory_free(inbound->live);
    inbound->live = NULL;
}

/* Hardly any recipient needs a live answer, so what that takes is not made before. */
void inbound_check_recipient(struct inbound *inbound, const struct smtp_recipient *recipient)
{
    struct policy_live nothing;
    struct verdict verdict;
    nothing.known = 0;
    inbound->recipient = recipient;
    if (check(inbound, &nothing, &verdict) != POLICY_DECIDED) {
        inbound->live = memory_allocate(1, sizeof(*inbound->live));
        if (!ask(inbound, &verdict))
            return;
    }
    finish(inbound, &verdict);
    inbound_answer(inbound, &verdict);
}
