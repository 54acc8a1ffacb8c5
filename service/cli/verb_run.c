#include "base/memory.h"
#include "cli/ask.h"
#include "server.h"

static int run(struct service_host *host, void *user)
{
    return server_run(user, host);
}

static void control(enum service_control control, void *user)
{
    server_control(user, control);
}

int cli_run_server(struct cli_call *call)
{
    char *folder = cli_data_folder(call);
    const struct server_options options = {
        .data_folder = folder,
        .log_to_console = true,
        .verbose = cli_value(call, "--verbose") != NULL,
    };
    struct server *server = server_create(&options);
    const struct service_program program = {run, control, server};
    int exit = service_run_foreground(&program);
    server_destroy(server);
    memory_free(folder);
    return exit;
}

int cli_service(struct cli_call *call)
{
    struct error error = {0};
    char *folder = cli_data_folder(call);
    const struct server_options options = {.data_folder = folder};
    struct server *server = server_create(&options);
    const struct service_program program = {run, control, server};
    int exit = service_run_managed(&program, &error);
    server_destroy(server);
    memory_free(folder);
    return error.text[0] == '\0' ? exit : cli_fail(CLI_USAGE, "%s", error.text);
}
