#include "inbound_private.h"

#include "base/log.h"
#include "platform/clock.h"

#define INPUT_WAITING  65536   /* the longest command line that settings allow */
#define OUTPUT_WAITING 1048576 /* replies to all that fits into INPUT_WAITING, several times over */
#define OUTPUT_IS_MUCH                                                                             \
    (2 * 65536) /* replies that the client has not read: no more commands are taken */
#define LINGER_MS 5000

/* ---- what the session wants ---- */

static void say(void *user, const char *data, size_t length)
{
    struct inbound *inbound = user;
    if (inbound->connection != NULL)
        net_connection_send(inbound->connection, data, length);
}

static void end(void *user)
{
    struct inbound *inbound = user;
    if (inbound->connection != NULL)
        net_connection_finish(inbound->connection, LINGER_MS);
}

static ident new_message(void *user)
{
    struct inbound *inbound = user;
    return ident_next(inbound->loop->parts.idents, clock_unix_ms());
}

static int64_t wall_clock(void *user)
{
    (void)user;
    return clock_unix_ms() / 1000;
}

static const struct smtp_session_host session_host = {
    .send = say,
    .ask = inbound_ask,
    .content = inbound_content,
    .content_abandoned = inbound_abandon,
    .refused = inbound_track_refusal,
    .end = end,
    .new_message = new_message,
    .wall_clock = wall_clock,
};

/* ---- what the connection brings ---- */

static size_t input_arrived(void *user, const char *data, size_t length)
{
    struct inbound *inbound = user;
    if (net_connection_backlog(inbound->connection) > OUTPUT_IS_MUCH)
        return 0;
    size_t taken = smtp_session_input(inbound->session, data, length);
    inbound_settle(inbound);
    return taken;
}

static void output_drained(void *user)
{
    struct inbound *inbound = user;
    net_connection_offer(inbound->connection);
    inbound_settle(inbound);
}

static void peer_ended(void *user)
{
    struct inbound *inbound = user;
    inbound->peer_ended = true;
    inbound_settle(inbound);
}

/* A client that does not wait for a refusal that is held back shall not be without a trace. */
static void leave_wait(struct inbound *inbound)
{
    if (inbound->waits && inbound->greeted)
        inbound_track_refusal(inbound, SMTP_STAGE_RECIPIENT, inbound->envelope,
                              inbound->recipient->address.text, &inbound->held);
    harvest_release(inbound->loop->parts.harvest, &inbound->harvest);
    inbound->waits = false;
}

/* There is nobody left to talk to. */
static void leave_session(struct inbound *inbound)
{
    if (inbound->incoming != NULL) {
        struct verdict lost;
        verdict_set(&lost, "connection-lost", 421, "4.4.2",
                    "Connection lost before the message was complete");
        inbound_track_lost(inbound, &lost);
    }
    smtp_session_peer_closed(inbound->session);
}

static void connection_closed(void *user, const struct error *error)
{
    struct inbound *inbound = user;
    log_line(LOG_DEBUG, inbound->arrival.session, "disconnected %s%s%s", inbound->client_text,
             error->text[0] == '\0' ? "" : ": ", error->text);
    inbound->connection = NULL;
    net_timer_destroy(inbound->timer);
    inbound->timer = NULL;
    leave_wait(inbound);
    leave_session(inbound);
    inbound_free_if_done(inbound);
}

static const struct net_connection_events connection_events = {
    .data = input_arrived,
    .drained = output_drained,
    .closed = connection_closed,
    .ended = peer_ended,
};

static const struct net_connection_limits connection_limits = {.input = INPUT_WAITING,
                                                               .output = OUTPUT_WAITING};

/* A client that waits for us is not idle. */
static void connection_idle(void *user)
{
    struct inbound *inbound = user;
    if (inbound->paused || smtp_session_is_waiting(inbound->session))
        return;
    smtp_session_time_out(inbound->session);
    inbound_settle(inbound);
}

/* ---- the start ---- */

static void check_client(struct inbound *inbound, struct verdict *verdict)
{
    const struct policy *policy = inbound->loop->policy;
    if (inbound->loop->shutting_down)
        verdict_set(verdict, "shut-down", 421, "4.3.2", "Service is shutting down");
    else if (!policy_watches(policy, &inbound->client) ||
             harvest_admit(inbound->loop->parts.harvest, &policy_settings(policy)->values.harvest,
                           &inbound->client.address, clock_monotonic_ms(), verdict))
        verdict_pass(verdict, "connect");
}

