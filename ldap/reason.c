#include "ldap/reason.h"

#include <ldap.h>

/* The most of a server's message that is shown, bytes. */
#define SAID_MAXIMUM 160

/* A Windows error number as Active Directory writes it into its message: hexadecimal, without 0x. */
struct logon_reason {
    const char *data;
    const char *sentence;
};

static const struct logon_reason logon_reasons[] = {
    {"525", "there is no such account in the directory."},
    {"52e", "its password is wrong, or there is no such account."},
    {"52f", "the directory restricts its use."},
    {"530", "it may not log on at this time. See its logon hours."},
    {"531", "it may not log on from this computer. See its \"Log On To\" list."},
    {"532", "its password has expired. Set a new one, and let it never expire."},
    {"533", "it is disabled. Enable it."},
    {"568", "it is in too many groups."},
    {"701", "it has expired. Set its end to never."},
    {"773",
     "it must change its password first. Set one without \"User must change password at next "
     "logon\"."},
    {"775",
     "it is locked because of wrong passwords. Enter the right password here, then unlock it."},
};

/* The text behind "data ", empty when there is none. */
static struct view data_of(struct view said)
{
    const struct view mark = VIEW("data ");
    for (size_t i = 0; i + mark.length <= said.length; i++)
        if (view_starts_with_nocase(view_from(said, i), mark)) {
            struct view rest = view_from(said, i + mark.length);
            return view_first(rest, view_find(rest, ','));
        }
    return VIEW_NONE;
}

static const char *logon_sentence(struct view said)
{
    struct view data = data_of(said);
    for (size_t i = 0; i < sizeof logon_reasons / sizeof logon_reasons[0]; i++)
        if (view_equal_nocase(data, view_of_text(logon_reasons[i].data)))
            return logon_reasons[i].sentence;
    return "its password is wrong, or there is no such account.";
}

/* On one line and cut: the text is the server's. */
static const char *show(struct view said, char text[SAID_MAXIMUM + 1])
{
    view_copy_text(view_trim(said), text, SAID_MAXIMUM + 1);
    for (char *byte = text; *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ' || *byte == 0x7F)
            *byte = ' ';
    return text;
}

bool reason_of_bind(struct error *error, int result, struct view said, const char *account)
{
    char text[SAID_MAXIMUM + 1];
    switch (result) {
    case LDAP_INVALID_CREDENTIALS:
        return error_set(error, result, "The account %s cannot be used: %s", account,
                         logon_sentence(said));
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_CONFIDENTIALITY_REQUIRED:
        return error_set(
            error, result,
            "The server takes passwords over encrypted connections only. Set the security of the "
            "connection to LDAPS or StartTLS.");
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INVALID_DN_SYNTAX:
        return error_set(error, result, "\"%s\" is not an account of the directory.", account);
    default:
        return error_set(error, result, "The server refused the account %s: %s (%s).", account,
                         ldap_err2string(result), show(said, text));
    }
}

bool reason_of_result(struct error *error, int result, struct view said, const char *what)
{
    char text[SAID_MAXIMUM + 1];
    switch (result) {
    case LDAP_SIZELIMIT_EXCEEDED:
    case LDAP_ADMINLIMIT_EXCEEDED:
        return error_set(
            error, result,
            "%s: the server gives this account only a part of the entries (its size limit). Raise "
            "the limit of the account at the server.",
            what);
    case LDAP_TIMELIMIT_EXCEEDED:
        return error_set(error, result, "%s: the server's time limit was exceeded.", what);
    case LDAP_NO_SUCH_OBJECT:
        return error_set(error, result, "%s: the server has no such entry.", what);
    case LDAP_INSUFFICIENT_ACCESS:
        return error_set(error, result, "%s: the account may not read this.", what);
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
        return error_set(error, result, "%s: the connection broke.", what);
    case LDAP_TIMEOUT:
        return error_set(error, result, "%s: the server did not answer in time.", what);
    default:
        return error_set(error, result, "%s: %s (%s).", what, ldap_err2string(result),
                         show(said, text));
    }
}
