#include "cli/print.h"

int cli_fail(enum cli_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("gatepost: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    return code;
}

int cli_print(struct buffer *out)
{
    bool written = out->length == 0 || (fwrite(out->data, 1, out->length, stdout) == out->length &&
                                        fflush(stdout) == 0);
    buffer_free(out);
    return written ? CLI_OK : cli_fail(CLI_FAILED, "The output could not be written.");
}
