#include "callout/cache.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/memory.h"

enum { REFUSED, ACCEPTED, KINDS };

struct entry {
    struct callout_cached answer; /* first: what callout_cache_get() gives out */
    struct list link;             /* in its ring, the one used last at the end */
    struct view key;              /* behind the entry, as the text is */
};

struct callout_cache {
    struct hash_table *entries;
    struct list rings[KINDS];
    size_t counts[KINDS];
};

struct callout_cache *callout_cache_create(void)
{
    struct callout_cache *cache = memory_allocate(1, sizeof *cache);
    cache->entries = hash_table_create();
    for (int kind = 0; kind < KINDS; kind++)
        list_init(&cache->rings[kind]);
    return cache;
}

void callout_cache_destroy(struct callout_cache *cache)
{
    hash_table_destroy(cache->entries, memory_free);
    memory_free(cache);
}

static int kind_of(const struct callout_cached *answer)
{
    return answer->accepted ? ACCEPTED : REFUSED;
}

static void drop(struct callout_cache *cache, struct entry *entry)
{
    hash_table_take(cache->entries, entry->key);
    list_remove(&entry->link);
    cache->counts[kind_of(&entry->answer)]--;
    memory_free(entry);
}

static struct entry *make_entry(struct view key, const struct callout_cached *answer)
{
    size_t text_length = strlen(answer->text);
    struct entry *entry = memory_allocate(1, sizeof *entry + key.length + text_length + 1);
    char *behind = (char *)(entry + 1);
    memcpy(behind, key.data, key.length);
    memcpy(behind + key.length, answer->text, text_length + 1);
    entry->answer = *answer;
    entry->answer.text = behind + key.length;
    entry->key = view_of(behind, key.length);
    list_init(&entry->link);
    return entry;
}

void callout_cache_set(struct callout_cache *cache, struct view key,
                       const struct callout_cached *answer, size_t most)
{
    struct entry *entry = make_entry(key, answer); /* before the old one, whose text it may be */
    callout_cache_forget(cache, key);
    hash_table_set(cache->entries, entry->key, entry);
    list_append(&cache->rings[kind_of(&entry->answer)], &entry->link);
    cache->counts[kind_of(&entry->answer)]++;
    while (hash_table_count(cache->entries) > most) {
        int kind = cache->counts[REFUSED] > 0 ? REFUSED : ACCEPTED;
        drop(cache, LIST_MEMBER(cache->rings[kind].next, struct entry, link));
    }
}

const struct callout_cached *callout_cache_get(struct callout_cache *cache, struct view key)
{
    struct entry *entry = hash_table_get(cache->entries, key);
    if (entry == NULL)
        return NULL;
    list_remove(&entry->link);
    list_append(&cache->rings[kind_of(&entry->answer)], &entry->link);
    return &entry->answer;
}

bool callout_cache_forget(struct callout_cache *cache, struct view key)
{
    struct entry *entry = hash_table_get(cache->entries, key);
    if (entry != NULL)
        drop(cache, entry);
    return entry != NULL;
}

size_t callout_cache_forget_domain(struct callout_cache *cache, struct view domain)
{
    size_t count = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        struct list *ring = &cache->rings[kind];
        for (struct list *link = ring->next, *next; link != ring; link = next) {
            struct entry *entry = LIST_MEMBER(link, struct entry, link);
            struct view of = view_from(entry->key, view_find_last(entry->key, '@') + 1);
            next = link->next;
            if (!view_is_empty(domain) && !view_equal(of, domain))
                continue;
            drop(cache, entry);
            count++;
        }
    }
    return count;
}

size_t callout_cache_count(const struct callout_cache *cache, bool accepted)
{
    return cache->counts[accepted ? ACCEPTED : REFUSED];
}
