#include "callout/callout_private.h"

#include "base/memory.h"

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)

void callout_rules_of(const struct settings_callout *settings, struct callout_rules *rules)
{
    *rules = (struct callout_rules){
        .deadline_ms = settings->deadline * MS_PER_SECOND,
        .answer_ms = settings->answer_timeout * MS_PER_SECOND,
        .connect_ms = settings->connect_timeout * MS_PER_SECOND,
        .keep_idle_ms = settings->keep_idle * MS_PER_SECOND,
        .retry_most_ms = settings->retry_most * MS_PER_SECOND,
        .questions_per_second = settings->questions_per_second,
        .questions_waiting = (size_t)settings->questions_waiting,
        .accepted_ms = settings->accepted_time * MS_PER_MINUTE,
        .refresh_ms = settings->refresh_time * MS_PER_MINUTE,
        .away_ms = settings->away_time * MS_PER_MINUTE,
        .refused_ms = settings->refused_time * MS_PER_MINUTE,
        .catch_all_ms = settings->catch_all_time * MS_PER_MINUTE,
        .remembered = (size_t)settings->remembered,
    };
}

struct callout *callout_start(const char *host_name, const struct event_sink *events,
                              struct error *error)
{
    struct net_loop *loop = net_loop_start("call-out", error);
    if (loop == NULL)
        return NULL;
    struct callout *callout = memory_allocate(1, sizeof *callout);
    callout->loop = loop;
    callout->host_name = memory_copy_text(host_name);
    callout->events = events;
    callout->cache = callout_cache_create();
    callout->domains = hash_table_create();
    callout->hops = hash_table_create();
    callout->questions = hash_table_create();
    return callout;
}

/* ---- settings ---- */

struct application {
    struct callout *callout;
    const struct callout_rules *rules;
    const struct settings_accepted_domain *domains;
    size_t count;
};

static void want(struct callout *callout, const struct settings_accepted_domain *settings)
{
    struct directory_key key;
    if (!directory_key_of_domain(view_of_text(settings->domain), &key, NULL))
        return;
    struct view name = view_of(key.text, key.length);
    struct callout_domain *domain = hash_table_get(callout->domains, name);
    struct callout_hop *hop = callout_hop_of(callout, settings->host, (uint16_t)settings->port);
    if (domain == NULL || domain->hop != hop) {
        hop->domains++; /* until the new one has it, whatever the old one lets go */
        if (domain != NULL)
            callout_domain_destroy(domain);
        domain = callout_domain_create(callout, name, hop);
        hop->domains--;
    }
    domain->wanted = true;
}

static struct callout_domain *find_unwanted(const struct callout *callout)
{
    struct view name;
    void *value;
    for (size_t at = 0; hash_table_next(callout->domains, &at, &name, &value);) {
        struct callout_domain *domain = value;
        if (!domain->wanted)
            return domain;
    }
    return NULL;
}

static void apply(void *argument)
{
    const struct application *application = argument;
    struct callout *callout = application->callout;
    struct view name;
    void *value;
    callout->rules = *application->rules;
    for (size_t at = 0; hash_table_next(callout->domains, &at, &name, &value);)
        ((struct callout_domain *)value)->wanted = false;
    for (size_t i = 0; i < application->count; i++)
        if (application->domains[i].recipients == RECIPIENTS_BY_CALLOUT)
            want(callout, &application->domains[i]);
    struct callout_domain *unwanted;
    while ((unwanted = find_unwanted(callout)) != NULL)
        callout_domain_destroy(unwanted);
}

void callout_apply(struct callout *callout, const struct callout_rules *rules,
                   const struct settings_accepted_domain *domains, size_t count)
{
    struct application application = {callout, rules, domains, count};
    net_call(callout->loop, apply, &application);
}

void callout_stop(struct callout *callout)
{
    const struct callout_rules rules = callout->rules;
    callout_apply(callout, &rules, NULL, 0);
    net_loop_stop(callout->loop);
    hash_table_destroy(callout->domains, NULL);
    hash_table_destroy(callout->hops, NULL);
    hash_table_destroy(callout->questions, NULL);
    callout_cache_destroy(callout->cache);
    memory_free(callout->host_name);
    memory_free(callout);
}