static void greet(struct inbound *inbound)
{
    struct verdict verdict;
    check_client(inbound, &verdict);
    inbound->greeted = true;
    smtp_session_start(inbound->session, &verdict);
}

static void answer_now(struct inbound *inbound, const struct verdict *verdict)
{
    smtp_session_answer(inbound->session, verdict);
    if (inbound->connection != NULL) {
        net_connection_offer(inbound->connection);
        inbound_settle(inbound);
    }
}

static void timer_fired(void *user)
{
    struct inbound *inbound = user;
    inbound->waits = false;
    if (inbound->greeted) {
        struct verdict verdict = inbound->held;
        harvest_release(inbound->loop->parts.harvest, &inbound->harvest);
        answer_now(inbound, &verdict);
    } else {
        greet(inbound);
        net_connection_offer(inbound->connection);
        inbound_settle(inbound);
    }
}

/* Few connections ever wait, so most have no timer. */
static void wait(struct inbound *inbound, uint64_t milliseconds)
{
    if (inbound->timer == NULL)
        inbound->timer = net_timer_create(inbound->loop->net, timer_fired, inbound);
    inbound->waits = true;
    net_timer_start(inbound->timer, milliseconds);
}

void inbound_hurry(struct inbound *inbound)
{
    if (!inbound->waits)
        return;
    net_timer_stop(inbound->timer);
    timer_fired(inbound);
}

static void make_session(struct inbound *inbound)
{
    const struct inbound_arrival *arrival = &inbound->arrival;
    inbound->client.address = arrival->peer.address;
    inbound->client.trusted = policy_trusts(inbound->loop->policy, &arrival->peer.address);
    inbound->client.recipient_filter = arrival->recipient_filter;
    ip_format(&arrival->peer.address, inbound->client_text);
    inbound->peer.address = inbound->client_text;
    inbound->peer.trusted = inbound->client.trusted;
    inbound->session = smtp_session_create(arrival->session, &arrival->rules->session,
                                           &inbound->peer, &session_host, inbound);
}

void inbound_begin(void *argument)
{
    struct inbound *inbound = argument;
    const struct inbound_arrival *arrival = &inbound->arrival;
    inbound->since_ms = clock_unix_ms();
    make_session(inbound);
    list_append(&inbound->loop->sessions, &inbound->link);
    inbound->connection = net_connection_accept(inbound->loop->net, arrival->socket,
                                                &connection_limits, &connection_events, inbound);
    if (inbound->connection == NULL) {
        log_line(LOG_WARNING, arrival->session, "no resources for the connection of %s",
                 inbound->client_text);
        inbound_free_if_done(inbound);
        return;
    }
    log_line(LOG_DEBUG, arrival->session, "connected %s to \"%s\"", inbound->client_text,
             virtual_server_name(arrival->server));
    net_connection_set_idle(inbound->connection, arrival->rules->idle_ms, connection_idle);
    if (arrival->rules->greeting_delay_ms == 0 || inbound->loop->shutting_down)
        greet(inbound);
    else
        wait(inbound, arrival->rules->greeting_delay_ms);
}

/* ---- going on ---- */

static bool is_held(struct inbound *inbound, const struct verdict *verdict)
{
    if (verdict->delay_ms == 0)
        return false;
    inbound->held = *verdict;
    wait(inbound, verdict->delay_ms);
    return true;
}

void inbound_answer(struct inbound *inbound, const struct verdict *verdict)
{
    if (!is_held(inbound, verdict))
        smtp_session_answer(inbound->session, verdict);
}

void inbound_answer_later(struct inbound *inbound, const struct verdict *verdict)
{
    if (!is_held(inbound, verdict))
        answer_now(inbound, verdict);
}

/* A client that has sent all it had to say is answered in full, then left. */
static bool has_said_all(const struct inbound *inbound)
{
    return inbound->peer_ended && !inbound->paused && !smtp_session_is_waiting(inbound->session);
}

void inbound_settle(struct inbound *inbound)
{
    if (inbound->paused && !inbound->spool_waits) {
        inbound->paused = false;
        net_connection_resume(inbound->connection);
    }
    if (has_said_all(inbound)) {
        leave_session(inbound);
        net_connection_finish(inbound->connection, LINGER_MS);
    }
}
