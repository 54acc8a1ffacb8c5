#include "callout/callout_private.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>

#define US_PER_SECOND INT64_C(1000000)

/* While questions wait, and while there is only a connection. */
#define TICK_MS      50
#define IDLE_TICK_MS 1000

#define FIRST_BACK_OFF_MS 1000

static void tick(void *user);

struct callout_hop *callout_hop_of(struct callout *callout, const char *host, uint16_t port)
{
    char name[256 + sizeof ":65535"];
    snprintf(name, sizeof name, "%s:%u", host, port);
    struct callout_hop *hop = hash_table_get(callout->hops, view_of_text(name));
    if (hop != NULL)
        return hop;
    hop = memory_allocate(1, sizeof *hop);
    hop->callout = callout;
    hop->name = memory_copy_text(name);
    hop->host = memory_copy_text(host);
    hop->port = port;
    hop->timer = net_timer_create(callout->loop, tick, hop);
    list_init(&hop->queue);
    hash_table_set(callout->hops, view_of_text(name), hop);
    return hop;
}

void callout_hop_free_if_done(struct callout_hop *hop)
{
    if (hop->domains > 0 || hop->connection != NULL)
        return;
    net_timer_destroy(hop->timer);
    memory_free(hop->name);
    memory_free(hop->host);
    memory_free(hop);
}

void callout_hop_release(struct callout_hop *hop)
{
    if (--hop->domains > 0)
        return;
    hash_table_take(hop->callout->hops, view_of_text(hop->name));
    if (hop->connection != NULL)
        net_connection_close(hop->connection);
    else
        callout_hop_free_if_done(hop);
}

/* ---- away and back ---- */

static void list_domains(const struct callout_hop *hop, char *text, size_t size)
{
    struct view name;
    void *value;
    text[0] = '\0';
    for (size_t at = 0; hash_table_next(hop->callout->domains, &at, &name, &value);) {
        const struct callout_domain *domain = value;
        size_t length = strlen(text);
        if (domain->hop == hop)
            snprintf(text + length, size - length, "%s%s", length == 0 ? "" : ", ", domain->name);
    }
}

void callout_hop_is_away(struct callout_hop *hop, const char *reason)
{
    char domains[200];
    view_copy_text(view_of_text(reason), hop->reason, sizeof hop->reason);
    if (hop->away_since_ms != 0)
        return;
    hop->away_since_ms = net_now_ms(hop->callout->loop);
    list_domains(hop, domains, sizeof domains);
    event_report(hop->callout->events, EVENT_CALLOUT_AWAY, hop->name, domains, hop->reason, NULL);
}

void callout_hop_has_answered(struct callout_hop *hop)
{
    char domains[200];
    char seconds[24];
    hop->back_off_ms = 0;
    if (hop->away_since_ms == 0)
        return;
    int64_t away_ms = net_now_ms(hop->callout->loop) - hop->away_since_ms;
    hop->away_since_ms = 0;
    snprintf(seconds, sizeof seconds, "%" PRId64, away_ms / 1000);
    list_domains(hop, domains, sizeof domains);
    event_report(hop->callout->events, EVENT_CALLOUT_BACK, hop->name, domains, seconds, NULL);
}

void callout_hop_leave_alone(struct callout_hop *hop)
{
    int64_t most_ms = hop->callout->rules.retry_most_ms;
    hop->back_off_ms = hop->back_off_ms == 0 ? FIRST_BACK_OFF_MS : 2 * hop->back_off_ms;
    if (hop->back_off_ms > most_ms)
        hop->back_off_ms = most_ms;
    hop->not_before_ms = net_now_ms(hop->callout->loop) + hop->back_off_ms;
}

bool callout_hop_is_left_alone(const struct callout_hop *hop)
{
    return hop->away_since_ms != 0 && net_now_ms(hop->callout->loop) < hop->not_before_ms;
}

/* ---- questions ---- */

bool callout_hop_add(struct callout_hop *hop, struct callout_question *question)
{
    if (hop->waiting >= hop->callout->rules.questions_waiting)
        return false;
    list_append(&hop->queue, &question->link);
    hop->waiting++;
    return true;
}

static void remove_first(struct callout_hop *hop, struct callout_question *question)
{
    list_remove(&question->link);
    hop->waiting--;
}