/* ---- asking ---- */

struct order {
    struct callout *callout;
    struct callout_waiter *waiter;
    size_t length;
    char address[];
};

static struct callout_domain *domain_of(const struct callout *callout,
                                        const struct directory_key *key)
{
    struct view address = view_of(key->text, key->length);
    return hash_table_get(callout->domains, view_from(address, key->local_length + 1));
}

static void ask_on_loop(void *argument)
{
    struct order *order = argument;
    struct view address = view_of(order->address, order->length);
    struct directory_key key;
    struct error error;
    struct callout_domain *domain = NULL;
    if (directory_key_make(address, &key, &error))
        domain = domain_of(order->callout, &key);
    if (domain != NULL)
        callout_domain_ask(domain, &key, address, order->waiter);
    else
        callout_cannot_say(order->waiter, "No next hop is set that knows its recipients.");
    memory_free(order);
}

static bool ask(void *source, struct view address, live_answered *answered, void *user,
                struct live_answer *answer)
{
    struct callout *callout = source;
    struct order *order = memory_allocate(1, sizeof *order + address.length);
    (void)answer;
    order->callout = callout;
    order->waiter = memory_allocate(1, sizeof *order->waiter);
    order->waiter->answered = answered;
    order->waiter->user = user;
    order->length = address.length;
    memcpy(order->address, address.data, address.length);
    net_post(callout->loop, ask_on_loop, order);
    return false;
}

struct live_source callout_source(struct callout *callout)
{
    return (struct live_source){.ask = ask, .source = callout};
}

/* ---- for administrators ---- */

struct survey {
    struct callout *callout;
    void (*each)(void *user, const struct callout_status *status);
    void *user;
    struct callout_memory memory;
    struct view address;
    size_t forgotten;
};

static void tell_domains(void *argument)
{
    const struct survey *survey = argument;
    const struct callout *callout = survey->callout;
    struct view name;
    void *value;
    for (size_t at = 0; hash_table_next(callout->domains, &at, &name, &value);) {
        const struct callout_domain *domain = value;
        const struct callout_hop *hop = domain->hop;
        bool is_away = hop->away_since_ms != 0;
        struct callout_status status = {
            .domain = domain->name,
            .next_hop = hop->name,
            .state = domain->state,
            .connected = hop->connected,
            .away_ms = is_away ? net_now_ms(callout->loop) - hop->away_since_ms + 1 : 0,
            .reason = is_away ? hop->reason : "",
            .asked = hop->asked,
            .waiting = hop->waiting,
        };
        survey->each(survey->user, &status);
    }
}

void callout_each(struct callout *callout,
                  void (*each)(void *user, const struct callout_status *status), void *user)
{
    struct survey survey = {.callout = callout, .each = each, .user = user};
    net_call(callout->loop, tell_domains, &survey);
}

static void count(void *argument)
{
    struct survey *survey = argument;
    survey->memory.accepted = callout_cache_count(survey->callout->cache, true);
    survey->memory.refused = callout_cache_count(survey->callout->cache, false);
}

struct callout_memory callout_remembered(struct callout *callout)
{
    struct survey survey = {.callout = callout};
    net_call(callout->loop, count, &survey);
    return survey.memory;
}

static void forget_domains(const struct callout *callout)
{
    struct view name;
    void *value;
    for (size_t at = 0; hash_table_next(callout->domains, &at, &name, &value);) {
        struct callout_domain *domain = value;
        domain->state = CALLOUT_UNTOLD;
        domain->check_ms = 0;
    }
}

static void forget(void *argument)
{
    struct survey *survey = argument;
    struct callout *callout = survey->callout;
    struct directory_key key;
    if (view_is_empty(survey->address)) {
        survey->forgotten = callout_cache_forget_domain(callout->cache, VIEW_NONE);
        forget_domains(callout);
    } else if (directory_key_make(survey->address, &key, NULL)) {
        survey->forgotten =
            callout_cache_forget(callout->cache, view_of(key.text, key.length)) ? 1 : 0;
    }
}

size_t callout_forget(struct callout *callout, struct view address)
{
    struct survey survey = {.callout = callout, .address = address};
    net_call(callout->loop, forget, &survey);
    return survey.forgotten;
}
