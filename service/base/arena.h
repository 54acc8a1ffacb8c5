/*
 * Memory that is given back all at once: one for each session and each walk of a message. What is
 * allocated from it lives until arena_reset() or arena_destroy(). One thread at a time.
 */
#ifndef GATEPOST_BASE_ARENA_H
#define GATEPOST_BASE_ARENA_H

#include "base/format.h"
#include "base/view.h"

struct arena;

/* block_size: bytes taken from the heap at a time, 256 or more; larger requests get their own. */
struct arena *arena_create(size_t block_size);
void arena_destroy(struct arena *arena);

/* Forgets everything and keeps one block for what comes next. */
void arena_reset(struct arena *arena);

/* Zero-filled, aligned for any type. */
void *arena_allocate(struct arena *arena, size_t size);

/* A NUL-terminated copy; the view covers it without the NUL. */
struct view arena_copy_view(struct arena *arena, struct view view);
const char *arena_copy_text(struct arena *arena, struct view view);
const char *arena_format(struct arena *arena, const char *format, ...) FORMAT_LIKE_PRINTF(2, 3);

#endif
