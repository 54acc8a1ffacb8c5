#include "inbound_private.h"

#include "base/log.h"

#define PATH_SIZE   (256 + 2 + 64) /* the longest that the session lets through, and more */
#define REPLY_SIZE  256
#define REASON_SIZE 256

static void format_reply(const struct verdict *verdict, char text[REPLY_SIZE])
{
    char delay[32] = "";
    if (verdict->delay_ms > 0)
        snprintf(delay, sizeof(delay), " (held for %u s)", (unsigned)(verdict->delay_ms / 1000));
    snprintf(text, REPLY_SIZE, "%d%s%s %s%s", verdict->code,
             verdict->enhanced[0] == '\0' ? "" : " ", verdict->enhanced, verdict->text, delay);
}

/* Who was asked, and found nothing to say, stands behind the rule. */
static const char *reason_of(const struct inbound *inbound, const struct verdict *verdict,
                             char text[REASON_SIZE])
{
    const char *reason = inbound->live == NULL ? "" : policy_live_reason(inbound->live);
    if (verdict->kind != VERDICT_NOT_NOW || reason[0] == '\0')
        return verdict->rule;
    snprintf(text, REASON_SIZE, "%s: %s", verdict->rule, reason);
    return text;
}

static struct tracking_record record_of(const struct inbound *inbound, enum tracking_event event)
{
    return (struct tracking_record){
        .event = event,
        .session = inbound->arrival.session,
        .client = inbound->client_text,
        .helo = smtp_session_helo(inbound->session),
    };
}

static void write_record(struct inbound *inbound, const struct tracking_record *record)
{
    tracking_write(inbound->loop->parts.tracking, record);
}

static const char *path_text(struct view path, char text[PATH_SIZE])
{
    if (view_is_empty(path))
        return "<>";
    view_copy_text(path, text, PATH_SIZE);
    return text;
}

/* One record for each recipient that was accepted before; one without when there is none. */
static void write_for_each_recipient(struct inbound *inbound, const struct tracking_record *common,
                                     const struct smtp_envelope *envelope)
{
    struct tracking_record record = *common;
    char recipient[PATH_SIZE];
    if (envelope->recipient_count == 0)
        write_record(inbound, &record);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        view_copy_text(envelope->recipients[i].address.text, recipient, sizeof(recipient));
        record.recipient = recipient;
        write_record(inbound, &record);
    }
}

static void track_message_refusal(struct inbound *inbound, const struct smtp_envelope *envelope,
                                  const struct verdict *verdict)
{
    char sender[PATH_SIZE];
    char reply[REPLY_SIZE];
    struct tracking_record record = record_of(inbound, TRACKING_MESSAGE_REFUSED);
    format_reply(verdict, reply);
    record.message = envelope->message;
    record.sender = path_text(envelope->reverse_path.text, sender);
    record.reply = reply;
    record.reason = verdict->rule;
    write_for_each_recipient(inbound, &record, envelope);
}

static void track_path_refusal(struct inbound *inbound, enum smtp_stage stage,
                               const struct smtp_envelope *envelope, struct view address,
                               const struct verdict *verdict)
{
    char sender[PATH_SIZE];
    char recipient[PATH_SIZE];
    char reply[REPLY_SIZE];
    char reason[REASON_SIZE];
    bool is_recipient = stage == SMTP_STAGE_RECIPIENT;
    struct tracking_record record =
        record_of(inbound, is_recipient ? TRACKING_RECIPIENT_REFUSED : TRACKING_SENDER_REFUSED);
    format_reply(verdict, reply);
    record.message = envelope->message;
    record.reply = reply;
    record.reason = reason_of(inbound, verdict, reason);
    if (!is_recipient) {
        record.sender = path_text(address, sender);
    } else {
        if (envelope->message != 0)
            record.sender = path_text(envelope->reverse_path.text, sender);
        view_copy_text(address, recipient, sizeof(recipient));
        record.recipient = recipient;
    }
    write_record(inbound, &record);
}

static void track_connection_refusal(struct inbound *inbound, const struct verdict *verdict)
{
    char reply[REPLY_SIZE];
    struct tracking_record record = record_of(inbound, TRACKING_CONNECTION_REFUSED);
    format_reply(verdict, reply);
    record.reply = reply;
    record.reason = verdict->rule;
    write_record(inbound, &record);
}

static void count_refusal(struct inbound *inbound, enum smtp_stage stage)
{
    struct virtual_server_counters *counters = virtual_server_counters(inbound->arrival.server);
    if (stage == SMTP_STAGE_RECIPIENT)
        atomic_fetch_add_explicit(&counters->refused_recipients, 1, memory_order_relaxed);
    if (stage == SMTP_STAGE_CONNECT)
        atomic_fetch_add_explicit(&counters->refused_connections, 1, memory_order_relaxed);
}

void inbound_track_refusal(void *user, enum smtp_stage stage, const struct smtp_envelope *envelope,
                           struct view address, const struct verdict *verdict)
{
    struct inbound *inbound = user;
    bool has_message = envelope->message != 0 && envelope->recipient_count > 0;
    count_refusal(inbound, stage);
    log_line(LOG_DEBUG, inbound->arrival.session, "refused (%s) %.*s: %d %s %s", verdict->rule,
             (int)address.length, address.data, verdict->code, verdict->enhanced, verdict->text);
    switch (stage) {
    case SMTP_STAGE_CONNECT:
        track_connection_refusal(inbound, verdict);
        break;
    case SMTP_STAGE_SENDER:
    case SMTP_STAGE_RECIPIENT:
        track_path_refusal(inbound, stage, envelope, address, verdict);
        inbound_forget_live(inbound);
        break;
    case SMTP_STAGE_COMMAND: /* the session is given up, and with it the message that was under way */
        if (has_message)
            track_message_refusal(inbound, envelope, verdict);
        break;
    case SMTP_STAGE_CONTENT:
        track_message_refusal(inbound, envelope, verdict);
        break;
    }
}

void inbound_track_lost(struct inbound *inbound, const struct verdict *verdict)
{
    track_message_refusal(inbound, inbound->envelope, verdict);
}

/* Texts of the record are in the loop's scratch arena: the caller resets it. */
static struct tracking_record message_record(struct inbound *inbound, enum tracking_event event)
{
    const struct smtp_content_facts *facts = inbound->facts;
    struct arena *arena = inbound->loop->scratch;
    struct view reverse_path = inbound->envelope->reverse_path.text;
    struct tracking_record record = record_of(inbound, event);
    record.message = inbound->envelope->message;
    record.sender = view_is_empty(reverse_path) ? "<>" : arena_copy_text(arena, reverse_path);
    record.message_id = arena_copy_text(arena, facts->message_id);
    record.subject = arena_copy_text(arena, facts->subject);
    record.size = facts->size;
    return record;
}

void inbound_track_received(struct inbound *inbound)
{
    struct tracking_record record = message_record(inbound, TRACKING_RECEIVED);
    write_for_each_recipient(inbound, &record, inbound->envelope);
}

void inbound_track_stored(struct inbound *inbound)
{
    struct tracking_record record = message_record(inbound, TRACKING_STORED);
    record.time_us = inbound->stored_us; /* delivery may have begun since */
    write_record(inbound, &record);
    arena_reset(inbound->loop->scratch);
}
