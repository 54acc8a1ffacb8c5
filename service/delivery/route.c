#include "delivery/route.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdio.h>

#define DOMAIN_SIZE 256
#define DROP_PREFIX "drop:"

struct routes {
    const struct settings_snapshot *settings;
    struct hash_table *domains; /* lower case -> struct settings_accepted_domain */
};

/* Longer names than the DNS allows are cut; they are in no table. */
static struct view lower_case(struct view domain, char text[DOMAIN_SIZE])
{
    domain = view_first(domain, DOMAIN_SIZE);
    for (size_t i = 0; i < domain.length; i++)
        text[i] = ascii_lower(domain.data[i]);
    return view_of(text, domain.length);
}

struct routes *routes_create(const struct settings_snapshot *settings)
{
    struct routes *routes = memory_allocate(1, sizeof *routes);
    routes->settings = settings_retain(settings);
    routes->domains = hash_table_create();
    for (size_t i = 0; i < settings->values.accepted_domains_count; i++) {
        struct settings_accepted_domain *domain = &settings->values.accepted_domains[i];
        char text[DOMAIN_SIZE];
        hash_table_set(routes->domains, lower_case(view_of_text(domain->domain), text), domain);
    }
    return routes;
}

void routes_destroy(struct routes *routes)
{
    if (routes == NULL)
        return;
    hash_table_destroy(routes->domains, NULL);
    settings_release(routes->settings);
    memory_free(routes);
}

static void set_host(struct route *route, const char *host, int64_t port, const char *rule)
{
    *route = (struct route){.kind = ROUTE_HOST, .host = host, .port = (uint16_t)port, .rule = rule};
    /* An IPv6 address in brackets, so that the port can be told from it. */
    bool is_v6 = strchr(host, ':') != NULL;
    snprintf(route->name, sizeof route->name, "%s%s%s:%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             route->port);
}

static void set_accepted(struct route *route, const struct settings_accepted_domain *domain)
{
    if (domain->deliver_to == DELIVER_TO_HOST) {
        set_host(route, domain->host, domain->port, "accepted-domain");
        return;
    }
    *route = (struct route){.kind = ROUTE_DROP, .rule = "accepted-domain"};
    snprintf(route->name, sizeof route->name, DROP_PREFIX "%s", domain->domain);
}

void routes_choose(const struct routes *routes, struct view domain, struct route *route)
{
    const struct settings_outbound *outbound = &routes->settings->values.outbound;
    char text[DOMAIN_SIZE];
    const struct settings_accepted_domain *accepted =
        hash_table_get(routes->domains, lower_case(domain, text));

    if (accepted != NULL) {
        set_accepted(route, accepted);
    } else if (outbound->smart_host[0] != '\0' && !view_is_empty(domain)) {
        set_host(route, outbound->smart_host, outbound->smart_host_port, "smart-host");
    } else {
        *route = (struct route){.kind = ROUTE_NOWHERE, .rule = "no-route"};
        snprintf(route->name, sizeof route->name, "unreachable");
    }
}

void routes_describe(const struct routes *routes, const struct route *route, char *text,
                     size_t size)
{
    const struct settings_settings *settings = &routes->settings->values;
    const char *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < settings->accepted_domains_count; i++) {
        const struct settings_accepted_domain *domain = &settings->accepted_domains[i];
        if (route->kind != ROUTE_HOST || domain->deliver_to != DELIVER_TO_HOST ||
            domain->port != route->port || strcmp(domain->host, route->host) != 0)
            continue;
        if (first == NULL)
            first = domain->domain;
        else
            more++;
    }
    if (route->kind == ROUTE_DROP)
        snprintf(text, size, "%s", route->name + strlen(DROP_PREFIX));
    else if (first == NULL)
        snprintf(text, size, "all other domains");
    else if (more == 0)
        snprintf(text, size, "%s", first);
    else
        snprintf(text, size, "%s and %zu more domain%s", first, more, more == 1 ? "" : "s");
}
