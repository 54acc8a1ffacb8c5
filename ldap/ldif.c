#include "ldap/ldif.h"

void ldif_begin(struct ldif_reader *reader, struct view text)
{
    *reader = (struct ldif_reader){.line = 1, .rest = text};
    buffer_init(&reader->joined, text.length + 1);
}

void ldif_end(struct ldif_reader *reader)
{
    buffer_free(&reader->joined);
}

/* Cuts the next physical line off, without its end. */
static struct view next_physical(struct ldif_reader *reader)
{
    size_t end = view_find(reader->rest, '\n');
    struct view line = view_first(reader->rest, end);
    reader->rest = view_from(reader->rest, end + 1);
    reader->line++;
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}

static bool is_continued(const struct ldif_reader *reader)
{
    return !view_is_empty(reader->rest) && reader->rest.data[0] == ' ';
}

static struct view next_logical(struct ldif_reader *reader)
{
    struct view line = next_physical(reader);
    if (view_is_empty(line) || !is_continued(reader))
        return line;
    /* Never refused: all lines together are no longer than the text. */
    buffer_clear(&reader->joined);
    buffer_append_view(&reader->joined, line);
    while (is_continued(reader))
        buffer_append_view(&reader->joined, view_from(next_physical(reader), 1));
    return buffer_view(&reader->joined);
}

static bool split_attribute(struct view text, struct ldif_attribute *attribute, struct error *error)
{
    size_t colon = view_find(text, ':');
    if (colon == text.length || colon == 0)
        return error_set(error, 0, "Line %zu: this is no \"attribute: value\".", attribute->line);
    attribute->name = view_first(text, colon);
    attribute->name = view_first(attribute->name, view_find(attribute->name, ';'));
    attribute->value = view_from(text, colon + 1);
    attribute->coding = LDIF_PLAIN;
    if (view_starts_with_nocase(attribute->value, VIEW(":")))
        attribute->coding = LDIF_BASE64;
    else if (view_starts_with_nocase(attribute->value, VIEW("<")))
        attribute->coding = LDIF_URL;
    attribute->value = view_trim(view_from(attribute->value, attribute->coding != LDIF_PLAIN));
    return true;
}

enum ldif_line ldif_next_line(struct ldif_reader *reader, struct ldif_attribute *attribute,
                              struct error *error)
{
    while (!view_is_empty(reader->rest)) {
        attribute->line = reader->line;
        struct view text = next_logical(reader);
        if (view_is_empty(text))
            return LDIF_EMPTY;
        if (text.data[0] != '#')
            return split_attribute(text, attribute, error) ? LDIF_ATTRIBUTE : LDIF_MALFORMED;
    }
    return LDIF_END;
}

/* The six bits that the character stands for, -1 for any other. */
static int base64_digit(char character)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = character == '\0' ? NULL : strchr(digits, character);
    return found == NULL ? -1 : (int)(found - digits);
}

/* RFC 4648 4, with its padding. */
static bool decode_base64(struct view coded, char *decoded, size_t *length)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    *length = 0;
    if (coded.length % 4 != 0)
        return false;
    for (unsigned padding = 0; padding < 2 && view_ends_with_nocase(coded, VIEW("=")); padding++)
        coded.length--;
    for (size_t i = 0; i < coded.length; i++) {
        int digit = base64_digit(coded.data[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (unsigned)digit;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            decoded[(*length)++] = (char)(bits >> bit_count & 0xFF);
        }
    }
    return true;
}

bool ldif_value(const struct ldif_attribute *attribute, struct arena *arena, struct view *value,
                struct error *error)
{
    if (attribute->coding == LDIF_PLAIN) {
        *value = arena_copy_view(arena, attribute->value);
        return true;
    }
    if (attribute->coding == LDIF_URL)
        return error_set(error, 0, "Line %zu: the value stands in another file, which is not read.",
                         attribute->line);
    char *decoded = arena_allocate(arena, attribute->value.length + 1);
    size_t length;
    if (!decode_base64(attribute->value, decoded, &length))
        return error_set(error, 0, "Line %zu: the value is not base64.", attribute->line);
    *value = view_trim(view_of(decoded, length));
    return true;
}
