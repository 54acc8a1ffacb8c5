#include "cli/verb.h"

static const char exit_codes[] =
    "Exit codes: 0 done, 1 failed, 2 wrong use, 3 service not running, 4 access\n"
    "denied, 5 not found, 6 settings were changed by somebody else meanwhile.\n";

/* "--limit N" in a column of its own. */
static void append_option(struct buffer *out, const struct cli_option *option)
{
    char shown[40];
    snprintf(shown, sizeof shown, "%s%s%s", option->name, option->value == NULL ? "" : " ",
             option->value == NULL ? "" : option->value);
    buffer_append_format(out, "  %-20s %s\n", shown, option->help);
}

static void append_options(struct buffer *out, const struct cli_verb *verb)
{
    for (const struct cli_option *option = verb->options; option != NULL && option->name != NULL;
         option++)
        append_option(out, option);
    if ((verb->common & CLI_HAS_DATA) != 0)
        append_option(out, &cli_common_options[CLI_OPTION_DATA]);
    if ((verb->common & CLI_HAS_JSON) != 0)
        append_option(out, &cli_common_options[CLI_OPTION_JSON]);
    append_option(out, &cli_common_options[CLI_OPTION_HELP]);
}

void cli_help_verb(struct buffer *out, const struct cli_verb *verb)
{
    buffer_append_format(out, "gatepost %s%s%s [OPTION...]\n\n%s.\n", verb->name,
                         verb->arguments[0] == '\0' ? "" : " ", verb->arguments, verb->summary);
    if (verb->help[0] != '\0')
        buffer_append_format(out, "\n%s", verb->help);
    buffer_append_text(out, "\n");
    append_options(out, verb);
}

void cli_help_list(struct buffer *out, struct view words)
{
    char shown[60];
    if (view_is_empty(words))
        buffer_append_text(out, "gatepost VERB [ARGUMENT...] [OPTION...]\n\n");
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        if (!cli_verb_is_in(verb, words))
            continue;
        snprintf(shown, sizeof shown, "%s %s", verb->name, verb->arguments);
        buffer_append_format(out, "  %-29s %s\n", shown, verb->summary);
    }
    if (view_is_empty(words))
        buffer_append_format(out,
                             "\n\"gatepost VERB --help\" says more. Verbs that manage the service "
                             "have --json for\nprograms, and --data DIR for a service with another "
                             "data folder.\n\n%s",
                             exit_codes);
}
