#include "ldap/import.h"

#include "base/memory.h"
#include "ldap/utf8.h"

static bool is_surrogate(uint32_t unit)
{
    return (unit & 0xF800) == 0xD800;
}
static bool is_high_surrogate(uint32_t unit)
{
    return (unit & 0xFC00) == 0xD800;
}
static bool is_low_surrogate(uint32_t unit)
{
    return (unit & 0xFC00) == 0xDC00;
}

/* False when the text is not well-formed. `to` has room for 3 bytes for each 2 read. */
static bool convert_utf16(struct view from, bool big_endian, char *to, size_t *length)
{
    const unsigned char *data = (const unsigned char *)from.data;
    uint32_t high = 0; /* the first half of a pair, 0 outside */
    *length = 0;
    for (size_t i = 0; i + 1 < from.length; i += 2) {
        uint32_t unit = (uint32_t)data[i + !big_endian] << 8 | data[i + big_endian];
        if (high != 0) {
            if (!is_low_surrogate(unit))
                return false;
            unit = 0x10000 + ((high & 0x3FF) << 10) + (unit & 0x3FF);
            high = 0;
        } else if (is_high_surrogate(unit)) {
            high = unit;
            continue;
        } else if (is_surrogate(unit)) {
            return false;
        }
        *length += utf8_write_character(unit, to + *length);
    }
    return from.length % 2 == 0 && high == 0;
}

static bool is_line_end(char byte)
{
    return byte == '\r' || byte == '\n';
}

/* LDIF begins with "version:" or "dn:" behind comments and empty lines (RFC 2849). */
static bool is_ldif(struct view text)
{
    while (!view_is_empty(text)) {
        size_t end = 0;
        while (end < text.length && !is_line_end(text.data[end]))
            end++;
        struct view line = view_first(text, end);
        bool is_comment = end == 0 || line.data[0] == '#' || line.data[0] == ' ';
        if (!is_comment)
            return view_starts_with_nocase(line, VIEW("dn:")) ||
                   view_starts_with_nocase(line, VIEW("version:"));
        text = view_from(text, end + 1);
    }
    return false;
}

static bool read_utf8(struct view text, const struct import_sink *sink, struct error *error)
{
    if (text.length > 0 && memchr(text.data, 0, text.length) != NULL)
        return error_set(error, 0,
                         "The file is not text, or it is UTF-16 without a byte order mark: "
                         "save it as UTF-8 and import it again.");
    return (is_ldif(text) ? import_read_ldif : import_read_csv)(text, sink, error);
}

static bool read_utf16(struct view contents, bool big_endian, const struct import_sink *sink,
                       struct error *error)
{
    size_t length;
    char *text = memory_allocate(contents.length / 2 + 1, 3);
    bool good = convert_utf16(contents, big_endian, text, &length)
                    ? read_utf8(view_of(text, length), sink, error)
                    : error_set(error, 0, "The file begins as UTF-16 and is not well-formed.");
    memory_free(text);
    return good;
}

bool import_read(struct view contents, const struct import_sink *sink, struct error *error)
{
    if (view_starts_with_nocase(contents, VIEW("\xEF\xBB\xBF")))
        return read_utf8(view_from(contents, 3), sink, error);
    if (view_starts_with_nocase(contents, VIEW("\xFF\xFE")))
        return read_utf16(view_from(contents, 2), false, sink, error);
    if (view_starts_with_nocase(contents, VIEW("\xFE\xFF")))
        return read_utf16(view_from(contents, 2), true, sink, error);
    return read_utf8(contents, sink, error);
}
