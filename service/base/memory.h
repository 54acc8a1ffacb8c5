/*
 * Allocation that does not fail. Out of memory ends the process (exit code 70 after a line on
 * stderr): a mail server that cannot allocate a few bytes can promise nothing. Sizes that come from
 * the network are bounded before they get here. Any thread. The caller owns what is returned and
 * frees it with memory_free().
 */
#ifndef GATEPOST_BASE_MEMORY_H
#define GATEPOST_BASE_MEMORY_H

#include <stddef.h>

/* Zero-filled. count * size is checked for overflow. */
void *memory_allocate(size_t count, size_t size);

/* Grows or shrinks; the part that is new is not cleared. block may be NULL. */
void *memory_resize(void *block, size_t count, size_t size);

char *memory_copy_text(const char *text);
void memory_free(void *block);

#endif
