#include <initguid.h>

#include "platform/file.h"

#include "base/memory.h"
#include "platform/system_error.h"
#include "platform/windows/access.h"
#include "platform/windows/account.h"
#include "platform/windows/wide.h"

#include <aclapi.h>
#include <knownfolders.h>
#include <sddl.h>
#include <shlobj.h>
#include <windows.h>

bool folder_exists(const char *path)
{
    wchar_t *wide = wide_path(path);
    DWORD attributes = GetFileAttributesW(wide);
    memory_free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* Freed by LocalFree(); NULL with GetLastError() when it cannot be made. */
static PSECURITY_DESCRIPTOR folder_security(void)
{
    PSECURITY_DESCRIPTOR security;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(FOLDER_ACCESS, SDDL_REVISION_1,
                                                              &security, NULL))
        return NULL;
    return security;
}

/* GetLastError() or 0. */
static DWORD make_folder(const char *path)
{
    PSECURITY_DESCRIPTOR security = folder_security();
    if (security == NULL)
        return GetLastError();
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, security, FALSE};
    wchar_t *wide = wide_path(path);
    DWORD reason = CreateDirectoryW(wide, &attributes) ? 0 : GetLastError();
    memory_free(wide);
    LocalFree(security);
    return reason;
}

bool folder_create(const char *path, struct error *error)
{
    DWORD reason = folder_exists(path) ? 0 : make_folder(path);
    if (reason == ERROR_PATH_NOT_FOUND) {
        char *parent = path_parent(path);
        bool made = strcmp(parent, path) != 0 && folder_create(parent, error);
        memory_free(parent);
        if (!made)
            return false;
        reason = make_folder(path);
    }
    /* Somebody else may have made it meanwhile. */
    if (reason == 0 || (reason == ERROR_ALREADY_EXISTS && folder_exists(path)))
        return true;
    return system_error_set(error, (int)reason, "The folder %s cannot be made", path);
}

static DWORD set_access(wchar_t *path)
{
    BOOL present, defaulted;
    ACL *list;
    PSECURITY_DESCRIPTOR security = folder_security();
    if (security == NULL || !GetSecurityDescriptorDacl(security, &present, &list, &defaulted))
        return GetLastError();
    DWORD reason = SetNamedSecurityInfoW(
        path, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL,
        NULL, list, NULL);
    LocalFree(security);
    return reason;
}

static bool protect(wchar_t *wide, const char *path, struct error *error)
{
    PSECURITY_DESCRIPTOR security;
    PSID owner;
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision;
    DWORD reason = GetNamedSecurityInfoW(wide, SE_FILE_OBJECT,
                                         OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                                         &owner, NULL, NULL, NULL, &security);
    if (reason != 0)
        return system_error_set(error, (int)reason, "The access to %s cannot be read", path);
    bool trusted = account_is_trusted(owner);
    GetSecurityDescriptorControl(security, &control, &revision);
    LocalFree(security);
    if (!trusted)
        return error_set(
            error, ERROR_INVALID_OWNER,
            "The folder %s belongs to a user who is no administrator. Look at what is in "
            "it, then delete it or make Administrators its owner.",
            path);
    if ((control & SE_DACL_PROTECTED) != 0)
        return true;
    reason = set_access(wide);
    return reason == 0 ||
           system_error_set(error, (int)reason, "The access to %s cannot be set", path);
}

bool folder_protect(const char *path, struct error *error)
{
    if (!folder_create(path, error))
        return false;
    wchar_t *wide = wide_path(path);
    bool done = protect(wide, path, error);
    memory_free(wide);
    return done;
}

bool folder_each(const char *path, void (*each)(void *user, const char *name, bool is_folder),
                 void *user, struct error *error)
{
    WIN32_FIND_DATAW found;
    char *pattern = path_join(path, "*");
    wchar_t *wide = wide_path(pattern);
    HANDLE search = FindFirstFileExW(wide, FindExInfoBasic, &found, FindExSearchNameMatch, NULL,
                                     FIND_FIRST_EX_LARGE_FETCH);
    DWORD reason = search == INVALID_HANDLE_VALUE ? GetLastError() : 0;
    memory_free(wide);
    memory_free(pattern);
    if (reason != 0)
        return system_error_set(error, (int)reason, "The folder %s cannot be opened", path);
    do {
        char *name = text_from_wide(found.cFileName);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            each(user, name, (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0);
        memory_free(name);
    } while (FindNextFileW(search, &found));
    reason = GetLastError();
    FindClose(search);
    if (reason != ERROR_NO_MORE_FILES)
        return system_error_set(error, (int)reason, "The folder %s cannot be read", path);
    return true;
}

bool disk_free_bytes(const char *path, uint64_t *bytes, struct error *error)
{
    ULARGE_INTEGER available;
    wchar_t *wide = wide_path(path);
    bool known = GetDiskFreeSpaceExW(wide, &available, NULL, NULL) != 0;
    DWORD reason = GetLastError();
    memory_free(wide);
    if (!known)
        return system_error_set(error, (int)reason, "The free space at %s cannot be found out",
                                path);
    *bytes = available.QuadPart;
    return true;
}

char *default_data_folder(void)
{
    wchar_t *wide = NULL;
    if (SHGetKnownFolderPath(&FOLDERID_ProgramData, 0, NULL, &wide) != S_OK)
        return memory_copy_text("C:\\ProgramData\\Gatepost");
    char *program_data = text_from_wide(wide);
    char *path = path_join(program_data, "Gatepost");
    CoTaskMemFree(wide);
    memory_free(program_data);
    return path;
}

char *program_folder(void)
{
    DWORD size = MAX_PATH;
    wchar_t *wide = memory_allocate(size, sizeof(*wide));
    while (GetModuleFileNameW(NULL, wide, size) == size) {
        size *= 2;
        wide = memory_resize(wide, size, sizeof(*wide));
    }
    char *program = text_from_wide(wide);
    char *folder = path_parent(program);
    memory_free(wide);
    memory_free(program);
    return folder;
}
