#include "platform/connect.h"

#include "platform/clock.h"
#include "platform/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long somebody who cancels has to wait at most, milliseconds. */
#define SLICE_MS 50

static int begin_connecting(int handle, const struct ip_address *address, uint16_t port)
{
    if (address->is_v6) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&v6.sin6_addr, address->bytes, 16);
        return connect(handle, (const struct sockaddr *)&v6, sizeof v6);
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&v4.sin_addr, address->bytes, 4);
    return connect(handle, (const struct sockaddr *)&v4, sizeof v4);
}

/* 0 when connected, else the reason. */
static int wait_connected(int handle, uint32_t deadline_ms, const atomic_bool *cancelled)
{
    int64_t end = clock_monotonic_ms() + deadline_ms;
    struct pollfd waited = {handle, POLLOUT, 0};
    for (;;) {
        int reason = 0;
        socklen_t length = sizeof reason;
        int ready = poll(&waited, 1, SLICE_MS);
        if (ready < 0 && errno != EINTR)
            return errno;
        if (ready > 0)
            return getsockopt(handle, SOL_SOCKET, SO_ERROR, &reason, &length) == 0 ? reason : errno;
        if (atomic_load(cancelled))
            return ECANCELED;
        if (clock_monotonic_ms() >= end)
            return ETIMEDOUT;
    }
}

static bool set_blocking(int handle)
{
    int flags = fcntl(handle, F_GETFL);
    return flags >= 0 && fcntl(handle, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

socket_handle socket_connect(const struct ip_address *address, uint16_t port, uint32_t deadline_ms,
                             const atomic_bool *cancelled, struct error *error)
{
    int family = address->is_v6 ? AF_INET6 : AF_INET, on = 1;
    int handle = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (handle < 0) {
        system_error_set(error, errno, "A socket cannot be made");
        return SOCKET_NONE;
    }
    int reason = begin_connecting(handle, address, port) == 0 ? 0 : errno;
    if (reason == EINPROGRESS)
        reason = wait_connected(handle, deadline_ms, cancelled);
    if (reason == 0 && !set_blocking(handle))
        reason = errno;
    if (reason != 0) {
        close(handle);
        system_error_set(error, reason, "No connection");
        return SOCKET_NONE;
    }
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(handle, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return (socket_handle)handle;
}

void socket_limit_waiting(socket_handle handle, uint32_t milliseconds)
{
    struct timeval limit = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    setsockopt((int)handle, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt((int)handle, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void socket_shutdown(socket_handle handle)
{
    shutdown((int)handle, SHUT_RDWR);
}
