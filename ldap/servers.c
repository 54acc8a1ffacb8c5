#include "ldap/servers.h"

#include "base/memory.h"

#include <stdio.h>

struct servers {
    const struct servers_settings *settings;
    struct connection_settings connection; /* with the trust */
    struct tls_trust *trust;
    struct resolver *resolver;
    struct watch *watch;
    size_t preferred; /* the one that was used last */
    char last[HOST_NAME_SIZE + 16];
};

struct servers *servers_create(const struct servers_settings *settings, struct watch *watch,
                               struct error *error)
{
    struct servers *servers = memory_allocate(1, sizeof *servers);
    bool needs_trust = settings->connection.security != CONNECTION_PLAIN;
    servers->settings = settings;
    servers->watch = watch;
    if (settings->count == 0 && settings->domain[0] == '\0')
        error_set(error, 0, "There is neither a server nor a domain.");
    else if ((!needs_trust ||
              (servers->trust = tls_trust_create(settings->ca_file, error)) != NULL) &&
             (servers->resolver = resolver_create(settings->dns_servers, error)) != NULL) {
        servers->connection = settings->connection;
        servers->connection.trust = servers->trust;
        return servers;
    }
    servers_destroy(servers);
    return NULL;
}

void servers_destroy(struct servers *servers)
{
    if (servers == NULL)
        return;
    resolver_destroy(servers->resolver);
    tls_trust_destroy(servers->trust);
    memory_free(servers);
}

/* Returns how many. */
static size_t list_servers(struct servers *servers, struct resolved_server list[RESOLVED_MAXIMUM],
                           struct error *error)
{
    const struct servers_settings *settings = servers->settings;
    char name[HOST_NAME_SIZE + 32];
    size_t count = 0;
    for (; count < settings->count && count < RESOLVED_MAXIMUM; count++) {
        view_copy_text(view_of_text(settings->list[count].host), list[count].host,
                       sizeof list[count].host);
        list[count].port = settings->list[count].port;
    }
    if (count > 0)
        return count;
    snprintf(name, sizeof name, "_ldap._tcp.dc._msdcs.%s", settings->domain);
    count = resolve_servers(servers->resolver, name, servers->connection.connect_ms,
                            watch_cancelled(servers->watch), list, error);
    /* The port in DNS is the one of LDAP and StartTLS; LDAPS has its own and no record. */
    for (size_t i = 0; settings->connection.security == CONNECTION_LDAPS && i < count; i++)
        list[i].port = 0;
    return count;
}

static struct directory_connection *
connect_to(struct servers *servers, const struct resolved_server *server, struct error *error)
{
    enum connection_step step;
    struct directory_connection *connection =
        directory_connection_create(&servers->connection, servers->resolver, servers->watch);
    bool open = directory_connection_open(connection, server->host, server->port, &step, error);
    view_copy_text(view_of_text(directory_connection_server(connection)), servers->last,
                   sizeof servers->last);
    if (open)
        return connection;
    directory_connection_destroy(connection);
    return NULL;
}

struct directory_connection *servers_connect(struct servers *servers, struct error *error)
{
    struct resolved_server list[RESOLVED_MAXIMUM];
    size_t count = list_servers(servers, list, error);
    for (size_t i = 0; i < count && !atomic_load(watch_cancelled(servers->watch)); i++) {
        size_t next = (servers->preferred + i) % count;
        struct directory_connection *connection = connect_to(servers, &list[next], error);
        if (connection != NULL) {
            servers->preferred = next;
            return connection;
        }
        /* A refused password is not tried on the next one: each time counts towards a lock of the account. */
        if (error->code == LDAP_INVALID_CREDENTIALS)
            break;
    }
    return NULL;
}

const char *servers_last(const struct servers *servers)
{
    return servers->last;
}
