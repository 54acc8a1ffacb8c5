#include "cli/cli.h"

#include "cli/ask.h"
#include "cli/output.h"

static int print_help(const struct cli_verb *verb)
{
    struct buffer out;
    buffer_init(&out, CLI_OUTPUT_MAXIMUM);
    cli_help_verb(&out, verb);
    return cli_print(&out);
}

int cli_run(int count, char **arguments)
{
    struct cli_call call;
    struct error error;
    if (!cli_parse(count - 1, arguments + 1, &call, &error))
        return cli_fail(CLI_USAGE, "%s", error.text);
    if (call.help)
        return print_help(call.verb);
    int exit = call.verb->run(&call);
    cli_hang_up(&call);
    return exit;
}
