#include "policy/harvest_sources.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/memory.h"
#include "platform/thread.h"

#include <stdatomic.h>
#include <stdio.h>

#define SHARDS       16
#define IPV6_NETWORK 8 /* bytes */
#define SECOND_MS    INT64_C(1000)

struct source_key {
    char bytes[IPV6_NETWORK];
    size_t length;
};

struct source {
    struct list link; /* in `quiet` or `held` of its shard */
    struct source_key key;
    uint32_t unknown;     /* since window_ms */
    uint32_t turned_away; /* since held_ms */
    int64_t window_ms;    /* begin of its window */
    int64_t held_ms;      /* when it was held off; */
    int64_t until_ms;     /* 0: it is not */
};

/* The sources whose keys fall into it. */
struct shard {
    struct lock *lock;
    struct hash_table *table;
    struct list quiet; /* counted; the one that has been quiet for longest first */
    struct list held;  /* held off; the one that was first comes first */
};

struct harvest_sources {
    struct shard shards[SHARDS];
    atomic_uint held; /* those whose time is over and that nobody looked at since are among them */
};

struct harvest_sources *harvest_sources_create(void)
{
    struct harvest_sources *sources = memory_allocate(1, sizeof *sources);
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &sources->shards[i];
        shard->lock = lock_create();
        shard->table = hash_table_create();
        list_init(&shard->quiet);
        list_init(&shard->held);
    }
    return sources;
}

void harvest_sources_destroy(struct harvest_sources *sources)
{
    for (size_t i = 0; i < SHARDS; i++) {
        hash_table_destroy(sources->shards[i].table, memory_free);
        lock_destroy(sources->shards[i].lock);
    }
    memory_free(sources);
}

/* ---- keys ---- */

static struct source_key key_of(const struct ip_address *client)
{
    struct source_key key = {.length = client->is_v6 ? IPV6_NETWORK : 4};
    memcpy(key.bytes, client->bytes, key.length);
    return key;
}

static struct view key_view(const struct source_key *key)
{
    return view_of(key->bytes, key->length);
}

static struct shard *shard_of(struct harvest_sources *sources, const struct source_key *key)
{
    return &sources->shards[hash_bytes(hash_key_of_process(), key->bytes, key->length) % SHARDS];
}

static void format_key(const struct source_key *key, char text[HARVEST_SOURCE_TEXT_SIZE])
{
    struct ip_address address = {.is_v6 = key->length == IPV6_NETWORK};
    char plain[IP_TEXT_SIZE];
    memcpy(address.bytes, key->bytes, key->length);
    ip_format(&address, plain);
    snprintf(text, HARVEST_SOURCE_TEXT_SIZE, "%s%s", plain, address.is_v6 ? "/64" : "");
}

/* ---- under the lock of the shard ---- */

static void drop(struct harvest_sources *sources, struct shard *shard, struct source *source)
{
    hash_table_take(shard->table, key_view(&source->key));
    list_remove(&source->link);
    if (source->until_ms != 0)
        atomic_fetch_sub(&sources->held, 1);
    memory_free(source);
}

/* NULL also for a source whose time off is over: it begins anew. */
static struct source *find(struct harvest_sources *sources, struct shard *shard,
                           const struct source_key *key, int64_t now_ms)
{
    struct source *source = hash_table_get(shard->table, key_view(key));
    if (source == NULL || source->until_ms == 0 || source->until_ms > now_ms)
        return source;
    drop(sources, shard, source);
    return NULL;
}

static void drop_expired(struct harvest_sources *sources, struct shard *shard, int64_t now_ms)
{
    while (!list_is_empty(&shard->held)) {
        struct source *first = LIST_MEMBER(shard->held.next, struct source, link);
        if (first->until_ms > now_ms)
            return;
        drop(sources, shard, first);
    }
}

static void make_room(struct harvest_sources *sources, struct shard *shard, size_t most)
{
    while (hash_table_count(shard->table) >= most) {
        const struct list *list = list_is_empty(&shard->quiet) ? &shard->held : &shard->quiet;
        drop(sources, shard, LIST_MEMBER(list->next, struct source, link));
    }
}

static struct source *add(struct harvest_sources *sources, struct shard *shard,
                          const struct source_key *key, const struct settings_harvest *limits,
                          int64_t now_ms)
{
    make_room(sources, shard, ((size_t)limits->sources + SHARDS - 1) / SHARDS);
    struct source *source = memory_allocate(1, sizeof *source);
    source->key = *key;
    source->window_ms = now_ms;
    list_append(&shard->quiet, &source->link);
    hash_table_set(shard->table, key_view(&source->key), source);
    return source;
}

