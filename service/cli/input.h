/* Inside the command line: the file that a verb is given, or standard input. */
#ifndef GATEPOST_CLI_INPUT_H
#define GATEPOST_CLI_INPUT_H

#include "base/buffer.h"
#include "base/error.h"

/* path "-": standard input. At most contents->maximum bytes. */
bool cli_read_input(const char *path, struct buffer *contents, struct error *error);

#endif
