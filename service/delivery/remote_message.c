#include "delivery/remote.h"

#include "base/log.h"
#include "base/memory.h"
#include "delivery/attempt.h"

/* An entry on its way over a connection. */
struct remote_message {
    struct smtp_client_message message;
    struct attempt attempt;
    struct spool_content *content;
    bool answered; /* the next hop has said something of it */
    struct smtp_client_recipient recipients[];
};

static struct remote_message *of(const struct smtp_client_message *message)
{
    return (struct remote_message *)((uintptr_t)message - offsetof(struct remote_message, message));
}

static struct remote_message *create(const struct attempt *attempt)
{
    size_t count = attempt->entry->recipient_count;
    const struct spool_facts *facts = &attempt->entry->item->facts;
    struct remote_message *remote_message =
        memory_allocate(1, sizeof *remote_message + count * sizeof(struct smtp_client_recipient));
    remote_message->attempt = *attempt;
    for (size_t i = 0; i < count; i++) {
        const struct spool_recipient *recipient = attempt_recipient(attempt, i);
        remote_message->recipients[i] =
            (struct smtp_client_recipient){recipient->address, recipient->orcpt, recipient->notify};
    }
    remote_message->message = (struct smtp_client_message){
        .reverse_path = facts->reverse_path,
        .envid = facts->envid,
        .ret = (enum smtp_ret)facts->ret,
        .body = (enum smtp_body)facts->body_type,
        .smtputf8 = facts->smtputf8,
        .size = facts->size,
        .recipients = remote_message->recipients,
        .recipient_count = count,
    };
    return remote_message;
}

enum smtp_client_next remote_message_next(void *user, const struct smtp_client_message **message)
{
    struct remote *remote = user;
    struct destination *destination = remote->destination;
    const struct settings_outbound *outbound = &delivery_settings(destination->delivery)->outbound;

    if (!remote->greeted) {
        remote->greeted = true;
        destination->connecting--;
    }
    int64_t most = outbound->messages_per_connection;
    if (remote->quitting || (most > 0 && remote->begun >= most))
        return SMTP_CLIENT_QUIT;
    if (destination->one_by_one && remote->under_way > 0)
        return SMTP_CLIENT_WAIT;
    struct attempt attempt;
    if (!attempt_begin(&attempt, destination))
        return outbound->keep_idle == 0 ? SMTP_CLIENT_QUIT : SMTP_CLIENT_WAIT;
    remote->begun++;
    remote->under_way++;
    *message = &create(&attempt)->message;
    return SMTP_CLIENT_MESSAGE;
}

enum smtp_client_content
remote_message_content(void *user, const struct smtp_client_message *message, struct view *piece)
{
    struct remote *remote = user;
    struct remote_message *remote_message = of(message);
    const struct spool_item *item = remote_message->attempt.entry->item;
    struct error error;

    if (remote_message->content == NULL)
        remote_message->content =
            spool_content_open(remote->destination->delivery->reader, item, &error);
    if (remote_message->content != NULL) {
        if (spool_content_next(remote_message->content, piece, &error))
            return SMTP_CLIENT_PIECE;
        if (spool_content_at_end(remote_message->content))
            return SMTP_CLIENT_CONTENT_END;
    }
    log_line(LOG_ERROR, item->facts.message, "content cannot be read for delivery: %s", error.text);
    remote->unreadable = true;
    return SMTP_CLIENT_CONTENT_UNREADABLE;
}

void remote_message_recipient_done(void *user, const struct smtp_client_message *message,
                                   size_t recipient, enum smtp_client_outcome outcome,
                                   const struct smtp_client_reply *reply)
{
    const struct remote *remote = user;
    struct remote_message *remote_message = of(message);
    struct attempt *attempt = &remote_message->attempt;
    if (reply->code != 0 && reply->code != 421)
        remote_message->answered = true;
    /* A next hop that closes after a message while further commands are on their way may take its
     * reply away with the connection (a reset overtakes it): the message it had accepted would be
     * sent again and again. */
    if (outcome == SMTP_CLIENT_DEFERRED && reply->code == 0 && remote->under_way > 1)
        remote->destination->one_by_one = true;
    /* We hung up on it ourselves: that was no attempt. */
    if (reply->code == 0 && remote->destination->delivery->stopping)
        outcome = SMTP_CLIENT_RETURNED;
    switch (outcome) {
    case SMTP_CLIENT_DELIVERED:
        attempt_delivered(attempt, recipient, reply->text);
        break;
    case SMTP_CLIENT_DEFERRED:
        attempt_deferred(attempt, recipient, reply->text);
        break;
    case SMTP_CLIENT_FAILED:
        attempt_failed(attempt, recipient, reply->text);
        break;
    case SMTP_CLIENT_RETURNED:
        attempt_returned(attempt, recipient);
        break;
    }
}

void remote_message_done(void *user, const struct smtp_client_message *message)
{
    struct remote *remote = user;
    struct remote_message *remote_message = of(message);
    if (remote_message->content != NULL)
        spool_content_close(remote_message->content);
    if (remote_message->answered) {
        remote->served = true;
        destination_served(remote->destination);
    }
    attempt_end(&remote_message->attempt);
    remote->under_way--;
    memory_free(remote_message);
}
