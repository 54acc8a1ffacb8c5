#include "base/buffer.h"

#include "base/memory.h"

#include <stdio.h>

#define SMALLEST_CAPACITY 256

void buffer_init(struct buffer *buffer, size_t maximum)
{
    *buffer = (struct buffer){.maximum = maximum};
}

void buffer_free(struct buffer *buffer)
{
    memory_free(buffer->data);
    buffer_init(buffer, buffer->maximum);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

void buffer_shrink(struct buffer *buffer, size_t keep)
{
    buffer_clear(buffer);
    if (buffer->capacity > keep)
        buffer_free(buffer);
}

/* capacity counts the NUL, so it may be one more than the maximum. */
static void grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    if (capacity - 1 > buffer->maximum)
        capacity = buffer->maximum + 1;
    buffer->data = memory_resize(buffer->data, capacity, 1);
    buffer->capacity = capacity;
}

char *buffer_reserve(struct buffer *buffer, size_t length)
{
    if (length > buffer->maximum - buffer->length || length > SIZE_MAX - 1 - buffer->length)
        return NULL;
    if (buffer->length + length + 1 > buffer->capacity)
        grow(buffer, buffer->length + length + 1);
    return buffer->data + buffer->length;
}

void buffer_extend(struct buffer *buffer, size_t length)
{
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

bool buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    char *to = buffer_reserve(buffer, length);
    if (to == NULL)
        return false;
    if (length > 0)
        memcpy(to, data, length);
    buffer_extend(buffer, length);
    return true;
}

bool buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

bool buffer_append_view(struct buffer *buffer, struct view view)
{
    return buffer_append(buffer, view.data, view.length);
}

bool buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return false;

    char *to = buffer_reserve(buffer, (size_t)length);
    if (to == NULL)
        return false;
    va_start(arguments, format);
    vsnprintf(to, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer_extend(buffer, (size_t)length);
    return true;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    if (length > buffer->length)
        length = buffer->length;
    if (length == 0)
        return;
    memmove(buffer->data, buffer->data + length, buffer->length - length);
    buffer->length -= length;
    buffer->data[buffer->length] = '\0';
}

struct view buffer_view(const struct buffer *buffer)
{
    return view_of(buffer->data, buffer->length);
}
