#include "platform/service.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

struct service_host {
    const struct service_program *program;
    atomic_bool ended;
};

/* In a thread of its own and not in handlers, which may do next to nothing. */
static void *take_signals(void *argument)
{
    struct service_host *host = argument;
    const struct service_program *program = host->program;
    sigset_t taken;
    int number;
    pthread_sigmask(SIG_SETMASK, NULL, &taken);
    while (sigwait(&taken, &number) == 0 && !atomic_load(&host->ended)) {
        switch (number) {
        case SIGHUP:
            program->control(SERVICE_ASKED_TO_RELOAD, program->user);
            break;
        case SIGUSR1:
            program->control(SERVICE_ASKED_TO_PAUSE, program->user);
            break;
        case SIGUSR2:
            program->control(SERVICE_ASKED_TO_CONTINUE, program->user);
            break;
        default:
            program->control(SERVICE_ASKED_TO_STOP, program->user);
            break;
        }
    }
    return NULL;
}

static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGUSR2);
}

int service_run_foreground(const struct service_program *program)
{
    struct service_host host = {.program = program};
    sigset_t taken, before;
    pthread_t taker;
    fill_signals(&taken);
    /* Before any other thread is made: they inherit the mask, so only the taker gets the signals. */
    pthread_sigmask(SIG_BLOCK, &taken, &before);
    bool takes = pthread_create(&taker, NULL, take_signals, &host) == 0;
    int code = takes ? program->run(&host, program->user) : SERVICE_EXIT_INTERNAL;
    atomic_store(&host.ended, true);
    if (takes) {
        pthread_kill(taker, SIGUSR1);
        pthread_join(taker, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* There is no service manager here: whoever starts the program watches it himself. */

void service_report_starting(struct service_host *host, uint32_t hint_ms)
{
    (void)host;
    (void)hint_ms;
}

void service_report_running(struct service_host *host)
{
    (void)host;
}

void service_report_paused(struct service_host *host)
{
    (void)host;
}

void service_report_stopping(struct service_host *host, uint32_t hint_ms)
{
    (void)host;
    (void)hint_ms;
}

static bool only_on_windows(struct error *error)
{
    return error_set(error, 0,
                     "Services are managed on Windows only. Here \"gatepost run\" runs in the "
                     "foreground.");
}

int service_run_managed(const struct service_program *program, struct error *error)
{
    (void)program;
    only_on_windows(error);
    return SERVICE_EXIT_USAGE;
}

bool service_install(const char *command_line, struct error *error)
{
    (void)command_line;
    return only_on_windows(error);
}

bool service_configure(const char *start, struct error *error)
{
    (void)start;
    return only_on_windows(error);
}

bool service_remove(struct error *error)
{
    return only_on_windows(error);
}

bool service_start(struct error *error)
{
    return only_on_windows(error);
}

bool service_stop(uint32_t deadline_ms, struct error *error)
{
    (void)deadline_ms;
    return only_on_windows(error);
}

bool service_query(char *state, unsigned size, uint32_t *process, struct error *error)
{
    (void)state;
    (void)size;
    (void)process;
    return only_on_windows(error);
}
