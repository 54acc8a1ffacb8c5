#include "base/view.h"

char ascii_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

bool view_equal(struct view a, struct view b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool view_equal_nocase(struct view a, struct view b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

bool view_starts_with_nocase(struct view view, struct view prefix)
{
    return view.length >= prefix.length &&
           view_equal_nocase(view_first(view, prefix.length), prefix);
}

bool view_ends_with_nocase(struct view view, struct view suffix)
{
    return view.length >= suffix.length &&
           view_equal_nocase(view_from(view, view.length - suffix.length), suffix);
}

struct view view_from(struct view view, size_t from)
{
    if (from == 0)
        return view;
    if (from > view.length)
        from = view.length;
    return view_of(view.data + from, view.length - from);
}

struct view view_first(struct view view, size_t length)
{
    return view_of(view.data, length < view.length ? length : view.length);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct view view_trim(struct view view)
{
    while (view.length > 0 && is_blank(view.data[view.length - 1]))
        view.length--;
    while (view.length > 0 && is_blank(view.data[0]))
        view = view_from(view, 1);
    return view;
}

size_t view_find(struct view view, char byte)
{
    if (view.length == 0)
        return 0;
    const char *found = memchr(view.data, byte, view.length);
    return found == NULL ? view.length : (size_t)(found - view.data);
}

size_t view_find_last(struct view view, char byte)
{
    for (size_t i = view.length; i > 0; i--)
        if (view.data[i - 1] == byte)
            return i - 1;
    return view.length;
}

bool view_split(struct view *rest, char separator, struct view *part)
{
    if (rest->data == NULL)
        return false;
    size_t end = view_find(*rest, separator);
    *part = view_first(*rest, end);
    *rest = end == rest->length ? VIEW_NONE : view_from(*rest, end + 1);
    return true;
}

bool view_to_uint64(struct view view, uint64_t *number)
{
    uint64_t value = 0;
    if (view.length == 0)
        return false;
    for (size_t i = 0; i < view.length; i++) {
        if (view.data[i] < '0' || view.data[i] > '9')
            return false;
        unsigned digit = (unsigned)(view.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

bool view_copy_text(struct view view, char *text, size_t size)
{
    size_t length = view.length;
    bool whole = length < size;
    if (!whole) {
        length = size - 1;
        /* Step back over continuation bytes, so that no character is cut in two. */
        while (length > 0 && ((unsigned char)view.data[length] & 0xC0) == 0x80)
            length--;
    }
    if (length > 0)
        memcpy(text, view.data, length);
    text[length] = '\0';
    return whole;
}

/* The length of the UTF-8 character that starts at data, 0 when it is not well-formed. The first
 * byte alone decides the length; it also narrows the range of the second, which is what rules out
 * overlong forms, surrogates and numbers above U+10FFFF (RFC 3629, section 4). */
static size_t utf8_character(const unsigned char *data, size_t length)
{
    unsigned first = data[0];
    unsigned low = 0x80, high = 0xBF;
    size_t size;

    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF) {
        size = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        size = 3;
        low = first == 0xE0 ? 0xA0 : low;
        high = first == 0xED ? 0x9F : high;
    } else if (first >= 0xF0 && first <= 0xF4) {
        size = 4;
        low = first == 0xF0 ? 0x90 : low;
        high = first == 0xF4 ? 0x8F : high;
    } else {
        return 0;
    }
    if (length < size || data[1] < low || data[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((data[i] & 0xC0) != 0x80)
            return 0;
    return size;
}

bool view_is_utf8(struct view view)
{
    const unsigned char *data = (const unsigned char *)view.data;
    for (size_t i = 0; i < view.length;) {
        size_t size = utf8_character(data + i, view.length - i);
        if (size == 0)
            return false;
        i += size;
    }
    return true;
}

bool view_is_ascii(struct view view)
{
    for (size_t i = 0; i < view.length; i++)
        if ((unsigned char)view.data[i] >= 0x80)
            return false;
    return true;
}
