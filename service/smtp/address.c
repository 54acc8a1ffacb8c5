#include "smtp/address.h"

#include "base/ip.h"

#define LABEL_MAXIMUM 63 /* RFC 1035 2.3.4 */

static bool is_letter_or_digit(char byte)
{
    char lower = ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9');
}

static bool is_beyond_ascii(char byte)
{
    return (unsigned char)byte >= 0x80;
}

/* atext of RFC 5322 3.2.3, with what RFC 6531 3.3 adds. */
static bool is_atom_text(char byte)
{
    return is_letter_or_digit(byte) || is_beyond_ascii(byte) ||
           (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", byte) != NULL);
}

static bool is_domain_text(char byte)
{
    return is_letter_or_digit(byte) || is_beyond_ascii(byte) || byte == '-' || byte == '.';
}

static bool next_is(struct view rest, char byte)
{
    return rest.length > 0 && rest.data[0] == byte;
}

static bool take_byte(struct view *rest, char byte)
{
    if (!next_is(*rest, byte))
        return false;
    *rest = view_from(*rest, 1);
    return true;
}

static struct view take_while(struct view *rest, bool (*belongs)(char byte))
{
    size_t length = 0;
    while (length < rest->length && belongs(rest->data[length]))
        length++;
    struct view taken = view_first(*rest, length);
    *rest = view_from(*rest, length);
    return taken;
}

static bool is_label(struct view label, bool smtputf8)
{
    if (view_is_empty(label) || label.data[0] == '-' || label.data[label.length - 1] == '-')
        return false;
    for (size_t i = 0; i < label.length; i++)
        if (!is_domain_text(label.data[i]))
            return false;
    /* The limit counts the bytes of the ASCII form, which a UTF-8 label does not show. */
    if (view_is_ascii(label))
        return label.length <= LABEL_MAXIMUM;
    return smtputf8 && view_is_utf8(label);
}

bool smtp_is_domain(struct view text, bool smtputf8)
{
    struct view label;
    if (view_is_empty(text) || text.length > SMTP_DOMAIN_MAXIMUM)
        return false;
    while (view_split(&text, '.', &label))
        if (!is_label(label, smtputf8))
            return false;
    return true;
}

static bool take_dot_string(struct view *rest)
{
    do {
        if (view_is_empty(take_while(rest, is_atom_text)))
            return false;
    } while (take_byte(rest, '.'));
    return true;
}

/* RFC 5321 4.1.2: any printable character, a quote or backslash only behind a backslash. */
static bool take_quoted_string(struct view *rest)
{
    size_t i = 1;
    while (i < rest->length && rest->data[i] != '"') {
        if (rest->data[i] == '\\' && ++i == rest->length)
            return false;
        char byte = rest->data[i++];
        if (!is_beyond_ascii(byte) && (byte < ' ' || byte > '~'))
            return false;
    }
    if (i >= rest->length)
        return false;
    *rest = view_from(*rest, i + 1);
    return true;
}

/* `[192.0.2.1]` or `[IPv6:2001:db8::1]`; no other kind of literal was ever registered. */
static bool take_literal(struct view *rest, struct view *literal)
{
    const struct view v6_tag = VIEW("IPv6:");
    size_t end = view_find(*rest, ']');
    struct ip_address ip;
    if (end == rest->length)
        return false;
    struct view inner = view_from(view_first(*rest, end), 1);
    bool is_v6 = view_starts_with_nocase(inner, v6_tag);
    if (is_v6)
        inner = view_from(inner, v6_tag.length);
    bool has_colon = view_find(inner, ':') < inner.length;
    if (is_v6 != has_colon || !ip_parse(inner, &ip))
        return false;
    *literal = view_first(*rest, end + 1);
    *rest = view_from(*rest, end + 1);
    return true;
}

static enum smtp_path_error take_domain(struct view *rest, struct view *domain)
{
    if (next_is(*rest, '['))
        return take_literal(rest, domain) ? SMTP_PATH_OK : SMTP_PATH_SYNTAX;
    struct view taken = take_while(rest, is_domain_text);
    if (taken.length > 1 && taken.data[taken.length - 1] == '.')
        taken.length--;
    if (taken.length > SMTP_DOMAIN_MAXIMUM)
        return SMTP_PATH_TOO_LONG;
    /* Whether UTF-8 was asked for is a question about the whole mailbox: see check_characters(). */
    if (!smtp_is_domain(taken, true))
        return SMTP_PATH_SYNTAX;
    *domain = taken;
    return SMTP_PATH_OK;
}

static enum smtp_path_error check_characters(struct view text, bool smtputf8)
{
    if (view_is_ascii(text))
        return SMTP_PATH_OK;
    if (!smtputf8)
        return SMTP_PATH_NEEDS_UTF8;
    return view_is_utf8(text) ? SMTP_PATH_OK : SMTP_PATH_SYNTAX;
}

static enum smtp_path_error take_mailbox(struct view *rest, bool smtputf8,
                                         struct smtp_address *address)
{
    const char *start = rest->data;
    struct smtp_address result = {0};
    if (!(next_is(*rest, '"') ? take_quoted_string(rest) : take_dot_string(rest)))
        return SMTP_PATH_SYNTAX;
    result.local_part = view_of(start, (size_t)(rest->data - start));
    if (take_byte(rest, '@')) {
        enum smtp_path_error error = take_domain(rest, &result.domain);
        if (error != SMTP_PATH_OK)
            return error;
        result.text = view_of(start, (size_t)(result.domain.data + result.domain.length - start));
    } else if (view_equal_nocase(result.local_part, VIEW("postmaster"))) {
        result.text = result.local_part;
        result.domain = view_from(result.text, result.text.length);
    } else {
        return SMTP_PATH_SYNTAX;
    }
    *address = result;
    return check_characters(result.text, smtputf8);
}

/* `@one,@two:` in front of a mailbox is to be accepted and ignored (RFC 5321 appendix C). */
static bool skip_source_route(struct view *rest)
{
    struct view domain;
    if (!next_is(*rest, '@'))
        return true;
    do {
        if (!take_byte(rest, '@') || take_domain(rest, &domain) != SMTP_PATH_OK)
            return false;
    } while (take_byte(rest, ','));
    return take_byte(rest, ':');
}

enum smtp_path_error smtp_parse_path(struct view *text, bool allow_null, bool smtputf8,
                                     struct smtp_address *address)
{
    struct view rest = *text;
    if (!take_byte(&rest, '<'))
        return SMTP_PATH_SYNTAX;
    if (allow_null && take_byte(&rest, '>')) {
        struct view nothing = view_of(text->data + 1, 0);
        *address = (struct smtp_address){nothing, nothing, nothing};
        *text = rest;
        return SMTP_PATH_OK;
    }
    if (!skip_source_route(&rest))
        return SMTP_PATH_SYNTAX;
    enum smtp_path_error error = take_mailbox(&rest, smtputf8, address);
    if (error != SMTP_PATH_OK)
        return error;
    if (!take_byte(&rest, '>'))
        return SMTP_PATH_SYNTAX;
    if ((size_t)(rest.data - text->data) > SMTP_PATH_MAXIMUM)
        return SMTP_PATH_TOO_LONG;
    *text = rest;
    return SMTP_PATH_OK;
}

enum smtp_path_error smtp_parse_mailbox(struct view text, bool smtputf8,
                                        struct smtp_address *address)
{
    struct view rest = text;
    enum smtp_path_error error = take_mailbox(&rest, smtputf8, address);
    if (error != SMTP_PATH_OK)
        return error;
    if (!view_is_empty(rest))
        return SMTP_PATH_SYNTAX;
    return text.length + 2 > SMTP_PATH_MAXIMUM ? SMTP_PATH_TOO_LONG : SMTP_PATH_OK;
}
