#include "smtp/client_reply.h"

#include <stdarg.h>

/* No sane reply has more; EHLO of large providers has about fifteen. */
#define LINES_MAXIMUM 100

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* 0 when the line is none of a reply. */
static int line_code(struct view line)
{
    if (line.length < 3 || line.data[0] < '2' || line.data[0] > '5' || !is_digit(line.data[1]) ||
        !is_digit(line.data[2]))
        return 0;
    if (line.length > 3 && line.data[3] != ' ' && line.data[3] != '-')
        return 0;
    return (line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + (line.data[2] - '0');
}

/* "5.1.1" at the start, followed by a space or the end; its class must be that of the code (RFC
 * 2034 4). */
static size_t enhanced_length(struct view text, char class)
{
    if (text.length < 5 || text.data[0] != class || text.data[1] != '.')
        return 0;
    size_t at = 1;
    for (int part = 0; part < 2; part++) {
        size_t first = ++at;
        while (at < text.length && is_digit(text.data[at]))
            at++;
        if (at == first || at - first > 3)
            return 0;
        if (part == 0 && (at == text.length || text.data[at] != '.'))
            return 0;
    }
    return at == text.length || text.data[at] == ' ' ? at : 0;
}

struct view client_reply_line_text(struct view line)
{
    struct view text = view_from(line, 4);
    if (line.length > 0)
        text = view_from(text, enhanced_length(text, line.data[0]));
    return view_trim(text);
}

static char printable(char byte)
{
    return (unsigned char)byte < ' ' || byte == 0x7F ? ' ' : byte;
}

/* Adds what fits. */
static void add_text(struct client_reply_reader *reader, struct view text)
{
    char *to = reader->reply.text;
    size_t room = reader->full ? 0 : sizeof reader->reply.text - 1 - reader->text_length;
    if (text.length > room) {
        reader->full = true;
        /* Not in the middle of a UTF-8 character. */
        while (room > 0 && ((unsigned char)text.data[room] & 0xC0) == 0x80)
            room--;
        text.length = room;
    }
    for (size_t i = 0; i < text.length; i++)
        to[reader->text_length++] = printable(text.data[i]);
    to[reader->text_length] = '\0';
}

/* Tracking, events and badmail want text that every program can show. */
static void make_utf8(char *text)
{
    if (view_is_utf8(view_of_text(text)))
        return;
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            *text = '?';
    }
}

enum client_reply_status client_reply_read_line(struct client_reply_reader *reader,
                                                struct view line)
{
    int code = line_code(line);
    if (code == 0 || (reader->lines > 0 && code != reader->reply.code) ||
        reader->lines == LINES_MAXIMUM)
        return CLIENT_REPLY_MALFORMED;

    if (reader->lines++ == 0) {
        reader->reply.code = code;
        struct view text = view_from(line, 4);
        size_t length = enhanced_length(text, line.data[0]);
        view_copy_text(view_first(text, length), reader->reply.enhanced,
                       sizeof reader->reply.enhanced);
        add_text(reader, view_first(line, 3));
        if (length > 0) {
            add_text(reader, VIEW(" "));
            add_text(reader, view_first(text, length));
        }
    }
    struct view text = client_reply_line_text(line);
    if (!view_is_empty(text)) {
        add_text(reader, VIEW(" "));
        add_text(reader, text);
    }
    if (line.length > 3 && line.data[3] == '-')
        return CLIENT_REPLY_MORE;
    make_utf8(reader->reply.text);
    return CLIENT_REPLY_COMPLETE;
}

void client_reply_show_line(struct view line, char *text, size_t size)
{
    size_t length = line.length < size - 1 ? line.length : size - 1;
    for (size_t i = 0; i < length; i++)
        text[i] = printable(line.data[i]);
    text[length] = '\0';
    make_utf8(text);
}

void client_reply_set(struct smtp_client_reply *reply, int code, const char *enhanced,
                      const char *format, ...)
{
    *reply = (struct smtp_client_reply){.code = code};
    view_copy_text(view_of_text(enhanced), reply->enhanced, sizeof reply->enhanced);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->text, sizeof reply->text, format, arguments);
    va_end(arguments);
}
