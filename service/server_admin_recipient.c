#include "server_admin.h"

#include <inttypes.h>

static json_t *changed_json(struct admin_call *call, enum directory_change change,
                            const struct error *error)
{
    switch (change) {
    case DIRECTORY_CHANGED:
    case DIRECTORY_UNCHANGED:
        return json_pack("{s:b}", "changed", (int)(change == DIRECTORY_CHANGED));
    case DIRECTORY_BAD_ADDRESS:
        return admin_fail(call, "invalid", "%s", error->text);
    case DIRECTORY_FAILED:
        break;
    }
    return admin_fail(call, "failed", "%s", error->text);
}

static void report_change(struct server *server, const char *who, enum directory_change change,
                          bool added)
{
    if (change == DIRECTORY_CHANGED)
        event_report(&server->events, EVENT_RECIPIENTS_CHANGED, who, added ? "1" : "0",
                     added ? "0" : "1", NULL);
}

json_t *server_recipient_add(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct error error;
    const char *address;
    const char *display_name = "";
    if (!server_required(call, "address", &address) ||
        !admin_text(call, "display_name", &display_name))
        return NULL;
    enum directory_change change =
        directory_add(server->directory, view_of_text(address), view_of_text(display_name), &error);
    report_change(server, call->who, change, true);
    return changed_json(call, change, &error);
}

json_t *server_recipient_remove(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct error error;
    const char *address;
    if (!server_required(call, "address", &address))
        return NULL;
    enum directory_change change =
        directory_remove(server->directory, view_of_text(address), &error);
    report_change(server, call->who, change, false);
    return changed_json(call, change, &error);
}

/* ---- list ---- */

struct recipient_page {
    json_t *recipients;
    size_t limit;
    bool has_more;
};

static json_t *view_json(struct view view)
{
    return json_stringn(view.data == NULL ? "" : view.data, view.length);
}

/* One more than the page is asked for, to know whether there is a next one. */
static void add_recipient(void *user, const struct directory_entry *entry)
{
    struct recipient_page *page = user;
    page->has_more = json_array_size(page->recipients) == page->limit;
    if (page->has_more)
        return;
    json_array_append_new(page->recipients,
                          json_pack("{s:o, s:o, s:s}", "address", view_json(entry->address),
                                    "display_name", view_json(entry->display_name), "source",
                                    entry->source));
}

json_t *server_recipient_list(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct recipient_page page = {.has_more = false};
    struct error error = {.code = 0};
    const char *after;
    const char *filter = "";
    if (!server_page(call, &page.limit, &after) || !admin_text(call, "filter", &filter))
        return NULL;
    page.recipients = json_array();
    directory_list(server->directory, view_of_text(after), view_of_text(filter), page.limit + 1,
                   add_recipient, &page, &error);
    if (error.text[0] != '\0') {
        json_decref(page.recipients);
        return admin_fail(call, "failed", "%s", error.text);
    }
    json_t *result = json_pack("{s:o, s:I}", "recipients", page.recipients, "total",
                               (json_int_t)directory_count(server->directory));
    if (page.has_more) {
        const json_t *last = json_array_get(page.recipients, page.limit - 1);
        json_object_set(result, "next", json_object_get(last, "address"));
    }
    return result;
}

/* ---- explain ---- */

static void add_step(void *user, const struct policy_step *step)
{
    json_array_append_new(user, json_pack("{s:s, s:b, s:o}", "rule", step->rule, "decided",
                                          (int)step->decided, "sentence",
                                          admin_json_text(step->sentence)));
}

static json_t *explanation_json(const struct verdict *verdict, json_t *steps)
{
    static const char *const kinds[] = {
        [VERDICT_PASS] = "accept", [VERDICT_REFUSE] = "refuse", [VERDICT_NOT_NOW] = "not-now"};
    char reply[256];
    snprintf(reply, sizeof(reply), "%d%s%s %s", verdict->code,
             verdict->enhanced[0] == '\0' ? "" : " ", verdict->enhanced, verdict->text);
    return json_pack("{s:s, s:o, s:o}", "verdict", kinds[verdict->kind], "reply",
                     admin_json_text(reply), "steps", steps);
}

/* An anonymous client, at an address that applies the recipient filter; where it comes from may be given. */
json_t *server_recipient_explain(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct policy_client client = {.recipient_filter = true};
    const char *address;
    const char *from = NULL;
    struct verdict verdict;
    if (!server_required(call, "address", &address) || !admin_text(call, "from", &from))
        return NULL;
    if (from != NULL && !ip_parse(view_of_text(from), &client.address))
        return admin_fail(call, "bad-request", "from: \"%s\" is no IP address.", from);
    struct policy *policy = server_policy(server);
    struct directory_reader *reader = directory_reader_create(server->directory);
    json_t *steps = json_array();
    client.trusted = from != NULL && policy_trusts(policy, &client.address);
    policy_explain_recipient(policy, reader, &client, view_of_text(address), add_step, steps,
                             &verdict);
    directory_reader_destroy(reader);
    policy_release(policy);
    return explanation_json(&verdict, steps);
}
