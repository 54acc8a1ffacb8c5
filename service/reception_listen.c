#include "reception_private.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS_AND_PORT_SIZE (IP_TEXT_SIZE + 10)

static const struct ip_address any_v4 = {.is_v6 = false};
static const struct ip_address any_v6 = {.is_v6 = true};

/* ---- one address ---- */

static void format_listener(const struct listener *listener, char text[ADDRESS_AND_PORT_SIZE])
{
    bool has_colons = strchr(listener->address, ':') != NULL;
    snprintf(text, ADDRESS_AND_PORT_SIZE, has_colons ? "[%s]:%u" : "%s:%u", listener->address,
             listener->port);
}

/* A computer without IPv6 has no IPv6 addresses that are missing. */
static bool has_ipv6(void)
{
    socket_handle socket = socket_listen(&any_v6, 0, 1, NULL);
    if (socket == SOCKET_NONE)
        return false;
    socket_close(socket);
    return true;
}

static bool add_address(struct reception *reception, struct listener *listener,
                        const struct ip_address *address, struct error *error)
{
    return net_acceptor_add(reception->acceptor, address, listener->port, reception->backlog,
                            listener, error);
}

static bool add_all_addresses(struct reception *reception, struct listener *listener,
                              struct error *error)
{
    if (!add_address(reception, listener, &any_v4, error))
        return false;
    if (add_address(reception, listener, &any_v6, error) || !has_ipv6())
        return true;
    net_acceptor_remove(reception->acceptor, listener);
    return false;
}

static bool bind_listener(struct reception *reception, struct listener *listener,
                          struct error *error)
{
    struct ip_address address;
    if (strcmp(listener->address, "*") == 0)
        return add_all_addresses(reception, listener, error);
    if (!ip_parse(view_of_text(listener->address), &address))
        return error_set(error, 0, "\"%s\" is no IP address.", listener->address);
    return add_address(reception, listener, &address, error);
}

static bool listen_on(struct reception *reception, struct listener *listener, struct error *error)
{
    char place[ADDRESS_AND_PORT_SIZE];
    const char *name = virtual_server_name(listener->server);
    format_listener(listener, place);
    listener->listens = bind_listener(reception, listener, error);
    if (listener->listens) {
        event_report(reception->parts.events, EVENT_LISTENING, name, place, NULL);
        return true;
    }
    event_report(reception->parts.events, EVENT_LISTEN_FAILED, name, place, error->text, NULL);
    return error_prefix(error, "Virtual server \"%s\" cannot listen on %s", name, place);
}

static void stop_listening(struct reception *reception, struct listener *listener)
{
    if (listener->listens && reception->acceptor != NULL)
        net_acceptor_remove(reception->acceptor, listener);
    listener->listens = false;
}

static void listener_free(struct reception *reception, struct listener *listener)
{
    stop_listening(reception, listener);
    virtual_server_release(listener->server);
    memory_free(listener);
}

/* ---- from the old servers to the new ones ---- */

static struct virtual_server *find_server(const struct reception *reception, const char *name)
{
    for (size_t i = 0; i < reception->server_count; i++) {
        struct virtual_server *server = reception->servers[i].server;
        if (strcmp(virtual_server_name(server), name) == 0)
            return server;
    }
    return NULL;
}

/* Takes the listener out of the old servers, when they have it. */
static struct listener *take_listener(struct reception *reception,
                                      const struct virtual_server *server,
                                      const struct settings_listen_address *wanted)
{
    for (size_t i = 0; i < reception->server_count; i++) {
        struct hosted_server *hosted = &reception->servers[i];
        for (size_t j = 0; j < hosted->listener_count; j++) {
            struct listener *listener = hosted->listeners[j];
            if (listener == NULL || listener->server != server || listener->port != wanted->port ||
                strcmp(listener->address, wanted->address) != 0)
                continue;
            hosted->listeners[j] = NULL;
            return listener;
        }
    }
    return NULL;
}

static struct listener *make_listener(struct virtual_server *server,
                                      const struct settings_listen_address *wanted)
{
    struct listener *listener = memory_allocate(1, sizeof(*listener));
    listener->server = virtual_server_retain(server);
    view_copy_text(view_of_text(wanted->address), listener->address, sizeof(listener->address));
    listener->port = (uint16_t)wanted->port;
    return listener;
}

