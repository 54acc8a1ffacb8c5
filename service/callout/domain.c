#include "callout/callout_private.h"

#include "base/memory.h"
#include "platform/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* A made-up address that got no answer is not asked for again before this, else every question
 * would be two. */
#define CHECK_AGAIN_MS (60 * 1000)

struct callout_domain *callout_domain_create(struct callout *callout, struct view name,
                                             struct callout_hop *hop)
{
    struct callout_domain *domain = memory_allocate(1, sizeof *domain);
    domain->callout = callout;
    domain->name = memory_allocate(name.length + 1, 1);
    memcpy(domain->name, name.data, name.length);
    domain->hop = hop;
    hop->domains++;
    hash_table_set(callout->domains, name, domain);
    return domain;
}

void callout_domain_destroy(struct callout_domain *domain)
{
    struct callout *callout = domain->callout;
    struct view name = view_of_text(domain->name);
    callout_cache_forget_domain(callout->cache, name);
    callout_hop_fail(domain->hop, domain, "The settings have changed.");
    hash_table_take(callout->domains, name);
    callout_hop_release(domain->hop);
    memory_free(domain->name);
    memory_free(domain);
}

/* ---- answers ---- */

void callout_tell(struct callout_waiter *waiters, const struct live_answer *answer)
{
    while (waiters != NULL) {
        struct callout_waiter *waiter = waiters;
        waiters = waiter->next;
        waiter->answered(waiter->user, answer);
        memory_free(waiter);
    }
}

void callout_cannot_say(struct callout_waiter *waiters, const char *reason)
{
    struct live_answer answer = {.said = LIVE_CANNOT_SAY, .rule = "callout-unavailable"};
    view_copy_text(view_of_text(reason), answer.reason, sizeof answer.reason);
    callout_tell(waiters, &answer);
}

static void tell_catch_all(const struct callout_domain *domain, struct callout_waiter *waiters)
{
    struct live_answer answer = {.said = LIVE_YES, .rule = "callout-catch-all"};
    snprintf(answer.reason, sizeof answer.reason, "%s accepts everything at %s", domain->hop->name,
             domain->name);
    callout_tell(waiters, &answer);
}

/* What a client may be told: the text without codes, in ASCII. */
static void copy_spoken(const char *text, char *spoken, size_t size)
{
    struct view rest = view_of_text(text), codes;
    struct view behind = rest;
    if (view_split(&behind, ' ', &codes) && codes.length == 3)
        rest = behind;
    behind = rest;
    if (view_split(&behind, ' ', &codes) && codes.length >= 5 && codes.data[1] == '.')
        rest = behind;
    view_copy_text(rest, spoken, size);
    for (char *byte = spoken; *byte != '\0'; byte++)
        if ((unsigned char)*byte >= 0x7F || (unsigned char)*byte < ' ')
            *byte = '?';
}

/* remembered: it was not asked just now. How long ago is not said, because tracking counts by reason. */
static void tell_answer(const struct callout_domain *domain, struct callout_waiter *waiters,
                        const struct callout_cached *known, bool remembered)
{
    struct live_answer answer = {.said = LIVE_YES, .rule = "callout-accepted"};
    if (!known->accepted) {
        answer.said = LIVE_NO;
        answer.rule = "callout-refused";
        copy_spoken(known->text, answer.reply, sizeof answer.reply);
    }
    if (known->code == 0)
        snprintf(answer.reason, sizeof answer.reason, "%s does not take such addresses",
                 domain->hop->name);
    else
        snprintf(answer.reason, sizeof answer.reason, "%s answered with %d%s", domain->hop->name,
                 known->code, remembered ? " before" : "");
    callout_tell(waiters, &answer);
}

/* ---- memory ---- */

/* A recipient who was accepted once, for as long as the next hop cannot be asked. */
static bool tell_last_known(struct callout_domain *domain, struct view key,
                            struct callout_waiter *waiters)
{
    const struct callout_rules *rules = &domain->callout->rules;
    const struct callout_cached *known = callout_cache_get(domain->callout->cache, key);
    int64_t age_ms = known == NULL ? 0 : net_now_ms(domain->callout->loop) - known->asked_ms;
    if (known == NULL || !known->accepted || age_ms >= rules->accepted_ms + rules->away_ms)
        return false;
    tell_answer(domain, waiters, known, true);
    return true;
}

