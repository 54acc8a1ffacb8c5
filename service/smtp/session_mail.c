#include "smtp/session_state.h"

#include "base/memory.h"
#include "smtp/command.h"
#include "smtp/reply.h"

#define FIRST_RECIPIENTS 8

static bool refuse_state(struct verdict *refusal, const char *text)
{
    verdict_set(refusal, "command-state", 503, "5.5.2", "%s", text);
    return false;
}

/* A copy that lives as long as the transaction. */
static struct smtp_address keep_address(struct arena *arena, const struct smtp_address *address)
{
    struct view text = arena_copy_view(arena, address->text);
    size_t domain_at = text.length - address->domain.length;
    return (struct smtp_address){text, view_first(text, address->local_part.length),
                                 view_from(text, domain_at)};
}

/* Nothing is known of an address that could not be read. */
static void note_address(struct smtp_session *session, const struct smtp_address *address)
{
    if (address->text.data != NULL)
        session->address = address->text;
}

/* RFC 1870 6.1: whether the size that was declared can be taken, before anything is sent. */
static bool check_size(struct smtp_session *session, uint64_t size, struct verdict *refusal)
{
    const struct smtp_session_options *options = session->options;
    uint64_t in_session = options->session_size;
    if ((options->message_size != 0 && size > options->message_size) ||
        (in_session != 0 && size > in_session)) {
        verdict_set(refusal, "message-size", 552, "5.3.4",
                    "Message size exceeds fixed maximum message size");
        return false;
    }
    if (in_session != 0 &&
        (session->content_bytes >= in_session || size > in_session - session->content_bytes)) {
        verdict_set(refusal, "session-size", 421, "4.7.0", "Too much mail in one session");
        return false;
    }
    return true;
}

bool session_check_mail(struct smtp_session *session, struct view argument, struct verdict *refusal)
{
    const struct smtp_session_options *options = session->options;
    struct smtp_envelope envelope = session->envelope;
    if (session->helo[0] == '\0')
        return refuse_state(refusal, "Send hello first");
    if (session->in_transaction)
        return refuse_state(refusal, "Sender already specified");
    bool is_valid = smtp_parse_mail(argument, &envelope, refusal);
    note_address(session, &envelope.reverse_path);
    if (!is_valid)
        return false;
    if (options->messages != 0 && session->messages >= options->messages) {
        verdict_set(refusal, "too-many-messages", 421, "4.7.0", "Too many messages in one session");
        return false;
    }
    if (!check_size(session, envelope.declared_size, refusal))
        return false;
    session->envelope = envelope;
    return true;
}

void session_proceed_mail(struct smtp_session *session)
{
    struct smtp_envelope *envelope = &session->envelope;
    envelope->reverse_path = keep_address(session->arena, &envelope->reverse_path);
    envelope->envid = arena_copy_view(session->arena, envelope->envid);
    envelope->message = session->host->new_message(session->user);
    session->in_transaction = true;
    session_ask(session, SMTP_ASK_SENDER);
}

void session_answer_mail(struct smtp_session *session, const struct verdict *verdict)
{
    struct view sender = session->envelope.reverse_path.text;
    struct smtp_reply reply;
    if (verdict->kind != VERDICT_PASS) {
        session_refuse(session, SMTP_STAGE_SENDER, verdict);
        session_reset(session);
        if (verdict->kind == VERDICT_REFUSE)
            session_count_error(session);
        return;
    }
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 250, false, "2.1.0");
    smtp_reply_add(&reply, view_is_empty(sender) ? VIEW("<>") : sender);
    smtp_reply_add(&reply, VIEW("....Sender OK"));
    smtp_reply_end(&reply);
    session->host->send(session->user, reply.text, reply.length);
}

bool session_check_rcpt(struct smtp_session *session, struct view argument, struct verdict *refusal)
{
    struct smtp_recipient *recipient = &session->recipient;
    *recipient = (struct smtp_recipient){0};
    bool is_valid = smtp_parse_rcpt(argument, session->envelope.smtputf8, recipient, refusal);
    note_address(session, &recipient->address);
    if (!session->in_transaction)
        return refuse_state(refusal,
                            session->helo[0] == '\0' ? "Send hello first" : "Need mail command");
    if (session->chunks_begun)
        return refuse_state(refusal, "Message has begun already");
    if (!is_valid)
        return false;
    if (session->envelope.recipient_count >= session->options->recipients) {
        verdict_set(refusal, "too-many-recipients", 452, "4.5.3", "Too many recipients");
        return false;
    }
    return true;
}

void session_proceed_rcpt(struct smtp_session *session)
{
    session->rewritten = VIEW_NONE;
    session_ask(session, SMTP_ASK_RECIPIENT);
}

static struct smtp_address rewritten_address(struct view text)
{
    size_t at = view_find_last(text, '@');
    return (struct smtp_address){text, view_first(text, at), view_from(text, at + 1)};
}

static void add_recipient(struct smtp_session *session)
{
    size_t count = session->envelope.recipient_count;
    if (count == session->recipient_capacity) {
        session->recipient_capacity = count == 0 ? FIRST_RECIPIENTS : count * 2;
        session->recipients = memory_resize(session->recipients, session->recipient_capacity,
                                            sizeof *session->recipients);
    }
    const struct smtp_recipient *asked = &session->recipient;
    session->recipients[count] = (struct smtp_recipient){
        .address = session->rewritten.data != NULL ? rewritten_address(session->rewritten)
                                                   : keep_address(session->arena, &asked->address),
        .notify = asked->notify,
        .orcpt = arena_copy_view(session->arena, asked->orcpt),
    };
    session->envelope.recipients = session->recipients;
    session->envelope.recipient_count = count + 1;
}

void session_answer_rcpt(struct smtp_session *session, const struct verdict *verdict)
{
    struct smtp_reply reply;
    if (verdict->kind != VERDICT_PASS) {
        session_refuse(session, SMTP_STAGE_RECIPIENT, verdict);
        return;
    }
    add_recipient(session);
    session->idle_commands = 0;
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 250, false, "2.1.5");
    smtp_reply_add(&reply, session->recipient.address.text);
    smtp_reply_end(&reply);
    session->host->send(session->user, reply.text, reply.length);
}
