/*
 * Inside the platform room: the numbers in the message table of the program, which eventlog.c reports and
 * resources/message_table.c writes.
 *
 * A message has 32 bits: two of severity, then customer, reserved and facility bits, which are all zero
 * here, and in the low 16 bits the number from base/events.def: what the Event Viewer shows as Event ID.
 */
#ifndef GATEPOST_PLATFORM_WINDOWS_EVENT_MESSAGE_H
#define GATEPOST_PLATFORM_WINDOWS_EVENT_MESSAGE_H

#include "base/event.h"

#include <stdint.h>
#include <string.h>

/* Categories have the numbers 1 to EVENT_CATEGORIES in the table (CategoryCount in the registry). A
 * number never changes its meaning: entries that are in a log already are shown with it. */
#define EVENT_CATEGORY_NAMES                                                                       \
    {                                                                                              \
        "Service", "SMTP Protocol", "Settings", "Store", "Tracking", "Directory", "Delivery"       \
    }
#define EVENT_CATEGORIES 7

static inline uint32_t event_message_id(const struct event_description *event)
{
    static const uint32_t severity_bits[] = {
        [EVENT_INFORMATION] = 0x40000000,
        [EVENT_WARNING] = 0x80000000,
        [EVENT_ERROR] = 0xC0000000,
    };
    return severity_bits[event->severity] | (uint32_t)event->id;
}

/* 0 when there is no such category. */
static inline uint16_t event_category_number(const char *category)
{
    static const char *const names[EVENT_CATEGORIES] = EVENT_CATEGORY_NAMES;
    for (uint16_t i = 0; i < EVENT_CATEGORIES; i++)
        if (strcmp(names[i], category) == 0)
            return (uint16_t)(i + 1);
    return 0;
}

#endif
