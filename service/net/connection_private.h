/*
 * A connection from the inside: connection.c moves its bytes, connect.c brings an outgoing one into being, close.c
 * ends it, watch.c knows when it was idle for too long.
 */
#ifndef GATEPOST_NET_CONNECTION_PRIVATE_H
#define GATEPOST_NET_CONNECTION_PRIVATE_H

#include "base/buffer.h"
#include "net/connection.h"
#include "net/loop_private.h"

struct net_connecting;

enum net_connection_state {
    NET_CONNECTING, /* connect.c owns the handle */
    NET_OPEN,
    NET_FINISHING, /* what was sent is being written, input is not offered any more */
    NET_LINGERING, /* all is written; input is dropped until the peer closes too */
    NET_CLOSING    /* the handle is being closed; closed() is still to come */
};

struct net_connection {
    uv_tcp_t tcp;
    struct net_loop *loop;
    enum net_connection_state state;
    struct net_connection_events events;
    void *user;
    struct net_connection_limits limits;

    struct buffer input;   /* arrived and not taken */
    struct buffer output;  /* sent while `writing` was under way */
    struct buffer writing; /* with the system */
    uv_write_t write;      /* of `writing`, when that is not empty */
    uv_shutdown_t shutdown;

    bool paused;      /* by the user */
    bool reading;     /* uv_read_start() is in force */
    bool peer_ended;  /* the peer has sent its last byte */
    bool offering;    /* inside data() */
    bool offer_again; /* resume() or offer() came inside data() */

    const char *failure_text; /* why it broke, NULL for an orderly end */
    int failure_code;

    struct list watched; /* link in loop->watched */
    uint64_t idle_ms;
    void (*idle)(void *user);
    uint64_t active_ms; /* of the loop's clock: bytes moved last */
    uint64_t cut_ms;    /* of the loop's clock: end of lingering; 0 = none */

    struct net_connecting *connecting;
};

/* connection.c */
struct net_connection *connection_create(struct net_loop *loop,
                                         const struct net_connection_limits *limits,
                                         const struct net_connection_events *events, void *user);
void connection_free(struct net_connection *connection);
void connection_update_reading(struct net_connection *connection);
bool connection_is_written(const struct net_connection *connection);

/* close.c */
/* In state FINISHING all is written. */
void connection_written(struct net_connection *connection);
/* Begins to close it for a reason: text (lives for ever, NULL for an orderly end) and libuv's code, or 0. */
void connection_break(struct net_connection *connection, int code, const char *text);
/* The handle is closed: says so and frees. */
void connection_report_closed(struct net_connection *connection);

/* watch.c: looks once a second whether it was idle, or lingers, for too long. */
void connection_watch(struct net_connection *connection);

/* connect.c */
/* The user closes it before it is connected. */
void connection_stop_connecting(struct net_connection *connection);

#endif
