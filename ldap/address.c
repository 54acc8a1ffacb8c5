#include "ldap/address.h"

#include "ldap/fold.h"

#define LOCAL_PART_MAXIMUM 64  /* RFC 5321 4.5.3.1.1 */
#define DOMAIN_MAXIMUM     255 /* RFC 5321 4.5.3.1.2 */

_Static_assert(FOLD_SIZE(LOCAL_PART_MAXIMUM) + 1 + FOLD_SIZE(DOMAIN_MAXIMUM) <= DIRECTORY_KEY_SIZE,
               "every well-formed address has a key");
_Static_assert(LOCAL_PART_MAXIMUM + 1 + DOMAIN_MAXIMUM <= ADDRESS_STORED_SIZE, "and can be stored");

static bool is_control(unsigned char byte)
{
    return byte < ' ' || byte == 0x7F;
}

/* RFC 5322 3.2.3 */
static bool is_special(unsigned char byte)
{
    switch (byte) {
    case '(':
    case ')':
    case '<':
    case '>':
    case '[':
    case ']':
    case ':':
    case ';':
    case '@':
    case '\\':
    case ',':
    case '"':
        return true;
    default:
        return false;
    }
}

/* In a local part without quotes. Dots may stand anywhere, because such mailboxes exist. */
static bool is_plain_in_local_part(unsigned char byte)
{
    return byte > ' ' && byte != 0x7F && !is_special(byte);
}

static bool is_plain_in_domain(unsigned char byte)
{
    bool in_address_literal = byte == '[' || byte == ']' || byte == ':';
    return is_plain_in_local_part(byte) || in_address_literal;
}

/* A local part on its way into a key: without quotes and backslashes. */
struct local_part {
    size_t length;
    char text[LOCAL_PART_MAXIMUM];
    size_t bytes_read; /* of the address, quotes included */
};

static bool local_part_too_long(struct error *error)
{
    return error_set(error, 0, "the part before @ is longer than %d bytes", LOCAL_PART_MAXIMUM);
}

static bool append(struct local_part *local, char byte, struct error *error)
{
    if (local->length == LOCAL_PART_MAXIMUM)
        return local_part_too_long(error);
    local->text[local->length++] = byte;
    return true;
}

static bool read_quoted(struct view address, struct local_part *local, struct error *error)
{
    size_t i = 1;
    for (; i < address.length && address.data[i] != '"'; i++) {
        if (address.data[i] == '\\' && i + 1 < address.length)
            i++;
        if (is_control((unsigned char)address.data[i]))
            return error_set(error, 0, "there is a control character in it");
        if (!append(local, address.data[i], error))
            return false;
    }
    if (i + 1 >= address.length || address.data[i + 1] != '@')
        return error_set(error, 0, "the quoted part does not end before @");
    local->bytes_read = i + 1;
    return true;
}

static bool read_plain(struct view address, struct local_part *local, struct error *error)
{
    size_t i = 0;
    for (; i < address.length && address.data[i] != '@'; i++) {
        if (!is_plain_in_local_part((unsigned char)address.data[i]))
            return error_set(error, 0, "there is a character before @ that must be quoted");
        if (!append(local, address.data[i], error))
            return false;
    }
    if (i == address.length)
        return error_set(error, 0, "there is no @");
    local->bytes_read = i;
    return true;
}

static bool read_local_part(struct view address, struct local_part *local, struct error *error)
{
    bool quoted = address.length > 0 && address.data[0] == '"';
    if (!(quoted ? read_quoted : read_plain)(address, local, error))
        return false;
    if (local->bytes_read > LOCAL_PART_MAXIMUM)
        return local_part_too_long(error);
    return local->length > 0 || error_set(error, 0, "there is nothing before @");
}

static bool domain_too_long(struct error *error)
{
    return error_set(error, 0, "the domain is longer than %d bytes", DOMAIN_MAXIMUM);
}

