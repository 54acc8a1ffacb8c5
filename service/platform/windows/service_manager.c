#include "platform/service.h"

#include "base/memory.h"
#include "base/view.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/system_error.h"
#include "platform/windows/service_private.h"
#include "platform/windows/wide.h"

#include <windows.h>

#define DISPLAY_NAME L"Gatepost SMTP Virtual Server"
#define DESCRIPTION                                                                                \
    L"Receives mail by SMTP, refuses recipients who are not in the directory, and passes on what " \
    L"it "                                                                                         \
    L"has accepted."

#define RESTART_AFTER_MS     60000
#define FAILURES_RESET_S     86400
#define PRESHUTDOWN_LIMIT_MS 60000

/* How long a start may stay at one checkpoint, how often to look. */
#define START_LIMIT_MS 120000
#define POLL_MS        100

struct service {
    SC_HANDLE manager;
    SC_HANDLE handle;
};

static bool explain(struct error *error, DWORD reason, const char *what)
{
    if (reason == ERROR_SERVICE_DOES_NOT_EXIST)
        return error_set(error, (int)reason, "The service Gatepost is not installed.");
    if (reason == ERROR_ACCESS_DENIED)
        return error_set(error, (int)reason, "%s: access is denied. Run this as an administrator.",
                         what);
    return system_error_set(error, (int)reason, "%s", what);
}

static void close_service(struct service *service)
{
    if (service->handle != NULL)
        CloseServiceHandle(service->handle);
    if (service->manager != NULL)
        CloseServiceHandle(service->manager);
}

static bool open_service(struct service *service, DWORD access, struct error *error)
{
    service->handle = NULL;
    service->manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    if (service->manager != NULL)
        service->handle = OpenServiceW(service->manager, SERVICE_NAME, access);
    if (service->handle != NULL)
        return true;
    explain(error, GetLastError(), "The service Gatepost cannot be opened");
    close_service(service);
    return false;
}

/* Wine, and Windows before it knew a level, answer ERROR_INVALID_LEVEL; the service runs without. */
static bool set_level(SC_HANDLE handle, DWORD level, void *value, struct error *error)
{
    if (ChangeServiceConfig2W(handle, level, value) || GetLastError() == ERROR_INVALID_LEVEL)
        return true;
    return explain(error, GetLastError(), "The service Gatepost cannot be configured");
}

static bool set_start(SC_HANDLE handle, const char *start, struct error *error)
{
    static const struct {
        const char *name;
        DWORD type;
        BOOL delayed;
    } kinds[] = {
        {"delayed", SERVICE_AUTO_START, TRUE},
        {"automatic", SERVICE_AUTO_START, FALSE},
        {"manual", SERVICE_DEMAND_START, FALSE},
        {"disabled", SERVICE_DISABLED, FALSE},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (start != NULL && strcmp(start, kinds[i].name) != 0)
            continue;
        SERVICE_DELAYED_AUTO_START_INFO delayed = {kinds[i].delayed};
        if (!ChangeServiceConfigW(handle, SERVICE_NO_CHANGE, kinds[i].type, SERVICE_NO_CHANGE, NULL,
                                  NULL, NULL, NULL, NULL, NULL, DISPLAY_NAME))
            return explain(error, GetLastError(), "The service Gatepost cannot be configured");
        return kinds[i].type != SERVICE_AUTO_START ||
               set_level(handle, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed, error);
    }
    return error_set(
        error, 0, "\"%s\" is no start type: delayed, automatic, manual and disabled are.", start);
}

static bool set_failure_actions(SC_HANDLE handle, struct error *error)
{
    SC_ACTION restart = {SC_ACTION_RESTART, RESTART_AFTER_MS};
    SERVICE_FAILURE_ACTIONSW actions = {
        .dwResetPeriod = FAILURES_RESET_S, .cActions = 1, .lpsaActions = &restart};
    /* An end with an error counts as a failure too: the address that another program held, or the
     * network card that was late, may be there a minute later. */
    SERVICE_FAILURE_ACTIONS_FLAG also_errors = {TRUE};
    return set_level(handle, SERVICE_CONFIG_FAILURE_ACTIONS, &actions, error) &&
           set_level(handle, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_errors, error);
}

static bool set_all(SC_HANDLE handle, const char *start, struct error *error)
{
    wchar_t description_text[] = DESCRIPTION;
    /* All that it needs: to reach its folders and to see who is at the other end of the pipe. */
    wchar_t privilege_texts[] = L"SeChangeNotifyPrivilege\0SeImpersonatePrivilege\0";
    SERVICE_DESCRIPTIONW description = {description_text};
    SERVICE_PRESHUTDOWN_INFO preshutdown = {PRESHUTDOWN_LIMIT_MS};
    SERVICE_REQUIRED_PRIVILEGES_INFOW privileges = {privilege_texts};
    SERVICE_SID_INFO own_identifier = {SERVICE_SID_TYPE_UNRESTRICTED};
    return set_start(handle, start, error) && set_failure_actions(handle, error) &&
           set_level(handle, SERVICE_CONFIG_DESCRIPTION, &description, error) &&
           set_level(handle, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown, error) &&
           set_level(handle, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &privileges, error) &&
           set_level(handle, SERVICE_CONFIG_SERVICE_SID_INFO, &own_identifier, error);
}

