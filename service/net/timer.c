#include "base/memory.h"
#include "net/loop.h"

#include <uv.h>

struct net_timer {
    uv_timer_t uv;
    void (*fired)(void *user);
    void *user;
};

struct net_timer *net_timer_create(struct net_loop *loop, void (*fired)(void *user), void *user)
{
    struct net_timer *timer = memory_allocate(1, sizeof(*timer));
    uv_timer_init(net_loop_handle(loop), &timer->uv);
    timer->uv.data = timer;
    timer->fired = fired;
    timer->user = user;
    return timer;
}

static void timer_passed(uv_timer_t *uv)
{
    struct net_timer *timer = uv->data;
    timer->fired(timer->user);
}

void net_timer_start(struct net_timer *timer, uint64_t milliseconds)
{
    uv_timer_start(&timer->uv, timer_passed, milliseconds, 0);
}

void net_timer_stop(struct net_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

static void timer_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

void net_timer_destroy(struct net_timer *timer)
{
    if (timer != NULL)
        uv_close((uv_handle_t *)&timer->uv, timer_closed);
}
