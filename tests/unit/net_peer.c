#include "net_peer.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "platform/clock.h"
#include "unit.h"

#define KEPT_MAXIMUM (64u << 20)

static struct lock *lock;
static struct condition *changed;

static void count_one(int *count)
{
    lock_acquire(lock);
    (*count)++;
    condition_broadcast(changed);
    lock_release(lock);
}

/* ---- what an end does ---- */

static size_t peer_data(void *user, const char *data, size_t length)
{
    struct peer *peer = user;
    size_t taken = length < peer->takes_at_most ? length : peer->takes_at_most;
    if (peer->habit == PEER_TAKES_NOTHING)
        taken = 0;
    else if (peer->habit == PEER_ECHOES)
        net_connection_send(peer->connection, data, taken);
    else if (peer->habit == PEER_CLOSES)
        net_connection_close(peer->connection);

    lock_acquire(lock);
    if (peer->habit == PEER_KEEPS)
        ck_assert(buffer_append(peer->kept, data, taken));
    peer->received += taken;
    if (length > peer->largest_offer)
        peer->largest_offer = length;
    peer->offers++;
    condition_broadcast(changed);
    lock_release(lock);
    return taken;
}

static void peer_drained(void *user)
{
    count_one(&((struct peer *)user)->drains);
}

static void peer_ended(void *user)
{
    count_one(&((struct peer *)user)->ends);
}

static void peer_closed(void *user, const struct error *error)
{
    struct peer *peer = user;
    peer->connection = NULL;
    lock_acquire(lock);
    peer->close_error = *error;
    lock_release(lock);
    count_one(&peer->closes);
}

static void peer_connected(void *user, const struct error *error)
{
    struct peer *peer = user;
    if (error->text[0] != '\0')
        peer->connection = NULL;
    lock_acquire(lock);
    peer->connect_error = *error;
    lock_release(lock);
    count_one(&peer->connects);
}

static struct net_connection_events events_of(const struct peer *peer)
{
    return (struct net_connection_events){.data = peer_data,
                                          .drained = peer_drained,
                                          .closed = peer_closed,
                                          .ended = peer->half_open ? peer_ended : NULL};
}

/* ---- from the test's thread ---- */

struct order {
    struct peer *peer;
    void (*function)(struct peer *peer);
    const char *text;
    size_t length;
    uint16_t port;
    bool closes_at_once;
    int done;
};

static void run_order(void *argument)
{
    struct order *order = argument;
    order->function(order->peer);
    count_one(&order->done);
}

void peer_do(struct peer *peer, void (*function)(struct peer *peer))
{
    struct order order = {.peer = peer, .function = function};
    net_post(peer->loop, run_order, &order);
    ck_assert(peer_wait(&order.done, 1));
}

static void run_send(void *argument)
{
    struct order *order = argument;
    if (order->peer->connection != NULL)
        net_connection_send(order->peer->connection, order->text, order->length);
    count_one(&order->done);
}

void peer_send(struct peer *peer, const void *data, size_t length)
{
    struct order order = {.peer = peer, .text = data, .length = length};
    net_post(peer->loop, run_send, &order);
    ck_assert(peer_wait(&order.done, 1));
}

void peer_send_text(struct peer *peer, const char *text)
{
    peer_send(peer, text, strlen(text));
}

static void close_now(struct peer *peer)
{
    if (peer->connection != NULL)
        net_connection_close(peer->connection);
}

void peer_close(struct peer *peer)
{
    peer_do(peer, close_now);
}

static void run_open(void *argument)
{
    struct order *order = argument;
    struct peer *peer = order->peer;
    struct net_connection_events events = events_of(peer);
    peer->connection = net_connection_open(peer->loop, order->text, order->port, peer->connect_ms,
                                           &peer->limits, &events, peer_connected, peer);
    if (order->closes_at_once)
        net_connection_close(peer->connection);
    count_one(&order->done);
}

static void give_open_order(struct order *order)
{
    net_post(order->peer->loop, run_open, order);
    ck_assert(peer_wait(&order->done, 1));
}

void peer_open(struct peer *peer, const char *host, uint16_t port)
{
    struct order order = {.peer = peer, .text = host, .port = port};
    give_open_order(&order);
}

void peer_open_and_close(struct peer *peer, const char *host, uint16_t port)
{
    struct order order = {.peer = peer, .text = host, .port = port, .closes_at_once = true};
    give_open_order(&order);
}

