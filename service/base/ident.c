#include "base/ident.h"

#define COUNT_BITS      21
#define EPOCH_MS        INT64_C(1577836800000) /* 2020-01-01 00:00:00 UTC since 1970 */
#define GREATEST_MS     ((UINT64_C(1) << 42) - 1)
#define TEXT_LENGTH     (IDENT_TEXT_SIZE - 1)
#define BITS_PER_LETTER 5

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void ident_source_init(struct ident_source *source, ident after)
{
    atomic_init(&source->last, after);
}

/* More than 2^21 in a millisecond run into the next one, which is still greater than all before. */
ident ident_next(struct ident_source *source, int64_t unix_ms)
{
    uint64_t ms = unix_ms > EPOCH_MS ? (uint64_t)(unix_ms - EPOCH_MS) : 0;
    uint64_t now = (ms > GREATEST_MS ? GREATEST_MS : ms) << COUNT_BITS;
    uint64_t last = atomic_load(&source->last);
    uint64_t next;
    do {
        next = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak(&source->last, &last, next));
    return next;
}

void ident_format(ident value, char text[IDENT_TEXT_SIZE])
{
    for (int i = TEXT_LENGTH - 1; i >= 0; i--) {
        text[i] = alphabet[value & 31];
        value >>= BITS_PER_LETTER;
    }
    text[TEXT_LENGTH] = '\0';
}

static int letter_value(char letter)
{
    if (letter >= 'a' && letter <= 'z')
        letter = (char)(letter - 'a' + 'A');
    const char *found = letter == '\0' ? NULL : strchr(alphabet, letter);
    return found == NULL ? -1 : (int)(found - alphabet);
}

bool ident_parse(struct view text, ident *value)
{
    uint64_t result = 0;
    if (text.length != TEXT_LENGTH)
        return false;
    for (size_t i = 0; i < TEXT_LENGTH; i++) {
        int letter = letter_value(text.data[i]);
        /* 13 letters could say 65 bits; the first one of an identifier says only three. */
        if (letter < 0 || (i == 0 && letter > 7))
            return false;
        result = result << BITS_PER_LETTER | (uint64_t)letter;
    }
    *value = result;
    return true;
}
