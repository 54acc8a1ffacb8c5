#include "admin/server.h"

#include "admin/request.h"
#include "base/list.h"
#include "base/memory.h"
#include "platform/channel.h"
#include "platform/clock.h"
#include "platform/thread.h"

#define READ_SIZE          16384 /* bytes at a time */
#define KEPT_BETWEEN       65536 /* bytes of memory that an idle client keeps for requests and answers */
#define WRITE_DEADLINE_MS  30000 /* for a client to take its answer */
#define REFUSE_DEADLINE_MS 1000  /* the same for one too many, while others wait to be accepted */
#define STOP_PATIENCE_MS   5000  /* for calls that run when the service stops */

struct admin_server {
    struct channel_server *channels; /* NULL after it was stopped */
    struct admin_methods *methods;
    unsigned maximum;
    struct thread *acceptor; /* NULL until it is started */

    struct lock *lock;         /* for what follows */
    struct condition *quieter; /* signalled when a call or a client has ended */
    struct list clients;
    unsigned count;
    bool stopping;
};

struct served_client {
    struct list link;
    struct admin_server *server;
    struct thread *thread;
    struct channel *channel; /* NULL when it was closed: the thread is about to end */
    bool busy;               /* a call runs or is being answered: not to be cut off */
    struct buffer input;
    struct buffer answer;
    char who[256];
};

struct admin_server *admin_server_create(const char *channel_name, unsigned clients,
                                         struct error *error)
{
    struct channel_server *channels = channel_server_create(channel_name, error);
    if (channels == NULL)
        return NULL;
    struct admin_server *server = memory_allocate(1, sizeof *server);
    server->channels = channels;
    server->methods = admin_methods_create();
    server->maximum = clients;
    server->lock = lock_create();
    server->quieter = condition_create();
    list_init(&server->clients);
    return server;
}

void admin_server_register(struct admin_server *server, const char *method, admin_method function,
                           void *user)
{
    admin_methods_register(server->methods, method, function, user);
}

/* False when the service stops and no new call may begin. */
static bool begin_call(struct served_client *client)
{
    struct admin_server *server = client->server;
    lock_acquire(server->lock);
    client->busy = !server->stopping;
    lock_release(server->lock);
    return client->busy;
}

static void end_call(struct served_client *client)
{
    struct admin_server *server = client->server;
    lock_acquire(server->lock);
    client->busy = false;
    condition_broadcast(server->quieter);
    lock_release(server->lock);
}

/* Carries out the request in the first `length` bytes of the input. */
static bool answer_request(struct served_client *client, size_t length)
{
    if (!begin_call(client))
        return false;
    /* Windows tells who the client is only when something was read from him. */
    if (client->who[0] == '\0')
        channel_client_name(client->channel, client->who, sizeof client->who);
    admin_methods_answer(client->server->methods, client->who,
                         view_first(buffer_view(&client->input), length), &client->answer);
    bool written = channel_write(client->channel, client->answer.data, client->answer.length,
                                 WRITE_DEADLINE_MS);
    end_call(client);
    buffer_shrink(&client->answer, KEPT_BETWEEN);
    return written;
}

static void refuse(struct channel *channel, uint32_t deadline_ms, const char *code,
                   const char *text)
{
    struct buffer answer;
    buffer_init(&answer, ADMIN_ANSWER_MAXIMUM);
    admin_answer_error(&answer, code, text);
    channel_write(channel, answer.data, answer.length, deadline_ms);
    buffer_free(&answer);
}

/* Carries out the requests that the input holds whole. False when the client is to be left. */
static bool answer_requests(struct served_client *client, size_t looked_at)
{
    struct view fresh = view_from(buffer_view(&client->input), looked_at);
    size_t length = looked_at + view_find(fresh, '\n');
    while (length < client->input.length && length <= ADMIN_REQUEST_MAXIMUM) {
        if (!answer_request(client, length))
            return false;
        buffer_consume(&client->input, length + 1);
        length = view_find(buffer_view(&client->input), '\n');
    }
    if (client->input.length == 0)
        buffer_shrink(&client->input, KEPT_BETWEEN);
    if (length <= ADMIN_REQUEST_MAXIMUM)
        return true;
    refuse(client->channel, WRITE_DEADLINE_MS, "bad-request", "The request is too long.");
    return false;
}

