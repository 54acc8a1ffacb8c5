#include "inbound_private.h"

#include "base/memory.h"

#include <stdio.h>

#define SCRATCH_BLOCK 4096

struct inbound_loop *inbound_loop_start(const struct inbound_parts *parts, unsigned number,
                                        struct policy *policy, struct error *error)
{
    char name[16];
    snprintf(name, sizeof(name), "network %u", number);
    struct net_loop *net = net_loop_start(name, error);
    if (net == NULL)
        return NULL;
    struct inbound_loop *loop = memory_allocate(1, sizeof(*loop));
    loop->parts = *parts;
    loop->net = net;
    loop->policy = policy_retain(policy);
    loop->sources.reader = directory_reader_create(parts->directory);
    loop->sources.directory = parts->directory_live;
    loop->sources.callout = parts->callout_live;
    loop->scratch = arena_create(SCRATCH_BLOCK);
    list_init(&loop->sessions);
    return loop;
}

void inbound_loop_stop(struct inbound_loop *loop)
{
    net_loop_stop(loop->net);
    directory_reader_destroy(loop->sources.reader);
    policy_release(loop->policy);
    arena_destroy(loop->scratch);
    memory_free(loop);
}

/* ---- sessions come and go ---- */

void inbound_loop_take(struct inbound_loop *loop, const struct inbound_arrival *arrival)
{
    struct inbound *inbound = memory_allocate(1, sizeof(*inbound));
    inbound->loop = loop;
    inbound->arrival = *arrival;
    list_init(&inbound->link);
    atomic_fetch_add(&loop->count, 1);
    net_post(loop->net, inbound_begin, inbound);
}

void inbound_free_if_done(struct inbound *inbound)
{
    struct inbound_loop *loop = inbound->loop;
    struct inbound_arrival *arrival = &inbound->arrival;
    if (inbound->connection != NULL || inbound_is_owed(inbound))
        return;
    list_remove(&inbound->link);
    inbound_forget_live(inbound);
    smtp_session_destroy(inbound->session);
    virtual_server_leave(arrival->server, &arrival->peer.address);
    virtual_server_release(arrival->server);
    virtual_server_rules_release(arrival->rules);
    memory_free(inbound);
    if (atomic_fetch_sub(&loop->count, 1) == 1)
        loop->parts.emptied(loop->parts.user);
}

uint32_t inbound_loop_sessions(const struct inbound_loop *loop)
{
    return atomic_load(&loop->count);
}

/* ---- from other threads ---- */

struct order {
    struct inbound_loop *loop;
    struct policy *policy;
    ident session;
    bool found;
    uint32_t count;
    void (*each)(void *user, const struct inbound_session *session);
    void *user;
};

static void take_policy(void *argument)
{
    struct order *order = argument;
    policy_release(order->loop->policy);
    order->loop->policy = order->policy;
}

void inbound_loop_set_policy(struct inbound_loop *loop, struct policy *policy)
{
    struct order order = {.loop = loop, .policy = policy_retain(policy)};
    net_call(loop->net, take_policy, &order);
}

/* Ending a session cannot end another one, nor take any from the list before its connection has closed. */
static void shut_down(void *argument)
{
    struct order *order = argument;
    struct list *sessions = &order->loop->sessions;
    order->loop->shutting_down = true;
    for (struct list *link = sessions->next; link != sessions; link = link->next) {
        struct inbound *inbound = LIST_MEMBER(link, struct inbound, link);
        smtp_session_shut_down(inbound->session);
        inbound_hurry(inbound);
    }
}

void inbound_loop_shut_down(struct inbound_loop *loop)
{
    struct order order = {.loop = loop};
    net_call(loop->net, shut_down, &order);
}

static void cut(void *argument)
{
    struct order *order = argument;
    struct list *sessions = &order->loop->sessions;
    for (struct list *link = sessions->next; link != sessions; link = link->next) {
        struct inbound *inbound = LIST_MEMBER(link, struct inbound, link);
        if (inbound->connection == NULL)
            continue;
        net_connection_close(inbound->connection);
        order->count++;
    }
}

uint32_t inbound_loop_cut(struct inbound_loop *loop)
{
    struct order order = {.loop = loop};
    net_call(loop->net, cut, &order);
    return order.count;
}

static void end_session(void *argument)
{
    struct order *order = argument;
    struct list *sessions = &order->loop->sessions;
    for (struct list *link = sessions->next; link != sessions && !order->found; link = link->next) {
        struct inbound *inbound = LIST_MEMBER(link, struct inbound, link);
        if (inbound->arrival.session != order->session || inbound->connection == NULL)
            continue;
        net_connection_close(inbound->connection);
        order->found = true;
    }
}

bool inbound_loop_end_session(struct inbound_loop *loop, ident session)
{
    struct order order = {.loop = loop, .session = session};
    net_call(loop->net, end_session, &order);
    return order.found;
}

static void tell_sessions(void *argument)
{
    struct order *order = argument;
    struct list *sessions = &order->loop->sessions;
    for (struct list *link = sessions->next; link != sessions; link = link->next) {
        const struct inbound *inbound = LIST_MEMBER(link, struct inbound, link);
        struct inbound_session session = {
            .session = inbound->arrival.session,
            .client = inbound->client_text,
            .helo = smtp_session_helo(inbound->session),
            .virtual_server = virtual_server_name(inbound->arrival.server),
            .since_ms = inbound->since_ms,
            .messages = smtp_session_messages(inbound->session),
        };
        order->each(order->user, &session);
    }
}

void inbound_loop_each_session(struct inbound_loop *loop,
                               void (*each)(void *user, const struct inbound_session *session),
                               void *user)
{
    struct order order = {.loop = loop, .each = each, .user = user};
    net_call(loop->net, tell_sessions, &order);
}
