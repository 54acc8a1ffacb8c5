#include "platform/windows/wide.h"

#include "base/memory.h"
#include "base/view.h"

#include <windows.h>

wchar_t *wide_from_text(const char *text)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    wchar_t *wide = memory_allocate((size_t)length + 1, sizeof(*wide));
    MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, length);
    return wide;
}

char *text_from_wide(const wchar_t *wide)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *text = memory_allocate((size_t)length + 1, 1);
    WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, length, NULL, NULL);
    return text;
}

void text_copy_wide(const wchar_t *wide, char *text, size_t size)
{
    char *whole = text_from_wide(wide);
    view_copy_text(view_of_text(whole), text, size);
    memory_free(whole);
}

static wchar_t *full_path(const wchar_t *path)
{
    DWORD size = GetFullPathNameW(path, 0, NULL, NULL);
    wchar_t *full = memory_allocate((size_t)size + 1, sizeof(*full));
    GetFullPathNameW(path, size, full, NULL);
    return full;
}

static wchar_t *joined(const wchar_t *first, const wchar_t *second)
{
    size_t first_length = wcslen(first), second_size = wcslen(second) + 1;
    wchar_t *both = memory_allocate(first_length + second_size, sizeof(*both));
    wmemcpy(both, first, first_length);
    wmemcpy(both + first_length, second, second_size);
    return both;
}

wchar_t *wide_path(const char *path)
{
    wchar_t *given = wide_from_text(path);
    wchar_t *full = full_path(given);
    wchar_t *result;
    memory_free(given);
    if (wcsncmp(full, L"\\\\?\\", 4) == 0 || wcsncmp(full, L"\\\\.\\", 4) == 0)
        return full;
    if (wcsncmp(full, L"\\\\", 2) == 0)
        result = joined(L"\\\\?\\UNC\\", full + 2);
    else
        result = joined(L"\\\\?\\", full);
    memory_free(full);
    return result;
}