/* Out of the queue, without having been asked. */
static void drop(struct callout_hop *hop, struct callout_question *question, const char *reason)
{
    remove_first(hop, question);
    callout_question_close(hop->callout, question);
    if (question->is_check)
        question->domain->checking = false;
    callout_question_fail(question, reason);
    callout_question_free(question);
}

/* The one that is under way stays with the client until it is done. */
static void abandon(struct callout_hop *hop, const char *reason)
{
    struct callout_question *question = hop->under_way;
    callout_question_close(hop->callout, question);
    callout_question_fail(question, reason);
    question->domain = NULL;
}

void callout_hop_fail(struct callout_hop *hop, const struct callout_domain *domain,
                      const char *reason)
{
    struct list *queue = &hop->queue;
    for (struct list *link = queue->next, *next; link != queue; link = next) {
        struct callout_question *question = LIST_MEMBER(link, struct callout_question, link);
        next = link->next;
        if (domain == NULL || question->domain == domain)
            drop(hop, question, reason);
    }
    if (domain != NULL && hop->under_way != NULL && hop->under_way->domain == domain)
        abandon(hop, reason);
}

/* A second's worth may be asked in one go. */
static bool pace_allows(struct callout_hop *hop)
{
    int64_t now_us = net_now_ms(hop->callout->loop) * 1000;
    if (hop->paced_us > now_us)
        return false;
    if (hop->paced_us < now_us - US_PER_SECOND)
        hop->paced_us = now_us - US_PER_SECOND;
    hop->paced_us += US_PER_SECOND / hop->callout->rules.questions_per_second;
    return true;
}

struct callout_question *callout_hop_take(struct callout_hop *hop)
{
    if (list_is_empty(&hop->queue) || !pace_allows(hop))
        return NULL;
    hop->under_way = LIST_MEMBER(hop->queue.next, struct callout_question, link);
    remove_first(hop, hop->under_way);
    hop->asked++;
    return hop->under_way;
}

void callout_hop_return(struct callout_hop *hop, struct callout_question *question)
{
    list_append(hop->queue.next, &question->link);
    hop->waiting++;
}

static void tick_after(struct callout_hop *hop, int64_t milliseconds)
{
    int64_t at_ms = net_now_ms(hop->callout->loop) + milliseconds;
    if (hop->tick_ms != 0 && hop->tick_ms <= at_ms)
        return;
    hop->tick_ms = at_ms;
    net_timer_start(hop->timer, (uint64_t)milliseconds);
}

void callout_hop_work(struct callout_hop *hop)
{
    bool may_connect = net_now_ms(hop->callout->loop) >= hop->not_before_ms;
    if (hop->domains == 0)
        return;
    if (!list_is_empty(&hop->queue)) {
        if (hop->connection == NULL && may_connect)
            callout_connection_open(hop);
        else if (hop->connected)
            callout_connection_offer(hop);
    }
    bool is_busy = hop->waiting > 0 || hop->under_way != NULL;
    if (is_busy || hop->connection != NULL)
        tick_after(hop, is_busy ? TICK_MS : IDLE_TICK_MS);
}

/* ---- time ---- */

/* Those behind the first one that is in time were asked later. A question that nobody waits for may
 * stay. */
static void expire(struct callout_hop *hop)
{
    static const char reason[] = "The next hop did not answer in time.";
    int64_t now_ms = net_now_ms(hop->callout->loop);
    struct callout_question *under_way = hop->under_way;
    if (under_way != NULL && under_way->waiters != NULL && now_ms >= under_way->deadline_ms)
        callout_question_fail(under_way, reason);
    struct list *queue = &hop->queue;
    for (struct list *link = queue->next, *next; link != queue; link = next) {
        struct callout_question *question = LIST_MEMBER(link, struct callout_question, link);
        next = link->next;
        if (question->waiters != NULL && now_ms >= question->deadline_ms)
            drop(hop, question, reason);
    }
}

static void tick(void *user)
{
    struct callout_hop *hop = user;
    hop->tick_ms = 0;
    expire(hop);
    if (hop->connection != NULL)
        callout_connection_look_after(hop);
    callout_hop_work(hop);
}
