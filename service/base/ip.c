#include "base/ip.h"

#include <stdio.h>

#define GROUPS 8 /* of 16 bits in an IPv6 address */

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Four decimal numbers without leading zeros, which some programs would read as octal. */
static bool parse_v4(struct view text, uint8_t bytes[4])
{
    struct view part;
    size_t count = 0;
    while (view_split(&text, '.', &part)) {
        uint64_t number;
        if (count == 4 || part.length > 3 || !view_to_uint64(part, &number) || number > 255)
            return false;
        if (part.length > 1 && part.data[0] == '0')
            return false;
        bytes[count++] = (uint8_t)number;
    }
    return count == 4;
}

static bool parse_group(struct view text, uint16_t *group)
{
    unsigned value = 0;
    if (text.length == 0 || text.length > 4)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char digit = ascii_lower(text.data[i]);
        if (digit >= '0' && digit <= '9')
            value = value << 4 | (unsigned)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value << 4 | (unsigned)(digit - 'a' + 10);
        else
            return false;
    }
    *group = (uint16_t)value;
    return true;
}

/* Groups separated by colons; the last may be an IPv4 address where `last` allows it. Returns how
 * many groups there were, -1 on an error. No text means no groups. */
static int parse_groups(struct view text, bool last, uint16_t groups[GROUPS])
{
    int count = 0;
    struct view part;
    if (view_is_empty(text))
        return 0;
    while (view_split(&text, ':', &part)) {
        uint8_t v4[4];
        if (last && text.data == NULL && count <= GROUPS - 2 && parse_v4(part, v4)) {
            groups[count++] = (uint16_t)(v4[0] << 8 | v4[1]);
            groups[count++] = (uint16_t)(v4[2] << 8 | v4[3]);
        } else if (count == GROUPS || !parse_group(part, &groups[count++])) {
            return -1;
        }
    }
    return count;
}

static size_t find_double_colon(struct view text)
{
    for (size_t i = 0; i + 1 < text.length; i++)
        if (text.data[i] == ':' && text.data[i + 1] == ':')
            return i;
    return text.length;
}

static bool parse_v6(struct view text, uint8_t bytes[16])
{
    uint16_t front[GROUPS], back[GROUPS];
    size_t gap = find_double_colon(text);
    bool has_gap = gap < text.length;
    int front_count = parse_groups(view_first(text, gap), !has_gap, front);
    int back_count = has_gap ? parse_groups(view_from(text, gap + 2), true, back) : 0;

    if (front_count < 0 || back_count < 0)
        return false;
    if (has_gap ? front_count + back_count >= GROUPS : front_count != GROUPS)
        return false;
    for (int i = 0; i < GROUPS; i++) {
        uint16_t group = 0;
        if (i < front_count)
            group = front[i];
        else if (i >= GROUPS - back_count)
            group = back[i - (GROUPS - back_count)];
        bytes[2 * i] = (uint8_t)(group >> 8);
        bytes[2 * i + 1] = (uint8_t)group;
    }
    return true;
}

static bool is_mapped(const uint8_t bytes[16])
{
    return memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool ip_parse(struct view text, struct ip_address *address)
{
    struct ip_address result = {0};
    if (parse_v4(text, result.bytes)) {
        *address = result;
        return true;
    }
    result = (struct ip_address){.is_v6 = true};
    if (!parse_v6(text, result.bytes))
        return false;
    if (is_mapped(result.bytes)) {
        struct ip_address v4 = {0};
        memcpy(v4.bytes, result.bytes + sizeof mapped_prefix, 4);
        result = v4;
    }
    *address = result;
    return true;
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2). */
static int find_zero_run(const uint8_t bytes[16], int *length)
{
    int best = -1;
    *length = 1;
    for (int i = 0; i < GROUPS; i++) {
        int end = i;
        while (end < GROUPS && bytes[2 * end] == 0 && bytes[2 * end + 1] == 0)
            end++;
        if (end - i > *length) {
            best = i;
            *length = end - i;
        }
    }
    return best;
}

static void format_v6(const uint8_t bytes[16], char text[IP_TEXT_SIZE])
{
    int run_length;
    int run = find_zero_run(bytes, &run_length);
    size_t used = 0;
    for (int i = 0; i < GROUPS; i++) {
        if (i == run) {
            used += (size_t)snprintf(text + used, IP_TEXT_SIZE - used, "::");
            i += run_length - 1;
            continue;
        }
        bool needs_colon = i > 0 && (run < 0 || i != run + run_length);
        used += (size_t)snprintf(text + used, IP_TEXT_SIZE - used, "%s%x", needs_colon ? ":" : "",
                                 (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1]);
    }
}

void ip_format(const struct ip_address *address, char text[IP_TEXT_SIZE])
{
    const uint8_t *bytes = address->bytes;
    if (address->is_v6)
        format_v6(bytes, text);
    else
        snprintf(text, IP_TEXT_SIZE, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
}

bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
    return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, a->is_v6 ? 16 : 4) == 0;
}

/* Whether the first `prefix` bits of both are equal. */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
    unsigned whole = prefix / 8, rest = prefix % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool is_zero_behind(const struct ip_range *range)
{
    unsigned bits = range->address.is_v6 ? 128 : 32;
    for (unsigned i = range->prefix; i < bits; i++)
        if ((range->address.bytes[i / 8] & 0x80 >> i % 8) != 0)
            return false;
    return true;
}

bool ip_range_parse(struct view text, struct ip_range *range)
{
    struct ip_range result;
    struct view address, prefix = text;
    if (!view_split(&prefix, '/', &address))
        return false;
    if (!ip_parse(address, &result.address))
        return false;
    result.prefix = result.address.is_v6 ? 128 : 32;
    if (prefix.data != NULL) {
        bool was_mapped = !result.address.is_v6 && view_find(address, ':') < address.length;
        unsigned mapped_bits = was_mapped ? 96 : 0;
        uint64_t number;
        if (prefix.length > 3 || !view_to_uint64(prefix, &number) || number < mapped_bits ||
            number - mapped_bits > result.prefix)
            return false;
        result.prefix = (unsigned)number - mapped_bits;
    }
    if (!is_zero_behind(&result))
        return false;
    *range = result;
    return true;
}

bool ip_range_contains(const struct ip_range *range, const struct ip_address *address)
{
    return range->address.is_v6 == address->is_v6 &&
           bits_equal(range->address.bytes, address->bytes, range->prefix);
}
