/*
 * Where mail for a domain goes, by the settings: an accepted domain to the drop folder or to its
 * host, every other domain to the smart host, and nowhere without one. Pure; any thread.
 */
#ifndef GATEPOST_DELIVERY_ROUTE_H
#define GATEPOST_DELIVERY_ROUTE_H

#include "config/settings.h"

/* "drop:" and a domain, or a host and a port. */
#define ROUTE_NAME_SIZE 280

enum route_kind { ROUTE_HOST, ROUTE_DROP, ROUTE_NOWHERE };

struct route {
    enum route_kind kind;
    char
        name[ROUTE_NAME_SIZE]; /* of the destination: "mail.example.test:25", "drop:example.test" */
    const char *host; /* ROUTE_HOST: name or IP address without brackets; of the settings */
    uint16_t port;
    const char *rule; /* static, for tracking: "accepted-domain", "smart-host", "no-route" */
};

struct routes;

/* Retains the settings. */
struct routes *routes_create(const struct settings_snapshot *settings);
void routes_destroy(struct routes *routes);

/* domain: of a recipient, as it was written. */
void routes_choose(const struct routes *routes, struct view domain, struct route *route);

/* Whose mail goes to this destination, for events: "example.test", "example.test and 2 more
 * domains", "all other domains". */
void routes_describe(const struct routes *routes, const struct route *route, char *text,
                     size_t size);

#endif
