#include "net/acceptor.h"

#include "base/log.h"
#include "base/memory.h"
#include "platform/thread.h"

#define LISTENERS_MAXIMUM 64
#define ACCEPTED_IN_A_ROW 64 /* of one address before the next one has its turn */
#define EXHAUSTED_WAIT_MS                                                                          \
    100 /* when the system has no more handles: ended sessions give some back */

struct listening {
    socket_handle socket;
    void *listener;
    uint16_t port;
};

struct net_acceptor {
    void (*accepted)(void *user, const struct net_accepted *accepted);
    void *user;
    struct socket_waker *waker;
    struct thread *thread;

    struct lock *lock; /* for all below */
    struct condition *changed;
    struct listening listening[LISTENERS_MAXIMUM];
    size_t count;
    uint64_t generation; /* of the addresses */
    uint64_t seen;       /* the generation that the thread works with */
    bool stopping;
};

/* What the thread works with until the addresses change. */
struct working_set {
    struct listening listening[LISTENERS_MAXIMUM];
    socket_handle sockets[LISTENERS_MAXIMUM];
    bool ready[LISTENERS_MAXIMUM];
    size_t count;
};

static void announce_change(struct net_acceptor *acceptor)
{
    acceptor->generation++;
    condition_broadcast(acceptor->changed);
    socket_waker_wake(acceptor->waker);
}

/* False when the thread shall end. */
static bool take_changes(struct net_acceptor *acceptor, struct working_set *set)
{
    lock_acquire(acceptor->lock);
    bool goes_on = !acceptor->stopping;
    if (acceptor->seen != acceptor->generation) {
        acceptor->seen = acceptor->generation;
        set->count = acceptor->count;
        memcpy(set->listening, acceptor->listening, acceptor->count * sizeof(set->listening[0]));
        for (size_t i = 0; i < set->count; i++)
            set->sockets[i] = set->listening[i].socket;
        condition_broadcast(acceptor->changed);
    }
    lock_release(acceptor->lock);
    return goes_on;
}

/* Until none waits, or it is the next one's turn. True when the system is out of handles. */
static bool accept_waiting(struct net_acceptor *acceptor, const struct listening *listening)
{
    bool exhausted = false;
    for (int i = 0; i < ACCEPTED_IN_A_ROW; i++) {
        struct net_accepted accepted = {.listener = listening->listener};
        accepted.socket = socket_accept(listening->socket, &accepted.peer, &exhausted);
        if (accepted.socket == SOCKET_NONE)
            break;
        acceptor->accepted(acceptor->user, &accepted);
    }
    return exhausted;
}

static void wait_for_handles(struct net_acceptor *acceptor, bool is_news)
{
    if (is_news)
        log_line(LOG_WARNING, 0, "the system has no more handles: connections wait to be accepted");
    lock_acquire(acceptor->lock);
    if (acceptor->seen == acceptor->generation)
        condition_wait_for(acceptor->changed, acceptor->lock, EXHAUSTED_WAIT_MS);
    lock_release(acceptor->lock);
}

static void run_acceptor(void *argument)
{
    struct net_acceptor *acceptor = argument;
    struct working_set *set = memory_allocate(1, sizeof(*set));
    bool was_exhausted = false;
    while (take_changes(acceptor, set)) {
        if (!socket_wait(acceptor->waker, set->sockets, set->count, set->ready))
            continue;
        bool exhausted = false;
        for (size_t i = 0; i < set->count; i++) {
            if (set->ready[i] && accept_waiting(acceptor, &set->listening[i]))
                exhausted = true;
        }
        if (exhausted)
            wait_for_handles(acceptor, !was_exhausted);
        was_exhausted = exhausted;
    }
    memory_free(set);
}

struct net_acceptor *net_acceptor_create(void (*accepted)(void *user,
                                                          const struct net_accepted *accepted),
                                         void *user, struct error *error)
{
    struct socket_waker *waker = socket_waker_create(error);
    if (waker == NULL)
        return NULL;
    struct net_acceptor *acceptor = memory_allocate(1, sizeof(*acceptor));
    acceptor->accepted = accepted;
    acceptor->user = user;
    acceptor->waker = waker;
    acceptor->lock = lock_create();
    acceptor->changed = condition_create();
    acceptor->thread = thread_start("acceptor", run_acceptor, acceptor);
    return acceptor;
}

static uint16_t bound_port(socket_handle socket, uint16_t asked)
{
    return asked != 0 ? asked : socket_local_port(socket);
}

bool net_acceptor_add(struct net_acceptor *acceptor, const struct ip_address *address,
                      uint16_t port, int backlog, void *listener, struct error *error)
{
    socket_handle socket = socket_listen(address, port, backlog, error);
    if (socket == SOCKET_NONE)
        return false;
    lock_acquire(acceptor->lock);
    bool fits = acceptor->count < LISTENERS_MAXIMUM;
    if (fits) {
        acceptor->listening[acceptor->count++] = (struct listening){
            .socket = socket, .listener = listener, .port = bound_port(socket, port)};
        announce_change(acceptor);
    }
    lock_release(acceptor->lock);
    if (fits)
        return true;
    socket_close(socket);
    return error_set(error, 0, "more than %d addresses to listen on.", LISTENERS_MAXIMUM);
}

void net_acceptor_remove(struct net_acceptor *acceptor, void *listener)
{
    socket_handle removed[LISTENERS_MAXIMUM];
    size_t removed_count = 0;
    size_t kept = 0;
    lock_acquire(acceptor->lock);
    for (size_t i = 0; i < acceptor->count; i++) {
        if (acceptor->listening[i].listener == listener)
            removed[removed_count++] = acceptor->listening[i].socket;
        else
            acceptor->listening[kept++] = acceptor->listening[i];
    }
    acceptor->count = kept;
    announce_change(acceptor);
    while (acceptor->seen != acceptor->generation)
        condition_wait(acceptor->changed, acceptor->lock);
    lock_release(acceptor->lock);
    for (size_t i = 0; i < removed_count; i++)
        socket_close(removed[i]);
}

uint16_t net_acceptor_port(struct net_acceptor *acceptor, void *listener)
{
    uint16_t port = 0;
    lock_acquire(acceptor->lock);
    for (size_t i = 0; i < acceptor->count && port == 0; i++) {
        if (acceptor->listening[i].listener == listener)
            port = acceptor->listening[i].port;
    }
    lock_release(acceptor->lock);
    return port;
}

void net_acceptor_destroy(struct net_acceptor *acceptor)
{
    lock_acquire(acceptor->lock);
    acceptor->stopping = true;
    announce_change(acceptor);
    lock_release(acceptor->lock);
    thread_join(acceptor->thread);
    for (size_t i = 0; i < acceptor->count; i++)
        socket_close(acceptor->listening[i].socket);
    socket_waker_destroy(acceptor->waker);
    condition_destroy(acceptor->changed);
    lock_destroy(acceptor->lock);
    memory_free(acceptor);
}
