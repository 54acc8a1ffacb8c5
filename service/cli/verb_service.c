#include "platform/service.h"

#include "base/memory.h"
#include "cli/ask.h"
#include "cli/output.h"
#include "platform/file.h"

/* Longer than the setting service.stop_time may be. */
#define STOP_DEADLINE_MS 660000

/* Says how it went. */
static int finish(bool done, const struct error *error, const char *text)
{
    struct buffer out;
    if (!done)
        return cli_fail(CLI_FAILED, "%s", error->text);
    buffer_init(&out, CLI_OUTPUT_MAXIMUM);
    buffer_append_format(&out, "%s\n", text);
    return cli_print(&out);
}

int cli_service_install(struct cli_call *call)
{
    struct error error = {0};
    struct buffer command;
    char *folder = program_folder();
    char *program = path_join(folder, "gatepost.exe");
    buffer_init(&command, SIZE_MAX);
    buffer_append_format(&command, "\"%s\" service", program);
    if (call->data_folder != NULL)
        buffer_append_format(&command, " --data \"%s\"", call->data_folder);
    bool done = service_install(command.data, &error);
    buffer_free(&command);
    memory_free(program);
    memory_free(folder);
    return finish(done, &error, "The service is registered. Start it with: gatepost service start");
}

int cli_service_configure(struct cli_call *call)
{
    struct error error = {0};
    bool done = service_configure(cli_value(call, "--start"), &error);
    return finish(done, &error, "The service is configured.");
}

int cli_service_remove(struct cli_call *call)
{
    struct error error = {0};
    (void)call;
    bool done = service_remove(&error);
    return finish(done, &error, "The service is removed. The data folder is still there.");
}

int cli_service_start(struct cli_call *call)
{
    struct error error = {0};
    (void)call;
    bool done = service_start(&error);
    return finish(done, &error, "The service runs.");
}

int cli_service_stop(struct cli_call *call)
{
    struct error error = {0};
    (void)call;
    bool done = service_stop(STOP_DEADLINE_MS, &error);
    return finish(done, &error, "The service has stopped.");
}

static void append_state(struct buffer *out, const json_t *result)
{
    json_int_t process = json_integer_value(json_object_get(result, "process"));
    buffer_append_text(out, json_string_value(json_object_get(result, "state")));
    if (process != 0)
        buffer_append_format(out, ", process %lld", (long long)process);
    buffer_append_text(out, "\n");
}

int cli_service_status(struct cli_call *call)
{
    struct error error = {0};
    char state[32];
    uint32_t process = 0;
    if (!service_query(state, sizeof state, &process, &error))
        return cli_fail(CLI_FAILED, "%s", error.text);
    json_t *result = json_object();
    json_object_set_new(result, "state", json_string(state));
    json_object_set_new(result, "process", json_integer(process));
    return cli_show(call, result, append_state);
}
