/*
 * Event loop threads (libuv). What lives on a loop (connections, timers) is touched by that loop's thread
 * only; other threads reach it with net_post().
 */
#ifndef GATEPOST_NET_LOOP_H
#define GATEPOST_NET_LOOP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct net_loop;

/* name: of the thread, at most 15 characters. */
struct net_loop *net_loop_start(const char *name, struct error *error);

/* Ends the loop when all its handles are closed, joins the thread and frees the loop. Not from the loop. */
void net_loop_stop(struct net_loop *loop);

/* Runs function(argument) on the loop's thread, in the order of the calls. Any thread. */
void net_post(struct net_loop *loop, void (*function)(void *argument), void *argument);

/* The same, and waits until it has run. Not from a loop's thread. */
void net_call(struct net_loop *loop, void (*function)(void *argument), void *argument);

/* On the loop's thread: monotonic milliseconds, as of this turn of the loop. */
int64_t net_now_ms(const struct net_loop *loop);

/* True when called on this loop's thread. */
bool net_on_loop(const struct net_loop *loop);

/* A timer that fires once for each net_timer_start(). Owner destroys it on the loop's thread; it does not fire
 * after that. */
struct net_timer;
struct net_timer *net_timer_create(struct net_loop *loop, void (*fired)(void *user), void *user);
void net_timer_start(struct net_timer *timer, uint64_t milliseconds);
void net_timer_stop(struct net_timer *timer);
void net_timer_destroy(struct net_timer *timer);

struct uv_loop_s *net_loop_handle(struct net_loop *loop);

#endif
