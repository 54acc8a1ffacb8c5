#include "smtp/client.h"

#include "base/memory.h"
#include "smtp/client_machine.h"

struct smtp_client *smtp_client_create(const char *host_name, const struct smtp_client_host *host,
                                       void *user)
{
    struct smtp_client *client = memory_allocate(1, sizeof *client);
    client->host_name = host_name;
    client->host = host;
    client->user = user;
    return client;
}

void smtp_client_destroy(struct smtp_client *client)
{
    if (client == NULL)
        return;
    memory_free(client->content.recipient_told);
    memory_free(client->envelope.recipient_told);
    memory_free(client);
}

static void say(const struct smtp_client *client, const char *text)
{
    client->host->send(client->user, text, strlen(text));
}

static void say_hello(const struct smtp_client *client, const char *verb)
{
    say(client, verb);
    say(client, client->host_name);
    say(client, "\r\n");
}

static const char *awaited(const struct smtp_client *client)
{
    switch (client->state) {
    case CLIENT_GREETING:
        return "the new connection";
    case CLIENT_EHLO:
        return "EHLO";
    case CLIENT_HELO:
        return "HELO";
    case CLIENT_QUITTING:
        return client_mail_is_under_way(client) ? client_mail_awaited(client) : "QUIT";
    case CLIENT_OPEN:
    case CLIENT_ENDED:
        break;
    }
    return client_mail_awaited(client);
}

void client_end(struct smtp_client *client, enum smtp_client_end end,
                const struct smtp_client_reply *reply)
{
    client->state = CLIENT_ENDED;
    client_mail_abandon(client, reply);
    client->host->end(client->user, end, reply);
}

void client_protocol_error(struct smtp_client *client, const char *got)
{
    struct smtp_client_reply reply;
    client_reply_set(
        &reply, 0, "4.5.0",
        "The next hop does not speak SMTP as it should: it answered to %s with \"%s\".",
        awaited(client), got);
    client_end(client, SMTP_CLIENT_END_BROKEN, &reply);
}

static void greeted(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    if (client_reply_class(reply) != 2) {
        client_end(client, SMTP_CLIENT_END_REFUSED, reply);
        return;
    }
    client->state = CLIENT_EHLO;
    say_hello(client, "EHLO ");
}

static void hello_answered(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    if (client_reply_class(reply) == 2) {
        client->state = CLIENT_OPEN;
    } else if (client_reply_class(reply) == 5 && client->state == CLIENT_EHLO) {
        /* A server of before 1995, or one that plays it (RFC 5321 3.2). */
        client->features = (struct client_features){0};
        client->state = CLIENT_HELO;
        say_hello(client, "HELO ");
    } else {
        client_end(client, SMTP_CLIENT_END_REFUSED, reply);
    }
}

/* 421 may come at any moment (RFC 5321 3.8) and ends the connection. */
static void going_away(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    bool harmless = client->state == CLIENT_OPEN && !client_mail_is_under_way(client);
    client_end(client, harmless ? SMTP_CLIENT_END_ORDERLY : SMTP_CLIENT_END_REFUSED, reply);
}

static void take_reply(struct smtp_client *client, const struct smtp_client_reply *reply)
{
    bool quit_answered = client->state == CLIENT_QUITTING && !client_mail_is_under_way(client);

    if (quit_answered)
        client_end(client, SMTP_CLIENT_END_ORDERLY, reply);
    else if (reply->code == 421)
        going_away(client, reply);
    else if (client->state == CLIENT_GREETING)
        greeted(client, reply);
    else if (client->state == CLIENT_EHLO || client->state == CLIENT_HELO)
        hello_answered(client, reply);
    else
        client_mail_reply(client, reply);
}

static void take_line(struct smtp_client *client, struct view line)
{
    enum client_reply_status status = client_reply_read_line(&client->reader, line);
    if (status == CLIENT_REPLY_MALFORMED) {
        char shown[100];
        client_reply_show_line(line, shown, sizeof shown);
        client_protocol_error(client, shown);
        return;
    }
    if (client->state == CLIENT_EHLO && client->reader.lines > 1)
        client_features_add(&client->features, client_reply_line_text(line));
    if (status == CLIENT_REPLY_MORE)
        return;
    struct smtp_client_reply reply = client->reader.reply;
    client->reader = (struct client_reply_reader){0};
    take_reply(client, &reply);
}

size_t smtp_client_input(struct smtp_client *client, const char *data, size_t length)
{
    struct view rest = view_of(data, length);
    while (client->state != CLIENT_ENDED) {
        size_t end = view_find(rest, '\n');
        if (end >= SMTP_CLIENT_LINE_MAXIMUM) {
            client_protocol_error(client, "a line without end");
            break;
        }
        if (end == rest.length)
            break;
        struct view line = view_first(rest, end > 0 && rest.data[end - 1] == '\r' ? end - 1 : end);
        rest = view_from(rest, end + 1);
        take_line(client, line);
    }
    if (client->state == CLIENT_ENDED)
        return length;
    client_advance(client);
    return client->state == CLIENT_ENDED ? length : length - rest.length;
}

void smtp_client_offer(struct smtp_client *client)
{
    client_advance(client);
}

void smtp_client_drained(struct smtp_client *client)
{
    client_advance(client);
}

/* No message can be harmed any more when the connection goes. */
static bool owes_nothing(const struct smtp_client *client)
{
    return client->state >= CLIENT_OPEN && !client_mail_is_under_way(client);
}

void smtp_client_closed(struct smtp_client *client, const char *reason)
{
    if (client->state == CLIENT_ENDED)
        return;
    struct smtp_client_reply reply;
    const char *because = reason[0] == '\0' ? "" : ": ";
    if (owes_nothing(client)) {
        client_reply_set(&reply, 0, "", "The connection was closed while nothing was under way%s%s",
                         because, reason);
        client_end(client, SMTP_CLIENT_END_ORDERLY, &reply);
        return;
    }
    client_reply_set(&reply, 0, "4.4.2",
                     "The connection was closed before the next hop answered to %s%s%s",
                     awaited(client), because, reason);
    client_end(client, SMTP_CLIENT_END_BROKEN, &reply);
}

void smtp_client_time_out(struct smtp_client *client)
{
    if (client->state == CLIENT_ENDED)
        return;
    struct smtp_client_reply reply;
    client_reply_set(&reply, 0, "4.4.2", "The next hop did not answer to %s in time.",
                     awaited(client));
    client_end(client, owes_nothing(client) ? SMTP_CLIENT_END_ORDERLY : SMTP_CLIENT_END_BROKEN,
               &reply);
}

bool smtp_client_is_idle(const struct smtp_client *client)
{
    return client->state == CLIENT_OPEN && !client_mail_is_under_way(client);
}

bool smtp_client_is_leaving(const struct smtp_client *client)
{
    return client->state == CLIENT_QUITTING && !client_mail_is_under_way(client);
}

bool smtp_client_has_ended(const struct smtp_client *client)
{
    return client->state == CLIENT_ENDED;
}
