/*
 * What loop.c shares with the connections: the parts of a loop that all its connections use in turn. Touched on the
 * loop's thread only.
 */
#ifndef GATEPOST_NET_LOOP_PRIVATE_H
#define GATEPOST_NET_LOOP_PRIVATE_H

#include "base/list.h"
#include "net/loop.h"
#include "platform/thread.h"

#include <uv.h>

struct net_connection;

#define NET_READ_SIZE  65536 /* bytes asked of the system at a time */
#define NET_WRITE_SIZE 65536 /* bytes collected before they are written */

struct net_post_entry {
    void (*function)(void *argument);
    void *argument;
};

struct net_post_queue {
    struct net_post_entry *entries;
    size_t count;
    size_t capacity;
};

struct net_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_poll;
    uv_timer_t second; /* runs while a connection is watched */
    struct thread *thread;
    uv_thread_t self;
    bool runs; /* self is known */

    struct lock *lock;          /* for waiting, self and runs */
    struct condition *progress; /* the thread runs; a call has returned */
    struct net_post_queue waiting;
    struct net_post_queue running;

    /* Input lies in read_buffer during the call that offers it; what is not taken moves to its connection. Output of
     * one connection, the writer, is collected in write_buffer. So a connection that is idle holds neither. */
    char *read_buffer;
    char *write_buffer;
    size_t write_length;
    struct net_connection *writer;

    struct list watched; /* connections with an idle or linger time */
};

/* connection.c: writes what was collected. */
void net_loop_flush(struct net_loop *loop);

#endif
