#include <winsock2.h>
#include <ws2tcpip.h>

#include "platform/connect.h"

#include "platform/clock.h"
#include "platform/system_error.h"

#include <windows.h>

/* How long somebody who cancels has to wait at most, milliseconds. */
#define SLICE_MS 50

static int begin_connecting(SOCKET handle, const struct ip_address *address, uint16_t port)
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

/* One slice; select() because WSAPoll() does not report a refused connection before Windows 10 2004. */
static int wait_slice(SOCKET handle, int *reason)
{
    struct timeval slice = {.tv_usec = SLICE_MS * 1000};
    int length = sizeof *reason;
    fd_set connected, failed;
    FD_ZERO(&connected);
    FD_ZERO(&failed);
    FD_SET(handle, &connected);
    FD_SET(handle, &failed);
    int ready = select(0, NULL, &connected, &failed, &slice);
    if (ready > 0 && getsockopt(handle, SOL_SOCKET, SO_ERROR, (char *)reason, &length) != 0)
        return SOCKET_ERROR;
    return ready;
}

/* 0 when connected, else the reason. */
static int wait_connected(SOCKET handle, uint32_t deadline_ms, const atomic_bool *cancelled)
{
    int64_t end = clock_monotonic_ms() + deadline_ms;
    for (;;) {
        int reason = 0, ready = wait_slice(handle, &reason);
        if (ready == SOCKET_ERROR)
            return WSAGetLastError();
        if (ready > 0)
            return reason;
        if (atomic_load(cancelled))
            return WSAECANCELLED;
        if (clock_monotonic_ms() >= end)
            return WSAETIMEDOUT;
    }
}

static bool set_blocking(SOCKET handle, u_long not_blocking)
{
    return ioctlsocket(handle, FIONBIO, &not_blocking) == 0;
}

static void set_switch(SOCKET handle, int level, int option)
{
    DWORD on = 1;
    setsockopt(handle, level, option, (const char *)&on, sizeof on);
}

socket_handle socket_connect(const struct ip_address *address, uint16_t port, uint32_t deadline_ms,
                             const atomic_bool *cancelled, struct error *error)
{
    int family = address->is_v6 ? AF_INET6 : AF_INET;
    SOCKET handle = WSASocketW(family, SOCK_STREAM, 0, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (handle == INVALID_SOCKET || !set_blocking(handle, 1)) {
        system_error_set(error, WSAGetLastError(), "A socket cannot be made");
        if (handle != INVALID_SOCKET)
            closesocket(handle);
        return SOCKET_NONE;
    }
    int reason = begin_connecting(handle, address, port) == 0 ? 0 : WSAGetLastError();
    if (reason == WSAEWOULDBLOCK)
        reason = wait_connected(handle, deadline_ms, cancelled);
    if (reason == 0 && !set_blocking(handle, 0))
        reason = WSAGetLastError();
    if (reason != 0) {
        closesocket(handle);
        system_error_set(error, reason, "No connection");
        return SOCKET_NONE;
    }
    set_switch(handle, IPPROTO_TCP, TCP_NODELAY);
    set_switch(handle, SOL_SOCKET, SO_KEEPALIVE);
    return (socket_handle)handle;
}

void socket_limit_waiting(socket_handle handle, uint32_t milliseconds)
{
    DWORD limit = milliseconds;
    setsockopt((SOCKET)handle, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit, sizeof limit);
    setsockopt((SOCKET)handle, SOL_SOCKET, SO_SNDTIMEO, (const char *)&limit, sizeof limit);
}

void socket_shutdown(socket_handle handle)
{
    shutdown((SOCKET)handle, SD_BOTH);
    /* What waits already is not told by shutdown() alone. */
    CancelIoEx((HANDLE)handle, NULL);
}
