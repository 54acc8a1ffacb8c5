#include "base/arena.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct block {
    struct block *next;
    size_t capacity;
    size_t used;
    max_align_t bytes[];
};

/* blocks is the one that is filled at present, older ones and the large ones stand behind it. */
struct arena {
    struct block *blocks;
    size_t block_size;
};

static struct block *block_create(size_t capacity, struct block *next)
{
    struct block *block = memory_resize(NULL, sizeof *block + capacity, 1);
    *block = (struct block){.next = next, .capacity = capacity};
    return block;
}

static void blocks_free(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        memory_free(block);
        block = next;
    }
}

struct arena *arena_create(size_t block_size)
{
    struct arena *arena = memory_allocate(1, sizeof *arena);
    arena->block_size = block_size;
    arena->blocks = block_create(block_size, NULL);
    return arena;
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL)
        return;
    blocks_free(arena->blocks);
    memory_free(arena);
}

/* The first block always has the common size: large requests are put behind it. */
void arena_reset(struct arena *arena)
{
    blocks_free(arena->blocks->next);
    arena->blocks->next = NULL;
    arena->blocks->used = 0;
}

static void *block_take(struct block *block, size_t size)
{
    char *place = (char *)block->bytes + block->used;
    block->used += size;
    return memset(place, 0, size);
}

void *arena_allocate(struct arena *arena, size_t size)
{
    size_t alignment = _Alignof(max_align_t);
    if (size > SIZE_MAX - sizeof(struct block) - alignment)
        size = SIZE_MAX - sizeof(struct block) - alignment; /* ends in "out of memory" */
    size = (size + alignment - 1) / alignment * alignment;

    struct block *first = arena->blocks;
    if (size <= first->capacity - first->used)
        return block_take(first, size);
    if (size > arena->block_size / 4) {
        first->next = block_create(size, first->next);
        return block_take(first->next, size);
    }
    arena->blocks = block_create(arena->block_size, first);
    return block_take(arena->blocks, size);
}

const char *arena_copy_text(struct arena *arena, struct view view)
{
    char *copy = arena_allocate(arena, view.length + 1);
    if (view.length > 0)
        memcpy(copy, view.data, view.length);
    return copy;
}

struct view arena_copy_view(struct arena *arena, struct view view)
{
    return view_of(arena_copy_text(arena, view), view.length);
}

const char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        length = 0;

    char *text = arena_allocate(arena, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}
