/*
 * A record on its way to the file: measured once, packed into the queue, unpacked by the writer. Any
 * thread; the texts belong to the caller, or to the buffer a record was unpacked from.
 */
#ifndef GATEPOST_TRACKING_RECORD_H
#define GATEPOST_TRACKING_RECORD_H

#include "base/buffer.h"
#include "tracking/tracking.h"

enum tracking_text {
    /* Facts of a message: stored once for it. */
    TRACKING_TEXT_MESSAGE_ID,
    TRACKING_TEXT_SENDER,
    TRACKING_TEXT_CLIENT,
    TRACKING_TEXT_HELO,
    TRACKING_TEXT_SUBJECT,
    TRACKING_FACT_TEXTS,
    /* Of the event itself. */
    TRACKING_TEXT_RECIPIENT = TRACKING_FACT_TEXTS,
    TRACKING_TEXT_DESTINATION,
    TRACKING_TEXT_REPLY,
    TRACKING_TEXT_REASON,
    TRACKING_TEXTS
};

#define TRACKING_TEXT_BYTES 1000 /* longer ones are cut */

struct tracking_entry {
    int64_t time_us;
    enum tracking_event event;
    ident session;
    ident message;
    uint64_t size;
    struct view texts[TRACKING_TEXTS];
};

/* now_us: for a record without time. */
void tracking_entry_measure(struct tracking_entry *entry, const struct tracking_record *record,
                            int64_t now_us);

/* False when the buffer is full. */
bool tracking_entry_pack(const struct tracking_entry *entry, struct buffer *buffer);

/* Returns how many bytes it took. */
size_t tracking_entry_unpack(struct tracking_entry *entry, const char *packed);

/* Without the brackets of a header. */
struct view tracking_bare_message_id(struct view id);

/* Is it one of those that come in floods? */
bool tracking_event_is_refusal(enum tracking_event event);

#endif
