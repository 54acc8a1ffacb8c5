#include "base/error.h"

#include "base/view.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *error, int code, const char *format, ...)
{
    if (error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    /* Through a second buffer, for an argument may be the old text of the same error. */
    char text[sizeof error->text];
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    error->code = code;
    memcpy(error->text, text, sizeof text);
    return false;
}

bool error_prefix(struct error *error, const char *format, ...)
{
    if (error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    char text[2 * sizeof error->text + 3];
    int length = vsnprintf(text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return false;
    size_t context = strlen(text);
    snprintf(text + context, sizeof text - context, ": %s", error->text);
    view_copy_text(view_of_text(text), error->text, sizeof error->text);
    return false;
}