static void serve(void *argument)
{
    struct served_client *client = argument;
    struct admin_server *server = client->server;
    char part[READ_SIZE];
    int got;
    buffer_init(&client->input, ADMIN_REQUEST_MAXIMUM + READ_SIZE);
    buffer_init(&client->answer, ADMIN_ANSWER_MAXIMUM);
    do {
        got = channel_read(client->channel, part, sizeof part, 0);
    } while (got > 0 && buffer_append(&client->input, part, (size_t)got) &&
             answer_requests(client, client->input.length - (size_t)got));
    buffer_free(&client->input);
    buffer_free(&client->answer);

    /* The other end learns of it now, and not when somebody joins this thread. */
    lock_acquire(server->lock);
    channel_close(client->channel);
    client->channel = NULL;
    condition_broadcast(server->quieter);
    lock_release(server->lock);
}

/* Joins the threads of the clients whose channel is closed, or all of them. The lock is not held. */
static void join_clients(struct admin_server *server, bool all)
{
    lock_acquire(server->lock);
    for (struct list *link = server->clients.next; link != &server->clients;) {
        struct served_client *client = LIST_MEMBER(link, struct served_client, link);
        link = link->next;
        if (client->channel != NULL && !all)
            continue;
        list_remove(&client->link);
        server->count--;
        lock_release(server->lock);
        thread_join(client->thread);
        memory_free(client);
        lock_acquire(server->lock);
    }
    lock_release(server->lock);
}

static void admit(struct admin_server *server, struct channel *channel)
{
    if (server->count >= server->maximum) {
        refuse(channel, REFUSE_DEADLINE_MS, "unavailable",
               "As many administrators are connected as the settings allow "
               "(service.administrators).");
        channel_close(channel);
        return;
    }
    struct served_client *client = memory_allocate(1, sizeof *client);
    client->server = server;
    client->channel = channel;
    lock_acquire(server->lock);
    list_append(&server->clients, &client->link);
    server->count++;
    client->thread = thread_start("management", serve, client);
    lock_release(server->lock);
}

/* Only this thread adds and, until the service stops, removes clients. */
static void accept_clients(void *argument)
{
    struct admin_server *server = argument;
    struct channel *channel;
    while ((channel = channel_accept(server->channels)) != NULL) {
        join_clients(server, false);
        admit(server, channel);
    }
}

void admin_server_start(struct admin_server *server)
{
    server->acceptor = thread_start("management", accept_clients, server);
}

static bool any_busy(const struct admin_server *server)
{
    for (struct list *link = server->clients.next; link != &server->clients; link = link->next)
        if (LIST_MEMBER(link, struct served_client, link)->busy)
            return true;
    return false;
}

static void cancel_clients(struct admin_server *server, bool busy_too)
{
    for (struct list *link = server->clients.next; link != &server->clients; link = link->next) {
        struct served_client *client = LIST_MEMBER(link, struct served_client, link);
        if (client->channel != NULL && (busy_too || !client->busy))
            channel_cancel(client->channel);
    }
}

void admin_server_stop(struct admin_server *server)
{
    if (server->acceptor == NULL)
        return;
    channel_server_stop(server->channels);
    thread_join(server->acceptor);
    server->acceptor = NULL;
    /* Clients that nobody will accept any more need not wait for what still runs. */
    channel_server_destroy(server->channels);
    server->channels = NULL;

    int64_t end = clock_monotonic_ms() + STOP_PATIENCE_MS;
    lock_acquire(server->lock);
    server->stopping = true;
    cancel_clients(server, false);
    for (int64_t left = STOP_PATIENCE_MS; any_busy(server) && left > 0;
         left = end - clock_monotonic_ms())
        condition_wait_for(server->quieter, server->lock, (uint32_t)left);
    cancel_clients(server, true);
    lock_release(server->lock);
    join_clients(server, true);
}

void admin_server_destroy(struct admin_server *server)
{
    if (server == NULL)
        return;
    admin_server_stop(server);
    if (server->channels != NULL)
        channel_server_destroy(server->channels);
    admin_methods_destroy(server->methods);
    condition_destroy(server->quieter);
    lock_destroy(server->lock);
    memory_free(server);
}
