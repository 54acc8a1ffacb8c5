/*
 * Names of directory servers to addresses, and a domain to its servers (DNS SRV, RFC 2782), for threads that
 * wait for the answer. By c-ares, because the system's resolver can neither be given a deadline nor be
 * cancelled. A resolver is used by one thread at a time.
 */
#ifndef GATEPOST_LDAP_RESOLVE_H
#define GATEPOST_LDAP_RESOLVE_H

#include "base/error.h"
#include "base/ip.h"

#include <stdatomic.h>

struct resolver;

/* servers: "192.0.2.1,192.0.2.2:53", empty for those of the system. NULL when that cannot be read. */
struct resolver *resolver_create(const char *servers, struct error *error);
void resolver_destroy(struct resolver *resolver);

/* Of one name, at most this many are given. */
#define RESOLVED_MAXIMUM 16

/* How many, 0 when there are none or they could not be learnt: error says which. An address in digits, without
 * brackets, is taken as it is. */
size_t resolve_host(struct resolver *resolver, const char *host, uint32_t deadline_ms,
                    const atomic_bool *cancelled, struct ip_address addresses[RESOLVED_MAXIMUM],
                    struct error *error);

#define HOST_NAME_SIZE 256

struct resolved_server {
    char host[HOST_NAME_SIZE];
    uint16_t port;
    uint16_t priority;
    uint16_t weight;
};

/* The SRV records of `name`, in the order in which they are to be tried: by priority, those of one priority
 * drawn by weight. How many; 0 when there are none or they could not be learnt: error says which. */
size_t resolve_servers(struct resolver *resolver, const char *name, uint32_t deadline_ms,
                       const atomic_bool *cancelled,
                       struct resolved_server servers[RESOLVED_MAXIMUM], struct error *error);

#endif
