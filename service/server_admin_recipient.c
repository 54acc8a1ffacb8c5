#include "server_admin.h"

#include "live_wait.h"

#include <inttypes.h>

#define SCRATCH_SIZE 512 /* for an address that the policy puts together */

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

/* What a session would ask for. */
static void ask_live(const struct policy *policy, const struct policy_sources *sources,
                     const struct policy_client *client, struct view recipient,
                     struct policy_live *live)
{
    struct view delivered_to;
    struct verdict verdict;
    char scratch[SCRATCH_SIZE];
    while (policy_check_recipient(policy, sources, client, recipient, live, scratch,
                                  sizeof(scratch), &delivered_to, &verdict) != POLICY_DECIDED) {
        live_wait(live->source, live->wanted, &live->answers[live->slot]);
        policy_live_add(live);
    }
}

/* The entry that holds the address, whatever decided. */
static void add_entry(struct server *server, json_t *explanation, const char *address)
{
    struct directory_holder holder;
    struct error error;
    bool found;
    if (!directory_find_holder(server->directory, view_of_text(address), &found, &holder, &error) ||
        !found)
        return;
    json_object_set_new(explanation, "entry",
                        json_pack("{s:s, s:o, s:o, s:b}", "source", holder.source, "primary",
                                  admin_json_text(holder.primary), "display_name",
                                  admin_json_text(holder.display_name), "restricted",
                                  (int)holder.restricted));
}

static json_t *explain(const struct policy *policy, const struct policy_sources *sources,
                       const struct policy_client *client, const char *address)
{
    struct verdict verdict;
    struct policy_live live = {.known = 0};
    json_t *steps = json_array();
    ask_live(policy, sources, client, view_of_text(address), &live);
    policy_explain_recipient(policy, sources, client, view_of_text(address), &live, add_step, steps,
                             &verdict);
    return explanation_json(&verdict, steps);
}

/* An anonymous client, at an address that applies the recipient filter; where it comes from may be given. */
json_t *server_recipient_explain(void *user, struct admin_call *call)
{
    struct server *server = user;
    struct policy_client client = {.recipient_filter = true};
    const char *address;
    const char *from = NULL;
    if (!server_required(call, "address", &address) || !admin_text(call, "from", &from))
        return NULL;
    if (from != NULL && !ip_parse(view_of_text(from), &client.address))
        return admin_fail(call, "bad-request", "from: \"%s\" is no IP address.", from);
    struct policy *policy = server_policy(server);
    const struct policy_sources sources = {
        .reader = directory_reader_create(server->directory),
        .directory = server->directory_live,
        .callout = &server->callout_live,
    };
    client.trusted = from != NULL && policy_trusts(policy, &client.address);
    json_t *explanation = explain(policy, &sources, &client, address);
    add_entry(server, explanation, address);
    directory_reader_destroy(sources.reader);
    policy_release(policy);
    return explanation;
}
