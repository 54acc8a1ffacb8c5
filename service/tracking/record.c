#include "tracking/record.h"

/* ---- names ---- */

static const char *const event_names[] = {
    [TRACKING_CONNECTION_REFUSED] = "connection-refused",
    [TRACKING_SENDER_REFUSED] = "sender-refused",
    [TRACKING_RECIPIENT_REFUSED] = "recipient-refused",
    [TRACKING_MESSAGE_REFUSED] = "message-refused",
    [TRACKING_RECEIVED] = "received",
    [TRACKING_STORED] = "stored",
    [TRACKING_ROUTED] = "routed",
    [TRACKING_DELIVERED] = "delivered",
    [TRACKING_DEFERRED] = "deferred",
    [TRACKING_FAILED] = "failed",
    [TRACKING_EXPIRED] = "expired",
    [TRACKING_BADMAIL] = "badmail",
};

#define EVENT_NAMES (sizeof event_names / sizeof event_names[0])

const char *tracking_event_name(enum tracking_event event)
{
    return (size_t)event < EVENT_NAMES ? event_names[event] : NULL;
}

enum tracking_event tracking_event_of_name(struct view name)
{
    for (size_t i = 1; i < EVENT_NAMES; i++)
        if (view_equal_nocase(name, view_of_text(event_names[i])))
            return (enum tracking_event)i;
    return (enum tracking_event)0;
}

bool tracking_event_is_refusal(enum tracking_event event)
{
    return event <= TRACKING_MESSAGE_REFUSED;
}

struct view tracking_bare_message_id(struct view id)
{
    if (id.length >= 2 && id.data[0] == '<' && id.data[id.length - 1] == '>')
        return view_of(id.data + 1, id.length - 2);
    return id;
}

/* ---- measuring ---- */

/* The start of a character of UTF-8 stays with its end. */
static struct view measure_text(const char *text)
{
    struct view view = view_of_text(text);
    if (view.length <= TRACKING_TEXT_BYTES)
        return view;
    view.length = TRACKING_TEXT_BYTES;
    while (view.length > 0 && (text[view.length] & 0xc0) == 0x80)
        view.length--;
    return view;
}

void tracking_entry_measure(struct tracking_entry *entry, const struct tracking_record *record,
                            int64_t now_us)
{
    entry->time_us = record->time_us != 0 ? record->time_us : now_us;
    entry->event = record->event;
    entry->session = record->session;
    entry->message = record->message;
    entry->size = record->size;
    entry->texts[TRACKING_TEXT_MESSAGE_ID] = measure_text(record->message_id);
    entry->texts[TRACKING_TEXT_SENDER] = measure_text(record->sender);
    entry->texts[TRACKING_TEXT_CLIENT] = measure_text(record->client);
    entry->texts[TRACKING_TEXT_HELO] = measure_text(record->helo);
    entry->texts[TRACKING_TEXT_SUBJECT] = measure_text(record->subject);
    entry->texts[TRACKING_TEXT_RECIPIENT] = measure_text(record->recipient);
    entry->texts[TRACKING_TEXT_DESTINATION] = measure_text(record->destination);
    entry->texts[TRACKING_TEXT_REPLY] = measure_text(record->reply);
    entry->texts[TRACKING_TEXT_REASON] = measure_text(record->reason);
}

/* ---- packing ---- */

/* Behind it stand the texts, one after the other. */
struct packed {
    int64_t time_us;
    ident session;
    ident message;
    uint64_t size;
    uint16_t lengths[TRACKING_TEXTS];
    uint8_t event;
};

bool tracking_entry_pack(const struct tracking_entry *entry, struct buffer *buffer)
{
    struct packed head = {
        .time_us = entry->time_us,
        .session = entry->session,
        .message = entry->message,
        .size = entry->size,
        .event = (uint8_t)entry->event,
    };
    size_t bytes = sizeof head;
    for (int i = 0; i < TRACKING_TEXTS; i++) {
        head.lengths[i] = (uint16_t)entry->texts[i].length;
        bytes += entry->texts[i].length;
    }
    char *to = buffer_reserve(buffer, bytes);
    if (to == NULL)
        return false;
    memcpy(to, &head, sizeof head);
    to += sizeof head;
    for (int i = 0; i < TRACKING_TEXTS; i++)
        if (entry->texts[i].length > 0) {
            memcpy(to, entry->texts[i].data, entry->texts[i].length);
            to += entry->texts[i].length;
        }
    buffer_extend(buffer, bytes);
    return true;
}

size_t tracking_entry_unpack(struct tracking_entry *entry, const char *packed)
{
    struct packed head;
    const char *from = packed + sizeof head;
    memcpy(&head, packed, sizeof head);
    entry->time_us = head.time_us;
    entry->event = (enum tracking_event)head.event;
    entry->session = head.session;
    entry->message = head.message;
    entry->size = head.size;
    for (int i = 0; i < TRACKING_TEXTS; i++) {
        entry->texts[i] = view_of(from, head.lengths[i]);
        from += head.lengths[i];
    }
    return (size_t)(from - packed);
}
