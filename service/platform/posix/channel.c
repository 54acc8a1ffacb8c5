#include "platform/channel.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/posix/account.h"
#include "platform/system_error.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

struct channel_server {
    int listener;
    int stopped; /* eventfd, stays set */
    char *path;
};

struct channel {
    int socket;
    int cancelled; /* eventfd, stays set */
};

static bool fill_address(const char *name, struct sockaddr_un *address, struct error *error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(name) >= sizeof address->sun_path)
        return error_set(error, ENAMETOOLONG, "The path of the socket %s is too long.", name);
    memcpy(address->sun_path, name, strlen(name));
    return true;
}

/* A socket that nobody serves any more is left behind by a process that was killed. */
static bool is_left_behind(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool left = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 &&
                errno == ECONNREFUSED;
    close(probe);
    return left;
}

struct channel_server *channel_server_create(const char *name, struct error *error)
{
    struct sockaddr_un address;
    if (!fill_address(name, &address, error))
        return NULL;
    if (is_left_behind(&address))
        unlink(name);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Before bind(), so that the file never has other rights. */
    if (listener < 0 || fchmod(listener, S_IRUSR | S_IWUSR) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, BACKLOG) != 0) {
        system_error_set(error, errno, "The socket %s cannot be made", name);
        if (listener >= 0)
            close(listener);
        return NULL;
    }
    struct channel_server *server = memory_allocate(1, sizeof(*server));
    server->listener = listener;
    server->stopped = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->path = memory_copy_text(name);
    return server;
}

static struct channel *channel_of_socket(int handle)
{
    struct channel *channel = memory_allocate(1, sizeof(*channel));
    channel->socket = handle;
    channel->cancelled = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return channel;
}

struct channel *channel_accept(struct channel_server *server)
{
    struct pollfd polled[] = {{.fd = server->stopped, .events = POLLIN},
                              {.fd = server->listener, .events = POLLIN}};
    for (;;) {
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (polled[0].revents != 0)
            return NULL;
        int handle = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (handle >= 0)
            return channel_of_socket(handle);
        /* Out of descriptors the listener stays ready: this must not become a busy loop. */
        if (errno == EMFILE || errno == ENFILE)
            poll(polled, 1, 100);
    }
}

void channel_server_stop(struct channel_server *server)
{
    eventfd_write(server->stopped, 1);
}

void channel_server_destroy(struct channel_server *server)
{
    unlink(server->path);
    close(server->listener);
    close(server->stopped);
    memory_free(server->path);
    memory_free(server);
}

static void explain(int reason, enum channel_failure *failure, struct error *error)
{
    if (reason == ENOENT || reason == ECONNREFUSED) {
        *failure = CHANNEL_NOT_RUNNING;
        error_set(error, reason, "The Gatepost service is not running.");
    } else if (reason == EACCES || reason == EPERM) {
        *failure = CHANNEL_DENIED;
        error_set(error, reason,
                  "Access is denied: only the user who runs Gatepost may manage it.");
    } else if (reason == EAGAIN) {
        *failure = CHANNEL_BUSY;
        error_set(error, reason, "The Gatepost service is busy with other clients.");
    } else {
        *failure = CHANNEL_BROKEN;
        system_error_set(error, reason, "The Gatepost service cannot be reached");
    }
}

struct channel *channel_connect(const char *computer, const char *name, uint32_t deadline_ms,
                                enum channel_failure *failure, struct error *error)
{
    struct sockaddr_un address;
    *failure = CHANNEL_BROKEN;
    if (computer != NULL) {
        error_set(error, ENOTSUP, "Only Windows reaches the service of another computer.");
        return NULL;
    }
    if (!fill_address(name, &address, error))
        return NULL;
    int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A blocking connect() to a Unix socket waits for as long as it may send. */
    struct timeval limit = {.tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000};
    setsockopt(handle, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(handle, (struct sockaddr *)&address, sizeof address) != 0) {
        explain(errno, failure, error);
        close(handle);
        return NULL;
    }
    *failure = CHANNEL_OK;
    return channel_of_socket(handle);
}

/* Monotonic milliseconds at which a call gives up. */
static int64_t end_of(uint32_t deadline_ms)
{
    return deadline_ms == 0 ? INT64_MAX : clock_monotonic_ms() + deadline_ms;
}

/* False when the time has passed or the channel was cancelled. */
static bool await(const struct channel *channel, short events, int64_t end)
{
    struct pollfd polled[] = {{.fd = channel->cancelled, .events = POLLIN},
                              {.fd = channel->socket, .events = events}};
    for (;;) {
        int64_t left = end == INT64_MAX ? -1 : end - clock_monotonic_ms();
        if (end != INT64_MAX && left < 0)
            return false;
        int ready = poll(polled, 2, left > INT_MAX ? INT_MAX : (int)left);
        if (ready < 0 && errno == EINTR)
            continue;
        return ready > 0 && polled[0].revents == 0;
    }
}

int channel_read(struct channel *channel, void *data, size_t size, uint32_t deadline_ms)
{
    int64_t end = end_of(deadline_ms);
    while (await(channel, POLLIN, end)) {
        ssize_t got = recv(channel->socket, data, size < INT_MAX ? size : INT_MAX, MSG_DONTWAIT);
        if (got >= 0)
            return (int)got;
        if (errno == ECONNRESET)
            return 0;
        if (errno != EAGAIN && errno != EINTR)
            return -1;
    }
    return -1;
}

bool channel_write(struct channel *channel, const void *data, size_t length, uint32_t deadline_ms)
{
    const char *next = data;
    int64_t end = end_of(deadline_ms);
    while (length > 0) {
        if (!await(channel, POLLOUT, end))
            return false;
        ssize_t sent = send(channel->socket, next, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (sent > 0) {
            next += sent;
            length -= (size_t)sent;
        }
    }
    return true;
}

void channel_cancel(struct channel *channel)
{
    eventfd_write(channel->cancelled, 1);
}

void channel_close(struct channel *channel)
{
    close(channel->socket);
    close(channel->cancelled);
    memory_free(channel);
}

void channel_client_name(struct channel *channel, char *name, size_t size)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(channel->socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
        account_name(peer.uid, name, size);
    else
        snprintf(name, size, "unknown");
}

char *channel_default_name(const char *data_folder)
{
    return path_join(data_folder, "admin.sock");
}
