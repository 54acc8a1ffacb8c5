#include "ldap/utf8.h"

uint32_t utf8_read_character(const unsigned char **data)
{
    unsigned first = *(*data)++;
    unsigned following = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t character = following == 0 ? first : first & (0x3Fu >> following);
    for (; following > 0; following--)
        character = character << 6 | (*(*data)++ & 0x3Fu);
    return character;
}

size_t utf8_write_character(uint32_t character, char *data)
{
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        data[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    data[0] = (char)(marks[length] | character);
    return length;
}
