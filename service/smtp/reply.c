#include "smtp/reply.h"

#include <assert.h>

#define LINE_MAXIMUM 512 /* bytes, CRLF included */

void smtp_reply_init(struct smtp_reply *reply)
{
    reply->length = 0;
    reply->line_limit = 0;
}

void smtp_reply_begin(struct smtp_reply *reply, int code, bool more, const char *enhanced)
{
    assert(reply->length + LINE_MAXIMUM <= sizeof reply->text);
    reply->line_limit = reply->length + LINE_MAXIMUM - 2;
    char start[4] = {(char)('0' + code / 100 % 10), (char)('0' + code / 10 % 10),
                     (char)('0' + code % 10), more ? '-' : ' '};
    smtp_reply_add(reply, view_of(start, sizeof start));
    if (enhanced[0] == '\0')
        return;
    smtp_reply_add_text(reply, enhanced);
    smtp_reply_add(reply, VIEW(" "));
}

void smtp_reply_add(struct smtp_reply *reply, struct view text)
{
    size_t room = reply->line_limit - reply->length;
    size_t length = text.length < room ? text.length : room;
    char *to = reply->text + reply->length;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        to[i] = byte < ' ' || byte == 0x7f ? '?' : text.data[i];
    }
    reply->length += length;
}

void smtp_reply_add_text(struct smtp_reply *reply, const char *text)
{
    smtp_reply_add(reply, view_of_text(text));
}

void smtp_reply_add_number(struct smtp_reply *reply, uint64_t number)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    smtp_reply_add(reply, view_of(digits + start, sizeof digits - start));
}

void smtp_reply_end(struct smtp_reply *reply)
{
    memcpy(reply->text + reply->length, "\r\n", 2);
    reply->length += 2;
}
