/*
 * A growing run of bytes with a maximum that is set when it is made, so that nothing that arrives
 * from the network grows without bound. The owner frees it with buffer_free(). One thread at a time.
 * data is always followed by a NUL that length does not count, once anything was appended.
 */
#ifndef GATEPOST_BASE_BUFFER_H
#define GATEPOST_BASE_BUFFER_H

#include "base/format.h"
#include "base/view.h"

#include <stdarg.h>

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes */
};

void buffer_init(struct buffer *buffer, size_t maximum);
void buffer_free(struct buffer *buffer);

/* Empties it and keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* Empties it and gives the memory back when more than `keep` bytes are held. */
void buffer_shrink(struct buffer *buffer, size_t keep);

/* False, and nothing is appended, when the result would pass the maximum. */
bool buffer_append(struct buffer *buffer, const void *data, size_t length);
bool buffer_append_text(struct buffer *buffer, const char *text);
bool buffer_append_view(struct buffer *buffer, struct view view);
bool buffer_append_format(struct buffer *buffer, const char *format, ...) FORMAT_LIKE_PRINTF(2, 3);

/* Makes room for `length` more bytes and returns where to write them, NULL past the maximum; what was
 * written is then added with buffer_extend(). */
char *buffer_reserve(struct buffer *buffer, size_t length);
void buffer_extend(struct buffer *buffer, size_t length);

/* Removes `length` bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t length);

struct view buffer_view(const struct buffer *buffer);

#endif
