/* Base64 with padding, without line breaks (RFC 4648 4). Any thread. */
#ifndef GATEPOST_BASE_BASE64_H
#define GATEPOST_BASE_BASE64_H

#include "base/view.h"

/* Characters for `length` bytes, without a NUL. */
#define BASE64_LENGTH(length) (((length) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(bytes.length) characters and a NUL. */
void base64_encode(struct view bytes, char *text);

/* False unless text is well-formed to the last bit. bytes: room for text.length / 4 * 3. */
bool base64_decode(struct view text, char *bytes, size_t *length);

#endif
