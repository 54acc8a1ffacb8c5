#include "spool/item.h"

#include "base/memory.h"

/* ---- memory for content ---- */

struct body_memory *spool_body_memory_create(uint64_t maximum)
{
    struct body_memory *memory = memory_allocate(1, sizeof *memory);
    atomic_init(&memory->maximum, maximum);
    atomic_init(&memory->owners, 1);
    return memory;
}

struct body_memory *spool_body_memory_retain(struct body_memory *memory)
{
    atomic_fetch_add(&memory->owners, 1);
    return memory;
}

void spool_body_memory_release(struct body_memory *memory)
{
    if (memory != NULL && atomic_fetch_sub(&memory->owners, 1) == 1)
        memory_free(memory);
}

static bool body_memory_take(struct body_memory *memory, uint64_t bytes)
{
    if (atomic_fetch_add(&memory->used, bytes) + bytes <= atomic_load(&memory->maximum))
        return true;
    atomic_fetch_sub(&memory->used, bytes);
    return false;
}

/* ---- items ---- */

/* Copies of texts, one behind the other. */
static const char *place_text(char **place, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*place, text, size);
    *place += size;
    return copy;
}

static size_t text_bytes(const struct spool_facts *facts, const struct spool_recipient *recipients,
                         size_t recipient_count)
{
    const char *const texts[] = {facts->reverse_path,   facts->client,     facts->helo,
                                 facts->virtual_server, facts->message_id, facts->subject,
                                 facts->envid};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        bytes += strlen(texts[i]) + 1;
    for (size_t i = 0; i < recipient_count; i++)
        bytes += strlen(recipients[i].address) + strlen(recipients[i].orcpt) +
                 strlen(recipients[i].last_reply) + 3;
    return bytes;
}

static struct spool_facts place_facts(char **place, const struct spool_facts *facts)
{
    struct spool_facts copy = *facts;
    copy.reverse_path = place_text(place, facts->reverse_path);
    copy.client = place_text(place, facts->client);
    copy.helo = place_text(place, facts->helo);
    copy.virtual_server = place_text(place, facts->virtual_server);
    copy.message_id = place_text(place, facts->message_id);
    copy.subject = place_text(place, facts->subject);
    copy.envid = place_text(place, facts->envid);
    return copy;
}

struct stored_item *spool_item_create(const struct spool_facts *facts,
                                      const struct spool_recipient *recipients,
                                      size_t recipient_count)
{
    size_t array_bytes = recipient_count * sizeof recipients[0];
    struct stored_item *stored = memory_allocate(
        1, sizeof *stored + array_bytes + text_bytes(facts, recipients, recipient_count));
    struct spool_recipient *copies = (struct spool_recipient *)(stored + 1);
    char *place = (char *)(copies + recipient_count);

    atomic_init(&stored->owners, 1);
    stored->item.facts = place_facts(&place, facts);
    stored->item.recipients = copies;
    stored->item.recipient_count = recipient_count;
    for (size_t i = 0; i < recipient_count; i++) {
        copies[i] = recipients[i];
        copies[i].address = place_text(&place, recipients[i].address);
        copies[i].orcpt = place_text(&place, recipients[i].orcpt);
        copies[i].last_reply = place_text(&place, recipients[i].last_reply);
    }
    return stored;
}

void spool_item_keep_body(struct stored_item *stored, struct buffer *body,
                          struct body_memory *memory)
{
    if (body_memory_take(memory, body->capacity)) {
        stored->memory = spool_body_memory_retain(memory);
        stored->body = *body;
        buffer_init(body, body->maximum);
    } else {
        buffer_free(body);
    }
}

bool spool_item_body(const struct spool_item *item, struct view *content)
{
    const struct stored_item *stored = (const struct stored_item *)item;
    if (stored->memory == NULL)
        return false;
    *content = buffer_view(&stored->body);
    return true;
}

const struct spool_item *spool_item_retain(const struct spool_item *item)
{
    /* Immutable for those it is lent to, all but the count. */
    struct stored_item *stored = (struct stored_item *)(uintptr_t)item;
    atomic_fetch_add(&stored->owners, 1);
    return item;
}

void spool_item_release(const struct spool_item *item)
{
    struct stored_item *stored = (struct stored_item *)(uintptr_t)item;
    if (stored == NULL || atomic_fetch_sub(&stored->owners, 1) != 1)
        return;
    if (stored->memory != NULL) {
        atomic_fetch_sub(&stored->memory->used, stored->body.capacity);
        buffer_free(&stored->body);
        spool_body_memory_release(stored->memory);
    }
    memory_free(stored);
}
