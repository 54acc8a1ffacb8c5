#include "ldap/watchdog.h"

#include "base/list.h"
#include "base/memory.h"
#include "platform/clock.h"
#include "platform/connect.h"
#include "platform/thread.h"

/* How late a deadline may be noticed, milliseconds. */
#define INTERVAL_MS 100

#define NO_DEADLINE INT64_MAX

struct watchdog {
    struct lock *lock; /* guards all below and the watches, but for their flags */
    struct condition *stopping;
    struct thread *thread;
    struct list watches;
    bool stop;
};

struct watch {
    struct list link;
    struct watchdog *watchdog;
    socket_handle socket;
    int64_t deadline; /* monotonic milliseconds */
    bool late;
    atomic_bool cancelled;
};

/* The lock is held: the owner cannot close the socket meanwhile, and its number cannot become another's. */
static void shut_down(const struct watch *watch)
{
    if (watch->socket != SOCKET_NONE)
        socket_shutdown(watch->socket);
}

static void look_at_all(struct watchdog *watchdog)
{
    int64_t now = clock_monotonic_ms();
    for (struct list *link = watchdog->watches.next; link != &watchdog->watches;
         link = link->next) {
        struct watch *watch = LIST_MEMBER(link, struct watch, link);
        if (watch->deadline > now)
            continue;
        watch->late = true;
        shut_down(watch);
    }
}

static void run(void *argument)
{
    struct watchdog *watchdog = argument;
    lock_acquire(watchdog->lock);
    while (!watchdog->stop) {
        condition_wait_for(watchdog->stopping, watchdog->lock, INTERVAL_MS);
        look_at_all(watchdog);
    }
    lock_release(watchdog->lock);
}

struct watchdog *watchdog_create(void)
{
    struct watchdog *watchdog = memory_allocate(1, sizeof *watchdog);
    watchdog->lock = lock_create();
    watchdog->stopping = condition_create();
    list_init(&watchdog->watches);
    watchdog->thread = thread_start("ldap-watchdog", run, watchdog);
    return watchdog;
}

void watchdog_destroy(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    lock_acquire(watchdog->lock);
    watchdog->stop = true;
    condition_signal(watchdog->stopping);
    lock_release(watchdog->lock);
    thread_join(watchdog->thread);
    condition_destroy(watchdog->stopping);
    lock_destroy(watchdog->lock);
    memory_free(watchdog);
}

struct watch *watch_create(struct watchdog *watchdog)
{
    struct watch *watch = memory_allocate(1, sizeof *watch);
    watch->watchdog = watchdog;
    watch->socket = SOCKET_NONE;
    watch->deadline = NO_DEADLINE;
    lock_acquire(watchdog->lock);
    list_append(&watchdog->watches, &watch->link);
    lock_release(watchdog->lock);
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (watch == NULL)
        return;
    lock_acquire(watch->watchdog->lock);
    list_remove(&watch->link);
    lock_release(watch->watchdog->lock);
    memory_free(watch);
}

void watch_set_socket(struct watch *watch, socket_handle socket)
{
    lock_acquire(watch->watchdog->lock);
    watch->socket = socket;
    if (atomic_load(&watch->cancelled))
        shut_down(watch);
    lock_release(watch->watchdog->lock);
}

void watch_begin(struct watch *watch, uint32_t milliseconds)
{
    lock_acquire(watch->watchdog->lock);
    watch->late = false;
    watch->deadline = clock_monotonic_ms() + milliseconds;
    lock_release(watch->watchdog->lock);
}

bool watch_end(struct watch *watch)
{
    lock_acquire(watch->watchdog->lock);
    bool in_time = !watch->late;
    watch->deadline = NO_DEADLINE;
    lock_release(watch->watchdog->lock);
    return in_time;
}

void watch_cancel(struct watch *watch)
{
    lock_acquire(watch->watchdog->lock);
    atomic_store(&watch->cancelled, true);
    shut_down(watch);
    lock_release(watch->watchdog->lock);
}

const atomic_bool *watch_cancelled(const struct watch *watch)
{
    return &watch->cancelled;
}
