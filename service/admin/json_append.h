/* JSON into a buffer with its maximum, for requests, answers and output. Any thread. */
#ifndef GATEPOST_ADMIN_JSON_APPEND_H
#define GATEPOST_ADMIN_JSON_APPEND_H

#include "base/buffer.h"

#include <jansson.h>

/* flags: jansson's. False, and nothing is appended, when it would pass the maximum. */
bool json_append(struct buffer *out, const json_t *value, size_t flags);

#endif
