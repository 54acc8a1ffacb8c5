/*
 * Inside the command line: what a verb is. One table (verbs.c) drives parsing, `--help` and the list that
 * `gatepost help` prints.
 */
#ifndef GATEPOST_CLI_VERB_H
#define GATEPOST_CLI_VERB_H

#include "base/buffer.h"
#include "base/error.h"
#include "cli/cli.h"

#include <jansson.h>

struct admin_client;

enum cli_kind {
    CLI_SWITCH, /* without a value */
    CLI_TEXT,
    CLI_NUMBER, /* within minimum and maximum */
    CLI_TIME,   /* time.h */
};

struct cli_option {
    const char *name;  /* "--limit"; NULL ends a list of options */
    const char *value; /* how help names its value: "N"; NULL for a switch */
    enum cli_kind kind;
    int64_t minimum, maximum;
    const char *help;
};

#define CLI_ARGUMENTS_MAXIMUM 2
#define CLI_OPTIONS_MAXIMUM   16

/* The options that a verb has beside its own and --help. */
enum cli_common {
    CLI_PLAIN = 0,
    CLI_HAS_DATA = 1, /* --data: which service, or which folder it serves */
    CLI_HAS_JSON = 2,
    CLI_MANAGES = CLI_HAS_DATA | CLI_HAS_JSON
};

struct cli_call;

struct cli_verb {
    const char *name;      /* "recipient add" */
    const char *arguments; /* "ADDRESS [NAME]": those in brackets may be left out */
    const char *summary;   /* a line in the list of verbs */
    const char *help;      /* what more there is to know; lines end with "\n" */
    enum cli_common common;
    const struct cli_option *options;  /* NULL for none of its own */
    int (*run)(struct cli_call *call); /* returns the exit code */
};

/* A verb with what was given to it. Texts are the caller's. */
struct cli_call {
    const struct cli_verb *verb;
    bool help; /* asked for; nothing else counts then */
    bool json;
    const char *data_folder;                      /* NULL: the default one */
    const char *arguments[CLI_ARGUMENTS_MAXIMUM]; /* NULL behind the last one */
    const char *values[CLI_OPTIONS_MAXIMUM]; /* of verb->options; NULL: not given, "": a switch */
    struct admin_client *client;             /* connected by cli_ask() */
};

/* verbs.c: ends with a verb without name. */
extern const struct cli_verb cli_verbs[];

enum { CLI_OPTION_DATA, CLI_OPTION_JSON, CLI_OPTION_HELP };
extern const struct cli_option cli_common_options[];

/* parse.c: arguments without the name of the program. False with an error that says what is wrong and how to
 * get help; call->verb may be set then. `gatepost recipient --help` is a call of the verb "help". */
bool cli_parse(int count, char **arguments, struct cli_call *call, struct error *error);

/* Whether the name of the verb begins with these words. */
bool cli_verb_is_in(const struct cli_verb *verb, struct view words);

/* The value of an option of the call's verb; NULL when it was not given. */
const char *cli_value(const struct cli_call *call, const char *name);

/* The same for CLI_NUMBER. */
int64_t cli_number(const struct cli_call *call, const char *name, int64_t otherwise);

/* help.c: all verbs whose names begin with `words`, "" for all and what is common to them; or one verb. */
void cli_help_list(struct buffer *out, struct view words);
void cli_help_verb(struct buffer *out, const struct cli_verb *verb);

/* The verbs, by file. */
int cli_run_server(struct cli_call *call); /* verb_run.c */
int cli_service(struct cli_call *call);    /* verb_service.c */
int cli_service_install(struct cli_call *call);
int cli_service_configure(struct cli_call *call);
int cli_service_remove(struct cli_call *call);
int cli_service_start(struct cli_call *call);
int cli_service_stop(struct cli_call *call);
int cli_service_status(struct cli_call *call);
int cli_status(struct cli_call *call); /* verb_status.c */
int cli_stop(struct cli_call *call);
int cli_queue_list(struct cli_call *call);
int cli_queue_retry(struct cli_call *call);
int cli_sessions_list(struct cli_call *call);
int cli_sessions_end(struct cli_call *call);
int cli_recipient_add(struct cli_call *call); /* verb_recipient.c */
int cli_recipient_remove(struct cli_call *call);
int cli_recipient_list(struct cli_call *call);
int cli_recipient_explain(struct cli_call *call);
int cli_recipient_import(struct cli_call *call); /* verb_import.c */
int cli_callout_status(struct cli_call *call);   /* verb_callout.c */
int cli_callout_test(struct cli_call *call);
int cli_callout_clear(struct cli_call *call);
int cli_harvest_list(struct cli_call *call); /* verb_harvest.c */
int cli_harvest_clear(struct cli_call *call);
int cli_directory_status(struct cli_call *call); /* verb_directory.c */
int cli_directory_sync(struct cli_call *call);
int cli_directory_test(struct cli_call *call);
int cli_track(struct cli_call *call); /* verb_track.c */
int cli_track_history(struct cli_call *call);
int cli_config_get(struct cli_call *call); /* verb_config.c */
int cli_config_set(struct cli_call *call);
int cli_config_export(struct cli_call *call);
int cli_config_import(struct cli_call *call);
int cli_config_history(struct cli_call *call);
int cli_config_revert(struct cli_call *call);
int cli_config_describe(struct cli_call *call); /* verb_describe.c */
int cli_version(struct cli_call *call);         /* verb_help.c */
int cli_help(struct cli_call *call);

#endif
