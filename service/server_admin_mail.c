#include "server_admin.h"

#include "base/memory.h"
#include "moment.h"

#include <string.h>

/* ---- queues ---- */

static json_t *queue_json(const struct delivery_queue *queue)
{
    static const char *const states[] = {
        [DELIVERY_ACTIVE] = "active", [DELIVERY_READY] = "ready", [DELIVERY_RETRY] = "retry"};
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "destination", queue->destination, "kind",
        queue->is_drop ? "drop" : "host", "state", states[queue->state], "messages",
        (json_int_t)queue->messages, "recipients", (json_int_t)queue->recipients, "bytes",
        (json_int_t)queue->bytes, "oldest", server_json_time(queue->oldest_ms), "next_retry",
        server_json_time(queue->next_retry_ms), "last_error", admin_json_text(queue->last_error));
}

json_t *server_queue_list(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct delivery_queue *queues;
    json_t *list = json_array();
    size_t count = delivery_queues(server->delivery, &queues);
    (void)call;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, queue_json(&queues[i]));
    memory_free(queues);
    return json_pack("{s:o}", "queues", list);
}

json_t *server_queue_retry(void *user, struct admin_call *call)
{
    struct server *server = user;
    const char *destination = NULL;
    if (!admin_text(call, "destination", &destination))
        return NULL;
    log_line(LOG_INFORMATION, 0, "%s asks to try %s now", call->who,
             destination == NULL ? "all queues" : destination);
    delivery_retry_now(server->delivery, destination);
    return json_object();
}

/* ---- tracking ---- */

static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, admin_json_text(text == NULL ? "" : text));
}

static void set_ident(json_t *object, const char *name, ident value)
{
    char text[IDENT_TEXT_SIZE] = "";
    if (value != 0)
        ident_format(value, text);
    json_object_set_new(object, name, json_string(text));
}

static void add_row(void *user, const struct tracking_row *row)
{
    const struct tracking_record *record = &row->record;
    json_t *event =
        json_pack("{s:o, s:s, s:I, s:I}", "time", server_json_time(record->time_us / 1000), "event",
                  tracking_event_name(record->event), "size", (json_int_t)record->size, "count",
                  (json_int_t)row->count);
    set_ident(event, "message", record->message);
    set_ident(event, "session", record->session);
    set_text(event, "message_id", record->message_id);
    set_text(event, "sender", record->sender);
    set_text(event, "recipient", record->recipient);
    set_text(event, "client", record->client);
    set_text(event, "helo", record->helo);
    set_text(event, "destination", record->destination);
    set_text(event, "reply", record->reply);
    set_text(event, "reason", record->reason);
    set_text(event, "subject", record->subject);
    json_array_append_new(user, event);
}

static bool read_moment(struct admin_call *call, const char *name, int64_t *unix_us)
{
    const char *text = NULL;
    if (!admin_text(call, name, &text))
        return false;
    if (text == NULL || moment_parse(view_of_text(text), unix_us))
        return true;
    admin_fail(call, "bad-request", "%s: \"%s\" is no date and time (2026-11-24T10:00:00Z).", name,
               text);
    return false;
}

/* "delivered" or "delivered,deferred" */
static bool read_events(struct admin_call *call, unsigned *events)
{
    const char *text = NULL;
    struct view rest;
    struct view name;
    if (!admin_text(call, "event", &text))
        return false;
    rest = text == NULL ? VIEW_NONE : view_of_text(text);
    while (view_split(&rest, ',', &name)) {
        enum tracking_event event = tracking_event_of_name(view_trim(name));
        if (event == 0) {
            admin_fail(call, "bad-request", "event: \"%.*s\" is no event.", (int)name.length,
                       name.data);
            return false;
        }
        *events |= 1u << event;
    }
    return true;
}

/* An identifier of ours, or what stands in the Message-ID field. */
static bool read_message(struct admin_call *call, ident *message, const char **message_id)
{
    const char *text = NULL;
    if (!admin_text(call, "message", &text))
        return false;
    if (text != NULL && !ident_parse(view_of_text(text), message))
        *message_id = text;
    return true;
}

static bool read_query(struct admin_call *call, struct tracking_query *query)
{
    return server_page(call, &query->limit, &query->after) &&
           admin_text(call, "sender", &query->sender) &&
           admin_text(call, "recipient", &query->recipient) &&
           admin_text(call, "subject", &query->subject) &&
           admin_text(call, "client", &query->client) &&
           read_message(call, &query->message, &query->message_id) &&
           read_moment(call, "since", &query->since_us) &&
           read_moment(call, "until", &query->until_us) && read_events(call, &query->events);
}

/* Administrators look for what has just happened. */
#define FLUSH_MS 2000

static struct tracking_reader *open_reader(struct server *server, struct admin_call *call)
{
    struct error error;
    tracking_flush(server->tracking, FLUSH_MS);
    struct tracking_reader *reader = tracking_reader_create(server->tracking, &error);
    if (reader == NULL)
        admin_fail(call, "failed", "%s", error.text);
    return reader;
}

json_t *server_tracking_search(void *user, struct admin_call *call)
{
    struct tracking_query query = {.message = 0};
    struct error error;
    char next[64];
    if (!read_query(call, &query))
        return NULL;
    if (query.after[0] == '\0')
        query.after = NULL;
    struct tracking_reader *reader = open_reader(user, call);
    if (reader == NULL)
        return NULL;
    json_t *events = json_array();
    json_t *result = json_pack("{s:o}", "events", events);
    bool found = tracking_search(reader, &query, add_row, events, next, sizeof(next), &error);
    tracking_reader_destroy(reader);
    if (found) {
        if (next[0] != '\0')
            json_object_set_new(result, "next", json_string(next));
        return result;
    }
    json_decref(result);
    return admin_fail(call, "failed", "%s", error.text);
}

json_t *server_tracking_history(void *user, struct admin_call *call)
{
    ident message = 0;
    const char *message_id = NULL;
    struct error error;
    if (!read_message(call, &message, &message_id))
        return NULL;
    if (message == 0 && message_id == NULL)
        return admin_fail(call, "bad-request", "message: is needed.");
    struct tracking_reader *reader = open_reader(user, call);
    if (reader == NULL)
        return NULL;
    json_t *events = json_array();
    bool found = tracking_history(reader, message, message_id, add_row, events, &error);
    tracking_reader_destroy(reader);
    if (found)
        return json_pack("{s:o}", "events", events);
    json_decref(events);
    return admin_fail(call, "failed", "%s", error.text);
}
