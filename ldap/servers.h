/*
 * The servers of one directory: which there are, and a connection to the first that can be used. One thread; each
 * thread that connects has its own.
 */
#ifndef GATEPOST_LDAP_SERVERS_H
#define GATEPOST_LDAP_SERVERS_H

#include "ldap/connection.h"

struct server_address {
    const char *host;
    uint16_t port; /* 0: the usual one */
};

/* The caller keeps it as long as it is used. */
struct servers_settings {
    const struct server_address *list; /* in the order in which they are tried */
    size_t count;
    const char *domain;      /* with an empty list: those in DNS for this Active Directory domain */
    const char *dns_servers; /* as for resolver_create() */
    const char *ca_file;     /* as for tls_trust_create() */
    struct connection_settings connection; /* without its trust */
};

struct servers;

/* The watch is the caller's and outlives it: watch_cancel() ends all waiting, of its connections too. NULL when
 * the settings cannot be used. */
struct servers *servers_create(const struct servers_settings *settings, struct watch *watch,
                               struct error *error);
void servers_destroy(struct servers *servers);

/* The first that can be used, beginning with the one that was used last. NULL when there is none; error tells of
 * the last one that was tried. Its connections must be gone before the servers. */
struct directory_connection *servers_connect(struct servers *servers, struct error *error);

/* The one that was tried last, "ldap.example.test port 636"; empty before. */
const char *servers_last(const struct servers *servers);

#endif
