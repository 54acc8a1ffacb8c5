#include "ndr/message_file.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "ndr/return_path.h"
#include "platform/file.h"

#include <stdlib.h>

/* Written to the file at a time: a small message is one write. */
#define OUTPUT_BYTES 65536

struct output {
    struct file *file;
    struct buffer waiting;
};

static bool flush(struct output *output, struct error *error)
{
    bool written = file_write(output->file, output->waiting.data, output->waiting.length, error);
    buffer_clear(&output->waiting);
    return written;
}

static bool put(struct output *output, struct view text, struct error *error)
{
    while (!view_is_empty(text)) {
        struct view now = view_first(text, OUTPUT_BYTES - output->waiting.length);
        buffer_append_view(&output->waiting, now);
        text = view_from(text, now.length);
        if (output->waiting.length == OUTPUT_BYTES && !flush(output, error))
            return false;
    }
    return true;
}

static bool put_line(struct output *output, const char *name, const char *value, const char *end,
                     struct error *error)
{
    return put(output, view_of_text(name), error) && put(output, view_of_text(value), error) &&
           put(output, view_of_text(end), error);
}

static int compare_number(const void *key, const void *member)
{
    uint32_t number = *(const uint32_t *)key;
    const struct spool_recipient *recipient = member;
    return number < recipient->number ? -1 : number > recipient->number;
}

const struct spool_recipient *message_file_recipient(const struct spool_item *item, uint32_t number)
{
    return bsearch(&number, item->recipients, item->recipient_count, sizeof *item->recipients,
                   compare_number);
}

char *message_file_choose_path(const char *folder, ident message, const char *extension,
                               const char *other_extension)
{
    char text[IDENT_TEXT_SIZE];
    ident_format(message, text);
    struct buffer name;
    buffer_init(&name, 4096);
    for (unsigned number = 1;; number++) {
        buffer_clear(&name);
        buffer_append_format(&name, "%s-%u%s", text, number, other_extension);
        char *other_path = path_join(folder, name.data);
        buffer_clear(&name);
        buffer_append_format(&name, "%s-%u%s", text, number, extension);
        char *path = path_join(folder, name.data);
        bool is_free = !file_exists(path) && !file_exists(other_path);
        memory_free(other_path);
        if (is_free) {
            buffer_free(&name);
            path[strlen(path) - strlen(extension)] = '\0';
            return path;
        }
        memory_free(path);
    }
}

char *message_file_name(const char *path, const char *extension)
{
    size_t size = strlen(path) + strlen(extension) + 1;
    char *name = memory_allocate(size, 1);
    snprintf(name, size, "%s%s", path, extension);
    return name;
}

static bool put_envelope(const struct message_file *message, struct output *output,
                         struct error *error)
{
    const char *sender = message->item->facts.reverse_path;
    if (!put_line(output, "X-Sender: ", sender[0] == '\0' ? "<>" : sender, "\r\n", error))
        return false;
    for (size_t i = 0; i < message->number_count; i++) {
        const struct spool_recipient *recipient =
            message_file_recipient(message->item, message->numbers[i]);
        if (recipient != NULL &&
            !put_line(output, "X-Receiver: ", recipient->address, "\r\n", error))
            return false;
    }
    return !message->final_delivery || put_line(output, "Return-Path: <", sender, ">\r\n", error);
}

static bool put_piece(struct output *output, struct return_path_filter *filter, struct view piece,
                      struct error *error)
{
    struct view keep;
    while (return_path_filter(filter, &piece, &keep)) {
        if (!put(output, keep, error))
            return false;
    }
    return true;
}

static enum message_file_result put_content(const struct message_file *message,
                                            struct spool_reader *reader, struct output *output,
                                            struct error *error)
{
    struct return_path_filter filter = {0};
    struct spool_content *content = spool_content_open(reader, message->item, error);
    if (content == NULL)
        return MESSAGE_FILE_UNREADABLE;
    /* Whatever came with a message that was not delivered is evidence. */
    if (!message->final_delivery)
        filter.state = RETURN_PATH_BODY;

    bool written = true;
    struct view piece;
    while (written && spool_content_next(content, &piece, error))
        written = put_piece(output, &filter, piece, error);
    bool whole = spool_content_at_end(content);
    spool_content_close(content);
    if (written && !whole)
        return MESSAGE_FILE_UNREADABLE;
    written = written && put(output, return_path_filter_end(&filter), error);
    return written ? MESSAGE_FILE_WRITTEN : MESSAGE_FILE_FAILED;
}

static enum message_file_result fill(const struct message_file *message,
                                     struct spool_reader *reader, struct file *file,
                                     struct error *error)
{
    struct output output = {.file = file};
    buffer_init(&output.waiting, OUTPUT_BYTES);
    enum message_file_result result = MESSAGE_FILE_FAILED;
    if (put_envelope(message, &output, error))
        result = put_content(message, reader, &output, error);
    if (result == MESSAGE_FILE_WRITTEN && !flush(&output, error))
        result = MESSAGE_FILE_FAILED;
    buffer_free(&output.waiting);
    return result;
}

enum message_file_result message_file_write(const struct message_file *message,
                                            struct spool_reader *reader, const char *path,
                                            struct error *error)
{
    if (file_exists(path) && !file_delete(path, error))
        return MESSAGE_FILE_FAILED;
    struct file *file = file_create(path, error);
    if (file == NULL)
        return MESSAGE_FILE_FAILED;
    enum message_file_result result = fill(message, reader, file, error);
    if (result != MESSAGE_FILE_WRITTEN)
        file_close(file);
    else if (!file_sync_and_close(file, error))
        result = MESSAGE_FILE_FAILED;
    if (result != MESSAGE_FILE_WRITTEN)
        file_delete(path, NULL);
    return result;
}
