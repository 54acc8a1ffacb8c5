#include "ldap/resolve.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/thread.h"

/* c-ares wants the system's headers for sockets first on Windows; its own include them. */
#include <ares.h>
#include <stdlib.h>

/* How long somebody who cancels has to wait at most, milliseconds. */
#define SLICE_MS 50

#define QUERY_MS 1500 /* for the first try at one DNS server; the deadline is above all */
#define TRIES    3

struct resolver {
    ares_channel_t *channel;
};

/* The answer to one question, filled by c-ares' thread. */
struct answer {
    struct lock *lock;
    struct condition *done_condition;
    bool done;
    int status; /* ARES_... */
    struct ip_address *addresses;
    struct resolved_server *servers;
    size_t count;
};

struct resolver *resolver_create(const char *servers, struct error *error)
{
    struct resolver *resolver = memory_allocate(1, sizeof *resolver);
    struct ares_options options = {
        .timeout = QUERY_MS, .tries = TRIES, .evsys = ARES_EVSYS_DEFAULT};
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EVENT_THREAD;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = ares_init_options(&resolver->channel, &options, mask);
    if (status == ARES_SUCCESS && servers[0] != '\0')
        status = ares_set_servers_ports_csv(resolver->channel, servers);
    if (status == ARES_SUCCESS)
        return resolver;
    error_set(error, status, "Names cannot be looked up: %s.", ares_strerror(status));
    resolver_destroy(resolver);
    return NULL;
}

void resolver_destroy(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    ares_destroy(resolver->channel);
    ares_library_cleanup();
    memory_free(resolver);
}

static void answer_init(struct answer *answer)
{
    *answer = (struct answer){.lock = lock_create(), .done_condition = condition_create()};
}

static void finish(struct answer *answer, int status)
{
    lock_acquire(answer->lock);
    answer->status = status;
    answer->done = true;
    condition_signal(answer->done_condition);
    lock_release(answer->lock);
}

/* Waits for the answer; cancels the question when time is up, which answers it too. */
static int wait_for_answer(struct resolver *resolver, struct answer *answer, uint32_t deadline_ms,
                           const atomic_bool *cancelled)
{
    int64_t end = clock_monotonic_ms() + deadline_ms;
    bool asked_to_stop = false;
    lock_acquire(answer->lock);
    while (!answer->done) {
        condition_wait_for(answer->done_condition, answer->lock, SLICE_MS);
        if (answer->done || asked_to_stop ||
            (!atomic_load(cancelled) && clock_monotonic_ms() < end))
            continue;
        asked_to_stop = true;
        lock_release(answer->lock);
        ares_cancel(resolver->channel);
        lock_acquire(answer->lock);
    }
    lock_release(answer->lock);
    condition_destroy(answer->done_condition);
    lock_destroy(answer->lock);
    return asked_to_stop && answer->status == ARES_ECANCELLED ? ARES_ETIMEOUT : answer->status;
}

static bool address_from_node(const struct ares_addrinfo_node *node, struct ip_address *address)
{
    *address = (struct ip_address){.is_v6 = node->ai_family == AF_INET6};
    if (address->is_v6)
        memcpy(address->bytes,
               &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr, 16);
    else if (node->ai_family == AF_INET)
        memcpy(address->bytes, &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr,
               4);
    else
        return false;
    return true;
}

static void take_addresses(void *user, int status, int timeouts, struct ares_addrinfo *result)
{
    struct answer *answer = user;
    (void)timeouts;
    for (struct ares_addrinfo_node *node = result == NULL ? NULL : result->nodes;
         node != NULL && answer->count < RESOLVED_MAXIMUM; node = node->ai_next)
        if (address_from_node(node, &answer->addresses[answer->count]))
            answer->count++;
    ares_freeaddrinfo(result);
    finish(answer, status);
}

