#include "platform/service.h"

#include "base/memory.h"
#include "platform/system_error.h"
#include "platform/thread.h"
#include "platform/windows/service_private.h"

#include <windows.h>

/* Until run() reports for the first time. */
#define START_HINT_MS 30000

/* What a stop may take until run() says more. */
#define STOP_HINT_MS 30000

struct service_host {
    const struct service_program *program;
    struct lock *lock;            /* for what is below: the handler and run() both report */
    SERVICE_STATUS_HANDLE handle; /* NULL in the foreground */
    SERVICE_STATUS status;
    HANDLE ended; /* foreground: event */
    int exit_code;
};

/* Neither ServiceMain nor a console handler is given a pointer; a process is one service at most. It lives
 * as long as the process, because the thread of ServiceMain may still be on its way out when the
 * dispatcher has returned. */
static struct service_host this_host;

static bool is_pending(DWORD state)
{
    return state != SERVICE_RUNNING && state != SERVICE_PAUSED && state != SERVICE_STOPPED;
}

static DWORD accepted_in(DWORD state)
{
    if (state == SERVICE_STOPPED || state == SERVICE_STOP_PENDING)
        return 0;
    if (state == SERVICE_START_PENDING)
        return SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN;
    return SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN | SERVICE_ACCEPT_PAUSE_CONTINUE |
           SERVICE_ACCEPT_PARAMCHANGE;
}

/* The lock is held. A service that is on its way down only goes further down, whatever the thread that
 * started it still reports. */
static void set_state(struct service_host *host, DWORD state, DWORD hint_ms)
{
    SERVICE_STATUS *status = &host->status;
    DWORD former = status->dwCurrentState;
    if (host->handle == NULL || former == SERVICE_STOPPED ||
        (former == SERVICE_STOP_PENDING && state != SERVICE_STOP_PENDING &&
         state != SERVICE_STOPPED))
        return;
    status->dwCurrentState = state;
    status->dwControlsAccepted = accepted_in(state);
    status->dwCheckPoint = is_pending(state) ? status->dwCheckPoint + 1 : 0;
    status->dwWaitHint = hint_ms;
    SetServiceStatus(host->handle, status);
}

static void report(struct service_host *host, DWORD state, DWORD hint_ms)
{
    lock_acquire(host->lock);
    set_state(host, state, hint_ms);
    lock_release(host->lock);
}

void service_report_starting(struct service_host *host, uint32_t hint_ms)
{
    report(host, SERVICE_START_PENDING, hint_ms);
}

void service_report_running(struct service_host *host)
{
    report(host, SERVICE_RUNNING, 0);
}

void service_report_paused(struct service_host *host)
{
    report(host, SERVICE_PAUSED, 0);
}

void service_report_stopping(struct service_host *host, uint32_t hint_ms)
{
    report(host, SERVICE_STOP_PENDING, hint_ms);
}

static void report_stopped(struct service_host *host)
{
    lock_acquire(host->lock);
    if (host->exit_code != SERVICE_EXIT_OK) {
        host->status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
        host->status.dwServiceSpecificExitCode = (DWORD)host->exit_code;
    }
    set_state(host, SERVICE_STOPPED, 0);
    lock_release(host->lock);
}

static DWORD WINAPI handle_control(DWORD control, DWORD kind, void *data, void *context)
{
    struct service_host *host = context;
    const struct service_program *program = host->program;
    (void)kind;
    (void)data;
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
    case SERVICE_CONTROL_PRESHUTDOWN:
        report(host, SERVICE_STOP_PENDING, STOP_HINT_MS);
        program->control(SERVICE_ASKED_TO_STOP, program->user);
        return NO_ERROR;
    /* Without a pending state, which would stay for ever where there is nothing to do: run() reports
     * within moments. */
    case SERVICE_CONTROL_PAUSE:
        program->control(SERVICE_ASKED_TO_PAUSE, program->user);
        return NO_ERROR;
    case SERVICE_CONTROL_CONTINUE:
        program->control(SERVICE_ASKED_TO_CONTINUE, program->user);
        return NO_ERROR;
    case SERVICE_CONTROL_PARAMCHANGE:
        program->control(SERVICE_ASKED_TO_RELOAD, program->user);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

static void WINAPI service_main(DWORD count, wchar_t **arguments)
{
    struct service_host *host = &this_host;
    (void)count;
    (void)arguments;
    host->handle = RegisterServiceCtrlHandlerExW(SERVICE_NAME, handle_control, host);
    if (host->handle == NULL) {
        host->exit_code = SERVICE_EXIT_INTERNAL;
        return;
    }
    report(host, SERVICE_START_PENDING, START_HINT_MS);
    host->exit_code = host->program->run(host, host->program->user);
    report_stopped(host);
}

static void host_init(const struct service_program *program)
{
    struct lock *lock = this_host.lock == NULL ? lock_create() : this_host.lock;
    this_host = (struct service_host){.program = program, .lock = lock};
    this_host.status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    this_host.status.dwCurrentState = SERVICE_START_PENDING;
}

int service_run_managed(const struct service_program *program, struct error *error)
{
    wchar_t name[] = SERVICE_NAME;
    const SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {NULL, NULL}};
    host_init(program);
    /* Returns when the service has reported that it is stopped. */
    if (StartServiceCtrlDispatcherW(table))
        return this_host.exit_code;
    system_error_set(error, (int)GetLastError(),
                     "Only the Service Control Manager can start Gatepost as a service; use "
                     "\"gatepost service start\" or \"gatepost run\"");
    return SERVICE_EXIT_USAGE;
}

static BOOL WINAPI handle_console(DWORD control)
{
    const struct service_program *program = this_host.program;
    program->control(SERVICE_ASKED_TO_STOP, program->user);
    /* When the window is closed or the user logs off, the process ends as soon as this returns. */
    if (control != CTRL_C_EVENT && control != CTRL_BREAK_EVENT)
        WaitForSingleObject(this_host.ended, INFINITE);
    return TRUE;
}

int service_run_foreground(const struct service_program *program)
{
    host_init(program);
    this_host.ended = CreateEventW(NULL, TRUE, FALSE, NULL);
    SetConsoleCtrlHandler(handle_console, TRUE);
    int code = program->run(&this_host, program->user);
    SetConsoleCtrlHandler(handle_console, FALSE);
    SetEvent(this_host.ended);
    CloseHandle(this_host.ended);
    return code;
}