void callout_question_fail(struct callout_question *question, const char *reason)
{
    struct callout_waiter *waiters = question->waiters;
    question->waiters = NULL;
    if (waiters == NULL || tell_last_known(question->domain, view_of_text(question->key), waiters))
        return;
    callout_cannot_say(waiters, reason);
}

/* ---- questions ---- */

static struct callout_question *make_question(struct callout_domain *domain, struct view key,
                                              struct view address)
{
    struct callout_question *question = memory_allocate(1, sizeof *question);
    list_init(&question->link);
    question->domain = domain;
    question->key = memory_allocate(key.length + 1, 1);
    memcpy(question->key, key.data, key.length);
    question->address = memory_allocate(address.length + 1, 1);
    memcpy(question->address, address.data, address.length);
    question->recipient = (struct smtp_client_recipient){.address = question->address, .orcpt = ""};
    question->message = (struct smtp_client_message){
        .reverse_path = "",
        .envid = "",
        .body = SMTP_BODY_7BIT,
        .smtputf8 = !view_is_ascii(address),
        .recipients = &question->recipient,
        .recipient_count = 1,
        .probe = true,
    };
    hash_table_set(domain->callout->questions, key, question);
    return question;
}

void callout_question_free(struct callout_question *question)
{
    memory_free(question->key);
    memory_free(question->address);
    memory_free(question);
}

void callout_question_close(struct callout *callout, const struct callout_question *question)
{
    struct view key = view_of_text(question->key);
    if (hash_table_get(callout->questions, key) == question)
        hash_table_take(callout->questions, key);
}

/* NULL when no more may wait. */
static struct callout_question *pose(struct callout_domain *domain, struct view key,
                                     struct view address)
{
    struct callout_question *question = make_question(domain, key, address);
    if (callout_hop_add(domain->hop, question))
        return question;
    callout_question_close(domain->callout, question);
    callout_question_free(question);
    return NULL;
}

/* Does the next hop accept what nobody can be called? Asked ahead of the question that needs it. */
static void check_for_catch_all(struct callout_domain *domain)
{
    char address[sizeof "gatepost-check-@" + 16 + 256];
    uint64_t number;
    int64_t now_ms = net_now_ms(domain->callout->loop);
    if (domain->checking || now_ms < domain->check_ms || callout_hop_is_left_alone(domain->hop))
        return;
    random_bytes(&number, sizeof number);
    snprintf(address, sizeof address, "gatepost-check-%016" PRIx64 "@%s", number, domain->name);
    struct view made_up = view_of_text(address);
    struct callout_question *question = pose(domain, made_up, made_up);
    if (question == NULL)
        return;
    question->is_check = true;
    domain->checking = true;
}

static void wait_for(struct callout_question *question, struct callout_waiter *waiter)
{
    const struct callout *callout = question->domain->callout;
    if (question->waiters == NULL)
        question->deadline_ms = net_now_ms(callout->loop) + callout->rules.deadline_ms;
    waiter->next = question->waiters;
    question->waiters = waiter;
}

static void ask_hop(struct callout_domain *domain, struct view key, struct view address,
                    struct callout_waiter *waiter)
{
    struct callout_hop *hop = domain->hop;
    struct callout_question *question = hash_table_get(domain->callout->questions, key);
    if (question == NULL) {
        bool left_alone = callout_hop_is_left_alone(hop);
        if (!left_alone)
            question = pose(domain, key, address);
        if (question == NULL) {
            if (!tell_last_known(domain, key, waiter))
                callout_cannot_say(waiter,
                                   left_alone ? hop->reason : "Too many questions wait already.");
            return;
        }
    }
    wait_for(question, waiter);
    callout_hop_work(hop);
}

/* A question that nobody waits for. */
static void refresh(struct callout_domain *domain, struct view key, struct view address)
{
    if (hash_table_get(domain->callout->questions, key) == NULL &&
        !callout_hop_is_left_alone(domain->hop) && pose(domain, key, address) != NULL)
        callout_hop_work(domain->hop);
}

static bool tell_remembered(struct callout_domain *domain, struct view key, struct view address,
                            struct callout_waiter *waiter)
{
    const struct callout_rules *rules = &domain->callout->rules;
    const struct callout_cached *known = callout_cache_get(domain->callout->cache, key);
    if (known == NULL)
        return false;
    int64_t age_ms = net_now_ms(domain->callout->loop) - known->asked_ms;
    if (age_ms >= (known->accepted ? rules->accepted_ms : rules->refused_ms))
        return false;
    bool is_old = known->accepted && age_ms >= rules->refresh_ms;
    tell_answer(domain, waiter, known, true);
    if (is_old)
        refresh(domain, key, address);
    return true;
}

