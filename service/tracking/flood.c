#include "tracking/flood.h"

#include "base/memory.h"

#define MINUTE_US INT64_C(60000000)

struct tracking_flood {
    uint32_t listed_maximum;
    uint32_t sources_maximum;
    int64_t minute;
    struct hash_table
        *sources; /* client -> uint32_t: its refusals that were listed in this minute */
    struct hash_table *counts; /* not yet taken */
};

struct tracking_flood *tracking_flood_create(void)
{
    struct tracking_flood *flood = memory_allocate(1, sizeof *flood);
    flood->sources = hash_table_create();
    flood->counts = hash_table_create();
    return flood;
}

void tracking_flood_destroy(struct tracking_flood *flood)
{
    hash_table_destroy(flood->sources, memory_free);
    tracking_counts_destroy(flood->counts);
    memory_free(flood);
}

void tracking_flood_set_limits(struct tracking_flood *flood, uint32_t listed, uint32_t sources)
{
    flood->listed_maximum = listed;
    flood->sources_maximum = sources;
}

void tracking_counts_destroy(struct hash_table *counts)
{
    hash_table_destroy(counts, memory_free);
}

struct hash_table *tracking_flood_take(struct tracking_flood *flood)
{
    if (hash_table_count(flood->counts) == 0)
        return NULL;
    struct hash_table *counts = flood->counts;
    flood->counts = hash_table_create();
    return counts;
}

/* The client's own texts stand behind the count. */
static struct tracking_count *new_count(const struct tracking_entry *entry, int64_t minute,
                                        struct view client)
{
    struct view reason = entry->texts[TRACKING_TEXT_REASON];
    struct tracking_count *count =
        memory_allocate(1, sizeof *count + client.length + reason.length);
    char *place = (char *)(count + 1);
    *count = (struct tracking_count){
        .minute = minute,
        .first_us = entry->time_us,
        .event = entry->event,
        .client = view_of(place, client.length),
        .reason = view_of(place + client.length, reason.length),
    };
    if (client.length > 0)
        memcpy(place, client.data, client.length);
    if (reason.length > 0)
        memcpy(place + client.length, reason.data, reason.length);
    return count;
}

static void add_to_count(struct tracking_flood *flood, const struct tracking_entry *entry,
                         struct view client)
{
    char key[sizeof flood->minute + 1 + 2 * TRACKING_TEXT_BYTES + 1];
    struct view reason = entry->texts[TRACKING_TEXT_REASON];
    size_t length = sizeof flood->minute;
    memcpy(key, &flood->minute, length);
    key[length++] = (char)entry->event;
    if (client.length > 0)
        memcpy(key + length, client.data, client.length);
    length += client.length;
    key[length++] = '\0';
    if (reason.length > 0)
        memcpy(key + length, reason.data, reason.length);
    length += reason.length;

    struct tracking_count *count = hash_table_get(flood->counts, view_of(key, length));
    if (count == NULL) {
        count = new_count(entry, flood->minute, client);
        hash_table_set(flood->counts, view_of(key, length), count);
    }
    count->count++;
}

static void begin_minute(struct tracking_flood *flood, int64_t minute)
{
    flood->minute = minute;
    hash_table_destroy(flood->sources, memory_free);
    flood->sources = hash_table_create();
}

bool tracking_flood_admit(struct tracking_flood *flood, const struct tracking_entry *entry)
{
    struct view client = entry->texts[TRACKING_TEXT_CLIENT];
    int64_t minute = entry->time_us / MINUTE_US;
    if (client.data == NULL)
        client = VIEW("");
    /* One that comes a little late counts in the minute that has begun; or the clock was set back. */
    if (minute > flood->minute || minute < flood->minute - 1)
        begin_minute(flood, minute);

    uint32_t *listed = hash_table_get(flood->sources, client);
    if (listed == NULL && hash_table_count(flood->sources) >= flood->sources_maximum) {
        add_to_count(flood, entry, VIEW("other"));
        return false;
    }
    if (listed == NULL) {
        listed = memory_allocate(1, sizeof *listed);
        hash_table_set(flood->sources, client, listed);
    }
    if (*listed >= flood->listed_maximum) {
        add_to_count(flood, entry, client);
        return false;
    }
    ++*listed;
    return true;
}
