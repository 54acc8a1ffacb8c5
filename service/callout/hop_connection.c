#include "callout/callout_private.h"

#include "base/log.h"
#include "base/memory.h"

/* Twice the longest line that the client may leave over; three commands. */
#define INPUT_BYTES  (2 * SMTP_CLIENT_LINE_MAXIMUM)
#define OUTPUT_BYTES (8 * 1024)
#define LINGER_MS    5000

/* ---- what the client wants ---- */

static void client_send(void *user, const char *data, size_t length)
{
    const struct callout_hop *hop = user;
    net_connection_send(hop->connection, data, length);
}

static enum smtp_client_next client_next(void *user, const struct smtp_client_message **message)
{
    struct callout_hop *hop = user;
    if (hop->quitting)
        return SMTP_CLIENT_QUIT;
    struct callout_question *question = callout_hop_take(hop);
    if (question == NULL)
        return SMTP_CLIENT_WAIT;
    *message = &question->message;
    return SMTP_CLIENT_MESSAGE;
}

static void sender_refused(struct callout_hop *hop, const struct smtp_client_reply *reply)
{
    char reason[CALLOUT_TEXT_SIZE];
    snprintf(reason, sizeof reason, "It does not take mail from the null sender: %.100s",
             reply->text);
    callout_hop_is_away(hop, reason);
}

static void recipient_done(void *user, const struct smtp_client_message *message, size_t recipient,
                           enum smtp_client_outcome outcome, const struct smtp_client_reply *reply)
{
    struct callout_hop *hop = user;
    struct callout_question *question = hop->under_way;
    (void)message;
    (void)recipient;
    question->returned = outcome == SMTP_CLIENT_RETURNED;
    if (question->domain == NULL || question->returned)
        return;
    if (outcome == SMTP_CLIENT_DEFERRED) {
        if (reply->code >= 500)
            sender_refused(hop, reply);
        callout_domain_heard(question, LIVE_CANNOT_SAY, reply);
        return;
    }
    hop->served = true;
    callout_hop_has_answered(hop);
    callout_domain_heard(question, outcome == SMTP_CLIENT_DELIVERED ? LIVE_YES : LIVE_NO, reply);
}

static void message_done(void *user, const struct smtp_client_message *message)
{
    struct callout_hop *hop = user;
    struct callout_question *question = hop->under_way;
    (void)message;
    hop->under_way = NULL;
    if (question->returned && question->domain != NULL)
        callout_hop_return(hop, question);
    else
        callout_question_free(question);
}

/* A connection that came to nothing. One that served before may simply have been ended by the next
 * hop, and another one will do; what is silent, or refuses us, is away. */
static void came_to_nothing(struct callout_hop *hop, const char *reason)
{
    log_line(LOG_INFORMATION, 0, "call-out to %s: %s", hop->name, reason);
    if (hop->domains == 0)
        return;
    callout_hop_leave_alone(hop);
    callout_hop_is_away(hop, reason);
    callout_hop_fail(hop, NULL, hop->reason);
}

static void client_end(void *user, enum smtp_client_end how, const struct smtp_client_reply *reply)
{
    struct callout_hop *hop = user;
    if (how != SMTP_CLIENT_END_ORDERLY && (!hop->served || hop->timed_out))
        came_to_nothing(hop, reply->text);
    else if (!hop->served && !hop->quitting)
        callout_hop_leave_alone(hop); /* it was ended politely, but to what end? */
    if (hop->connection != NULL)
        net_connection_finish(hop->connection, LINGER_MS);
}

static const struct smtp_client_host client_host = {
    .send = client_send,
    .next = client_next,
    .recipient_done = recipient_done,
    .message_done = message_done,
    .end = client_end,
};

/* ---- the connection's events ---- */

static void connection_gone(struct callout_hop *hop)
{
    smtp_client_destroy(hop->client);
    hop->client = NULL;
    hop->connected = false;
    if (hop->domains > 0)
        callout_hop_work(hop);
    else
        callout_hop_free_if_done(hop);
}

static size_t data_arrived(void *user, const char *data, size_t length)
{
    struct callout_hop *hop = user;
    hop->heard_ms = net_now_ms(hop->callout->loop);
    size_t taken = smtp_client_input(hop->client, data, length);
    callout_hop_work(hop);
    return taken;
}

static void closed(void *user, const struct error *error)
{
    struct callout_hop *hop = user;
    hop->connection = NULL;
    smtp_client_closed(hop->client, error->text);
    connection_gone(hop);
}

static void connected(void *user, const struct error *error)
{
    struct callout_hop *hop = user;
    hop->connected = error->text[0] == '\0';
    hop->heard_ms = net_now_ms(hop->callout->loop);
    if (hop->connected)
        return;
    hop->connection = NULL;
    came_to_nothing(hop, error->text);
    connection_gone(hop);
}

void callout_connection_open(struct callout_hop *hop)
{
    static const struct net_connection_limits limits = {.input = INPUT_BYTES,
                                                        .output = OUTPUT_BYTES};
    static const struct net_connection_events events = {.data = data_arrived, .closed = closed};
    struct callout *callout = hop->callout;
    hop->served = hop->timed_out = hop->quitting = false;
    hop->client = smtp_client_create(callout->host_name, &client_host, hop);
    hop->connection =
        net_connection_open(callout->loop, hop->host, hop->port,
                            (uint64_t)callout->rules.connect_ms, &limits, &events, connected, hop);
}

void callout_connection_offer(struct callout_hop *hop)
{
    if (!smtp_client_is_idle(hop->client))
        return;
    hop->heard_ms = net_now_ms(hop->callout->loop);
    smtp_client_offer(hop->client);
}

void callout_connection_look_after(struct callout_hop *hop)
{
    int64_t quiet_ms = net_now_ms(hop->callout->loop) - hop->heard_ms;
    const struct callout_rules *rules = &hop->callout->rules;
    if (!hop->connected || smtp_client_has_ended(hop->client))
        return;
    if (smtp_client_is_idle(hop->client)) {
        hop->quitting = quiet_ms >= rules->keep_idle_ms && hop->waiting == 0;
        if (hop->quitting)
            callout_connection_offer(hop);
    } else if (quiet_ms >= (smtp_client_is_leaving(hop->client) ? LINGER_MS : rules->answer_ms)) {
        hop->timed_out = true;
        smtp_client_time_out(hop->client);
    }
}