void callout_domain_ask(struct callout_domain *domain, const struct directory_key *key,
                        struct view address, struct callout_waiter *waiter)
{
    struct view folded = view_of(key->text, key->length);
    if (tell_remembered(domain, folded, address, waiter))
        return;
    check_for_catch_all(domain);
    if (domain->state != CALLOUT_CATCH_ALL) {
        ask_hop(domain, folded, address, waiter);
        return;
    }
    tell_catch_all(domain, waiter);
    callout_hop_work(domain->hop);
}

/* ---- what the next hop says ---- */

static void check_heard(struct callout_domain *domain, enum live_said said)
{
    struct callout *callout = domain->callout;
    bool was_catch_all = domain->state == CALLOUT_CATCH_ALL;
    int64_t again_ms = callout->rules.catch_all_ms;
    domain->checking = false;
    if (said == LIVE_CANNOT_SAY && again_ms > CHECK_AGAIN_MS)
        again_ms = CHECK_AGAIN_MS;
    domain->check_ms = net_now_ms(callout->loop) + again_ms;
    if (said == LIVE_CANNOT_SAY)
        return;
    domain->state = said == LIVE_YES ? CALLOUT_CATCH_ALL : CALLOUT_KNOWS_RECIPIENTS;
    if (said == LIVE_YES && !was_catch_all)
        event_report(callout->events, EVENT_CALLOUT_CATCH_ALL, domain->hop->name, domain->name,
                     NULL);
}

/* In a catch-all those who are accepted say nothing. */
static void remember(const struct callout_question *question, const struct callout_cached *answer)
{
    const struct callout_domain *domain = question->domain;
    struct callout *callout = domain->callout;
    if (!answer->accepted || domain->state != CALLOUT_CATCH_ALL)
        callout_cache_set(callout->cache, view_of_text(question->key), answer,
                          callout->rules.remembered);
}

/* 5xx that may speak of the command, of us or of the session, and not of the mailbox. Once somebody
 * was accepted, what others hear is about them (5.7.1 for a closed group). */
static bool is_beside_the_point(const struct callout_domain *domain,
                                const struct smtp_client_reply *reply)
{
    if ((reply->code >= 500 && reply->code <= 504) || reply->code == 521 || reply->code == 530)
        return true;
    return !domain->has_accepted && reply->enhanced[0] != '\0' &&
           strncmp(reply->enhanced, "5.1.", 4) != 0 && strncmp(reply->enhanced, "5.2.", 4) != 0;
}

static void hear_nothing(struct callout_question *question, const struct smtp_client_reply *reply)
{
    char reason[sizeof((struct live_answer *)NULL)->reason];
    snprintf(reason, sizeof reason, "%s answered with %d %s", question->domain->hop->name,
             reply->code, reply->enhanced);
    callout_question_fail(question, reply->code == 0 ? reply->text : reason);
}

static void hear_answer(struct callout_question *question, bool accepted,
                        const struct smtp_client_reply *reply)
{
    struct callout_domain *domain = question->domain;
    struct callout_waiter *waiters = question->waiters;
    char text[CALLOUT_TEXT_SIZE];
    view_copy_text(view_of_text(reply->text), text, sizeof text);
    const struct callout_cached answer = {accepted, reply->code, net_now_ms(domain->callout->loop),
                                          text};
    question->waiters = NULL;
    domain->has_accepted = domain->has_accepted || accepted;
    remember(question, &answer);
    if (accepted && domain->state == CALLOUT_CATCH_ALL)
        tell_catch_all(domain, waiters);
    else
        tell_answer(domain, waiters, &answer, false);
}

void callout_domain_heard(struct callout_question *question, enum live_said said,
                          const struct smtp_client_reply *reply)
{
    struct callout_domain *domain = question->domain;
    callout_question_close(domain->callout, question);
    if (said == LIVE_NO && is_beside_the_point(domain, reply))
        said = LIVE_CANNOT_SAY;
    if (question->is_check)
        check_heard(domain, said);
    else if (said == LIVE_CANNOT_SAY)
        hear_nothing(question, reply);
    else
        hear_answer(question, said == LIVE_YES, reply);
}
