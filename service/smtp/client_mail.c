#include "smtp/client_machine.h"

#include "base/memory.h"

/* Commands that may wait for their replies. A next hop that does not read while it writes could
 * otherwise be brought to a stop by its own replies (RFC 2920 3.1); theirs fit into any TCP window.
 */
#define COMMANDS_UNANSWERED_MAXIMUM 128

static size_t position_data(const struct client_transaction *transaction)
{
    return POSITION_RCPT + transaction->message->recipient_count;
}

static bool all_told(const struct client_transaction *transaction)
{
    return transaction->told == transaction->message->recipient_count;
}

static void begin(struct smtp_client *client, struct client_transaction *transaction,
                  const struct smtp_client_message *message)
{
    bool *recipient_told = transaction->recipient_told;
    size_t capacity = transaction->capacity;
    if (capacity < message->recipient_count) {
        capacity = message->recipient_count;
        recipient_told = memory_resize(recipient_told, capacity, sizeof *recipient_told);
    }
    memset(recipient_told, 0, message->recipient_count * sizeof *recipient_told);
    size_t first = client->needs_reset ? POSITION_RSET : POSITION_MAIL;
    *transaction = (struct client_transaction){.message = message,
                                               .sent = first,
                                               .answered = first,
                                               .recipient_told = recipient_told,
                                               .capacity = capacity};
    client->needs_reset = false;
}

static void tell(struct smtp_client *client, struct client_transaction *transaction,
                 size_t recipient, enum smtp_client_outcome outcome,
                 const struct smtp_client_reply *reply)
{
    if (transaction->recipient_told[recipient])
        return;
    transaction->recipient_told[recipient] = true;
    transaction->told++;
    client->host->recipient_done(client->user, transaction->message, recipient, outcome, reply);
}

static void tell_all(struct smtp_client *client, struct client_transaction *transaction,
                     enum smtp_client_outcome outcome, const struct smtp_client_reply *reply)
{
    for (size_t i = 0; i < transaction->message->recipient_count; i++)
        tell(client, transaction, i, outcome, reply);
}

static void close_transaction(struct smtp_client *client, struct client_transaction *transaction)
{
    const struct smtp_client_message *message = transaction->message;
    transaction->message = NULL;
    client->host->message_done(client->user, message);
}

static enum smtp_client_outcome refusal(const struct smtp_client_reply *reply)
{
    return client_reply_class(reply) == 5 ? SMTP_CLIENT_FAILED : SMTP_CLIENT_DEFERRED;
}

/* ---- content ---- */

static void content_unreadable(struct smtp_client *client)
{
    /* Without its end the next hop cannot take it for a message. */
    struct smtp_client_reply reply;
    client_reply_set(&reply, 0, "4.3.0", "The message could not be read from the store.");
    client_end(client, SMTP_CLIENT_END_BROKEN, &reply);
}

/* True when the content has been sent to its end. */
static bool send_content(struct smtp_client *client)
{
    const struct smtp_client_host *host = client->host;
    struct client_transaction *transaction = &client->content;

    /* 354 although every recipient was refused: a lone dot (RFC 2920 3.1). */
    while (!all_told(transaction)) {
        if (view_is_empty(client->piece)) {
            enum smtp_client_content got =
                host->content(client->user, transaction->message, &client->piece);
            if (got == SMTP_CLIENT_CONTENT_END)
                break;
            if (got == SMTP_CLIENT_CONTENT_UNREADABLE) {
                content_unreadable(client);
                return false;
            }
            continue;
        }
        size_t room = host->room(client->user);
        if (room == 0)
            return false;
        struct view now = view_first(client->piece, room);
        client_content_write(&client->writer, now, host, client->user);
        client->piece = view_from(client->piece, now.length);
    }
    client_content_end(&client->writer, host, client->user);
    client->content_sent = true;
    return true;
}

static void content_answered(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    struct client_transaction *transaction = &client->content;
    int class = client_reply_class(reply);

    if (class == 3 || (class == 2 && !client->content_sent)) {
        client_protocol_error(client, reply->text);
        return;
    }
    tell_all(client, transaction, class == 2 ? SMTP_CLIENT_DELIVERED : refusal(reply), reply);
    if (!client->content_sent) {
        /* Refused in the middle: what the next hop would make of the rest is anybody's guess. */
        client_end(client, SMTP_CLIENT_END_BROKEN, reply);
        return;
    }
    client->completed++;
    close_transaction(client, transaction);
}

/* ---- commands ---- */

static void refused_before_content(struct smtp_client *client)
{
    client->needs_reset = client->envelope.mail_accepted;
    client->completed++;
    close_transaction(client, &client->envelope);
}

static void recipient_answered(struct smtp_client *client, size_t recipient,
                               const struct smtp_client_reply *reply)
{
    struct client_transaction *transaction = &client->envelope;

    if (client_reply_class(reply) == 2) {
        transaction->accepted++;
        return;
    }
    bool unspecific = reply->enhanced[0] == '\0';
    bool too_many = (reply->code == 452 && (unspecific || strcmp(reply->enhanced, "4.5.3") == 0)) ||
                    (reply->code == 552 && (unspecific || strcmp(reply->enhanced, "5.5.3") == 0));
    enum smtp_client_outcome outcome = refusal(reply);
    if (too_many)
        /* The rest goes in a transaction of its own (RFC 5321 4.5.3.1.10); one alone cannot be too
         * many. */
        outcome = transaction->accepted > 0 ? SMTP_CLIENT_RETURNED : SMTP_CLIENT_DEFERRED;
    tell(client, transaction, recipient, outcome, reply);
}

