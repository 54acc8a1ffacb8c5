#include "net/connection_private.h"

#include "base/memory.h"

#include <stdio.h>

#define ADDRESSES_MAXIMUM 8 /* of one name are tried */

struct name_query;

/* A connection on its way: resolve the name, then try one address after the other. Lives until connected() or
 * closed() is called. */
struct net_connecting {
    struct net_connection *connection;
    void (*connected)(void *user, const struct error *error);
    struct net_timer *timer;
    uint64_t timeout_ms;
    uint16_t port;
    char host[256];

    struct name_query *query; /* NULL when no name is being resolved */
    uv_connect_t connect;
    struct sockaddr_storage addresses[ADDRESSES_MAXIMUM];
    size_t count;
    size_t next;
    bool closing; /* the handle of the last try is being closed */
    int failure;
};

/* Of its own, because the resolver may take longer than anyone waits for it. */
struct name_query {
    uv_getaddrinfo_t request;
    struct net_connecting *asker; /* NULL: nobody waits any more */
};

static void connecting_free(struct net_connecting *connecting)
{
    net_timer_destroy(connecting->timer);
    memory_free(connecting);
}

static void give_up(struct net_connecting *connecting)
{
    struct net_connection *connection = connecting->connection;
    struct error error;
    error_set(&error, connecting->failure, "Cannot connect to %s, port %u: %s.", connecting->host,
              connecting->port, uv_strerror(connecting->failure));
    connecting->connected(connection->user, &error);
    connecting_free(connecting);
    connection_free(connection);
}

static void try_next(struct net_connecting *connecting);

static void try_closed(uv_handle_t *handle)
{
    struct net_connection *connection = handle->data;
    struct net_connecting *connecting = connection->connecting;
    connecting->closing = false;
    if (connection->state == NET_CLOSING) {
        connecting_free(connecting);
        connection_report_closed(connection);
    } else if (connecting->next < connecting->count) {
        uv_tcp_init(&connection->loop->uv, &connection->tcp);
        try_next(connecting);
    } else {
        give_up(connecting);
    }
}

static void end_try(struct net_connecting *connecting)
{
    if (connecting->closing)
        return;
    connecting->closing = true;
    net_timer_stop(connecting->timer);
    uv_close((uv_handle_t *)&connecting->connection->tcp, try_closed);
}

static void report_connected(struct net_connecting *connecting)
{
    struct net_connection *connection = connecting->connection;
    struct error none;
    none.code = 0;
    none.text[0] = '\0';
    connection->state = NET_OPEN;
    connection->connecting = NULL;
    connection->active_ms = uv_now(&connection->loop->uv);
    connection_update_reading(connection);
    connecting->connected(connection->user, &none);
    connecting_free(connecting);
}

static void try_answered(uv_connect_t *connect, int status)
{
    struct net_connecting *connecting = connect->data;
    if (connecting->closing)
        return;
    if (status == 0) {
        report_connected(connecting);
        return;
    }
    connecting->failure = status;
    end_try(connecting);
}

static void try_next(struct net_connecting *connecting)
{
    struct net_connection *connection = connecting->connection;
    const struct sockaddr *address =
        (const struct sockaddr *)&connecting->addresses[connecting->next++];
    connecting->connect.data = connecting;
    uv_tcp_nodelay(&connection->tcp, 1);
    int failure = uv_tcp_connect(&connecting->connect, &connection->tcp, address, try_answered);
    if (failure != 0) {
        connecting->failure = failure;
        end_try(connecting);
    } else {
        net_timer_start(connecting->timer, connecting->timeout_ms);
    }
}

/* ---- names ---- */

static void keep_addresses(struct net_connecting *connecting, const struct addrinfo *found)
{
    for (; found != NULL && connecting->count < ADDRESSES_MAXIMUM; found = found->ai_next) {
        struct sockaddr_storage *address = &connecting->addresses[connecting->count];
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        memcpy(address, found->ai_addr, found->ai_addrlen);
        if (found->ai_family == AF_INET)
            ((struct sockaddr_in *)address)->sin_port = htons(connecting->port);
        else
            ((struct sockaddr_in6 *)address)->sin6_port = htons(connecting->port);
        connecting->count++;
    }
}

static void name_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct name_query *query = request->data;
    struct net_connecting *connecting = query->asker;
    memory_free(query);
    if (connecting != NULL) {
        connecting->query = NULL;
        keep_addresses(connecting, found);
        connecting->failure = status != 0 ? status : UV_EAI_NODATA;
        if (connecting->count > 0)
            try_next(connecting);
        else
            end_try(connecting);
    }
    uv_freeaddrinfo(found);
}

static void resolve_name(struct net_connecting *connecting)
{
    struct name_query *query = memory_allocate(1, sizeof(*query));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    query->asker = connecting;
    query->request.data = query;
    connecting->query = query;
    int failure = uv_getaddrinfo(&connecting->connection->loop->uv, &query->request, name_resolved,
                                 connecting->host, NULL, &hints);
    if (failure == 0) {
        net_timer_start(connecting->timer, connecting->timeout_ms);
        return;
    }
    memory_free(query);
    connecting->query = NULL;
    connecting->failure = failure;
    end_try(connecting);
}

static void abandon_query(struct net_connecting *connecting)
{
    if (connecting->query == NULL)
        return;
    connecting->query->asker = NULL;
    uv_cancel((uv_req_t *)&connecting->query->request);
    connecting->query = NULL;
}

/* ---- from outside ---- */

static void timed_out(void *user)
{
    struct net_connecting *connecting = user;
    connecting->failure = UV_ETIMEDOUT;
    abandon_query(connecting);
    end_try(connecting);
}

void connection_stop_connecting(struct net_connection *connection)
{
    connection->state = NET_CLOSING;
    abandon_query(connection->connecting);
    end_try(connection->connecting);
}

static bool is_ip_address(struct net_connecting *connecting)
{
    struct sockaddr_storage *address = &connecting->addresses[0];
    if (uv_ip4_addr(connecting->host, connecting->port, (struct sockaddr_in *)address) != 0 &&
        uv_ip6_addr(connecting->host, connecting->port, (struct sockaddr_in6 *)address) != 0)
        return false;
    connecting->count = 1;
    return true;
}

struct net_connection *net_connection_open(struct net_loop *loop, const char *host, uint16_t port,
                                           uint64_t timeout_ms,
                                           const struct net_connection_limits *limits,
                                           const struct net_connection_events *events,
                                           void (*connected)(void *user, const struct error *error),
                                           void *user)
{
    struct net_connection *connection = connection_create(loop, limits, events, user);
    struct net_connecting *connecting = memory_allocate(1, sizeof(*connecting));
    connection->state = NET_CONNECTING;
    connection->connecting = connecting;
    connecting->connection = connection;
    connecting->connected = connected;
    connecting->timer = net_timer_create(loop, timed_out, connecting);
    connecting->timeout_ms = timeout_ms;
    connecting->port = port;
    view_copy_text(view_of_text(host), connecting->host, sizeof(connecting->host));

    if (is_ip_address(connecting))
        try_next(connecting);
    else
        resolve_name(connecting);
    return connection;
}
