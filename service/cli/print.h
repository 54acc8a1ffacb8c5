/* Inside the command line: the only way to standard output and standard error (tests put another in its place). */
#ifndef GATEPOST_CLI_PRINT_H
#define GATEPOST_CLI_PRINT_H

#include "base/buffer.h"
#include "cli/cli.h"

/* Everything to standard output. Frees the buffer, returns the exit code. */
int cli_print(struct buffer *out);

/* "gatepost: ..." on standard error. Returns the code. */
int cli_fail(enum cli_exit code, const char *format, ...) FORMAT_LIKE_PRINTF(2, 3);

#endif
