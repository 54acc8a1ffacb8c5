#include "ndr/badmail.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "ndr/message_file.h"
#include "platform/file.h"
#include "smtp/trace.h"

#include <inttypes.h>

#define REASON_MAXIMUM (256u * 1024 * 1024) /* 64,000 recipients with the longest replies */

static void describe_message(struct buffer *text, const struct spool_item *item,
                             const char *destination)
{
    const struct spool_facts *facts = &item->facts;
    char message[IDENT_TEXT_SIZE], session[IDENT_TEXT_SIZE], date[SMTP_DATE_SIZE];
    ident_format(facts->message, message);
    ident_format(facts->session, session);
    smtp_format_date(facts->received_ms / 1000, date);
    buffer_append_text(text, "This message could not be delivered.\r\n\r\n");
    buffer_append_format(text, "Message:     %s\r\n", message);
    buffer_append_format(text, "Session:     %s\r\n", session);
    buffer_append_format(text, "Received:    %s\r\n", date);
    buffer_append_format(text, "From client: %s (%s)\r\n", facts->client, facts->helo);
    buffer_append_format(text, "Sender:      <%s>\r\n", facts->reverse_path);
    buffer_append_format(text, "Subject:     %s\r\n", facts->subject);
    buffer_append_format(text, "Message-ID:  %s\r\n", facts->message_id);
    buffer_append_format(text, "Size:        %" PRIu64 " bytes\r\n", facts->size);
    buffer_append_format(text, "Destination: %s\r\n", destination);
}

static void describe_recipient(struct buffer *text, const struct spool_item *item,
                               const struct badmail_recipient *failed)
{
    const struct spool_recipient *recipient = message_file_recipient(item, failed->number);
    if (recipient == NULL)
        return;
    buffer_append_format(text, "\r\nRecipient:   %s\r\n", recipient->address);
    buffer_append_format(text, "Outcome:     %s\r\n",
                         failed->expired ? "expired: not delivered in the time that is set"
                                         : "failed: will not be tried again");
    buffer_append_format(text, "Reason:      %s\r\n", failed->reason);
}

static bool write_reason(const char *path, const struct buffer *text, struct error *error)
{
    if (file_exists(path) && !file_delete(path, error))
        return false;
    struct file *file = file_create(path, error);
    if (file == NULL)
        return false;
    if (!file_write(file, text->data, text->length, error)) {
        file_close(file);
        file_delete(path, NULL);
        return false;
    }
    if (file_sync_and_close(file, error))
        return true;
    file_delete(path, NULL);
    return false;
}

/* The names of the two files, before and after they are whole. */
struct pair {
    char *message_new;
    char *message;
    char *reason_new;
    char *reason;
};

static struct pair pair_name(const char *folder, ident message)
{
    char *base = message_file_choose_path(folder, message, ".eml", ".txt");
    struct pair pair = {message_file_name(base, ".eml.new"), message_file_name(base, ".eml"),
                        message_file_name(base, ".txt.new"), message_file_name(base, ".txt")};
    memory_free(base);
    return pair;
}

static void pair_free(struct pair *pair)
{
    memory_free(pair->message_new);
    memory_free(pair->message);
    memory_free(pair->reason_new);
    memory_free(pair->reason);
}

/* The message last: whoever finds one finds its reason too. */
static bool publish(const struct pair *pair, struct error *error)
{
    if (!file_rename(pair->reason_new, pair->reason, error)) {
        file_delete(pair->reason_new, NULL);
        file_delete(pair->message_new, NULL);
        return false;
    }
    if (!file_rename(pair->message_new, pair->message, error)) {
        file_delete(pair->reason, NULL);
        file_delete(pair->message_new, NULL);
        return false;
    }
    return true;
}

static bool write_message(const char *path, const struct spool_item *item,
                          const struct badmail_recipient *recipients, size_t count,
                          struct spool_reader *reader, struct error *error)
{
    uint32_t *numbers = memory_allocate(count, sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = recipients[i].number;
    struct message_file message = {.item = item, .numbers = numbers, .number_count = count};
    enum message_file_result result = message_file_write(&message, reader, path, error);
    memory_free(numbers);
    return result == MESSAGE_FILE_WRITTEN;
}

bool badmail_write(const char *folder, const struct spool_item *item, const char *destination,
                   const struct badmail_recipient *recipients, size_t count,
                   struct spool_reader *reader, char **path, struct error *error)
{
    if (!folder_create(folder, error))
        return false;
    struct pair pair = pair_name(folder, item->facts.message);
    struct buffer reason;
    buffer_init(&reason, REASON_MAXIMUM);
    describe_message(&reason, item, destination);
    for (size_t i = 0; i < count; i++)
        describe_recipient(&reason, item, &recipients[i]);

    bool written = write_message(pair.message_new, item, recipients, count, reader, error);
    if (written && !write_reason(pair.reason_new, &reason, error)) {
        file_delete(pair.message_new, NULL);
        written = false;
    }
    written = written && publish(&pair, error);
    if (written)
        *path = memory_copy_text(pair.message);
    buffer_free(&reason);
    pair_free(&pair);
    return written;
}
