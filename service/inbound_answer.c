#include "inbound_private.h"

#define ADDRESS_SCRATCH 512 /* for an address that the policy puts together */

/* Trust is asked for each message anew, so that a change of settings needs no new connection. */
static void check_sender(struct inbound *inbound, struct verdict *verdict)
{
    inbound->client.trusted = policy_trusts(inbound->loop->policy, &inbound->client.address);
    inbound->peer.trusted = inbound->client.trusted;
    verdict_pass(verdict, "sender");
}

static void check_recipient(struct inbound *inbound, const struct smtp_recipient *recipient,
                            struct verdict *verdict)
{
    struct virtual_server_counters *counters = virtual_server_counters(inbound->arrival.server);
    struct view asked = recipient->address.text;
    struct view delivered_to = asked;
    char scratch[ADDRESS_SCRATCH];
    policy_check_recipient(inbound->loop->policy, inbound->loop->reader, &inbound->client, asked,
                           scratch, sizeof(scratch), &delivered_to, verdict);
    if (verdict->kind != VERDICT_PASS)
        return;
    atomic_fetch_add_explicit(&counters->accepted_recipients, 1, memory_order_relaxed);
    if (!view_equal(delivered_to, asked))
        smtp_session_rewrite_recipient(inbound->session, delivered_to);
}

static void answer(struct inbound *inbound, const struct verdict *verdict)
{
    if (verdict->delay_ms == 0) {
        smtp_session_answer(inbound->session, verdict);
        return;
    }
    inbound->held = *verdict;
    inbound_wait(inbound, verdict->delay_ms);
}

void inbound_ask(void *user, enum smtp_question question, const struct smtp_envelope *envelope,
                 const struct smtp_recipient *recipient, const struct smtp_content_facts *facts)
{
    struct inbound *inbound = user;
    struct verdict verdict;
    switch (question) {
    case SMTP_ASK_NOTHING:
        return;
    case SMTP_ASK_SENDER:
        check_sender(inbound, &verdict);
        break;
    case SMTP_ASK_RECIPIENT:
        check_recipient(inbound, recipient, &verdict);
        break;
    case SMTP_ASK_CONTENT:
        inbound_begin_message(inbound, envelope, &verdict);
        break;
    case SMTP_ASK_STORE:
        inbound_store(inbound, envelope, facts);
        return;
    }
    answer(inbound, &verdict);
}
