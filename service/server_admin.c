#include "server_admin.h"

#include "platform/clock.h"

static json_t *stop_service(void *user, struct admin_call *call)
{
    struct server *server = user;
    log_line(LOG_INFORMATION, 0, "%s asks for a stop", call->who);
    server_control(server, SERVICE_ASKED_TO_STOP);
    return json_object();
}

static const struct {
    const char *name;
    admin_method function;
} methods[] = {
    {"status", server_status},
    {"service.stop", stop_service},
    {"sessions.list", server_sessions_list},
    {"sessions.end", server_sessions_end},
    {"config.get", server_config_get},
    {"config.set", server_config_set},
    {"config.import", server_config_import},
    {"config.history", server_config_history},
    {"config.revert", server_config_revert},
    {"recipient.add", server_recipient_add},
    {"recipient.remove", server_recipient_remove},
    {"recipient.list", server_recipient_list},
    {"recipient.explain", server_recipient_explain},
    {"recipient.import", server_import},
    {"recipient.import.begin", server_import_begin},
    {"recipient.import.part", server_import_part},
    {"recipient.import.end", server_import_end},
    {"callout.status", server_callout_status},
    {"callout.test", server_callout_test},
    {"callout.clear", server_callout_clear},
    {"harvest.list", server_harvest_list},
    {"harvest.clear", server_harvest_clear},
    {"directory.status", server_directory_status},
    {"directory.sync", server_directory_sync},
    {"directory.test", server_directory_test},
    {"queue.list", server_queue_list},
    {"queue.retry", server_queue_retry},
    {"tracking.search", server_tracking_search},
    {"tracking.history", server_tracking_history},
};

void server_register_methods(struct server *server)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        admin_server_register(server->admin, methods[i].name, methods[i].function, server);
}

/* ---- in common ---- */

json_t *server_json_time(int64_t unix_ms)
{
    char text[CLOCK_UTC_SIZE];
    if (unix_ms == 0)
        return json_null();
    clock_format_utc(unix_ms, text);
    return json_string(text);
}

bool server_page(struct admin_call *call, size_t *limit, const char **after)
{
    int64_t count = PAGE_DEFAULT;
    *after = "";
    if (!admin_number(call, "limit", 1, PAGE_MAXIMUM, &count) || !admin_text(call, "after", after))
        return false;
    *limit = (size_t)count;
    return true;
}

bool server_required(struct admin_call *call, const char *name, const char **value)
{
    *value = NULL;
    if (!admin_text(call, name, value))
        return false;
    if (*value == NULL)
        admin_fail(call, "bad-request", "%s: is needed.", name);
    return *value != NULL;
}