static size_t explain(int status, const char *name, size_t count, struct error *error)
{
    if (status == ARES_SUCCESS && count > 0)
        return count;
    if (status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_SUCCESS)
        error_set(error, status, "The name %s is not in DNS.", name);
    else if (status == ARES_ETIMEOUT)
        error_set(error, status, "The name %s could not be looked up: no DNS server answered.",
                  name);
    else
        error_set(error, status, "The name %s could not be looked up: %s.", name,
                  ares_strerror(status));
    return 0;
}

size_t resolve_host(struct resolver *resolver, const char *host, uint32_t deadline_ms,
                    const atomic_bool *cancelled, struct ip_address addresses[RESOLVED_MAXIMUM],
                    struct error *error)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct answer answer;
    if (ip_parse(view_of_text(host), &addresses[0]))
        return 1;
    answer_init(&answer);
    answer.addresses = addresses;
    ares_getaddrinfo(resolver->channel, host, NULL, &hints, take_addresses, &answer);
    int status = wait_for_answer(resolver, &answer, deadline_ms, cancelled);
    return explain(status, host, answer.count, error);
}

static void take_record(struct answer *answer, const ares_dns_rr_t *record)
{
    struct resolved_server *server = &answer->servers[answer->count];
    const char *target = ares_dns_rr_get_str(record, ARES_RR_SRV_TARGET);
    /* "." says that there is no such service (RFC 2782). */
    if (target == NULL || target[0] == '\0' || strcmp(target, ".") == 0)
        return;
    if (!view_copy_text(view_of_text(target), server->host, sizeof server->host))
        return;
    server->port = ares_dns_rr_get_u16(record, ARES_RR_SRV_PORT);
    server->priority = ares_dns_rr_get_u16(record, ARES_RR_SRV_PRIORITY);
    server->weight = ares_dns_rr_get_u16(record, ARES_RR_SRV_WEIGHT);
    answer->count++;
}

static void take_servers(void *user, ares_status_t status, size_t timeouts,
                         const ares_dns_record_t *result)
{
    struct answer *answer = user;
    (void)timeouts;
    size_t count = result == NULL ? 0 : ares_dns_record_rr_cnt(result, ARES_SECTION_ANSWER);
    for (size_t i = 0; i < count && answer->count < RESOLVED_MAXIMUM; i++) {
        const ares_dns_rr_t *record = ares_dns_record_rr_get_const(result, ARES_SECTION_ANSWER, i);
        if (ares_dns_rr_get_type(record) == ARES_REC_TYPE_SRV)
            take_record(answer, record);
    }
    finish(answer, (int)status);
}

static int by_priority(const void *left, const void *right)
{
    const struct resolved_server *a = left, *b = right;
    return (a->priority > b->priority) - (a->priority < b->priority);
}

/* Brings one of the first `count` to the front, each as likely as its weight says. */
static void draw_first(struct resolved_server *servers, size_t count)
{
    uint64_t sum = 0, drawn;
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++)
        sum += servers[i].weight + 1u;
    random_bytes(&drawn, sizeof drawn);
    drawn %= sum;
    while (drawn >= servers[chosen].weight + 1u)
        drawn -= servers[chosen++].weight + 1u;
    struct resolved_server first = servers[chosen];
    servers[chosen] = servers[0];
    servers[0] = first;
}

static void order_servers(struct resolved_server *servers, size_t count)
{
    qsort(servers, count, sizeof *servers, by_priority);
    for (size_t i = 0; i < count; i++) {
        size_t same = i;
        while (same < count && servers[same].priority == servers[i].priority)
            same++;
        draw_first(servers + i, same - i);
    }
}

size_t resolve_servers(struct resolver *resolver, const char *name, uint32_t deadline_ms,
                       const atomic_bool *cancelled,
                       struct resolved_server servers[RESOLVED_MAXIMUM], struct error *error)
{
    struct answer answer;
    answer_init(&answer);
    answer.servers = servers;
    ares_query_dnsrec(resolver->channel, name, ARES_CLASS_IN, ARES_REC_TYPE_SRV, take_servers,
                      &answer, NULL);
    int status = wait_for_answer(resolver, &answer, deadline_ms, cancelled);
    order_servers(servers, answer.count);
    return explain(status, name, answer.count, error);
}
