#include "server_admin.h"

#include "live_wait.h"

/* ---- status ---- */

static void add_domain(void *user, const struct callout_status *status)
{
    static const char *const states[] = {[CALLOUT_UNTOLD] = "unknown",
                                         [CALLOUT_KNOWS_RECIPIENTS] = "knows-recipients",
                                         [CALLOUT_CATCH_ALL] = "catch-all"};
    json_array_append_new(
        user,
        json_pack("{s:s, s:s, s:s, s:b, s:I, s:o, s:I, s:I}", "domain", status->domain, "next_hop",
                  status->next_hop, "state", states[status->state], "connected",
                  (int)status->connected, "away_seconds", (json_int_t)(status->away_ms / 1000),
                  "reason", admin_json_text(status->reason), "questions", (json_int_t)status->asked,
                  "waiting", (json_int_t)status->waiting));
}

json_t *server_callout_status(void *user, struct admin_call *call)
{
    struct server *server = user;
    json_t *domains = json_array();
    (void)call;
    callout_each(server->callout, add_domain, domains);
    struct callout_memory memory = callout_remembered(server->callout);
    return json_pack("{s:o, s:I, s:I}", "domains", domains, "accepted", (json_int_t)memory.accepted,
                     "refused", (json_int_t)memory.refused);
}

/* ---- test ---- */

json_t *server_callout_test(void *user, struct admin_call *call)
{
    static const char *const said[] = {
        [LIVE_YES] = "accepted", [LIVE_NO] = "refused", [LIVE_CANNOT_SAY] = "not-now"};
    struct server *server = user;
    struct live_answer answer;
    const char *address;
    if (!server_required(call, "address", &address))
        return NULL;
    live_wait(&server->callout_live, view_of_text(address), &answer);
    return json_pack("{s:s, s:s, s:o, s:o}", "answer", said[answer.said], "rule", answer.rule,
                     "reply", admin_json_text(answer.reply), "reason",
                     admin_json_text(answer.reason));
}

/* ---- clear ---- */

json_t *server_callout_clear(void *user, struct admin_call *call)
{
    struct server *server = user;
    const char *address = "";
    if (!admin_text(call, "address", &address))
        return NULL;
    size_t count = callout_forget(server->callout, view_of_text(address));
    return json_pack("{s:I}", "forgotten", (json_int_t)count);
}
