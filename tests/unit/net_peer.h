/*
 * Two ends of a TCP connection for the tests of service/net: both are made by it, each on a loop of its own. The test
 * runs on a third thread, says what an end shall do and waits for what came of it.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "net/acceptor.h"
#include "net/connection.h"
#include "platform/thread.h"

#define PEER_DEADLINE_MS 10000 /* for what must happen */

/* What data() does. */
enum peer_habit { PEER_KEEPS, PEER_ECHOES, PEER_TAKES_NOTHING, PEER_CLOSES };

struct peer {
    struct net_loop *loop;
    struct net_connection *connection;
    struct net_connection_limits limits;
    enum peer_habit habit;
    size_t takes_at_most; /* of each offer */
    bool half_open;       /* ended() is asked for */
    uint64_t connect_ms;

    /* Under the lock of the pair. */
    struct buffer *kept;
    size_t received;
    size_t largest_offer;
    int offers;
    int connects;
    int drains;
    int ends;
    int closes;
    int idles;
    struct error connect_error;
    struct error close_error;
};

struct pair {
    struct net_acceptor *acceptor;
    uint16_t port;
    struct peer server;
    struct peer client;
};

/* Both ends made, acceptor listening on 127.0.0.1, nothing connected: the test may change limits and habits. */
struct pair *pair_create(void);

/* Connects and waits until both ends know it. */
void pair_connect(struct pair *pair);

/* Closes what is open, and checks that each end that was open was told so exactly once. */
void pair_destroy(struct pair *pair);

/* Runs function(peer) on the peer's loop and waits for it. */
void peer_do(struct peer *peer, void (*function)(struct peer *peer));
void peer_send(struct peer *peer, const void *data, size_t length);
void peer_send_text(struct peer *peer, const char *text);
void peer_close(struct peer *peer);

/* Starts to connect and returns; connects or connect_error tell the rest. */
void peer_open(struct peer *peer, const char *host, uint16_t port);

/* Both in one turn of the loop. */
void peer_open_and_close(struct peer *peer, const char *host, uint16_t port);

/* Waits until *count is at least `least`; false when the deadline passed. */
bool peer_wait(const int *count, int least);
bool peer_wait_for_bytes(const struct peer *peer, size_t least);

/* Time for what must not happen. */
void peer_pause(uint32_t milliseconds);

/* All that was kept, as text. The caller frees it with memory_free(). */
char *peer_text(struct peer *peer);

#endif
