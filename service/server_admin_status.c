#include "server_admin.h"

#include "base/memory.h"
#include "platform/text.h"
#include "version.h"

#include <stdlib.h>

/* ---- status ---- */

struct totals {
    json_t *servers; /* an array */
    bool is_paused;
    uint64_t connections, refused_connections, messages, message_bytes, accepted_recipients,
        refused_recipients, unknown_recipients;
};

static json_t *address_json(const struct reception_address *address)
{
    return json_pack("{s:s, s:i, s:b, s:b}", "address", address->address, "port",
                     (int)address->port, "recipient_filter", (int)address->recipient_filter,
                     "listening", (int)address->listens);
}

static const char *state_of(const struct reception_server *server, bool is_paused)
{
    if (!server->started)
        return "stopped";
    return is_paused ? "paused" : "running";
}

static uint64_t count_of(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit((atomic_uint_fast64_t *)counter, memory_order_relaxed);
}

static void add_server(void *user, const struct reception_server *server)
{
    struct totals *totals = user;
    const struct virtual_server_counters *counters = server->counters;
    json_t *addresses = json_array();
    for (size_t i = 0; i < server->address_count; i++)
        json_array_append_new(addresses, address_json(&server->addresses[i]));
    json_array_append_new(
        totals->servers,
        json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I}", "name", server->name, "state",
                  state_of(server, totals->is_paused), "addresses", addresses, "connections",
                  (json_int_t)server->connections, "messages",
                  (json_int_t)count_of(&counters->messages), "accepted_recipients",
                  (json_int_t)count_of(&counters->accepted_recipients), "refused_recipients",
                  (json_int_t)count_of(&counters->refused_recipients)));
    totals->connections += count_of(&counters->connections);
    totals->refused_connections += count_of(&counters->refused_connections);
    totals->messages += count_of(&counters->messages);
    totals->message_bytes += count_of(&counters->message_bytes);
    totals->accepted_recipients += count_of(&counters->accepted_recipients);
    totals->refused_recipients += count_of(&counters->refused_recipients);
    totals->unknown_recipients += count_of(&counters->unknown_recipients);
}

/* Of the virtual servers that there are now, since the service was started. */
static json_t *counters_json(const struct server *server, const struct totals *totals)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "connections", (json_int_t)totals->connections,
        "refused_connections", (json_int_t)totals->refused_connections, "messages",
        (json_int_t)totals->messages, "message_bytes", (json_int_t)totals->message_bytes,
        "accepted_recipients", (json_int_t)totals->accepted_recipients, "refused_recipients",
        (json_int_t)totals->refused_recipients, "unknown_recipients",
        (json_int_t)totals->unknown_recipients, "tracking_dropped",
        (json_int_t)tracking_dropped(server->tracking));
}

static json_t *queue_json(const struct server *server)
{
    uint64_t messages;
    uint64_t recipients;
    spool_count(server->spool, &messages, &recipients);
    return json_pack("{s:I, s:I}", "messages", (json_int_t)messages, "recipients",
                     (json_int_t)recipients);
}

static json_t *store_json(const struct server *server)
{
    static const char *const states[] = {
        [SPOOL_READY] = "ok", [SPOOL_FAILING] = "failed", [SPOOL_DISK_LOW] = "disk-low"};
    uint64_t bytes;
    json_t *store = json_pack("{s:s}", "state", states[spool_state(server->spool)]);
    if (disk_free_bytes(server->data_folder, &bytes, NULL))
        json_object_set_new(store, "free_mb", json_integer((json_int_t)(bytes >> 20)));
    return store;
}

static void add_directory(void *user, const struct directory_report *report)
{
    json_array_append_new(user, json_pack("{s:s, s:s, s:I}", "name", report->name, "state",
                                          source_state_name(report->status.state), "entries",
                                          (json_int_t)report->status.objects));
}

static json_t *directories_json(const struct server *server)
{
    json_t *list = json_array();
    directories_each(server->directories, add_directory, list);
    return list;
}

