#include "config/settings_check.h"

#include "base/ip.h"

#define DOMAIN_MAXIMUM     255 /* RFC 5321 4.5.3.1.2 */
#define LABEL_MAXIMUM      63  /* RFC 1035 2.3.4 */
#define LOCAL_PART_MAXIMUM 64  /* RFC 5321 4.5.3.1.1 */

/* Of `text` at `shown`: "..." is not WHAT. */
#define IS_NOT "\"%s\" is not "

static bool is_control(char byte)
{
    return (unsigned char)byte < ' ' || byte == 0x7F;
}

static bool is_beyond_ascii(char byte)
{
    return (unsigned char)byte >= 0x80;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter_or_digit(char byte)
{
    return is_digit(byte) || (ascii_lower(byte) >= 'a' && ascii_lower(byte) <= 'z');
}

/* RFC 5322 3.2.3: what an atom has beside letters and digits. */
static bool is_atom_punctuation(char byte)
{
    return byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", byte) != NULL;
}

const char *settings_show(struct view text, char shown[SETTINGS_SHOWN_SIZE])
{
    view_copy_text(text, shown, SETTINGS_SHOWN_SIZE);
    for (char *byte = shown; *byte != '\0'; byte++)
        if (is_control(*byte))
            *byte = '?';
    return shown;
}

static bool keep(struct view text, struct buffer *canonical, struct error *error)
{
    return buffer_append_view(canonical, text) || error_set(error, 0, "it is too long");
}

static bool keep_lower(struct view text, struct buffer *canonical, struct error *error)
{
    char *to = buffer_reserve(canonical, text.length);
    if (to == NULL)
        return error_set(error, 0, "it is too long");
    for (size_t i = 0; i < text.length; i++)
        to[i] = ascii_lower(text.data[i]);
    buffer_extend(canonical, text.length);
    return true;
}

static bool is_label(struct view label)
{
    if (view_is_empty(label) || label.data[0] == '-' || label.data[label.length - 1] == '-')
        return false;
    for (size_t i = 0; i < label.length; i++) {
        char byte = label.data[i];
        if (!is_letter_or_digit(byte) && byte != '-' && !is_beyond_ascii(byte))
            return false;
    }
    /* The limit counts the bytes of the ASCII form, which a UTF-8 label does not show. */
    return label.length <= LABEL_MAXIMUM || !view_is_ascii(label);
}

static bool is_number(struct view text)
{
    uint64_t number;
    return view_to_uint64(text, &number);
}

/* A last label of digits would be a broken IP address (RFC 1123 2.1). */
static bool is_domain(struct view text)
{
    struct view label = VIEW_NONE;
    if (view_is_empty(text) || text.length > DOMAIN_MAXIMUM)
        return false;
    while (view_split(&text, '.', &label))
        if (!is_label(label))
            return false;
    return !is_number(label);
}

/* The root's dot says nothing here and would spoil comparisons. */
static struct view without_final_dot(struct view text)
{
    bool dotted = text.length > 1 && text.data[text.length - 1] == '.';
    return view_first(text, text.length - dotted);
}

static bool is_local_part(struct view text)
{
    struct view atom;
    if (view_is_empty(text) || text.length > LOCAL_PART_MAXIMUM)
        return false;
    while (view_split(&text, '.', &atom)) {
        if (view_is_empty(atom))
            return false;
        for (size_t i = 0; i < atom.length; i++) {
            char byte = atom.data[i];
            if (!is_letter_or_digit(byte) && !is_atom_punctuation(byte) && !is_beyond_ascii(byte))
                return false;
        }
    }
    return true;
}

static bool is_mailbox(struct view text, struct view *local, struct view *domain)
{
    size_t at = view_find_last(text, '@');
    *local = view_first(text, at);
    *domain = without_final_dot(view_from(text, at + 1));
    return at < text.length && is_local_part(*local) && is_domain(*domain);
}

static bool keep_address(const struct ip_address *address, struct buffer *canonical,
                         struct error *error)
{
    char text[IP_TEXT_SIZE];
    ip_format(address, text);
    return keep(view_of_text(text), canonical, error);
}

bool settings_check_listen_address(struct view text, struct buffer *canonical, struct error *error)
{
    struct ip_address address;
    char shown[SETTINGS_SHOWN_SIZE];
    if (view_equal(text, VIEW("*")))
        return keep(text, canonical, error);
    if (ip_parse(text, &address))
        return keep_address(&address, canonical, error);
    return error_set(error, 0, IS_NOT "an IP address; write one, or * for all addresses",
                     settings_show(text, shown));
}

bool settings_check_name(struct view text, struct buffer *canonical, struct error *error)
{
    struct view trimmed = view_trim(text);
    if (view_is_empty(trimmed))
        return error_set(error, 0, "must not be empty");
    for (size_t i = 0; i < trimmed.length; i++)
        if (is_control(trimmed.data[i]))
            return error_set(error, 0, "must be one line without control characters");
    return keep(trimmed, canonical, error);
}

bool settings_check_host_name_or_empty(struct view text, struct buffer *canonical,
                                       struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    struct view name = without_final_dot(text);
    if (!view_is_empty(name) && (!view_is_ascii(name) || !is_domain(name)))
        return error_set(error, 0, IS_NOT "a domain name such as mail.example.com",
                         settings_show(text, shown));
    return keep_lower(name, canonical, error);
}

bool settings_check_domain(struct view text, struct buffer *canonical, struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    struct view domain = without_final_dot(text);
    if (view_is_empty(text))
        return error_set(error, 0, "must not be empty");
    if (!is_domain(domain))
        return error_set(error, 0, IS_NOT "a domain such as example.com",
                         settings_show(text, shown));
    return keep_lower(domain, canonical, error);
}

bool settings_check_host_or_empty(struct view text, struct buffer *canonical, struct error *error)
{
    struct ip_address address;
    char shown[SETTINGS_SHOWN_SIZE];
    struct view host = without_final_dot(text);
    bool bracketed = text.length > 2 && text.data[0] == '[' && text.data[text.length - 1] == ']';
    if (bracketed)
        host = view_of(text.data + 1, text.length - 2);
    if (ip_parse(host, &address))
        return keep_address(&address, canonical, error);
    if (!view_is_empty(host) && (bracketed || !view_is_ascii(host) || !is_domain(host)))
        return error_set(error, 0, IS_NOT "a host name or an IP address",
                         settings_show(text, shown));
    return keep_lower(host, canonical, error);
}

bool settings_check_mailbox_or_empty(struct view text, struct buffer *canonical,
                                     struct error *error)
{
    struct view local, domain;
    char shown[SETTINGS_SHOWN_SIZE];
    if (view_is_empty(text))
        return true;
    if (!is_mailbox(text, &local, &domain))
        return error_set(error, 0, IS_NOT "a mailbox such as postmaster@example.com",
                         settings_show(text, shown));
    return keep(local, canonical, error) && keep(VIEW("@"), canonical, error) &&
           keep_lower(domain, canonical, error);
}

/* What a range with bits behind its prefix was probably meant to be. */
static bool clear_host_bits(struct view text, struct ip_range *range)
{
    uint64_t prefix;
    size_t slash = view_find(text, '/');
    if (!ip_parse(view_first(text, slash), &range->address) ||
        !view_to_uint64(view_from(text, slash + 1), &prefix) ||
        prefix > (range->address.is_v6 ? 128 : 32))
        return false;
    range->prefix = (unsigned)prefix;
    for (unsigned bit = range->prefix; bit < 8 * sizeof range->address.bytes; bit++)
        range->address.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
    return true;
}

bool settings_check_ip_range(struct view text, struct buffer *canonical, struct error *error)
{
    struct ip_range range;
    char shown[SETTINGS_SHOWN_SIZE], network[IP_TEXT_SIZE];
    if (!ip_range_parse(text, &range)) {
        settings_show(text, shown);
        if (!clear_host_bits(text, &range))
            return error_set(error, 0, IS_NOT "an IP address or a range such as 192.0.2.0/24",
                             shown);
        ip_format(&range.address, network);
        return error_set(error, 0, "\"%s\" has bits set behind its prefix; write %s/%u", shown,
                         network, range.prefix);
    }
    ip_format(&range.address, network);
    bool single = range.prefix == (range.address.is_v6 ? 128 : 32);
    bool kept = single ? buffer_append_text(canonical, network)
                       : buffer_append_format(canonical, "%s/%u", network, range.prefix);
    return kept || error_set(error, 0, "it is too long");
}

bool settings_check_recipient_pattern(struct view text, struct buffer *canonical,
                                      struct error *error)
{
    struct view local, domain;
    char shown[SETTINGS_SHOWN_SIZE];
    if (!is_mailbox(text, &local, &domain))
        return error_set(error, 0, IS_NOT "an address, nor *@ and a domain",
                         settings_show(text, shown));
    return keep(local, canonical, error) && keep(VIEW("@"), canonical, error) &&
           keep_lower(domain, canonical, error);
}

bool settings_check_detail_separator(struct view text, struct buffer *canonical,
                                     struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    if (!view_is_empty(text) && (text.length > 1 || !is_atom_punctuation(text.data[0])))
        return error_set(error, 0,
                         IS_NOT "one of the characters ! # $ %% & ' * + - / = ? ^ _ ` { | } ~",
                         settings_show(text, shown));
    return keep(text, canonical, error);
}

/* C:\..., \\server\share, or /... : a document may be checked on another system than it is used on. */
static bool is_full_path(struct view text)
{
    if (text.length >= 2 && text.data[0] == '\\' && text.data[1] == '\\')
        return text.length > 2;
    bool drive = text.length >= 3 && text.data[1] == ':' && !is_digit(text.data[0]) &&
                 is_letter_or_digit(text.data[0]) && (text.data[2] == '\\' || text.data[2] == '/');
    return drive || text.data[0] == '/';
}

static bool is_line(struct view text)
{
    for (size_t i = 0; i < text.length; i++)
        if (is_control(text.data[i]))
            return false;
    return true;
}

static bool keep_path(struct view text, const char *what, struct buffer *canonical,
                      struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    if (!view_is_empty(text) && (!is_line(text) || !is_full_path(text)))
        return error_set(error, 0, IS_NOT "the full path of a %s", settings_show(text, shown),
                         what);
    return keep(text, canonical, error);
}

bool settings_check_folder_or_empty(struct view text, struct buffer *canonical, struct error *error)
{
    return keep_path(text, "folder, such as D:\\Mail\\Drop", canonical, error);
}

bool settings_check_file_or_empty(struct view text, struct buffer *canonical, struct error *error)
{
    return keep_path(text, "file, such as C:\\Certificates\\authority.pem", canonical, error);
}

bool settings_check_line_or_empty(struct view text, struct buffer *canonical, struct error *error)
{
    if (!is_line(text))
        return error_set(error, 0, "must be one line without control characters");
    return keep(view_trim(text), canonical, error);
}

static bool split_port(struct view digits, uint16_t *port)
{
    uint64_t number;
    if (!view_to_uint64(digits, &number) || number == 0 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool settings_split_server(struct view text, struct view *host, uint16_t *port)
{
    struct ip_address address;
    *port = 0;
    *host = text;
    if (ip_parse(text, &address))
        return true;
    size_t end = view_find_last(text, ':');
    *host = view_first(text, end);
    if (!view_is_empty(text) && text.data[0] == '[') {
        size_t bracket = view_find(text, ']');
        *host = view_from(view_first(text, bracket), 1);
        if (!ip_parse(*host, &address) || bracket == text.length)
            return false;
        if (bracket + 1 == text.length)
            return true;
        end = bracket + 1;
    }
    return !view_is_empty(*host) &&
           (end >= text.length ||
            (text.data[end] == ':' && split_port(view_from(text, end + 1), port)));
}

static bool keep_server(struct view host, const struct ip_address *address, uint16_t port,
                        struct buffer *canonical, struct error *error)
{
    bool bracketed = address != NULL && address->is_v6 && port != 0;
    bool kept = (!bracketed || keep(VIEW("["), canonical, error)) &&
                (address != NULL ? keep_address(address, canonical, error)
                                 : keep_lower(host, canonical, error)) &&
                (!bracketed || keep(VIEW("]"), canonical, error));
    return kept && (port == 0 || buffer_append_format(canonical, ":%u", port) ||
                    error_set(error, 0, "it is too long"));
}

bool settings_check_server(struct view text, struct buffer *canonical, struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    struct ip_address address;
    struct view host;
    uint16_t port;
    bool split = settings_split_server(text, &host, &port);
    host = without_final_dot(host);
    if (split && ip_parse(host, &address))
        return keep_server(host, &address, port, canonical, error);
    if (split && view_is_ascii(host) && is_domain(host))
        return keep_server(host, NULL, port, canonical, error);
    return error_set(error, 0, IS_NOT "a server such as dc1.example.com or dc1.example.com:636",
                     settings_show(text, shown));
}

bool settings_check_dns_server(struct view text, struct buffer *canonical, struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    struct ip_address address;
    struct view host;
    uint16_t port;
    if (settings_split_server(text, &host, &port) && ip_parse(host, &address))
        return keep_server(host, &address, port, canonical, error);
    return error_set(error, 0, IS_NOT "the IP address of a DNS server", settings_show(text, shown));
}

/* Parentheses within values are written "\28" and "\29", so all that are seen are the filter's own. */
static bool is_ldap_filter(struct view text)
{
    size_t open = 0;
    if (text.data[0] != '(' || !is_line(text))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '(')
            open++;
        else if (text.data[i] == ')' && --open == 0)
            return i + 1 == text.length;
    }
    return false;
}

bool settings_check_ldap_filter_or_empty(struct view text, struct buffer *canonical,
                                         struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    struct view trimmed = view_trim(text);
    if (!view_is_empty(trimmed) && !is_ldap_filter(trimmed))
        return error_set(error, 0,
                         IS_NOT "an LDAP filter such as (objectClass=user): see its parentheses",
                         settings_show(text, shown));
    return keep(trimmed, canonical, error);
}

bool settings_check_ldap_attribute(struct view text, struct buffer *canonical, struct error *error)
{
    char shown[SETTINGS_SHOWN_SIZE];
    bool good = !view_is_empty(text) && is_letter_or_digit(text.data[0]);
    for (size_t i = 0; i < text.length; i++)
        good = good && (is_letter_or_digit(text.data[i]) || text.data[i] == '-');
    if (!good)
        return error_set(error, 0, IS_NOT "an attribute such as proxyAddresses",
                         settings_show(text, shown));
    return keep(text, canonical, error);
}
