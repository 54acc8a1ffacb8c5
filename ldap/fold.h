/*
 * Letters without case, one character for one: "Jürgen" and "JÜRGEN" become "jürgen". Follows Unicode's
 * simple case folding, with one exception: no character outside ASCII becomes one inside, so that an
 * address that looks foreign never turns into a plain one. Pure; any thread.
 */
#ifndef GATEPOST_LDAP_FOLD_H
#define GATEPOST_LDAP_FOLD_H

#include "ldap/utf8.h"

/* A text of n bytes never needs more than this: no character grows from less than 2 to more than 3. */
#define FOLD_SIZE(n) ((n)*3 / 2 + UTF8_CHARACTER_MAXIMUM)

/* False when the text is not UTF-8, or when `size` bytes are too few. */
bool fold_text(struct view text, char *folded, size_t size, size_t *length);

#endif
