#include "smtp/content.h"

void smtp_content_begin(struct smtp_content_reader *reader)
{
    reader->state = SMTP_CONTENT_LINE_START;
    reader->line_length = 0;
    reader->fault = SMTP_CONTENT_GOOD;
}

static void emit(struct smtp_content_reader *reader, const char *data, size_t length)
{
    if (reader->fault == SMTP_CONTENT_GOOD && length > 0)
        reader->emit(reader->user, data, length);
}

static void set_fault(struct smtp_content_reader *reader, enum smtp_content_fault fault)
{
    if (reader->fault == SMTP_CONTENT_GOOD)
        reader->fault = fault;
}

static size_t room_in_line(const struct smtp_content_reader *reader)
{
    size_t used = reader->line_length + 2;
    return used < reader->line_maximum ? reader->line_maximum - used : 0;
}

static void end_line(struct smtp_content_reader *reader)
{
    reader->state = SMTP_CONTENT_LINE_START;
    reader->line_length = 0;
}

/* What follows is the start of a line for the reader of the message but not for the protocol: a dot
 * there is text. */
static void meet_bare_line_end(struct smtp_content_reader *reader)
{
    if (reader->convert_bare_line_ends)
        emit(reader, "\r\n", 2);
    else
        set_fault(reader, SMTP_CONTENT_BARE_LINE_END);
    reader->state = SMTP_CONTENT_IN_LINE;
    reader->line_length = 0;
}

/* How many bytes from the start are neither CR nor LF nor NUL. memchr() is so fast that looking for one
 * after the other beats looking at each byte once. */
static size_t plain_length(const char *data, size_t length)
{
    struct view line = view_first(view_of(data, length), view_find(view_of(data, length), '\n'));
    line = view_first(line, view_find(line, '\r'));
    return view_find(line, '\0');
}

/* From data[start] on, in the middle of a line: takes whole lines too, as long as they end in CRLF and the
 * next one does not start with a dot that has to go. Returns where it stopped. What is emitted before a
 * fault does not depend on how the input was cut, nor then what is said about the message. */
static size_t read_lines(struct smtp_content_reader *reader, const char *data, size_t start,
                         size_t length)
{
    size_t at = start;
    for (;;) {
        size_t plain = plain_length(data + at, length - at);
        size_t room = room_in_line(reader);
        if (plain > room) {
            emit(reader, data + start, at + room - start);
            set_fault(reader, SMTP_CONTENT_LONG_LINE);
            start = at + room;
        }
        at += plain;
        reader->line_length += plain;
        if (length - at < 2 || data[at] != '\r' || data[at + 1] != '\n')
            break;
        at += 2;
        end_line(reader);
        if (at == length || (reader->dot_stuffed && data[at] == '.'))
            break;
        reader->state = SMTP_CONTENT_IN_LINE;
    }
    emit(reader, data + start, at - start);
    return at;
}

/* One byte at a place where it matters which one it is. Returns how many were taken, 0 or 1. */
static size_t read_byte(struct smtp_content_reader *reader, char byte, bool *ended)
{
    switch (reader->state) {
    case SMTP_CONTENT_LINE_START:
        reader->state =
            byte == '.' && reader->dot_stuffed ? SMTP_CONTENT_DOT : SMTP_CONTENT_IN_LINE;
        return reader->state == SMTP_CONTENT_DOT;
    case SMTP_CONTENT_IN_LINE:
        if (byte == '\r')
            reader->state = SMTP_CONTENT_CR;
        else if (byte == '\n')
            meet_bare_line_end(reader);
        else
            set_fault(reader, SMTP_CONTENT_NUL);
        return 1;
    case SMTP_CONTENT_CR:
        if (byte != '\n') {
            meet_bare_line_end(reader);
            return 0;
        }
        emit(reader, "\r\n", 2);
        end_line(reader);
        return 1;
    case SMTP_CONTENT_DOT:
        reader->state = byte == '\r' ? SMTP_CONTENT_DOT_CR : SMTP_CONTENT_IN_LINE;
        return byte == '\r';
    case SMTP_CONTENT_DOT_CR:
        if (byte != '\n') {
            meet_bare_line_end(reader);
            return 0;
        }
        *ended = true;
        return 1;
    }
    return 1;
}

size_t smtp_content_read(struct smtp_content_reader *reader, const char *data, size_t length,
                         bool *ended)
{
    size_t at = 0;
    *ended = false;
    while (at < length && !*ended) {
        if (reader->state == SMTP_CONTENT_IN_LINE) {
            at = read_lines(reader, data, at, length);
            if (at == length || reader->state == SMTP_CONTENT_LINE_START)
                continue;
        }
        at += read_byte(reader, data[at], ended);
    }
    return at;
}

void smtp_content_finish(struct smtp_content_reader *reader)
{
    if (reader->state == SMTP_CONTENT_CR)
        meet_bare_line_end(reader);
    if (reader->line_length > 0)
        emit(reader, "\r\n", 2);
    end_line(reader);
}
