#include "smtp/parameter.h"

#define ENVID_MAXIMUM 100 /* RFC 3461 4.4 */
#define ORCPT_MAXIMUM 500 /* RFC 3461 4.2 */

/* target is the envelope or the recipient. value has data NULL when there was no "=". */
struct parameter {
    const char *keyword;
    bool (*read)(struct view value, void *target);
};

static bool read_size(struct view value, void *target)
{
    struct smtp_envelope *envelope = target;
    return value.length <= 20 && view_to_uint64(value, &envelope->declared_size);
}

static bool read_body(struct view value, void *target)
{
    struct smtp_envelope *envelope = target;
    bool is_8bit = view_equal_nocase(value, VIEW("8BITMIME"));
    envelope->body = is_8bit ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT;
    return is_8bit || view_equal_nocase(value, VIEW("7BIT"));
}

static bool read_smtputf8(struct view value, void *target)
{
    struct smtp_envelope *envelope = target;
    envelope->smtputf8 = true;
    return value.data == NULL;
}

static bool read_ret(struct view value, void *target)
{
    struct smtp_envelope *envelope = target;
    bool is_full = view_equal_nocase(value, VIEW("FULL"));
    envelope->ret = is_full ? SMTP_RET_FULL : SMTP_RET_HDRS;
    return is_full || view_equal_nocase(value, VIEW("HDRS"));
}

static bool read_envid(struct view value, void *target)
{
    struct smtp_envelope *envelope = target;
    envelope->envid = value;
    return value.length > 0 && value.length <= ENVID_MAXIMUM && smtp_is_xtext(value);
}

static bool read_notify(struct view value, void *target)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {{"SUCCESS", SMTP_NOTIFY_SUCCESS},
                 {"FAILURE", SMTP_NOTIFY_FAILURE},
                 {"DELAY", SMTP_NOTIFY_DELAY}};
    struct smtp_recipient *recipient = target;
    struct view word;

    if (view_equal_nocase(value, VIEW("NEVER"))) {
        recipient->notify = SMTP_NOTIFY_NEVER;
        return true;
    }
    while (view_split(&value, ',', &word)) {
        unsigned bit = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (view_equal_nocase(word, view_of_text(words[i].word)))
                bit = words[i].bit;
        if (bit == 0)
            return false;
        recipient->notify |= bit;
    }
    return recipient->notify != 0;
}

static bool is_atom(struct view text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '!' || text.data[i] > '~' ||
            strchr("()<>[]:;@\\,.\"", text.data[i]) != NULL)
            return false;
    return !view_is_empty(text);
}

/* "addr-type;xtext". The type utf-8 (RFC 6533) may hold UTF-8 as it is. */
static bool read_orcpt(struct view value, void *target)
{
    struct smtp_recipient *recipient = target;
    struct view text = value, type;
    recipient->orcpt = value;
    if (value.length > ORCPT_MAXIMUM || !view_split(&text, ';', &type) || !is_atom(type))
        return false;
    if (view_is_empty(text))
        return false;
    if (view_equal_nocase(type, VIEW("utf-8")) && !view_is_ascii(text))
        return view_is_utf8(text);
    return smtp_is_xtext(text);
}

static int hexadecimal_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool smtp_is_xtext(struct view text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte < '!' || byte > '~' || byte == '=')
            return false;
        if (byte != '+')
            continue;
        if (text.length - i < 3)
            return false;
        int high = hexadecimal_value(text.data[i + 1]), low = hexadecimal_value(text.data[i + 2]);
        if (high < 0 || low < 0 || high * 16 + low < ' ' || high * 16 + low > '~')
            return false;
        i += 2;
    }
    return true;
}

static bool is_keyword(struct view text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = ascii_lower(text.data[i]);
        bool letter_or_digit = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!letter_or_digit && (i == 0 || byte != '-'))
            return false;
    }
    return !view_is_empty(text);
}

static bool parse_parameter(struct view word, const struct parameter *parameters, size_t count,
                            unsigned *seen, void *target, struct verdict *refusal)
{
    struct view value = word, keyword;
    view_split(&value, '=', &keyword);
    if (!is_keyword(keyword)) {
        verdict_set(refusal, "parameter-syntax", 501, "5.5.4", "Invalid arguments");
        return false;
    }
    int shown = keyword.length > 40 ? 40 : (int)keyword.length;
    for (size_t i = 0; i < count; i++) {
        if (!view_equal_nocase(keyword, view_of_text(parameters[i].keyword)))
            continue;
        bool first = (*seen & 1u << i) == 0;
        *seen |= 1u << i;
        if (first && parameters[i].read(value, target))
            return true;
        verdict_set(refusal, "parameter-syntax", 501, "5.5.4", "Invalid value for parameter %.*s",
                    shown, keyword.data);
        return false;
    }
    verdict_set(refusal, "parameter-unknown", 555, "5.5.4", "Unsupported parameter %.*s", shown,
                keyword.data);
    return false;
}

static bool parse_parameters(struct view text, const struct parameter *parameters, size_t count,
                             void *target, struct verdict *refusal)
{
    struct view word;
    unsigned seen = 0;
    if (view_is_empty(text))
        return true;
    while (view_split(&text, ' ', &word))
        if (!view_is_empty(word) &&
            !parse_parameter(word, parameters, count, &seen, target, refusal))
            return false;
    return true;
}

bool smtp_parse_mail_parameters(struct view text, struct smtp_envelope *envelope,
                                struct verdict *refusal)
{
    static const struct parameter parameters[] = {{"SIZE", read_size},
                                                  {"BODY", read_body},
                                                  {"SMTPUTF8", read_smtputf8},
                                                  {"RET", read_ret},
                                                  {"ENVID", read_envid}};
    return parse_parameters(text, parameters, sizeof parameters / sizeof parameters[0], envelope,
                            refusal);
}

bool smtp_parse_rcpt_parameters(struct view text, struct smtp_recipient *recipient,
                                struct verdict *refusal)
{
    static const struct parameter parameters[] = {{"NOTIFY", read_notify}, {"ORCPT", read_orcpt}};
    return parse_parameters(text, parameters, sizeof parameters / sizeof parameters[0], recipient,
                            refusal);
}
