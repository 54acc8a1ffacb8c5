#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_OUT_OF_MEMORY 70

static void end_process(void)
{
    fputs("gatepost: out of memory\n", stderr);
    _Exit(EXIT_OUT_OF_MEMORY);
}

void *memory_allocate(size_t count, size_t size)
{
    /* calloc may return NULL for nothing at all, which would look like a failure. */
    if (count == 0 || size == 0)
        count = size = 1;
    void *block = calloc(count, size);
    if (block == NULL)
        end_process();
    return block;
}

void *memory_resize(void *block, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        end_process();
    size_t bytes = count * size;
    void *resized = realloc(block, bytes == 0 ? 1 : bytes);
    if (resized == NULL)
        end_process();
    return resized;
}

char *memory_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_allocate(size, 1);
    memcpy(copy, text, size);
    return copy;
}

void memory_free(void *block)
{
    free(block);
}
