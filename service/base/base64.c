#include "base/base64.h"

#define GROUP_BYTES      3
#define GROUP_CHARACTERS 4

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* bytes: 1 to 3 of them; what they leave open is padding. */
static void encode_group(const unsigned char *bytes, size_t count, char *text)
{
    unsigned bits = (unsigned)bytes[0] << 16;
    if (count > 1)
        bits |= (unsigned)bytes[1] << 8;
    if (count > 2)
        bits |= bytes[2];
    text[0] = digits[bits >> 18];
    text[1] = digits[bits >> 12 & 63];
    text[2] = digits[bits >> 6 & 63];
    text[3] = digits[bits & 63];
    for (size_t i = count + 1; i < GROUP_CHARACTERS; i++)
        text[i] = '=';
}

void base64_encode(struct view bytes, char *text)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    for (size_t at = 0; at < bytes.length; at += GROUP_BYTES) {
        size_t left = bytes.length - at;
        encode_group(data + at, left < GROUP_BYTES ? left : GROUP_BYTES, text);
        text += GROUP_CHARACTERS;
    }
    *text = '\0';
}

/* Six bits, or -1. */
static int value_of(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    if (digit == '+')
        return 62;
    return digit == '/' ? 63 : -1;
}

/* count: digits that are no padding. The bits that no byte takes must be zero. */
static bool decode_group(const char *text, size_t count, char *bytes)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < GROUP_CHARACTERS; i++) {
        int value = i < count ? value_of(text[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i + 1 < count; i++)
        bytes[i] = (char)(bits >> (16 - 8 * i) & 0xFF);
    return (bits & ((UINT32_C(1) << (32 - 8 * count)) - 1)) == 0;
}

static size_t digits_of_last(struct view text)
{
    size_t count = GROUP_CHARACTERS;
    while (count > 2 && text.data[text.length - GROUP_CHARACTERS + count - 1] == '=')
        count--;
    return count;
}

bool base64_decode(struct view text, char *bytes, size_t *length)
{
    *length = 0;
    if (text.length % GROUP_CHARACTERS != 0)
        return false;
    for (size_t at = 0; at < text.length; at += GROUP_CHARACTERS) {
        bool is_last = at + GROUP_CHARACTERS == text.length;
        size_t count = is_last ? digits_of_last(text) : GROUP_CHARACTERS;
        if (!decode_group(text.data + at, count, bytes + *length))
            return false;
        *length += count - 1;
    }
    return true;
}
