/*
 * The command line: `gatepost VERB ...`. Verbs that manage the service are clients of its admin channel, as
 * the console is; they know none of its files.
 */
#ifndef GATEPOST_CLI_CLI_H
#define GATEPOST_CLI_CLI_H

/* Exit codes of all verbs but `run` and `service`, which end with an enum service_exit. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NOT_RUNNING = 3,
    CLI_DENIED = 4,
    CLI_NOT_FOUND = 5,
    CLI_CONFLICT = 6
};

/* arguments: those of the program in UTF-8, its own name first. Returns the exit code. */
int cli_run(int count, char **arguments);

#endif
