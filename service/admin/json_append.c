#include "admin/json_append.h"

static int append_part(const char *data, size_t length, void *out)
{
    return buffer_append(out, data, length) ? 0 : -1;
}

bool json_append(struct buffer *out, const json_t *value, size_t flags)
{
    size_t start = out->length;
    if (json_dump_callback(value, append_part, out, flags) == 0)
        return true;
    out->length = start;
    return false;
}
