#include "cli/ask.h"
#include "cli/output.h"
#include "version.h"

static void append_version(struct buffer *out, const json_t *result)
{
    (void)result;
    buffer_append_text(out, "gatepost " GATEPOST_VERSION "\n");
}

int cli_version(struct cli_call *call)
{
    json_t *result = json_object();
    json_object_set_new(result, "version", json_string(GATEPOST_VERSION));
    return cli_show(call, result, append_version);
}

int cli_help(struct cli_call *call)
{
    struct buffer out;
    struct view words = view_of_text(call->arguments[0]);
    buffer_init(&out, CLI_OUTPUT_MAXIMUM);
    cli_help_list(&out, words);
    if (out.length == 0) {
        buffer_free(&out);
        return cli_fail(CLI_USAGE, "There is no verb \"%s\". \"gatepost help\" lists the verbs.",
                        call->arguments[0]);
    }
    return cli_print(&out);
}
