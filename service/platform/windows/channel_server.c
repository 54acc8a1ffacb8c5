#include "base/hash.h"
#include "base/memory.h"
#include "platform/file.h"
#include "platform/system_error.h"
#include "platform/windows/channel_private.h"

#include <sddl.h>

/* More than the management server serves at a time, so that there is always one that waits. */
#define INSTANCES_MAXIMUM 64

/* Milliseconds until it is tried again to make an instance when all are in use. */
#define INSTANCE_RETRY 100

struct channel_server {
    wchar_t *path;
    PSECURITY_DESCRIPTOR security;
    HANDLE next;    /* the instance for the next client, INVALID_HANDLE_VALUE when all are in use */
    HANDLE arrived; /* event */
    HANDLE stopped; /* event, stays set */
};

static PSECURITY_DESCRIPTOR make_security(struct error *error)
{
    wchar_t text[512];
    wchar_t *own = account_own_sid();
    wchar_t *operators = account_group_sid(L"" CHANNEL_OPERATORS);
    PSECURITY_DESCRIPTOR security = NULL;
    int length = _snwprintf(text, sizeof text / sizeof text[0], CHANNEL_ACCESS L"(A;;FA;;;%ls)",
                            own == NULL ? L"SY" : own);
    if (operators != NULL)
        _snwprintf(text + length, sizeof text / sizeof text[0] - (size_t)length,
                   L"(A;;0x%lx;;;%ls)", CHANNEL_CLIENT_ACCESS, operators);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &security,
                                                              NULL)) {
        system_error_set(error, (int)GetLastError(), "The access to the pipe cannot be described");
        security = NULL;
    }
    LocalFree(own);
    LocalFree(operators);
    return security;
}

static HANDLE make_instance(const struct channel_server *server, DWORD flags)
{
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, server->security, FALSE};
    return CreateNamedPipeW(server->path, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags,
                            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
                            INSTANCES_MAXIMUM, CHANNEL_PART, CHANNEL_PART, 0, &attributes);
}

static wchar_t *path_of(const char *name)
{
    char *text = path_join("\\\\.\\pipe", name);
    wchar_t *path = wide_from_text(text);
    memory_free(text);
    return path;
}

struct channel_server *channel_server_create(const char *name, struct error *error)
{
    PSECURITY_DESCRIPTOR security = make_security(error);
    if (security == NULL)
        return NULL;
    struct channel_server *server = memory_allocate(1, sizeof(*server));
    server->path = path_of(name);
    server->security = security;
    server->arrived = CreateEventW(NULL, TRUE, FALSE, NULL);
    server->stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
    /* Only the first instance asks to be the first: where somebody has made the pipe already, we are
     * not to join him. */
    server->next = make_instance(server, FILE_FLAG_FIRST_PIPE_INSTANCE);
    if (server->next != INVALID_HANDLE_VALUE)
        return server;
    DWORD reason = GetLastError();
    if (reason == ERROR_ACCESS_DENIED)
        error_set(error, (int)reason, "The pipe %s is in use by another program.", name);
    else
        system_error_set(error, (int)reason, "The pipe %s cannot be made", name);
    channel_server_destroy(server);
    return NULL;
}

/* ConnectNamedPipe() started: waits until a client is there. False when it is not. */
static bool await_client(struct channel_server *server, OVERLAPPED *operation)
{
    HANDLE awaited[] = {server->stopped, server->arrived};
    DWORD moved;
    if (WaitForMultipleObjects(2, awaited, FALSE, INFINITE) == WAIT_OBJECT_0)
        CancelIoEx(server->next, operation);
    return GetOverlappedResult(server->next, operation, &moved, TRUE) != 0;
}

static bool connect_client(struct channel_server *server)
{
    OVERLAPPED operation = {.hEvent = server->arrived};
    ResetEvent(server->arrived);
    if (ConnectNamedPipe(server->next, &operation))
        return true;
    DWORD reason = GetLastError();
    if (reason == ERROR_PIPE_CONNECTED)
        return true;
    if (reason == ERROR_IO_PENDING && await_client(server, &operation))
        return true;
    /* It came and went already (ERROR_NO_DATA): the instance can be used again. */
    DisconnectNamedPipe(server->next);
    return false;
}

struct channel *channel_accept(struct channel_server *server)
{
    while (WaitForSingleObject(server->stopped, 0) != WAIT_OBJECT_0) {
        if (server->next == INVALID_HANDLE_VALUE)
            server->next = make_instance(server, 0);
        if (server->next == INVALID_HANDLE_VALUE)
            WaitForSingleObject(server->stopped, INSTANCE_RETRY);
        else if (connect_client(server)) {
            struct channel *channel = channel_of_pipe(server->next);
            /* At once: while there is an instance nobody else can take the name. */
            server->next = make_instance(server, 0);
            return channel;
        }
    }
    return NULL;
}

void channel_server_stop(struct channel_server *server)
{
    SetEvent(server->stopped);
}

void channel_server_destroy(struct channel_server *server)
{
    if (server->next != INVALID_HANDLE_VALUE)
        CloseHandle(server->next);
    CloseHandle(server->arrived);
    CloseHandle(server->stopped);
    LocalFree(server->security);
    memory_free(server->path);
    memory_free(server);
}

void channel_client_name(struct channel *channel, char *name, size_t size)
{
    HANDLE token;
    bool known = false;
    snprintf(name, size, "unknown");
    if (!ImpersonateNamedPipeClient(channel->pipe))
        return;
    /* As the service itself (TRUE), for the client's rights may not suffice to look at the token. */
    if (OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token))
        known = true;
    /* Nothing may go on in the client's name. */
    if (!RevertToSelf())
        abort();
    if (known) {
        account_name_of_token(token, name, size);
        CloseHandle(token);
    }
}

char *channel_default_name(const char *data_folder)
{
    static const struct hash_key key = {0, 0};
    char *usual = default_data_folder();
    wchar_t *usual_path = wide_path(usual);
    wchar_t *path = wide_path(data_folder);
    size_t length = wcslen(path);
    while (length > 0 && path[length - 1] == L'\\')
        path[--length] = L'\0';
    CharUpperBuffW(path, (DWORD)length);
    CharUpperBuffW(usual_path, (DWORD)wcslen(usual_path));
    char name[32] = "gatepost";
    if (wcscmp(path, usual_path) != 0)
        snprintf(name, sizeof name, "gatepost-%016llx",
                 (unsigned long long)hash_bytes(&key, path, length * sizeof *path));
    memory_free(usual);
    memory_free(usual_path);
    memory_free(path);
    return memory_copy_text(name);
}
