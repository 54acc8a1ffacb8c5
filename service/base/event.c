#include "base/event.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const struct event_description descriptions[] = {
#define EVENT(symbol, number, severity, category, text)                                            \
    {EVENT_##symbol, severity, #symbol, category, text},
#include "base/events.def"
#undef EVENT
};

const struct event_description *event_describe(enum event_id id)
{
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++)
        if (descriptions[i].id == id)
            return &descriptions[i];
    return NULL;
}

void event_report(const struct event_sink *sink, enum event_id id, ...)
{
    const char *inserts[EVENT_INSERTS_MAXIMUM];
    size_t count = 0;
    va_list arguments;

    if (sink == NULL || sink->report == NULL)
        return;
    va_start(arguments, id);
    for (const char *insert; (insert = va_arg(arguments, const char *)) != NULL;)
        if (count < EVENT_INSERTS_MAXIMUM)
            inserts[count++] = insert;
    va_end(arguments);
    sink->report(sink->user, id, inserts, count);
}

static void append(char *text, size_t size, size_t *length, const char *piece, size_t piece_length)
{
    if (*length + 1 < size) {
        size_t room = size - 1 - *length;
        memcpy(text + *length, piece, piece_length < room ? piece_length : room);
    }
    *length += piece_length;
}

/* %1 to %9 only: no text of ours needs the other escapes of Windows message tables. */
static bool is_insert(const char *place)
{
    return place[0] == '%' && place[1] >= '1' && place[1] <= '9';
}

size_t event_format(enum event_id id, const char *const *inserts, size_t count, char *text,
                    size_t size)
{
    const struct event_description *description = event_describe(id);
    const char *from = description == NULL ? "" : description->text;
    size_t length = 0;

    while (*from != '\0') {
        size_t plain = 0;
        while (from[plain] != '\0' && !is_insert(from + plain))
            plain++;
        append(text, size, &length, from, plain);
        from += plain;
        if (*from == '\0')
            break;
        size_t number = (size_t)(from[1] - '1');
        if (number < count)
            append(text, size, &length, inserts[number], strlen(inserts[number]));
        from += 2;
    }
    if (size > 0)
        text[length < size ? length : size - 1] = '\0';
    return length;
}