static void data_answered(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    if (client_reply_class(reply) != 3) {
        tell_all(client, &client->envelope, refusal(reply), reply);
        return;
    }
    struct client_transaction empty = client->content;
    client->content = client->envelope;
    client->envelope = empty;
    client->content_sent = false;
    client->piece = VIEW_NONE;
    client_content_begin(&client->writer);
}

/* Does a reply of this class answer the command at this position? */
static bool is_proper(const struct client_transaction *transaction, size_t position, int class)
{
    if (position == POSITION_RSET)
        return class == 2;
    if (position == position_data(transaction))
        return class != 2;
    return class != 3;
}

static void command_answered(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    struct client_transaction *transaction = &client->envelope;
    size_t position = transaction->answered;
    int class = client_reply_class(reply);

    if (!is_proper(transaction, position, class)) {
        client_protocol_error(client, reply->text);
        return;
    }
    transaction->answered++;
    if (position != POSITION_RSET && class < 4)
        transaction->any_accepted = true;
    if (position == POSITION_MAIL) {
        transaction->mail_accepted = class == 2;
        if (class != 2)
            tell_all(client, transaction, refusal(reply), reply);
    } else if (position == position_data(transaction)) {
        data_answered(client, reply);
    } else if (position >= POSITION_RCPT) {
        recipient_answered(client, position - POSITION_RCPT, reply);
    }
    if (transaction->message != NULL && transaction->answered == transaction->sent &&
        all_told(transaction))
        refused_before_content(client);
}

static void send_command(struct smtp_client *client)
{
    struct client_transaction *transaction = &client->envelope;
    const struct smtp_client_message *message = transaction->message;
    size_t position = transaction->sent++;

    if (position == POSITION_RSET)
        client->host->send(client->user, "RSET\r\n", 6);
    else if (position == POSITION_MAIL)
        client_send_mail(&client->features, message, client->host, client->user);
    else if (position == position_data(transaction))
        client->host->send(client->user, "DATA\r\n", 6);
    else
        client_send_rcpt(&client->features, &message->recipients[position - POSITION_RCPT],
                         client->host, client->user);
}

static void send_commands(struct smtp_client *client)
{
    struct client_transaction *transaction = &client->envelope;
    size_t together = client->features.pipelining ? COMMANDS_UNANSWERED_MAXIMUM : 1;

    while (!all_told(transaction) && transaction->sent <= position_data(transaction) &&
           transaction->sent - transaction->answered < together)
        send_command(client);
}

/* False when there is nothing to begin, or not now. */
static bool begin_next(struct smtp_client *client)
{
    if (client->content.message != NULL && !client->features.pipelining)
        return false;
    for (;;) {
        const struct smtp_client_message *message = NULL;
        enum smtp_client_next next = client->host->next(client->user, &message);
        if (next == SMTP_CLIENT_QUIT) {
            client->host->send(client->user, "QUIT\r\n", 6);
            client->state = CLIENT_QUITTING;
        }
        if (next != SMTP_CLIENT_MESSAGE)
            return false;

        begin(client, &client->envelope, message);
        struct smtp_client_reply reply;
        if (client_can_send(&client->features, message, &reply))
            return true;
        client->needs_reset = client->envelope.sent == POSITION_RSET;
        tell_all(client, &client->envelope, SMTP_CLIENT_FAILED, &reply);
        close_transaction(client, &client->envelope);
    }
}

void client_advance(struct smtp_client *client)
{
    if (client->state != CLIENT_OPEN)
        return;
    if (client->content.message != NULL && !client->content_sent && !send_content(client))
        return;
    if (client->envelope.message != NULL || begin_next(client))
        send_commands(client);
}

/* ---- the connection's view ---- */

void client_mail_reply(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    if (client->content.message != NULL)
        content_answered(client, reply);
    else if (client->envelope.message != NULL && client->envelope.answered < client->envelope.sent)
        command_answered(client, reply);
    else
        client_protocol_error(client, reply->text);
}

bool client_mail_is_under_way(const struct smtp_client *client)
{
    return client->content.message != NULL || client->envelope.message != NULL;
}

/* The message at whose turn a connection was lost has had its attempt; what stood behind it, or
 * came just when the next hop closed a connection that had served others, has not. */
static enum smtp_client_outcome outcome_of_loss(const struct smtp_client *client)
{
    bool behind = client->content.message != NULL;
    bool untouched = client->completed > 0 && !client->envelope.any_accepted;
    return behind || untouched ? SMTP_CLIENT_RETURNED : SMTP_CLIENT_DEFERRED;
}

void client_mail_abandon(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    enum smtp_client_outcome envelope_outcome = outcome_of_loss(client);

    if (client->content.message != NULL) {
        tell_all(client, &client->content, SMTP_CLIENT_DEFERRED, reply);
        close_transaction(client, &client->content);
    }
    if (client->envelope.message != NULL) {
        tell_all(client, &client->envelope, envelope_outcome, reply);
        close_transaction(client, &client->envelope);
    }
}

const char *client_mail_awaited(const struct smtp_client *client)
{
    const struct client_transaction *transaction = &client->envelope;
    if (client->content.message != NULL)
        return "the end of the message";
    if (transaction->message == NULL)
        return "nothing";
    if (transaction->answered == POSITION_RSET)
        return "RSET";
    if (transaction->answered == POSITION_MAIL)
        return "MAIL";
    return transaction->answered == position_data(transaction) ? "DATA" : "RCPT";
}
