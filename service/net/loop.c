#include "net/loop_private.h"

#include "base/memory.h"

static void queue_add(struct net_post_queue *queue, void (*function)(void *argument),
                      void *argument)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        queue->entries = memory_resize(queue->entries, queue->capacity, sizeof(*queue->entries));
    }
    queue->entries[queue->count++] = (struct net_post_entry){function, argument};
}

void net_post(struct net_loop *loop, void (*function)(void *argument), void *argument)
{
    lock_acquire(loop->lock);
    bool first = loop->waiting.count == 0;
    queue_add(&loop->waiting, function, argument);
    /* Under the lock: behind it the loop might already have run this post, and with it ended. */
    if (first)
        uv_async_send(&loop->wake);
    lock_release(loop->lock);
}

struct call {
    struct net_loop *loop;
    void (*function)(void *argument);
    void *argument;
    bool done; /* under the loop's lock */
};

static void run_call(void *argument)
{
    struct call *call = argument;
    struct net_loop *loop = call->loop;
    call->function(call->argument);
    lock_acquire(loop->lock);
    call->done = true;
    condition_broadcast(loop->progress);
    lock_release(loop->lock);
}

void net_call(struct net_loop *loop, void (*function)(void *argument), void *argument)
{
    struct call call = {.loop = loop, .function = function, .argument = argument};
    net_post(loop, run_call, &call);
    lock_acquire(loop->lock);
    while (!call.done)
        condition_wait(loop->progress, loop->lock);
    lock_release(loop->lock);
}

/* Swaps the queue out in one go; what is posted meanwhile wakes the loop again. */
static void run_posts(uv_async_t *wake)
{
    struct net_loop *loop = wake->data;
    lock_acquire(loop->lock);
    struct net_post_queue queue = loop->waiting;
    loop->waiting = loop->running;
    lock_release(loop->lock);

    for (size_t i = 0; i < queue.count; i++)
        queue.entries[i].function(queue.entries[i].argument);
    queue.count = 0;
    loop->running = queue;
}

static void before_poll(uv_prepare_t *prepare)
{
    net_loop_flush(prepare->data);
}

static void run_loop(void *argument)
{
    struct net_loop *loop = argument;
    lock_acquire(loop->lock);
    loop->self = uv_thread_self();
    loop->runs = true;
    condition_broadcast(loop->progress);
    lock_release(loop->lock);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void loop_free(struct net_loop *loop)
{
    condition_destroy(loop->progress);
    lock_destroy(loop->lock);
    memory_free(loop->waiting.entries);
    memory_free(loop->running.entries);
    memory_free(loop->read_buffer);
    memory_free(loop->write_buffer);
    memory_free(loop);
}

static bool loop_init(struct net_loop *loop, struct error *error)
{
    int failure = uv_loop_init(&loop->uv);
    if (failure != 0)
        return error_set(error, failure, "The event loop cannot be made: %s.",
                         uv_strerror(failure));
    failure = uv_async_init(&loop->uv, &loop->wake, run_posts);
    if (failure != 0) {
        uv_loop_close(&loop->uv);
        return error_set(error, failure, "The event loop cannot be made: %s.",
                         uv_strerror(failure));
    }
    uv_prepare_init(&loop->uv, &loop->before_poll);
    uv_timer_init(&loop->uv, &loop->second);
    loop->wake.data = loop;
    loop->before_poll.data = loop;
    loop->second.data = loop;
    uv_prepare_start(&loop->before_poll, before_poll);
    return true;
}

struct net_loop *net_loop_start(const char *name, struct error *error)
{
    struct net_loop *loop = memory_allocate(1, sizeof(*loop));
    loop->lock = lock_create();
    loop->progress = condition_create();
    loop->read_buffer = memory_allocate(1, NET_READ_SIZE);
    loop->write_buffer = memory_allocate(1, NET_WRITE_SIZE);
    list_init(&loop->watched);
    if (!loop_init(loop, error)) {
        loop_free(loop);
        return NULL;
    }
    loop->thread = thread_start(name, run_loop, loop);
    lock_acquire(loop->lock);
    while (!loop->runs)
        condition_wait(loop->progress, loop->lock);
    lock_release(loop->lock);
    return loop;
}

/* Without its own handles the loop ends as soon as the last of the others is closed. */
static void close_own_handles(void *argument)
{
    struct net_loop *loop = argument;
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_poll, NULL);
    uv_close((uv_handle_t *)&loop->second, NULL);
}

void net_loop_stop(struct net_loop *loop)
{
    net_post(loop, close_own_handles, loop);
    thread_join(loop->thread);
    uv_loop_close(&loop->uv);
    loop_free(loop);
}

int64_t net_now_ms(const struct net_loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

bool net_on_loop(const struct net_loop *loop)
{
    uv_thread_t current = uv_thread_self();
    return uv_thread_equal(&current, &loop->self) != 0;
}

struct uv_loop_s *net_loop_handle(struct net_loop *loop)
{
    return &loop->uv;
}
