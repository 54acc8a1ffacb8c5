#include "platform/system_error.h"

#include "base/view.h"
#include "platform/windows/wide.h"

#include <stdarg.h>
#include <windows.h>

/* Without the full stop and the line end that Windows puts behind it. */
static void reason_of(int code, char *reason, size_t size)
{
    wchar_t wide[256];
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                                  (DWORD)code, 0, wide, sizeof wide / sizeof wide[0], NULL);
    while (length > 0 && wcschr(L".\r\n ", wide[length - 1]) != NULL)
        length--;
    wide[length] = L'\0';
    if (length > 0)
        text_copy_wide(wide, reason, size);
    else
        snprintf(reason, size, "Windows error %d", code);
}

bool system_error_set(struct error *error, int code, const char *format, ...)
{
    if (error == NULL)
        return false;
    char what[sizeof error->text];
    char kept[sizeof error->text / 2];
    char reason[sizeof error->text / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    view_copy_text(view_of_text(what), kept, sizeof kept);
    reason_of(code, reason, sizeof reason);
    return error_set(error, code, "%s: %s.", kept, reason);
}
