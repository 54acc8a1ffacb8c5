/*
 * Being a service of the system. Windows: the Service Control Manager. Elsewhere: signals. The control
 * handler only posts; the callbacks run on a thread of their own and must return at once.
 */
#ifndef GATEPOST_PLATFORM_SERVICE_H
#define GATEPOST_PLATFORM_SERVICE_H

#include "base/error.h"

#include <stdint.h>

enum service_control {
    SERVICE_ASKED_TO_STOP,  /* STOP, PRESHUTDOWN, SHUTDOWN; SIGTERM, SIGINT, Ctrl+C */
    SERVICE_ASKED_TO_PAUSE, /* PAUSE */
    SERVICE_ASKED_TO_CONTINUE,
    SERVICE_ASKED_TO_RELOAD /* PARAMCHANGE; SIGHUP */
};

/* Service-specific exit codes (SERVICE_STATUS.dwServiceSpecificExitCode; exit code of `run`). */
enum service_exit {
    SERVICE_EXIT_OK = 0,
    SERVICE_EXIT_INTERNAL = 1,
    SERVICE_EXIT_USAGE = 2,
    SERVICE_EXIT_DATA = 3,     /* data folder or a store cannot be opened, or is in use */
    SERVICE_EXIT_SETTINGS = 4, /* settings are not valid */
    SERVICE_EXIT_LISTEN = 5,   /* an address cannot be bound */
    SERVICE_EXIT_DIRECTORY = 6 /* the recipient list cannot be read */
};

struct service_host;

struct service_program {
    /* Starts, serves, stops; returns an enum service_exit. Runs on a thread of its own. Calls
     * service_report_*() as it goes. */
    int (*run)(struct service_host *host, void *user);

    /* From the control handler's side: post and return. May come before run has got far. */
    void (*control)(enum service_control control, void *user);
    void *user;
};

/* Under the Service Control Manager: START_PENDING with checkpoints until service_report_running(). Returns
 * the exit code; fills error when it was not started by the manager (1063). */
int service_run_managed(const struct service_program *program, struct error *error);

/* In the foreground, with signals or Ctrl+C. */
int service_run_foreground(const struct service_program *program);

/* Called by run. A pending state with a new checkpoint and at most hint_ms until the next call. */
void service_report_starting(struct service_host *host, uint32_t hint_ms);
void service_report_running(struct service_host *host);
void service_report_paused(struct service_host *host);
void service_report_stopping(struct service_host *host, uint32_t hint_ms);

/* Ask the Service Control Manager; used by the verbs `service install|remove|start|stop|status` and by the
 * installation. On the host they fail with an error that says so. */

/* command_line: what the manager runs, "C:\...\gatepost.exe" service. Configures it too. */
bool service_install(const char *command_line, struct error *error);

/* Display name, description, start type, failure actions (restart after 60 s, reset after a day),
 * PRESHUTDOWN time-out, required privileges and the access to the default data folder are set here, since
 * neither wixl nor Windows Installer sets them all; error 124 under Wine is not fatal. start: "delayed"
 * (automatic, a little after the system), "automatic", "manual" or "disabled"; NULL means "delayed". */
bool service_configure(const char *start, struct error *error);
bool service_remove(struct error *error);

/* Waits until it runs, or says with which code it ended. */
bool service_start(struct error *error);

/* Waits until it has stopped, at most deadline_ms. */
bool service_stop(uint32_t deadline_ms, struct error *error);

/* state: stopped, starting, running, pausing, paused, continuing, stopping. *process: 0 when stopped. */
bool service_query(char *state, unsigned size, uint32_t *process, struct error *error);

#endif
