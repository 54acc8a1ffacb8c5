/* The harvest defence: what it does, who is held off, and letting somebody in again. */
#include "server_admin.h"

#include "base/memory.h"
#include "platform/clock.h"

#include <stdlib.h>
#include <string.h>

json_t *server_harvest_json(const struct server *server)
{
    struct harvest_counts counts;
    harvest_count(server->harvest, clock_monotonic_ms(), &counts);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "delayed", (json_int_t)counts.delayed,
                     "undelayed", (json_int_t)counts.undelayed, "sessions_ended",
                     (json_int_t)counts.sessions_ended, "turned_away",
                     (json_int_t)counts.turned_away, "waiting", (json_int_t)counts.waiting,
                     "held_off", (json_int_t)counts.held_off);
}

/* ---- who is held off ---- */

struct source_page {
    const char *after;
    struct harvest_source *sources;
    size_t count;
    size_t capacity;
};

static void add_source(void *user, const struct harvest_source *source)
{
    struct source_page *page = user;
    if (strcmp(source->text, page->after) <= 0)
        return;
    if (page->count == page->capacity) {
        page->capacity = page->capacity == 0 ? PAGE_DEFAULT : page->capacity * 2;
        page->sources = memory_resize(page->sources, page->capacity, sizeof(*page->sources));
    }
    page->sources[page->count++] = *source;
}

static int compare_sources(const void *left, const void *right)
{
    const struct harvest_source *a = left;
    const struct harvest_source *b = right;
    return strcmp(a->text, b->text);
}

static json_t *source_json(const struct harvest_source *source, int64_t now_ms)
{
    int64_t ahead_ms = clock_unix_ms() - now_ms;
    return json_pack("{s:s, s:I, s:I, s:o, s:o}", "address", source->text, "unknown",
                     (json_int_t)source->unknown, "turned_away", (json_int_t)source->turned_away,
                     "since", server_json_time(source->since_ms + ahead_ms), "until",
                     server_json_time(source->until_ms + ahead_ms));
}

/* In the order of their texts, because they come and go between two pages. */
json_t *server_harvest_list(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct source_page page = {.count = 0};
    int64_t now_ms = clock_monotonic_ms();
    size_t limit;
    if (!server_page(call, &limit, &page.after))
        return NULL;
    harvest_sources_each(harvest_sources(server->harvest), now_ms, add_source, &page);
    if (page.count > 0)
        qsort(page.sources, page.count, sizeof(*page.sources), compare_sources);
    json_t *sources = json_array();
    for (size_t i = 0; i < page.count && i < limit; i++)
        json_array_append_new(sources, source_json(&page.sources[i], now_ms));
    json_t *result = json_pack("{s:o}", "sources", sources);
    if (page.count > limit)
        json_object_set_new(result, "next", json_string(page.sources[limit - 1].text));
    memory_free(page.sources);
    return result;
}

/* "192.0.2.1", or a network as harvest.list has it. */
static bool parse_source(const char *text, struct ip_address *address)
{
    struct view whole = view_of_text(text);
    struct view plain =
        view_ends_with_nocase(whole, VIEW("/64")) ? view_first(whole, whole.length - 3) : whole;
    return ip_parse(plain, address) && (plain.length == whole.length || address->is_v6);
}

json_t *server_harvest_clear(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct harvest_sources *sources = harvest_sources(server->harvest);
    struct ip_address address;
    const char *text;
    size_t cleared;
    if (!server_required(call, "address", &text))
        return NULL;
    if (strcmp(text, "all") == 0)
        cleared = harvest_sources_forget_all(sources);
    else if (parse_source(text, &address))
        cleared = harvest_sources_forget(sources, &address, clock_monotonic_ms()) ? 1 : 0;
    else
        return admin_fail(call, "bad-request", "address: \"%s\" is no IP address.", text);
    log_line(LOG_INFORMATION, 0, "%s lets %s in again, %zu of them were held off", call->who, text,
             cleared);
    return json_pack("{s:I}", "cleared", (json_int_t)cleared);
}
