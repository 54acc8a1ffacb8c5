#include "delivery/queue.h"

#include "base/memory.h"

void queue_init(struct queue *queue)
{
    *queue = (struct queue){0};
    list_init(&queue->ready);
    list_init(&queue->taken);
}

void queue_free(struct queue *queue)
{
    memory_free(queue->waiting);
}

struct queue_entry *queue_entry_create(size_t recipient_count)
{
    struct queue_entry *entry = memory_allocate(
        1, sizeof(struct queue_entry) + recipient_count * sizeof(struct queue_recipient));
    list_init(&entry->link);
    entry->recipient_count = (uint32_t)recipient_count;
    return entry;
}

struct queue_entry *queue_entry_create_like(const struct queue_entry *entry, size_t recipient_count)
{
    struct queue_entry *other = queue_entry_create(recipient_count);
    other->message = entry->message;
    other->received_ms = entry->received_ms;
    other->next_attempt_ms = entry->next_attempt_ms;
    other->size = entry->size;
    other->attempts = entry->attempts;
    return other;
}

void queue_entry_free(struct queue_entry *entry)
{
    memory_free(entry);
}

static struct queue_entry *entry_of(const struct list *link)
{
    return LIST_MEMBER(link, struct queue_entry, link);
}

static void count_in(struct queue *queue, const struct queue_entry *entry)
{
    queue->messages++;
    queue->recipients += entry->recipient_count;
    queue->bytes += entry->size;
}

static void count_out(struct queue *queue, const struct queue_entry *entry)
{
    queue->messages--;
    queue->recipients -= entry->recipient_count;
    queue->bytes -= entry->size;
}

/* ---- the heap of those that wait ---- */

static bool is_before(const struct queue_entry *a, const struct queue_entry *b)
{
    /* Of those due at the same time the older message first. */
    if (a->next_attempt_ms != b->next_attempt_ms)
        return a->next_attempt_ms < b->next_attempt_ms;
    return a->message < b->message;
}

static void heap_up(struct queue *queue, size_t at)
{
    struct queue_entry *entry = queue->waiting[at];
    while (at > 0 && is_before(entry, queue->waiting[(at - 1) / 2])) {
        queue->waiting[at] = queue->waiting[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->waiting[at] = entry;
}

static void heap_down(struct queue *queue, size_t at)
{
    struct queue_entry *entry = queue->waiting[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= queue->waiting_count)
            break;
        if (child + 1 < queue->waiting_count &&
            is_before(queue->waiting[child + 1], queue->waiting[child]))
            child++;
        if (!is_before(queue->waiting[child], entry))
            break;
        queue->waiting[at] = queue->waiting[child];
        at = child;
    }
    queue->waiting[at] = entry;
}

static void heap_push(struct queue *queue, struct queue_entry *entry)
{
    if (queue->waiting_count == queue->waiting_capacity) {
        queue->waiting_capacity = queue->waiting_capacity == 0 ? 16 : queue->waiting_capacity * 2;
        queue->waiting =
            memory_resize(queue->waiting, queue->waiting_capacity, sizeof(struct queue_entry *));
    }
    queue->waiting[queue->waiting_count] = entry;
    heap_up(queue, queue->waiting_count++);
}

static struct queue_entry *heap_pop(struct queue *queue)
{
    struct queue_entry *first = queue->waiting[0];
    queue->waiting[0] = queue->waiting[--queue->waiting_count];
    if (queue->waiting_count > 0)
        heap_down(queue, 0);
    return first;
}

/* ---- in, through and out ---- */

void queue_append(struct queue *queue, struct queue_entry *entry)
{
    count_in(queue, entry);
    list_append(&queue->ready, &entry->link);
    queue->ready_count++;
}

void queue_prepend(struct queue *queue, struct queue_entry *entry)
{
    count_in(queue, entry);
    list_append(queue->ready.next, &entry->link);
    queue->ready_count++;
}

void queue_wait(struct queue *queue, struct queue_entry *entry)
{
    count_in(queue, entry);
    heap_push(queue, entry);
}

struct queue_entry *queue_take(struct queue *queue)
{
    if (queue->ready_count == 0)
        return NULL;
    struct queue_entry *entry = entry_of(queue->ready.next);
    list_remove(&entry->link);
    list_append(&queue->taken, &entry->link);
    queue->ready_count--;
    return entry;
}

void queue_leave(struct queue *queue, struct queue_entry *entry)
{
    count_out(queue, entry);
    list_remove(&entry->link);
}

void queue_wake(struct queue *queue, int64_t now_ms)
{
    while (queue->waiting_count > 0 && queue->waiting[0]->next_attempt_ms <= now_ms) {
        list_append(&queue->ready, &heap_pop(queue)->link);
        queue->ready_count++;
    }
}

int64_t queue_next_wake_ms(const struct queue *queue)
{
    return queue->waiting_count == 0 ? INT64_MAX : queue->waiting[0]->next_attempt_ms;
}

/* ---- walks ---- */

static int64_t oldest_of(const struct list *list, int64_t oldest_ms)
{
    for (const struct list *link = list->next; link != list; link = link->next) {
        if (oldest_ms == 0 || entry_of(link)->received_ms < oldest_ms)
            oldest_ms = entry_of(link)->received_ms;
    }
    return oldest_ms;
}

int64_t queue_oldest_ms(const struct queue *queue)
{
    int64_t oldest_ms = oldest_of(&queue->taken, oldest_of(&queue->ready, 0));
    for (size_t i = 0; i < queue->waiting_count; i++) {
        if (oldest_ms == 0 || queue->waiting[i]->received_ms < oldest_ms)
            oldest_ms = queue->waiting[i]->received_ms;
    }
    return oldest_ms;
}

static void extract_ready(struct queue *queue,
                          bool (*matches)(void *user, const struct queue_entry *entry), void *user,
                          struct list *out)
{
    for (struct list *link = queue->ready.next; link != &queue->ready;) {
        struct queue_entry *entry = entry_of(link);
        link = link->next;
        if (!matches(user, entry))
            continue;
        queue_leave(queue, entry);
        queue->ready_count--;
        list_append(out, &entry->link);
    }
}

void queue_extract(struct queue *queue,
                   bool (*matches)(void *user, const struct queue_entry *entry), void *user,
                   struct list *out)
{
    extract_ready(queue, matches, user, out);
    size_t kept = 0;
    for (size_t i = 0; i < queue->waiting_count; i++) {
        struct queue_entry *entry = queue->waiting[i];
        if (matches(user, entry)) {
            count_out(queue, entry);
            list_append(out, &entry->link);
        } else {
            queue->waiting[kept++] = entry;
        }
    }
    queue->waiting_count = kept;
    for (size_t i = kept / 2; i > 0; i--)
        heap_down(queue, i - 1);
}
