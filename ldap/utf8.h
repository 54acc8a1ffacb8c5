/* Characters of UTF-8 (RFC 3629) one by one; whether a text is well-formed says view_is_utf8(). Pure. */
#ifndef GATEPOST_LDAP_UTF8_H
#define GATEPOST_LDAP_UTF8_H

#include "base/view.h"

/* Bytes of the longest character. */
#define UTF8_CHARACTER_MAXIMUM 4

/* Reads one character of a well-formed text and moves *data behind it. */
uint32_t utf8_read_character(const unsigned char **data);

/* Returns how many bytes were written, at most UTF8_CHARACTER_MAXIMUM. */
size_t utf8_write_character(uint32_t character, char *data);

#endif
