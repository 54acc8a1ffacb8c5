#include "base/verdict.h"

#include <stdarg.h>
#include <stdio.h>

void verdict_pass(struct verdict *verdict, const char *rule)
{
    *verdict = (struct verdict){.kind = VERDICT_PASS, .code = 250, .rule = rule};
}

void verdict_set(struct verdict *verdict, const char *rule, int code, const char *enhanced,
                 const char *format, ...)
{
    *verdict = (struct verdict){.code = code, .rule = rule};
    verdict->kind = code >= 500 ? VERDICT_REFUSE : code >= 400 ? VERDICT_NOT_NOW : VERDICT_PASS;
    view_copy_text(view_of_text(enhanced), verdict->enhanced, sizeof verdict->enhanced);

    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(verdict->text, sizeof verdict->text, format, arguments) < 0)
        verdict->text[0] = '\0';
    va_end(arguments);
}
