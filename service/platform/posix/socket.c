#include "platform/socket.h"

#include "base/memory.h"
#include "platform/system_error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS_MAXIMUM 64

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct socket_waker {
    int event;
};

static socklen_t address_to_system(const struct ip_address *address, uint16_t port,
                                   union socket_address *system)
{
    memset(system, 0, sizeof *system);
    if (address->is_v6) {
        system->v6.sin6_family = AF_INET6;
        system->v6.sin6_port = htons(port);
        memcpy(&system->v6.sin6_addr, address->bytes, 16);
        return sizeof system->v6;
    }
    system->v4.sin_family = AF_INET;
    system->v4.sin_port = htons(port);
    memcpy(&system->v4.sin_addr, address->bytes, 4);
    return sizeof system->v4;
}

static void address_from_system(const union socket_address *system, struct ip_address *address,
                                uint16_t *port)
{
    memset(address, 0, sizeof *address);
    address->is_v6 = system->any.sa_family == AF_INET6;
    if (address->is_v6)
        memcpy(address->bytes, &system->v6.sin6_addr, 16);
    else
        memcpy(address->bytes, &system->v4.sin_addr, 4);
    *port = ntohs(address->is_v6 ? system->v6.sin6_port : system->v4.sin_port);
}

static bool set_options(int handle, bool is_v6)
{
    int on = 1;
    return setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (!is_v6 || setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0);
}

socket_handle socket_listen(const struct ip_address *address, uint16_t port, int backlog,
                            struct error *error)
{
    union socket_address system;
    socklen_t length = address_to_system(address, port, &system);
    int handle = socket(system.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (handle < 0) {
        system_error_set(error, errno, "A socket cannot be made");
        return SOCKET_NONE;
    }
    if (!set_options(handle, address->is_v6))
        system_error_set(error, errno, "The socket cannot be prepared");
    else if (bind(handle, &system.any, length) != 0)
        system_error_set(error, errno, "The address cannot be bound");
    else if (listen(handle, backlog) != 0)
        system_error_set(error, errno, "The address cannot be listened on");
    else
        return (socket_handle)handle;
    close(handle);
    return SOCKET_NONE;
}

socket_handle socket_accept(socket_handle listener, struct socket_peer *peer, bool *exhausted)
{
    union socket_address remote = {0}, local = {0};
    socklen_t remote_length = sizeof remote, local_length = sizeof local;
    int handle = accept4((int)listener, &remote.any, &remote_length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    *exhausted =
        handle < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
    if (handle < 0)
        return SOCKET_NONE;
    int on = 1;
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (getsockname(handle, &local.any, &local_length) != 0) {
        close(handle);
        return SOCKET_NONE;
    }
    address_from_system(&remote, &peer->address, &peer->port);
    address_from_system(&local, &peer->local_address, &peer->local_port);
    return (socket_handle)handle;
}

void socket_close(socket_handle handle)
{
    close((int)handle);
}

uint16_t socket_local_port(socket_handle handle)
{
    union socket_address system = {0};
    socklen_t length = sizeof system;
    struct ip_address address;
    uint16_t port;
    if (getsockname((int)handle, &system.any, &length) != 0)
        return 0;
    address_from_system(&system, &address, &port);
    return port;
}

void socket_send_and_close(socket_handle handle, const char *data, size_t length)
{
    /* Whoever does not get it sees the connection closed, which says the same. */
    ssize_t sent = send((int)handle, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
    close((int)handle);
}

struct socket_waker *socket_waker_create(struct error *error)
{
    int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (event < 0) {
        system_error_set(error, errno, "An event cannot be made");
        return NULL;
    }
    struct socket_waker *waker = memory_allocate(1, sizeof(*waker));
    waker->event = event;
    return waker;
}

void socket_waker_destroy(struct socket_waker *waker)
{
    close(waker->event);
    memory_free(waker);
}

void socket_waker_wake(struct socket_waker *waker)
{
    /* Fails only when the count is full, and then the waker is awake. */
    eventfd_write(waker->event, 1);
}

bool socket_wait(struct socket_waker *waker, const socket_handle *listeners, size_t count,
                 bool *ready)
{
    struct pollfd polled[1 + LISTENERS_MAXIMUM];
    polled[0] = (struct pollfd){.fd = waker->event, .events = POLLIN};
    for (size_t i = 0; i < count; i++)
        polled[1 + i] = (struct pollfd){.fd = (int)listeners[i], .events = POLLIN};
    while (poll(polled, 1 + count, -1) < 0 && errno == EINTR)
        continue;
    for (size_t i = 0; i < count; i++)
        ready[i] = polled[1 + i].revents != 0;
    eventfd_t value;
    return polled[0].revents == 0 || eventfd_read(waker->event, &value) != 0;
}

/* The soft limit is made for programs that use select(); 1,000 connections would leave no handle for the stores. */
static void raise_limit_of_handles(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

bool socket_system_start(struct error *error)
{
    raise_limit_of_handles();
    /* A peer that has gone is an error of one write, not the end of the program. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return system_error_set(error, errno, "SIGPIPE cannot be ignored");
    return true;
}