static bool wait_until(const int *count, const size_t *size, size_t least)
{
    int64_t deadline = clock_monotonic_ms() + PEER_DEADLINE_MS;
    bool reached;
    lock_acquire(lock);
    for (;;) {
        reached = (count != NULL ? (size_t)*count : *size) >= least;
        int64_t left = deadline - clock_monotonic_ms();
        if (reached || left <= 0)
            break;
        condition_wait_for(changed, lock, (uint32_t)left);
    }
    lock_release(lock);
    return reached;
}

bool peer_wait(const int *count, int least)
{
    return wait_until(count, NULL, (size_t)least);
}

bool peer_wait_for_bytes(const struct peer *peer, size_t least)
{
    return wait_until(NULL, &peer->received, least);
}

void peer_pause(uint32_t milliseconds)
{
    int never = 0;
    int64_t end = clock_monotonic_ms() + milliseconds;
    lock_acquire(lock);
    while (never == 0 && clock_monotonic_ms() < end)
        condition_wait_for(changed, lock, (uint32_t)(end - clock_monotonic_ms()) + 1);
    lock_release(lock);
}

char *peer_text(struct peer *peer)
{
    lock_acquire(lock);
    char *text = memory_copy_text(peer->kept->length == 0 ? "" : peer->kept->data);
    lock_release(lock);
    return text;
}

/* ---- the pair ---- */

struct arrival {
    struct pair *pair;
    socket_handle socket;
};

static void take_arrival(void *argument)
{
    struct arrival *arrival = argument;
    struct peer *peer = &arrival->pair->server;
    struct net_connection_events events = events_of(peer);
    if (peer->connection != NULL)
        socket_close(arrival->socket);
    else
        peer->connection =
            net_connection_accept(peer->loop, arrival->socket, &peer->limits, &events, peer);
    count_one(&peer->connects);
    memory_free(arrival);
}

static void accepted(void *user, const struct net_accepted *accepted)
{
    struct arrival *arrival = memory_allocate(1, sizeof(*arrival));
    *arrival = (struct arrival){user, accepted->socket};
    net_post(arrival->pair->server.loop, take_arrival, arrival);
}

static void peer_init(struct peer *peer, const char *name)
{
    struct error error;
    peer->loop = net_loop_start(name, &error);
    ck_assert_ptr_nonnull(peer->loop);
    peer->limits = (struct net_connection_limits){.input = 65536, .output = 16u << 20};
    peer->takes_at_most = SIZE_MAX;
    peer->connect_ms = PEER_DEADLINE_MS;
    peer->kept = memory_allocate(1, sizeof(*peer->kept));
    buffer_init(peer->kept, KEPT_MAXIMUM);
}

struct pair *pair_create(void)
{
    struct error error;
    struct ip_address loopback;
    ck_assert_msg(socket_system_start(&error), "%s", error.text);
    ck_assert(ip_parse(VIEW("127.0.0.1"), &loopback));
    lock = lock_create();
    changed = condition_create();
    struct pair *pair = memory_allocate(1, sizeof(*pair));
    peer_init(&pair->server, "server");
    peer_init(&pair->client, "client");
    pair->acceptor = net_acceptor_create(accepted, pair, &error);
    ck_assert_ptr_nonnull(pair->acceptor);
    ck_assert_msg(net_acceptor_add(pair->acceptor, &loopback, 0, 16, pair, &error), "%s",
                  error.text);
    pair->port = net_acceptor_port(pair->acceptor, pair);
    ck_assert_int_ne(pair->port, 0);
    return pair;
}

void pair_connect(struct pair *pair)
{
    peer_open(&pair->client, "127.0.0.1", pair->port);
    ck_assert(peer_wait(&pair->client.connects, 1));
    ck_assert_str_eq(pair->client.connect_error.text, "");
    ck_assert(peer_wait(&pair->server.connects, 1));
}

static void peer_end(struct peer *peer, bool was_open)
{
    if (was_open) {
        peer_close(peer);
        ck_assert(peer_wait(&peer->closes, 1));
    }
    net_loop_stop(peer->loop);
    ck_assert_int_le(peer->closes, 1);
    buffer_free(peer->kept);
    memory_free(peer->kept);
}

void pair_destroy(struct pair *pair)
{
    net_acceptor_destroy(pair->acceptor);
    peer_end(&pair->client,
             pair->client.connects > 0 && pair->client.connect_error.text[0] == '\0');
    peer_end(&pair->server, pair->server.connects > 0);
    condition_destroy(changed);
    lock_destroy(lock);
    memory_free(pair);
}