json_t *server_status(void *user, struct admin_call *call)
{
    static const char *const states[] = {[SERVER_STARTING] = "starting",
                                         [SERVER_RUNNING] = "running",
                                         [SERVER_PAUSED] = "paused",
                                         [SERVER_STOPPING] = "stopping"};
    struct server *server = user;
    enum server_state state = server_state(server);
    struct policy *policy = server_policy(server);
    struct totals totals = {.servers = json_array(), .is_paused = state == SERVER_PAUSED};
    char host_name[256];
    (void)call;
    computer_name(host_name, sizeof(host_name));
    reception_each_server(server->reception, add_server, &totals);
    json_t *status = json_pack(
        "{s:s, s:s, s:o, s:s, s:I, s:s, s:o, s:o, s:I, s:o, s:o, s:o}", "version", GATEPOST_VERSION,
        "host_name", host_name, "started", server_json_time(server->started_ms), "state",
        states[state], "revision", (json_int_t)policy_settings(policy)->revision, "data_folder",
        server->data_folder, "virtual_servers", totals.servers, "queue", queue_json(server),
        "recipients", (json_int_t)directory_count(server->directory), "store", store_json(server),
        "counters", counters_json(server, &totals), "harvest", server_harvest_json(server));
    json_object_set_new(status, "directories", directories_json(server));
    policy_release(policy);
    return status;
}

/* ---- sessions ---- */

struct session_copy {
    ident session;
    json_t *json;
};

/* Those of all loops behind `after`; the page is cut from them when they are in order. */
struct session_page {
    ident after;
    struct session_copy *copies;
    size_t count;
    size_t capacity;
};

static json_t *session_json(const struct inbound_session *session)
{
    char id_text[IDENT_TEXT_SIZE];
    ident_format(session->session, id_text);
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:I}", "session", id_text, "client",
                     session->client, "helo", admin_json_text(session->helo), "since",
                     server_json_time(session->since_ms), "virtual_server", session->virtual_server,
                     "messages", (json_int_t)session->messages);
}

static void add_session(void *user, const struct inbound_session *session)
{
    struct session_page *page = user;
    if (session->session <= page->after)
        return;
    if (page->count == page->capacity) {
        page->capacity = page->capacity == 0 ? PAGE_DEFAULT : page->capacity * 2;
        page->copies = memory_resize(page->copies, page->capacity, sizeof(*page->copies));
    }
    page->copies[page->count++] = (struct session_copy){session->session, session_json(session)};
}

static int compare_sessions(const void *left, const void *right)
{
    const struct session_copy *a = left;
    const struct session_copy *b = right;
    return (a->session > b->session) - (a->session < b->session);
}

static json_t *cut_page(struct session_page *page, size_t limit)
{
    char id_text[IDENT_TEXT_SIZE];
    json_t *sessions = json_array();
    json_t *result = json_pack("{s:o}", "sessions", sessions);
    if (page->count > 0)
        qsort(page->copies, page->count, sizeof(*page->copies), compare_sessions);
    for (size_t i = 0; i < page->count; i++) {
        if (i < limit)
            json_array_append(sessions, page->copies[i].json);
        json_decref(page->copies[i].json);
    }
    if (page->count > limit) {
        ident_format(page->copies[limit - 1].session, id_text);
        json_object_set_new(result, "next", json_string(id_text));
    }
    memory_free(page->copies);
    return result;
}

json_t *server_sessions_list(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct session_page page = {.after = 0};
    size_t limit;
    const char *after;
    if (!server_page(call, &limit, &after))
        return NULL;
    if (after[0] != '\0' && !ident_parse(view_of_text(after), &page.after))
        return admin_fail(call, "bad-request", "after: is not from a page before.");
    reception_each_session(server->reception, add_session, &page);
    return cut_page(&page, limit);
}

json_t *server_sessions_end(void *user, struct admin_call *call)
{
    struct server *server = user;
    const char *text;
    ident session;
    if (!server_required(call, "session", &text))
        return NULL;
    if (!ident_parse(view_of_text(text), &session))
        return admin_fail(call, "bad-request", "session: \"%s\" is no identifier.", text);
    bool ended = reception_end_session(server->reception, session);
    if (ended)
        log_line(LOG_INFORMATION, session, "ended by %s", call->who);
    return json_pack("{s:b}", "ended", (int)ended);
}
