/*
 * A borrowed piece of text or bytes: pointer and length, never owned, not NUL-terminated. Valid for
 * as long as the memory it looks at. Comparison without case folds ASCII only, as RFC 5321 2.4 asks
 * for commands and domains. Any thread.
 */
#ifndef GATEPOST_BASE_VIEW_H
#define GATEPOST_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
    const char *data;
    size_t length;
};

#define VIEW(literal) ((struct view){"" literal, sizeof(literal) - 1})
#define VIEW_NONE     ((struct view){NULL, 0})

static inline struct view view_of(const char *data, size_t length)
{
    return (struct view){data, length};
}

static inline struct view view_of_text(const char *text)
{
    return (struct view){text, text == NULL ? 0 : strlen(text)};
}

static inline bool view_is_empty(struct view view)
{
    return view.length == 0;
}

bool view_equal(struct view a, struct view b);
bool view_equal_nocase(struct view a, struct view b);
bool view_starts_with_nocase(struct view view, struct view prefix);
bool view_ends_with_nocase(struct view view, struct view suffix);

/* From position `from` on, to the end; an empty view when `from` is past the end. */
struct view view_from(struct view view, size_t from);

/* At most `length` bytes from the start. */
struct view view_first(struct view view, size_t length);

/* Without spaces and tabs at both ends. */
struct view view_trim(struct view view);

/* Position of the first / last byte equal to `byte`, or view.length when there is none. */
size_t view_find(struct view view, char byte);
size_t view_find_last(struct view view, char byte);

/* Cuts the part before `separator` off *rest and returns it; the last part leaves *rest with data
 * NULL. Returns false when *rest has data NULL already. */
bool view_split(struct view *rest, char separator, struct view *part);

/* Decimal digits only, no sign, no blanks. False on anything else, on overflow, on no digit. */
bool view_to_uint64(struct view view, uint64_t *number);

/* Copies with a terminating NUL, cut at `size` - 1 bytes on a UTF-8 character boundary.
 * Returns false when it was cut. size > 0. */
bool view_copy_text(struct view view, char *text, size_t size);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool view_is_utf8(struct view view);
bool view_is_ascii(struct view view);

char ascii_lower(char byte);

#endif