static void host_server(struct reception *reception, const struct settings_settings *settings,
                        const struct settings_virtual_server *own, struct hosted_server *hosted)
{
    struct virtual_server *known = find_server(reception, own->name);
    if (known != NULL)
        virtual_server_set_settings(known, settings, own);
    hosted->server = known != NULL ? virtual_server_retain(known)
                                   : virtual_server_create(settings, own, reception->parts.events);
    hosted->started = own->start;
    hosted->listener_count = own->addresses_count;
    hosted->listeners = memory_allocate(own->addresses_count + 1, sizeof(struct listener *));
    for (size_t i = 0; i < own->addresses_count; i++) {
        const struct settings_listen_address *wanted = &own->addresses[i];
        struct listener *listener = take_listener(reception, hosted->server, wanted);
        if (listener == NULL)
            listener = make_listener(hosted->server, wanted);
        atomic_store(&listener->recipient_filter, wanted->apply_recipient_filter);
        hosted->listeners[i] = listener;
    }
}

/* What was not taken over goes. */
void reception_host_nothing(struct reception *reception)
{
    for (size_t i = 0; i < reception->server_count; i++) {
        struct hosted_server *hosted = &reception->servers[i];
        for (size_t j = 0; j < hosted->listener_count; j++) {
            if (hosted->listeners[j] != NULL)
                listener_free(reception, hosted->listeners[j]);
        }
        memory_free(hosted->listeners);
        virtual_server_release(hosted->server);
    }
    memory_free(reception->servers);
    reception->servers = NULL;
    reception->server_count = 0;
}

/* First everything that ends, so that an address can go from one virtual server to another. */
static bool listen_on_all(struct reception *reception, struct error *error)
{
    bool all_listen = true;
    struct error failure;
    for (size_t i = 0; i < reception->server_count; i++) {
        const struct hosted_server *hosted = &reception->servers[i];
        for (size_t j = 0; j < hosted->listener_count && !hosted->started; j++)
            stop_listening(reception, hosted->listeners[j]);
    }
    for (size_t i = 0; i < reception->server_count; i++) {
        const struct hosted_server *hosted = &reception->servers[i];
        for (size_t j = 0; j < hosted->listener_count && hosted->started; j++) {
            if (hosted->listeners[j]->listens ||
                listen_on(reception, hosted->listeners[j], &failure))
                continue;
            if (all_listen)
                *error = failure;
            all_listen = false;
        }
    }
    return all_listen;
}

bool reception_host(struct reception *reception, const struct settings_settings *settings,
                    struct error *error)
{
    size_t count = settings->virtual_servers_count;
    struct hosted_server *servers = memory_allocate(count + 1, sizeof(*servers));
    for (size_t i = 0; i < count; i++)
        host_server(reception, settings, &settings->virtual_servers[i], &servers[i]);
    reception_host_nothing(reception);
    reception->servers = servers;
    reception->server_count = count;
    return listen_on_all(reception, error);
}

/* ---- for the administrator ---- */

static void tell_server(const struct hosted_server *hosted,
                        void (*each)(void *user, const struct reception_server *server), void *user)
{
    struct reception_address *addresses =
        memory_allocate(hosted->listener_count + 1, sizeof(*addresses));
    for (size_t i = 0; i < hosted->listener_count; i++) {
        const struct listener *listener = hosted->listeners[i];
        addresses[i] = (struct reception_address){
            .address = listener->address,
            .port = listener->port,
            .recipient_filter = atomic_load(&listener->recipient_filter),
            .listens = listener->listens,
        };
    }
    struct reception_server server = {
        .name = virtual_server_name(hosted->server),
        .started = hosted->started,
        .connections = virtual_server_connections(hosted->server),
        .counters = virtual_server_counters(hosted->server),
        .addresses = addresses,
        .address_count = hosted->listener_count,
    };
    each(user, &server);
    memory_free(addresses);
}

void reception_each_server(struct reception *reception,
                           void (*each)(void *user, const struct reception_server *server),
                           void *user)
{
    lock_acquire(reception->lock);
    for (size_t i = 0; i < reception->server_count; i++)
        tell_server(&reception->servers[i], each, user);
    lock_release(reception->lock);
}
