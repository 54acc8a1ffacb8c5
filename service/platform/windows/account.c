#include "platform/windows/account.h"

#include "base/memory.h"
#include "platform/windows/access.h"
#include "platform/windows/wide.h"

#include <sddl.h>

#define NAME_SIZE 257 /* of an account or a domain, in characters */

/* The caller frees it with memory_free(). NULL when the system does not tell. */
static void *read_token(HANDLE token, TOKEN_INFORMATION_CLASS kind)
{
    DWORD size = 0;
    GetTokenInformation(token, kind, NULL, 0, &size);
    void *information = memory_allocate(1, size);
    if (GetTokenInformation(token, kind, information, size, &size))
        return information;
    memory_free(information);
    return NULL;
}

static void *read_own_token(TOKEN_INFORMATION_CLASS kind)
{
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return NULL;
    void *information = read_token(token, kind);
    CloseHandle(token);
    return information;
}

bool account_name_of_token(HANDLE token, char *name, size_t size)
{
    wchar_t account[NAME_SIZE], domain[NAME_SIZE], both[2 * NAME_SIZE];
    DWORD account_size = NAME_SIZE, domain_size = NAME_SIZE;
    SID_NAME_USE use;
    wchar_t *sid;
    TOKEN_USER *user = read_token(token, TokenUser);
    if (user == NULL)
        return false;
    bool known = true;
    if (LookupAccountSidW(NULL, user->User.Sid, account, &account_size, domain, &domain_size,
                          &use)) {
        wcscpy(both, domain);
        if (domain[0] != L'\0')
            wcscat(both, L"\\");
        wcscat(both, account);
        text_copy_wide(both, name, size);
    } else if (ConvertSidToStringSidW(user->User.Sid, &sid)) {
        text_copy_wide(sid, name, size);
        LocalFree(sid);
    } else {
        known = false;
    }
    memory_free(user);
    return known;
}

wchar_t *account_own_sid(void)
{
    wchar_t *text = NULL;
    TOKEN_USER *user = read_own_token(TokenUser);
    if (user != NULL && !ConvertSidToStringSidW(user->User.Sid, &text))
        text = NULL;
    memory_free(user);
    return text;
}

static bool is_domain_controller(void)
{
    OSVERSIONINFOEXW wanted = {.dwOSVersionInfoSize = sizeof wanted,
                               .wProductType = VER_NT_DOMAIN_CONTROLLER};
    return VerifyVersionInfoW(&wanted, VER_PRODUCT_TYPE,
                              VerSetConditionMask(0, VER_PRODUCT_TYPE, VER_EQUAL)) != 0;
}

wchar_t *account_group_sid(const wchar_t *group)
{
    BYTE sid[SECURITY_MAX_SID_SIZE];
    wchar_t name[2 * NAME_SIZE] = L"", domain[NAME_SIZE];
    DWORD sid_size = sizeof sid, domain_size = NAME_SIZE, length = NAME_SIZE;
    SID_NAME_USE use;
    wchar_t *text = NULL;
    /* With the computer's name in front nobody asks the domain, which may be out of reach. A domain
     * controller has no groups of its own but those of the domain. */
    if (!is_domain_controller() && GetComputerNameW(name, &length))
        wcscat(name, L"\\");
    wcsncat(name, group, NAME_SIZE - 1);
    /* An alias is what Windows calls a local group. */
    if (!LookupAccountNameW(NULL, name, sid, &sid_size, domain, &domain_size, &use) ||
        use != SidTypeAlias || !ConvertSidToStringSidW(sid, &text))
        return NULL;
    return text;
}

static bool is_service(PSID sid)
{
    PSID service;
    if (!ConvertStringSidToSidW(SERVICE_IDENTIFIER, &service))
        return false;
    bool equal = EqualSid(sid, service);
    LocalFree(service);
    return equal;
}

bool account_is_trusted(PSID sid)
{
    if (IsWellKnownSid(sid, WinLocalSystemSid) || IsWellKnownSid(sid, WinBuiltinAdministratorsSid))
        return true;
    TOKEN_USER *user = read_own_token(TokenUser);
    TOKEN_OWNER *owner = read_own_token(TokenOwner);
    bool own = (user != NULL && EqualSid(sid, user->User.Sid)) ||
               (owner != NULL && EqualSid(sid, owner->Owner));
    memory_free(user);
    memory_free(owner);
    return own || is_service(sid);
}
