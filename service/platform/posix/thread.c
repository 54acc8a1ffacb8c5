#include "platform/thread.h"

#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct thread {
    pthread_t handle;
    void (*run)(void *argument);
    void *argument;
    char name[16];
};

struct lock {
    pthread_mutex_t mutex;
};

struct condition {
    pthread_cond_t variable;
};

/* Everything here fails only for want of memory or by a mistake in the program. */
static void must(int result, const char *what)
{
    if (result == 0)
        return;
    fprintf(stderr, "gatepost: %s: %s\n", what, strerror(result));
    abort();
}

static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    /* By the thread itself: the creator's pthread_setname_np() may come when it has ended. */
    pthread_setname_np(pthread_self(), thread->name);
    thread->run(thread->argument);
    return NULL;
}

struct thread *thread_start(const char *name, void (*run)(void *argument), void *argument)
{
    struct thread *thread = memory_allocate(1, sizeof(*thread));
    snprintf(thread->name, sizeof thread->name, "%s", name);
    thread->run = run;
    thread->argument = argument;
    must(pthread_create(&thread->handle, NULL, run_thread, thread), "a thread cannot be started");
    return thread;
}

void thread_be_urgent(void)
{
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), -15);
}

void thread_join(struct thread *thread)
{
    must(pthread_join(thread->handle, NULL), "a thread cannot be joined");
    memory_free(thread);
}

struct lock *lock_create(void)
{
    struct lock *lock = memory_allocate(1, sizeof(*lock));
    must(pthread_mutex_init(&lock->mutex, NULL), "a lock cannot be made");
    return lock;
}

void lock_destroy(struct lock *lock)
{
    must(pthread_mutex_destroy(&lock->mutex), "a lock is destroyed while it is held");
    memory_free(lock);
}

void lock_acquire(struct lock *lock)
{
    must(pthread_mutex_lock(&lock->mutex), "a lock cannot be acquired");
}

void lock_release(struct lock *lock)
{
    must(pthread_mutex_unlock(&lock->mutex), "a lock cannot be released");
}

struct condition *condition_create(void)
{
    struct condition *condition = memory_allocate(1, sizeof(*condition));
    pthread_condattr_t attributes;
    must(pthread_condattr_init(&attributes), "a condition cannot be made");
    /* Waits must not grow or shrink when somebody sets the clock. */
    must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), "a condition cannot be made");
    must(pthread_cond_init(&condition->variable, &attributes), "a condition cannot be made");
    pthread_condattr_destroy(&attributes);
    return condition;
}

void condition_destroy(struct condition *condition)
{
    must(pthread_cond_destroy(&condition->variable), "a condition is destroyed while it is used");
    memory_free(condition);
}

void condition_wait(struct condition *condition, struct lock *lock)
{
    must(pthread_cond_wait(&condition->variable, &lock->mutex), "a condition cannot be awaited");
}

bool condition_wait_for(struct condition *condition, struct lock *lock, uint32_t milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(milliseconds / 1000);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int result = pthread_cond_timedwait(&condition->variable, &lock->mutex, &until);
    if (result == ETIMEDOUT)
        return false;
    must(result, "a condition cannot be awaited");
    return true;
}

void condition_signal(struct condition *condition)
{
    pthread_cond_signal(&condition->variable);
}

void condition_broadcast(struct condition *condition)
{
    pthread_cond_broadcast(&condition->variable);
}

unsigned processor_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}