bool service_configure(const char *start, struct error *error)
{
    struct service service;
    /* SERVICE_START because a restart is among the failure actions. */
    if (!open_service(&service, SERVICE_CHANGE_CONFIG | SERVICE_START, error))
        return false;
    bool done = set_all(service.handle, start, error);
    close_service(&service);
    if (!done)
        return false;
    char *data_folder = default_data_folder();
    done = folder_protect(data_folder, error);
    memory_free(data_folder);
    return done;
}

bool service_install(const char *command_line, struct error *error)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
    if (manager == NULL)
        return explain(error, GetLastError(), "The service Gatepost cannot be installed");
    wchar_t *command = wide_from_text(command_line);
    SC_HANDLE handle = CreateServiceW(manager, SERVICE_NAME, DISPLAY_NAME, SERVICE_QUERY_STATUS,
                                      SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                      SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL);
    DWORD reason = GetLastError();
    memory_free(command);
    CloseServiceHandle(manager);
    if (handle == NULL)
        return explain(error, reason, "The service Gatepost cannot be installed");
    CloseServiceHandle(handle);
    if (service_configure(NULL, error))
        return true;
    service_remove(NULL);
    return false;
}

bool service_remove(struct error *error)
{
    struct service service;
    if (!open_service(&service, DELETE, error))
        return false;
    bool done = DeleteService(service.handle) ||
                explain(error, GetLastError(), "The service Gatepost cannot be removed");
    close_service(&service);
    return done;
}

static bool read_status(SC_HANDLE handle, SERVICE_STATUS_PROCESS *status, struct error *error)
{
    DWORD needed;
    return QueryServiceStatusEx(handle, SC_STATUS_PROCESS_INFO, (BYTE *)status, sizeof *status,
                                &needed) ||
           explain(error, GetLastError(), "The service Gatepost cannot be asked for its state");
}

static bool await_running(SC_HANDLE handle, struct error *error)
{
    SERVICE_STATUS_PROCESS status;
    DWORD checkpoint = 0;
    int64_t moved = clock_monotonic_ms();
    for (;;) {
        if (!read_status(handle, &status, error))
            return false;
        if (status.dwCurrentState == SERVICE_RUNNING)
            return true;
        if (status.dwCurrentState == SERVICE_STOPPED)
            return error_set(
                error, (int)status.dwWin32ExitCode,
                "The service Gatepost has ended with code %lu. The Event Log says why.",
                status.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR
                    ? status.dwServiceSpecificExitCode
                    : status.dwWin32ExitCode);
        if (status.dwCheckPoint != checkpoint)
            moved = clock_monotonic_ms();
        checkpoint = status.dwCheckPoint;
        if (clock_monotonic_ms() - moved > START_LIMIT_MS)
            return error_set(error, ERROR_TIMEOUT, "The service Gatepost is still starting.");
        Sleep(POLL_MS);
    }
}

bool service_start(struct error *error)
{
    struct service service;
    if (!open_service(&service, SERVICE_START | SERVICE_QUERY_STATUS, error))
        return false;
    bool done;
    if (StartServiceW(service.handle, 0, NULL) || GetLastError() == ERROR_SERVICE_ALREADY_RUNNING)
        done = await_running(service.handle, error);
    else
        done = explain(error, GetLastError(), "The service Gatepost cannot be started");
    close_service(&service);
    return done;
}

static bool await_stopped(SC_HANDLE handle, uint32_t deadline_ms, struct error *error)
{
    SERVICE_STATUS_PROCESS status;
    int64_t end = clock_monotonic_ms() + deadline_ms;
    while (read_status(handle, &status, error)) {
        if (status.dwCurrentState == SERVICE_STOPPED)
            return true;
        if (clock_monotonic_ms() >= end)
            return error_set(error, ERROR_TIMEOUT,
                             "The service Gatepost has not stopped within %u ms.", deadline_ms);
        Sleep(POLL_MS);
    }
    return false;
}

bool service_stop(uint32_t deadline_ms, struct error *error)
{
    struct service service;
    SERVICE_STATUS status;
    if (!open_service(&service, SERVICE_STOP | SERVICE_QUERY_STATUS, error))
        return false;
    bool done = ControlService(service.handle, SERVICE_CONTROL_STOP, &status) ||
                GetLastError() == ERROR_SERVICE_NOT_ACTIVE ||
                /* It is stopping already. */
                GetLastError() == ERROR_SERVICE_CANNOT_ACCEPT_CTRL ||
                explain(error, GetLastError(), "The service Gatepost cannot be stopped");
    done = done && await_stopped(service.handle, deadline_ms, error);
    close_service(&service);
    return done;
}

bool service_query(char *state, unsigned size, uint32_t *process, struct error *error)
{
    static const char *const names[] = {
        [SERVICE_STOPPED] = "stopped",
        [SERVICE_START_PENDING] = "starting",
        [SERVICE_STOP_PENDING] = "stopping",
        [SERVICE_RUNNING] = "running",
        [SERVICE_CONTINUE_PENDING] = "continuing",
        [SERVICE_PAUSE_PENDING] = "pausing",
        [SERVICE_PAUSED] = "paused",
    };
    struct service service;
    SERVICE_STATUS_PROCESS status;
    if (!open_service(&service, SERVICE_QUERY_STATUS, error))
        return false;
    bool done = read_status(service.handle, &status, error);
    close_service(&service);
    if (!done)
        return false;
    bool known = status.dwCurrentState < sizeof names / sizeof names[0];
    snprintf(state, size, "%s", known ? names[status.dwCurrentState] : names[SERVICE_STOPPED]);
    *process = status.dwProcessId;
    return true;
}
