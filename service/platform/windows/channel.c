#include "platform/channel.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/system_error.h"
#include "platform/windows/channel_private.h"

/* Monotonic milliseconds at which a call gives up. */
static int64_t end_of(uint32_t deadline_ms)
{
    return deadline_ms == 0 ? INT64_MAX : clock_monotonic_ms() + deadline_ms;
}

static DWORD left_until(int64_t end)
{
    if (end == INT64_MAX)
        return INFINITE;
    int64_t left = end - clock_monotonic_ms();
    return left < 0 ? 0 : (DWORD)left;
}

struct channel *channel_of_pipe(HANDLE pipe)
{
    struct channel *channel = memory_allocate(1, sizeof(*channel));
    channel->pipe = pipe;
    channel->reading = CreateEventW(NULL, TRUE, FALSE, NULL);
    channel->writing = CreateEventW(NULL, TRUE, FALSE, NULL);
    channel->cancelled = CreateEventW(NULL, TRUE, FALSE, NULL);
    return channel;
}

static bool is_cancelled(const struct channel *channel)
{
    return WaitForSingleObject(channel->cancelled, 0) == WAIT_OBJECT_0;
}

/* started: what ReadFile() or WriteFile() returned. False with GetLastError(). */
static bool finish(struct channel *channel, OVERLAPPED *operation, BOOL started, int64_t end,
                   DWORD *moved)
{
    HANDLE awaited[] = {operation->hEvent, channel->cancelled};
    if (!started && GetLastError() != ERROR_IO_PENDING)
        return false;
    if (WaitForMultipleObjects(2, awaited, FALSE, left_until(end)) != WAIT_OBJECT_0)
        CancelIoEx(channel->pipe, operation);
    /* It may have been done all the same, and then its bytes must not be lost. */
    return GetOverlappedResult(channel->pipe, operation, moved, TRUE) != 0;
}

int channel_read(struct channel *channel, void *data, size_t size, uint32_t deadline_ms)
{
    OVERLAPPED operation = {.hEvent = channel->reading};
    DWORD length = size < CHANNEL_PART ? (DWORD)size : CHANNEL_PART;
    DWORD moved;
    if (is_cancelled(channel))
        return -1;
    BOOL started = ReadFile(channel->pipe, data, length, NULL, &operation);
    if (finish(channel, &operation, started, end_of(deadline_ms), &moved))
        return (int)moved;
    DWORD reason = GetLastError();
    return reason == ERROR_BROKEN_PIPE || reason == ERROR_PIPE_NOT_CONNECTED ? 0 : -1;
}

bool channel_write(struct channel *channel, const void *data, size_t length, uint32_t deadline_ms)
{
    const char *next = data;
    int64_t end = end_of(deadline_ms);
    while (length > 0) {
        OVERLAPPED operation = {.hEvent = channel->writing};
        DWORD part = length < CHANNEL_PART ? (DWORD)length : CHANNEL_PART;
        DWORD moved;
        if (is_cancelled(channel))
            return false;
        BOOL started = WriteFile(channel->pipe, next, part, NULL, &operation);
        if (!finish(channel, &operation, started, end, &moved))
            return false;
        next += moved;
        length -= moved;
    }
    return true;
}

void channel_cancel(struct channel *channel)
{
    SetEvent(channel->cancelled);
}

void channel_close(struct channel *channel)
{
    CloseHandle(channel->pipe);
    CloseHandle(channel->reading);
    CloseHandle(channel->writing);
    CloseHandle(channel->cancelled);
    memory_free(channel);
}

static wchar_t *path_on(const char *computer, const char *name)
{
    size_t size = strlen(name) + 16 + (computer == NULL ? 0 : strlen(computer));
    char *text = memory_allocate(size, 1);
    snprintf(text, size, "\\\\%s\\pipe\\%s", computer == NULL ? "." : computer, name);
    wchar_t *path = wide_from_text(text);
    memory_free(text);
    return path;
}

/* While the service is down any program may make a pipe of its name, and would be told what the
 * administrator sends, secrets included. */
static bool is_served_by_gatepost(HANDLE pipe)
{
    PSECURITY_DESCRIPTOR security;
    PSID owner;
    if (GetSecurityInfo(pipe, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL,
                        NULL, &security) != 0)
        return false;
    bool trusted = account_is_trusted(owner);
    LocalFree(security);
    return trusted;
}

/* INVALID_HANDLE_VALUE with GetLastError(). The server may find out who we are and not act for us. */
static HANDLE open_pipe(const wchar_t *path, int64_t end)
{
    for (;;) {
        HANDLE pipe = CreateFileW(
            path, CHANNEL_CLIENT_ACCESS, 0, NULL, OPEN_EXISTING,
            FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
        if (pipe != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY)
            return pipe;
        /* 0 would mean the server's choice. */
        DWORD left = left_until(end);
        if (left == 0 || (!WaitNamedPipeW(path, left) && GetLastError() == ERROR_SEM_TIMEOUT)) {
            SetLastError(ERROR_PIPE_BUSY);
            return INVALID_HANDLE_VALUE;
        }
    }
}

static void explain(DWORD reason, enum channel_failure *failure, struct error *error)
{
    switch (reason) {
    case ERROR_FILE_NOT_FOUND:
        *failure = CHANNEL_NOT_RUNNING;
        error_set(error, (int)reason, "The Gatepost service is not running.");
        break;
    case ERROR_ACCESS_DENIED:
        *failure = CHANNEL_DENIED;
        error_set(error, (int)reason,
                  "Access is denied: only Administrators and members of the local group \"%s\" may "
                  "manage Gatepost.",
                  CHANNEL_OPERATORS);
        break;
    case ERROR_PIPE_BUSY:
        *failure = CHANNEL_BUSY;
        error_set(error, (int)reason, "The Gatepost service is busy with other clients.");
        break;
    default:
        *failure = CHANNEL_BROKEN;
        system_error_set(error, (int)reason, "The Gatepost service cannot be reached");
        break;
    }
}

struct channel *channel_connect(const char *computer, const char *name, uint32_t deadline_ms,
                                enum channel_failure *failure, struct error *error)
{
    wchar_t *path = path_on(computer, name);
    HANDLE pipe = open_pipe(path, end_of(deadline_ms));
    DWORD reason = GetLastError();
    memory_free(path);
    if (pipe == INVALID_HANDLE_VALUE) {
        explain(reason, failure, error);
        return NULL;
    }
    if (!is_served_by_gatepost(pipe)) {
        CloseHandle(pipe);
        *failure = CHANNEL_DENIED;
        error_set(error, ERROR_INVALID_OWNER,
                  "The pipe %s is served by a program of another user, not by Gatepost.", name);
        return NULL;
    }
    *failure = CHANNEL_OK;
    return channel_of_pipe(pipe);
}
