#include "cli/input.h"

#include "platform/file.h"
#include "platform/text.h"

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

bool cli_read_secret(char *secret, size_t size, struct error *error)
{
    if (console_read_hidden("Value (it is not shown): ", secret, size))
        return true;
    if (fgets(secret, (int)size, stdin) == NULL)
        return error_set(error, 0, "Standard input has no line with the value.");
    size_t length = strcspn(secret, "\r\n");
    if (secret[length] == '\0' && length + 1 == size)
        return error_set(error, 0, "The value is longer than %zu bytes.", size - 2);
    secret[length] = '\0';
    return true;
}
