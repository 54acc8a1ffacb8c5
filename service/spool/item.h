/*
 * The accepted message as it is lent out: one block of memory with facts, recipients and all their
 * texts, counted; beside it the content while the memory set aside for that lasts. Any thread.
 */
#ifndef GATEPOST_SPOOL_ITEM_H
#define GATEPOST_SPOOL_ITEM_H

#include "base/buffer.h"
#include "spool/spool.h"

#include <stdatomic.h>

/* Shared by all items of a spool, which may outlive it: the last owner frees it. */
struct body_memory {
    _Atomic uint64_t used; /* bytes */
    _Atomic uint64_t maximum;
    _Atomic uint32_t owners;
};

struct body_memory *spool_body_memory_create(uint64_t maximum);
struct body_memory *spool_body_memory_retain(struct body_memory *memory);
void spool_body_memory_release(struct body_memory *memory);

struct stored_item {
    struct spool_item item; /* first, so that one pointer serves for both */
    _Atomic uint32_t owners;
    struct body_memory *memory; /* NULL: no content is kept here */
    struct buffer body;
};

/* A copy with one owner, without content. */
struct stored_item *spool_item_create(const struct spool_facts *facts,
                                      const struct spool_recipient *recipients,
                                      size_t recipient_count);

/* Takes `body`: keeps it as the whole content when there is memory for it, else frees it. Before the
 * item is lent to anybody. */
void spool_item_keep_body(struct stored_item *stored, struct buffer *body,
                          struct body_memory *memory);

/* The whole content when it is in memory. */
bool spool_item_body(const struct spool_item *item, struct view *content);

#endif
