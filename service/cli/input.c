#include "cli/input.h"

#include "platform/file.h"

#define READ_SIZE 65536 /* bytes at a time */

bool cli_read_input(const char *path, struct buffer *contents, struct error *error)
{
    char part[READ_SIZE];
    size_t got;
    if (strcmp(path, "-") != 0)
        return file_read(path, contents, error);
    while ((got = fread(part, 1, sizeof part, stdin)) > 0)
        if (!buffer_append(contents, part, got))
            return error_set(error, 0, "Standard input is longer than %zu bytes.",
                             contents->maximum);
    return !ferror(stdin) || error_set(error, 0, "Standard input cannot be read.");
}
