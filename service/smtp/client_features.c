#include "smtp/client_features.h"

#include "base/buffer.h"
#include "smtp/client_reply.h"

#include <inttypes.h>

/* Room for a path and for each parameter at their longest; stored ones are far shorter (RFC
 * 5321 4.5.3.1.3, 3461 4). */
#define PATH_MAXIMUM    1000
#define COMMAND_MAXIMUM 4096

void client_features_add(struct client_features *features, struct view line)
{
    size_t end = view_find(line, ' ');
    struct view keyword = view_first(line, end);
    struct view parameter = view_trim(view_from(line, end));

    if (view_equal_nocase(keyword, VIEW("PIPELINING"))) {
        features->pipelining = true;
    } else if (view_equal_nocase(keyword, VIEW("SIZE"))) {
        features->size = true;
        if (!view_to_uint64(parameter, &features->size_limit))
            features->size_limit = 0;
    } else if (view_equal_nocase(keyword, VIEW("8BITMIME"))) {
        features->eight_bit_mime = true;
    } else if (view_equal_nocase(keyword, VIEW("CHUNKING"))) {
        features->chunking = true;
    } else if (view_equal_nocase(keyword, VIEW("DSN"))) {
        features->dsn = true;
    } else if (view_equal_nocase(keyword, VIEW("SMTPUTF8"))) {
        features->smtputf8 = true;
    } else if (view_equal_nocase(keyword, VIEW("ENHANCEDSTATUSCODES"))) {
        features->enhanced_status_codes = true;
    }
}

static bool needs_smtputf8(const struct smtp_client_message *message)
{
    if (message->smtputf8 || !view_is_ascii(view_of_text(message->reverse_path)))
        return true;
    for (size_t i = 0; i < message->recipient_count; i++) {
        if (!view_is_ascii(view_of_text(message->recipients[i].address)))
            return true;
    }
    return false;
}

bool client_can_send(const struct client_features *features,
                     const struct smtp_client_message *message, struct smtp_client_reply *reply)
{
    if (features->size_limit > 0 && message->size > features->size_limit) {
        client_reply_set(reply, 0, "5.3.4",
                         "Not sent: the next hop takes at most %" PRIu64
                         " bytes, the message has %" PRIu64 ".",
                         features->size_limit, message->size);
        return false;
    }
    if (!features->smtputf8 && needs_smtputf8(message)) {
        client_reply_set(reply, 0, "5.6.7",
                         "Not sent: the message needs SMTPUTF8 (internationalized addresses), the "
                         "next hop does not offer it.");
        return false;
    }
    if (!client_is_sendable_path(message->reverse_path)) {
        client_reply_set(reply, 0, "5.1.7",
                         "Not sent: the reverse-path has characters that cannot be in one.");
        return false;
    }
    for (size_t i = 0; i < message->recipient_count; i++) {
        if (!client_is_sendable_path(message->recipients[i].address)) {
            client_reply_set(reply, 0, "5.1.3",
                             "Not sent: a forward-path has characters that cannot be in one.");
            return false;
        }
    }
    return true;
}

bool client_is_sendable_path(const char *address)
{
    if (strlen(address) > PATH_MAXIMUM)
        return false;
    /* A space or bracket is only good inside a quoted local part; control characters nowhere. */
    bool quoted = false;
    for (const unsigned char *at = (const unsigned char *)address; *at != '\0'; at++) {
        if (*at < ' ' || *at == 0x7F)
            return false;
        if (quoted && *at == '\\' && at[1] >= ' ')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && (*at == ' ' || *at == '<' || *at == '>'))
            return false;
    }
    return !quoted;
}

/* Adds " NAME=value" where there is a value that cannot end the line. */
static void add_parameter(struct buffer *command, const char *name, const char *value)
{
    if (value[0] != '\0' && client_is_sendable_path(value) && strchr(value, ' ') == NULL)
        buffer_append_format(command, " %s=%s", name, value);
}

static void send_command(struct buffer *command, const struct smtp_client_host *host, void *user)
{
    buffer_append_text(command, "\r\n");
    host->send(user, command->data, command->length);
    buffer_free(command);
}

void client_send_mail(const struct client_features *features,
                      const struct smtp_client_message *message,
                      const struct smtp_client_host *host, void *user)
{
    struct buffer command;
    buffer_init(&command, COMMAND_MAXIMUM);
    buffer_append_format(&command, "MAIL FROM:<%s>", message->reverse_path);
    if (features->size && !message->probe)
        buffer_append_format(&command, " SIZE=%" PRIu64, message->size);
    if (features->eight_bit_mime && message->body == SMTP_BODY_8BITMIME)
        buffer_append_text(&command, " BODY=8BITMIME");
    if (needs_smtputf8(message))
        buffer_append_text(&command, " SMTPUTF8");
    if (features->dsn) {
        if (message->ret != SMTP_RET_UNSET)
            add_parameter(&command, "RET", message->ret == SMTP_RET_FULL ? "FULL" : "HDRS");
        add_parameter(&command, "ENVID", message->envid);
    }
    send_command(&command, host, user);
}

static void add_notify(struct buffer *command, unsigned notify)
{
    static const struct {
        unsigned bit;
        const char *name;
    } conditions[] = {
        {SMTP_NOTIFY_SUCCESS, "SUCCESS"},
        {SMTP_NOTIFY_FAILURE, "FAILURE"},
        {SMTP_NOTIFY_DELAY, "DELAY"},
    };

    /* NEVER stands alone (RFC 3461 4.1). */
    if (notify & SMTP_NOTIFY_NEVER) {
        buffer_append_text(command, " NOTIFY=NEVER");
        return;
    }
    const char *separator = " NOTIFY=";
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        if (notify & conditions[i].bit) {
            buffer_append_format(command, "%s%s", separator, conditions[i].name);
            separator = ",";
        }
    }
}

void client_send_rcpt(const struct client_features *features,
                      const struct smtp_client_recipient *recipient,
                      const struct smtp_client_host *host, void *user)
{
    struct buffer command;
    buffer_init(&command, COMMAND_MAXIMUM);
    buffer_append_format(&command, "RCPT TO:<%s>", recipient->address);
    if (features->dsn) {
        add_notify(&command, recipient->notify);
        add_parameter(&command, "ORCPT", recipient->orcpt);
    }
    send_command(&command, host, user);
}
