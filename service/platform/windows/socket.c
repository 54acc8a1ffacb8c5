#include <winsock2.h>
#include <ws2tcpip.h>

#include "platform/socket.h"

#include "base/memory.h"
#include "platform/system_error.h"

#include <windows.h>

#define LISTENERS_MAXIMUM 64

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* WSAPoll() looks at sockets only, so what wakes it is one: it is connected to itself. */
struct socket_waker {
    SOCKET self;
};

static int address_to_system(const struct ip_address *address, uint16_t port,
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

static bool set_switch(SOCKET handle, int level, int option)
{
    DWORD on = 1;
    return setsockopt(handle, level, option, (const char *)&on, sizeof on) == 0;
}

static bool set_not_blocking(SOCKET handle)
{
    u_long on = 1;
    return ioctlsocket(handle, FIONBIO, &on) == 0;
}

static SOCKET make_socket(int family, int kind)
{
    return WSASocketW(family, kind, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

static bool set_options(SOCKET handle, bool is_v6)
{
    return set_switch(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE) &&
           (!is_v6 || set_switch(handle, IPPROTO_IPV6, IPV6_V6ONLY)) && set_not_blocking(handle);
}

socket_handle socket_listen(const struct ip_address *address, uint16_t port, int backlog,
                            struct error *error)
{
    union socket_address system;
    int length = address_to_system(address, port, &system);
    SOCKET handle = make_socket(system.any.sa_family, SOCK_STREAM);
    if (handle == INVALID_SOCKET) {
        system_error_set(error, WSAGetLastError(), "A socket cannot be made");
        return SOCKET_NONE;
    }
    if (!set_options(handle, address->is_v6))
        system_error_set(error, WSAGetLastError(), "The socket cannot be prepared");
    else if (bind(handle, &system.any, length) != 0)
        system_error_set(error, WSAGetLastError(), "The address cannot be bound");
    else if (listen(handle, backlog) != 0)
        system_error_set(error, WSAGetLastError(), "The address cannot be listened on");
    else
        return (socket_handle)handle;
    closesocket(handle);
    return SOCKET_NONE;
}

socket_handle socket_accept(socket_handle listener, struct socket_peer *peer, bool *exhausted)
{
    union socket_address remote = {0}, local = {0};
    int remote_length = sizeof remote, local_length = sizeof local;
    SOCKET handle = accept((SOCKET)listener, &remote.any, &remote_length);
    int reason = handle == INVALID_SOCKET ? WSAGetLastError() : 0;
    *exhausted = reason == WSAEMFILE || reason == WSAENOBUFS;
    if (handle == INVALID_SOCKET)
        return SOCKET_NONE;
    SetHandleInformation((HANDLE)handle, HANDLE_FLAG_INHERIT, 0);
    set_switch(handle, IPPROTO_TCP, TCP_NODELAY);
    if (!set_not_blocking(handle) || getsockname(handle, &local.any, &local_length) != 0) {
        closesocket(handle);
        return SOCKET_NONE;
    }
    address_from_system(&remote, &peer->address, &peer->port);
    address_from_system(&local, &peer->local_address, &peer->local_port);
    return (socket_handle)handle;
}

void socket_close(socket_handle handle)
{
    closesocket((SOCKET)handle);
}

uint16_t socket_local_port(socket_handle handle)
{
    union socket_address system = {0};
    int length = sizeof system;
    struct ip_address address;
    uint16_t port;
    if (getsockname((SOCKET)handle, &system.any, &length) != 0)
        return 0;
    address_from_system(&system, &address, &port);
    return port;
}

void socket_send_and_close(socket_handle handle, const char *data, size_t length)
{
    /* Whoever does not get it sees the connection closed, which says the same. */
    send((SOCKET)handle, data, (int)length, 0);
    closesocket((SOCKET)handle);
}

static bool connect_to_itself(SOCKET handle)
{
    static const struct ip_address loopback = {.bytes = {127, 0, 0, 1}};
    union socket_address system;
    int length = address_to_system(&loopback, 0, &system);
    return bind(handle, &system.any, length) == 0 &&
           getsockname(handle, &system.any, &length) == 0 &&
           connect(handle, &system.any, length) == 0 && set_not_blocking(handle);
}

struct socket_waker *socket_waker_create(struct error *error)
{
    SOCKET self = make_socket(AF_INET, SOCK_DGRAM);
    if (self == INVALID_SOCKET || !connect_to_itself(self)) {
        system_error_set(error, WSAGetLastError(), "A socket cannot be made");
        if (self != INVALID_SOCKET)
            closesocket(self);
        return NULL;
    }
    struct socket_waker *waker = memory_allocate(1, sizeof(*waker));
    waker->self = self;
    return waker;
}

void socket_waker_destroy(struct socket_waker *waker)
{
    closesocket(waker->self);
    memory_free(waker);
}

void socket_waker_wake(struct socket_waker *waker)
{
    /* Fails only when many wait to be read already, and then the waker is awake. */
    send(waker->self, "", 1, 0);
}

static bool was_woken(struct socket_waker *waker)
{
    char byte;
    bool woken = false;
    while (recv(waker->self, &byte, 1, 0) == 1)
        woken = true;
    return woken;
}

bool socket_wait(struct socket_waker *waker, const socket_handle *listeners, size_t count,
                 bool *ready)
{
    WSAPOLLFD polled[1 + LISTENERS_MAXIMUM];
    polled[0] = (WSAPOLLFD){.fd = waker->self, .events = POLLRDNORM};
    for (size_t i = 0; i < count; i++)
        polled[1 + i] = (WSAPOLLFD){.fd = (SOCKET)listeners[i], .events = POLLRDNORM};
    WSAPoll(polled, (ULONG)(1 + count), -1);
    for (size_t i = 0; i < count; i++)
        ready[i] = polled[1 + i].revents != 0;
    return polled[0].revents == 0 || !was_woken(waker);
}

bool socket_system_start(struct error *error)
{
    WSADATA data;
    int reason = WSAStartup(MAKEWORD(2, 2), &data);
    return reason == 0 || system_error_set(error, reason, "Windows Sockets cannot be started");
}
