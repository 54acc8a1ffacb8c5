#include "smtp/command.h"

#include "smtp/address.h"
#include "smtp/parameter.h"

struct view smtp_command_verb(struct view line, struct view *argument)
{
    size_t end = view_find(line, ' ');
    *argument = view_trim(view_from(line, end));
    return view_first(line, end);
}

static bool refuse_path(enum smtp_path_error error, const char *enhanced, struct verdict *refusal)
{
    switch (error) {
    case SMTP_PATH_OK:
        return true;
    case SMTP_PATH_SYNTAX:
        verdict_set(refusal, "address-syntax", 501, enhanced, "Invalid Address");
        break;
    case SMTP_PATH_TOO_LONG:
        verdict_set(refusal, "address-length", 501, enhanced, "Address is too long");
        break;
    case SMTP_PATH_NEEDS_UTF8:
        verdict_set(refusal, "address-needs-utf8", 553, "5.6.7",
                    "Address is not ASCII and SMTPUTF8 was not asked for");
        break;
    }
    return false;
}

/* Takes "FROM:" or "TO:" and the path. Blanks behind the colon are not in the grammar and angle brackets
 * are, but a generation of administrators has learned to test a server with `MAIL FROM:me@example.com`. */
static enum smtp_path_error take_path(struct view *text, struct view keyword, bool allow_null,
                                      struct smtp_address *address)
{
    if (!view_starts_with_nocase(*text, keyword))
        return SMTP_PATH_SYNTAX;
    *text = view_trim(view_from(*text, keyword.length));
    if (text->length > 0 && text->data[0] == '<') {
        enum smtp_path_error error = smtp_parse_path(text, allow_null, true, address);
        bool at_word_end = view_is_empty(*text) || text->data[0] == ' ';
        return error == SMTP_PATH_OK && !at_word_end ? SMTP_PATH_SYNTAX : error;
    }
    size_t end = view_find(*text, ' ');
    struct view mailbox = view_first(*text, end);
    *text = view_from(*text, end);
    return smtp_parse_mailbox(mailbox, true, address);
}

/* The path is read before the parameters tell whether it may be other than ASCII. */
static enum smtp_path_error check_ascii(const struct smtp_address *address, bool smtputf8)
{
    return smtputf8 || view_is_ascii(address->text) ? SMTP_PATH_OK : SMTP_PATH_NEEDS_UTF8;
}

bool smtp_parse_mail(struct view argument, struct smtp_envelope *envelope, struct verdict *refusal)
{
    enum smtp_path_error error = take_path(&argument, VIEW("FROM:"), true, &envelope->reverse_path);
    if (error != SMTP_PATH_OK)
        return refuse_path(error, "5.1.7", refusal);
    if (!smtp_parse_mail_parameters(argument, envelope, refusal))
        return false;
    return refuse_path(check_ascii(&envelope->reverse_path, envelope->smtputf8), "5.1.7", refusal);
}

bool smtp_parse_rcpt(struct view argument, bool smtputf8, struct smtp_recipient *recipient,
                     struct verdict *refusal)
{
    enum smtp_path_error error = take_path(&argument, VIEW("TO:"), false, &recipient->address);
    if (error == SMTP_PATH_OK)
        error = check_ascii(&recipient->address, smtputf8);
    if (error != SMTP_PATH_OK)
        return refuse_path(error, "5.1.3", refusal);
    return smtp_parse_rcpt_parameters(argument, recipient, refusal);
}

bool smtp_parse_bdat(struct view argument, uint64_t *size, bool *last)
{
    size_t end = view_find(argument, ' ');
    struct view word = view_trim(view_from(argument, end));
    if (!view_to_uint64(view_first(argument, end), size))
        return false;
    *last = view_equal_nocase(word, VIEW("LAST"));
    return *last || view_is_empty(word);
}

bool smtp_is_helo_name(struct view text)
{
    if (view_is_empty(text) || text.length > SMTP_DOMAIN_MAXIMUM)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char byte = ascii_lower(text.data[i]);
        bool letter_or_digit = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!letter_or_digit && (byte == '\0' || strchr("-._:[]", byte) == NULL))
            return false;
    }
    return true;
}
