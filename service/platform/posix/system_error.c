#include "platform/system_error.h"

#include "base/view.h"

#include <stdarg.h>
#include <string.h>

bool system_error_set(struct error *error, int code, const char *format, ...)
{
    if (error == NULL)
        return false;
    char what[sizeof error->text];
    char kept[sizeof error->text * 3 / 4];
    char reason[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    view_copy_text(view_of_text(what), kept, sizeof kept);
    return error_set(error, code, "%s: %s.", kept, strerror_r(code, reason, sizeof reason));
}