static bool check_domain(struct view domain, struct error *error)
{
    if (view_is_empty(domain))
        return error_set(error, 0, "there is no domain");
    if (domain.length > DOMAIN_MAXIMUM)
        return domain_too_long(error);
    for (size_t i = 0; i < domain.length; i++) {
        if (!is_plain_in_domain((unsigned char)domain.data[i]))
            return error_set(error, 0, "there is a character in the domain that no domain has");
        bool at_edge = i == 0 || i + 1 == domain.length || domain.data[i - 1] == '.';
        if (domain.data[i] == '.' && at_edge)
            return error_set(error, 0, "a part of the domain is empty");
    }
    return true;
}

static bool fold_to_key(struct directory_key *key, struct view text, struct error *error)
{
    size_t length;
    if (!fold_text(text, key->text + key->length, sizeof key->text - key->length, &length))
        return error_set(error, 0, "it is not in UTF-8");
    key->length += length;
    return true;
}

/* Some letters grow when they are folded; the domain is stored folded and must still be one. */
static bool fold_domain_to_key(struct directory_key *key, struct view domain, struct error *error)
{
    size_t begin = key->length;
    return check_domain(domain, error) && fold_to_key(key, domain, error) &&
           (key->length - begin <= DOMAIN_MAXIMUM || domain_too_long(error));
}

bool directory_key_make(struct view address, struct directory_key *key, struct error *error)
{
    struct local_part local = {0};
    if (!read_local_part(address, &local, error))
        return false;
    key->length = 0;
    if (!fold_to_key(key, view_of(local.text, local.length), error))
        return false;
    key->local_length = key->length;
    key->text[key->length++] = '@';
    return fold_domain_to_key(key, view_from(address, local.bytes_read + 1), error);
}

bool directory_key_of_domain(struct view domain, struct directory_key *key, struct error *error)
{
    if (domain.length > 1 && domain.data[domain.length - 1] == '.')
        domain.length--;
    key->length = 0;
    key->local_length = 0;
    return fold_domain_to_key(key, domain, error);
}

struct view address_stored_form(struct view address, const struct directory_key *key,
                                char text[ADDRESS_STORED_SIZE])
{
    size_t local_length = view_find_last(address, '@');
    size_t rest_length = key->length - key->local_length;
    memcpy(text, address.data, local_length);
    memcpy(text + local_length, key->text + key->local_length, rest_length);
    return view_of(text, local_length + rest_length);
}

/* Most addresses are plain ASCII, where case is the only difference there can be. */
static bool differs_in_ascii_case_at_most(struct view stored, const struct directory_key *key)
{
    if (stored.length != key->length)
        return false;
    for (size_t i = 0; i < stored.length; i++) {
        char byte = stored.data[i];
        if (byte != key->text[i] && !(byte >= 'A' && byte <= 'Z' && (byte | 0x20) == key->text[i]))
            return false;
    }
    return true;
}

bool address_matches(struct view stored, const struct directory_key *key)
{
    struct directory_key other;
    if (differs_in_ascii_case_at_most(stored, key))
        return true;
    if (stored.data[0] != '"' && view_is_ascii(stored))
        return false;
    return directory_key_make(stored, &other, NULL) &&
           view_equal(view_of(other.text, other.length), view_of(key->text, key->length));
}

struct view address_clean_display_name(struct view name, char text[DISPLAY_NAME_MAXIMUM + 1])
{
    if (!view_is_utf8(name))
        return VIEW_NONE;
    view_copy_text(view_trim(name), text, DISPLAY_NAME_MAXIMUM + 1);
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (is_control((unsigned char)text[i]))
            text[i] = ' ';
    return view_trim(view_of(text, length));
}

const char *address_show(struct view address, char text[ADDRESS_SHOWN_SIZE])
{
    bool printable = view_is_utf8(address);
    view_copy_text(address, text, ADDRESS_SHOWN_SIZE);
    for (char *byte = text; *byte != '\0'; byte++)
        if (is_control((unsigned char)*byte) || (!printable && (unsigned char)*byte >= 0x80))
            *byte = '?';
    return text;
}