static void count_unknown(struct source *source, struct shard *shard,
                          const struct settings_harvest *limits, int64_t now_ms)
{
    if (now_ms - source->window_ms >= limits->source_window * SECOND_MS) {
        source->window_ms = now_ms;
        source->unknown = 0;
    }
    source->unknown++;
    list_remove(&source->link);
    list_append(&shard->quiet, &source->link);
}

static void hold_off(struct harvest_sources *sources, struct shard *shard, struct source *source,
                     const struct settings_harvest *limits, int64_t now_ms)
{
    source->held_ms = now_ms;
    source->until_ms = now_ms + limits->hold_off * SECOND_MS;
    list_remove(&source->link);
    list_append(&shard->held, &source->link);
    atomic_fetch_add(&sources->held, 1);
}

/* ---- what is asked ---- */

bool harvest_sources_count(struct harvest_sources *sources, const struct settings_harvest *limits,
                           const struct ip_address *client, int64_t now_ms, bool *is_news)
{
    struct source_key key = key_of(client);
    struct shard *shard = shard_of(sources, &key);
    lock_acquire(shard->lock);
    struct source *source = find(sources, shard, &key, now_ms);
    if (source == NULL)
        source = add(sources, shard, &key, limits, now_ms);
    bool was_held = source->until_ms != 0;
    if (!was_held)
        count_unknown(source, shard, limits, now_ms);
    *is_news = !was_held && source->unknown > limits->source_unknown;
    if (*is_news)
        hold_off(sources, shard, source, limits, now_ms);
    bool is_held = was_held || *is_news;
    source->turned_away += is_held;
    lock_release(shard->lock);
    return is_held;
}

bool harvest_sources_hold(struct harvest_sources *sources, const struct ip_address *client,
                          int64_t now_ms)
{
    if (atomic_load_explicit(&sources->held, memory_order_relaxed) == 0)
        return false;
    struct source_key key = key_of(client);
    struct shard *shard = shard_of(sources, &key);
    lock_acquire(shard->lock);
    struct source *source = find(sources, shard, &key, now_ms);
    bool is_held = source != NULL && source->until_ms != 0;
    if (is_held)
        source->turned_away++;
    lock_release(shard->lock);
    return is_held;
}

bool harvest_sources_forget(struct harvest_sources *sources, const struct ip_address *client,
                            int64_t now_ms)
{
    struct source_key key = key_of(client);
    struct shard *shard = shard_of(sources, &key);
    lock_acquire(shard->lock);
    struct source *source = find(sources, shard, &key, now_ms);
    bool was_held = source != NULL && source->until_ms != 0;
    if (source != NULL)
        drop(sources, shard, source);
    lock_release(shard->lock);
    return was_held;
}

size_t harvest_sources_forget_all(struct harvest_sources *sources)
{
    size_t held = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &sources->shards[i];
        lock_acquire(shard->lock);
        while (!list_is_empty(&shard->quiet))
            drop(sources, shard, LIST_MEMBER(shard->quiet.next, struct source, link));
        for (; !list_is_empty(&shard->held); held++)
            drop(sources, shard, LIST_MEMBER(shard->held.next, struct source, link));
        lock_release(shard->lock);
    }
    return held;
}

static void tell(const struct source *source,
                 void (*each)(void *user, const struct harvest_source *source), void *user)
{
    struct harvest_source told = {.unknown = source->unknown,
                                  .turned_away = source->turned_away,
                                  .since_ms = source->held_ms,
                                  .until_ms = source->until_ms};
    format_key(&source->key, told.text);
    each(user, &told);
}

void harvest_sources_each(struct harvest_sources *sources, int64_t now_ms,
                          void (*each)(void *user, const struct harvest_source *source), void *user)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &sources->shards[i];
        lock_acquire(shard->lock);
        drop_expired(sources, shard, now_ms);
        for (struct list *link = shard->held.next; link != &shard->held; link = link->next)
            tell(LIST_MEMBER(link, struct source, link), each, user);
        lock_release(shard->lock);
    }
}

size_t harvest_sources_remembered(struct harvest_sources *sources)
{
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        lock_acquire(sources->shards[i].lock);
        count += hash_table_count(sources->shards[i].table);
        lock_release(sources->shards[i].lock);
    }
    return count;
}

size_t harvest_sources_held(struct harvest_sources *sources, int64_t now_ms)
{
    for (size_t i = 0; i < SHARDS; i++) {
        lock_acquire(sources->shards[i].lock);
        drop_expired(sources, &sources->shards[i], now_ms);
        lock_release(sources->shards[i].lock);
    }
    return atomic_load(&sources->held);
}
