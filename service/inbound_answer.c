#include "inbound_private.h"

/* Trust is asked for each message anew, so that a change of settings needs no new connection. */
static void check_sender(struct inbound *inbound, struct verdict *verdict)
{
    inbound->client.trusted = policy_trusts(inbound->loop->policy, &inbound->client.address);
    inbound->peer.trusted = inbound->client.trusted;
    verdict_pass(verdict, "sender");
}

void inbound_ask(void *user, enum smtp_question question, const struct smtp_envelope *envelope,
                 const struct smtp_recipient *recipient, const struct smtp_content_facts *facts)
{
    struct inbound *inbound = user;
    struct verdict verdict;
    inbound->envelope = envelope;
    switch (question) {
    case SMTP_ASK_NOTHING:
        return;
    case SMTP_ASK_SENDER:
        check_sender(inbound, &verdict);
        break;
    case SMTP_ASK_RECIPIENT:
        inbound_check_recipient(inbound, recipient);
        return;
    case SMTP_ASK_CONTENT:
        inbound_begin_message(inbound, envelope, &verdict);
        break;
    case SMTP_ASK_STORE:
        inbound_store(inbound, envelope, facts);
        return;
    }
    inbound_answer(inbound, &verdict);
}
