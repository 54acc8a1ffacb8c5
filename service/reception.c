#include "reception_private.h"

#include "base/log.h"
#include "base/memory.h"
#include "platform/clock.h"

/* ---- at the door, on the acceptor's thread ---- */

static void track_refusal(struct reception *reception, const struct inbound_arrival *arrival,
                          const struct verdict *verdict, const char *reply)
{
    char client[IP_TEXT_SIZE];
    ip_format(&arrival->peer.address, client);
    struct tracking_record record = {
        .event = TRACKING_CONNECTION_REFUSED,
        .session = arrival->session,
        .client = client,
        .reply = reply,
        .reason = verdict->rule,
    };
    tracking_write(reception->parts.tracking, &record);
    log_line(LOG_DEBUG, arrival->session, "turned away %s (%s): %s", client, verdict->rule, reply);
}

static void turn_away(struct reception *reception, const struct inbound_arrival *arrival,
                      const struct verdict *verdict)
{
    struct virtual_server_counters *counters = virtual_server_counters(arrival->server);
    char id_text[IDENT_TEXT_SIZE];
    char reply[256];
    char line[300];
    ident_format(arrival->session, id_text);
    snprintf(reply, sizeof(reply), "%d %s %s", verdict->code, verdict->enhanced, verdict->text);
    int length = snprintf(line, sizeof(line), "%s (id %s)\r\n", reply, id_text);
    socket_send_and_close(arrival->socket, line, (size_t)length);
    atomic_fetch_add_explicit(&counters->refused_connections, 1, memory_order_relaxed);
    track_refusal(reception, arrival, verdict, reply);
}

static struct inbound_loop *choose_loop(struct reception *reception)
{
    reception->next_loop = (reception->next_loop + 1) % reception->loop_count;
    return reception->loops[reception->next_loop];
}

static void let_in(void *user, const struct net_accepted *accepted)
{
    struct reception *reception = user;
    const struct listener *listener = accepted->listener;
    struct verdict refusal;
    struct inbound_arrival arrival = {
        .socket = accepted->socket,
        .peer = accepted->peer,
        .session = ident_next(reception->parts.idents, clock_unix_ms()),
        .server = listener->server,
        .recipient_filter = atomic_load_explicit(&listener->recipient_filter, memory_order_relaxed),
    };
    if (reception_is_paused(reception)) {
        verdict_set(&refusal, "paused", 421, "4.3.2", "Service is paused");
        turn_away(reception, &arrival, &refusal);
        return;
    }
    arrival.rules = virtual_server_enter(listener->server, &arrival.peer.address, &refusal);
    if (arrival.rules == NULL) {
        turn_away(reception, &arrival, &refusal);
        return;
    }
    virtual_server_retain(arrival.server);
    inbound_loop_take(choose_loop(reception), &arrival);
}

/* ---- start and stop ---- */

static void loop_emptied(void *user)
{
    struct reception *reception = user;
    lock_acquire(reception->lock);
    condition_broadcast(reception->emptied);
    lock_release(reception->lock);
}

static unsigned loops_wanted(const struct settings_service *service)
{
    if (service->network_threads != 0)
        return (unsigned)service->network_threads;
    unsigned processors = processor_count();
    return processors < NETWORK_LOOPS_MAXIMUM ? processors : NETWORK_LOOPS_MAXIMUM;
}

static bool start_loops(struct reception *reception, struct policy *policy, struct error *error)
{
    const struct inbound_parts parts = {
        .spool = reception->parts.spool,
        .tracking = reception->parts.tracking,
        .directory = reception->parts.directory,
        .directory_live = reception->parts.directory_live,
        .callout_live = reception->parts.callout_live,
        .harvest = reception->parts.harvest,
        .idents = reception->parts.idents,
        .emptied = loop_emptied,
        .user = reception,
    };
    unsigned wanted = loops_wanted(&policy_settings(policy)->values.service);
    while (reception->loop_count < wanted) {
        struct inbound_loop *loop =
            inbound_loop_start(&parts, reception->loop_count + 1, policy, error);
        if (loop == NULL)
            return false;
        reception->loops[reception->loop_count++] = loop;
    }
    reception->acceptor = net_acceptor_create(let_in, reception, error);
    return reception->acceptor != NULL;
}

struct reception *reception_create(const struct reception_parts *parts, struct policy *policy,
                                   struct error *error)
{
    struct reception *reception = memory_allocate(1, sizeof(*reception));
    reception->parts = *parts;
    reception->backlog = (int)policy_settings(policy)->values.service.waiting_connections;
    reception->lock = lock_create();
    reception->emptied = condition_create();
    if (start_loops(reception, policy, error))
        return reception;
    reception_destroy(reception);
    return NULL;
}

bool reception_apply(struct reception *reception, struct policy *policy, struct error *error)
{
    for (unsigned i = 0; i < reception->loop_count; i++)
        inbound_loop_set_policy(reception->loops[i], policy);
    lock_acquire(reception->lock);
    bool all_listen = reception->acceptor == NULL ||
                      reception_host(reception, &policy_settings(policy)->values, error);
    lock_release(reception->lock);
    return all_listen;
}

void reception_pause(struct reception *reception, bool paused)
{
    atomic_store(&reception->paused, paused);
}

bool reception_is_paused(const struct reception *reception)
{
    return atomic_load_explicit(&reception->paused, memory_order_relaxed);
}

static void close_acceptor(struct reception *reception)
{
    lock_acquire(reception->lock);
    if (reception->acceptor != NULL)
        net_acceptor_destroy(reception->acceptor);
    reception->acceptor = NULL;
    lock_release(reception->lock);
}

void reception_close(struct reception *reception)
{
    close_acceptor(reception);
    for (unsigned i = 0; i < reception->loop_count; i++)
        inbound_loop_shut_down(reception->loops[i]);
}

static bool is_empty(const struct reception *reception)
{
    for (unsigned i = 0; i < reception->loop_count; i++) {
        if (inbound_loop_sessions(reception->loops[i]) > 0)
            return false;
    }
    return true;
}

bool reception_wait_until_empty(struct reception *reception, uint32_t milliseconds)
{
    int64_t deadline = clock_monotonic_ms() + milliseconds;
    lock_acquire(reception->lock);
    while (!is_empty(reception)) {
        int64_t left = deadline - clock_monotonic_ms();
        if (left <= 0)
            break;
        condition_wait_for(reception->emptied, reception->lock, (uint32_t)left);
    }
    lock_release(reception->lock);
    return is_empty(reception);
}

uint32_t reception_cut(struct reception *reception)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < reception->loop_count; i++)
        count += inbound_loop_cut(reception->loops[i]);
    return count;
}

void reception_destroy(struct reception *reception)
{
    close_acceptor(reception);
    for (unsigned i = 0; i < reception->loop_count; i++)
        inbound_loop_stop(reception->loops[i]);
    reception_host_nothing(reception);
    condition_destroy(reception->emptied);
    lock_destroy(reception->lock);
    memory_free(reception);
}

/* ---- for the administrator ---- */

void reception_each_session(struct reception *reception,
                            void (*each)(void *user, const struct inbound_session *session),
                            void *user)
{
    for (unsigned i = 0; i < reception->loop_count; i++)
        inbound_loop_each_session(reception->loops[i], each, user);
}

bool reception_end_session(struct reception *reception, ident session)
{
    for (unsigned i = 0; i < reception->loop_count; i++) {
        if (inbound_loop_end_session(reception->loops[i], session))
            return true;
    }
    return false;
}
