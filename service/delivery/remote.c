#include "delivery/remote.h"

#include "base/log.h"
#include "base/memory.h"

#define MS_PER_SECOND 1000
#define MS_PER_MINUTE (60 * MS_PER_SECOND)

/* Input: the longest line that the client may leave over, twice. Output: content up to half of it,
 * then commands. */
#define INPUT_BYTES  (2 * SMTP_CLIENT_LINE_MAXIMUM)
#define OUTPUT_BYTES (512 * 1024)

/* The last words to a next hop that does not read, or does not answer to QUIT. */
#define LINGER_MS 5000

/* A further connection is worth its while when so many messages are ready for each that there is.
 * What has waited for a second is reason enough, too. */
#define READY_FOR_EACH 8

/* ---- the end of a connection ---- */

static bool others_are_open(const struct remote *remote)
{
    const struct list *connections = &remote->destination->connections;
    for (const struct list *link = connections->next; link != connections; link = link->next) {
        const struct remote *other = LIST_MEMBER(link, struct remote, link);
        if (other != remote && other->greeted && !other->ended)
            return true;
    }
    return false;
}

/* A connection that came to nothing. Whether that is an outage depends on what else is going on: a
 * next hop that has answered to messages meanwhile is there, and one that lets some connections in
 * is only full. */
static void came_to_nothing(struct remote *remote, const char *reason)
{
    struct destination *destination = remote->destination;
    struct delivery *delivery = destination->delivery;
    bool serves = destination->served_ms > 0 && destination->served_ms >= remote->opened_ms;

    log_line(LOG_INFORMATION, 0, "%s: %s", destination->name, reason);
    if (remote->unreadable || remote->served || serves)
        return;
    if (others_are_open(remote))
        destination->no_more_before_ms =
            net_now_ms(delivery->loop) +
            delivery_settings(delivery)->retry.glitch_interval * MS_PER_SECOND;
    else
        destination_failed(destination, reason);
}

static void remote_free(struct remote *remote)
{
    struct destination *destination = remote->destination;
    list_remove(&remote->link);
    destination->connection_count--;
    if (!remote->greeted)
        destination->connecting--;
    smtp_client_destroy(remote->client);
    memory_free(remote);
    destination_touch(destination);
    delivery_connection_gone(destination->delivery);
}

/* ---- the client's host ---- */

static void client_send(void *user, const char *data, size_t length)
{
    const struct remote *remote = user;
    if (remote->connection != NULL)
        net_connection_send(remote->connection, data, length);
}

static size_t client_room(void *user)
{
    struct remote *remote = user;
    size_t backlog = net_connection_backlog(remote->connection);
    remote->no_room = backlog >= OUTPUT_BYTES / 2;
    return remote->no_room ? 0 : OUTPUT_BYTES / 2 - backlog;
}

static void client_end(void *user, enum smtp_client_end how, const struct smtp_client_reply *reply)
{
    struct remote *remote = user;
    remote->ended = true;
    if (how != SMTP_CLIENT_END_ORDERLY && !remote->destination->delivery->stopping)
        came_to_nothing(remote, reply->text);
    if (remote->connection != NULL)
        net_connection_finish(remote->connection, LINGER_MS);
}

static const struct smtp_client_host client_host = {
    .send = client_send,
    .room = client_room,
    .next = remote_message_next,
    .content = remote_message_content,
    .recipient_done = remote_message_recipient_done,
    .message_done = remote_message_done,
    .end = client_end,
};

/* ---- the connection's events ---- */

static void note_progress(struct remote *remote)
{
    remote->progress_ms = net_now_ms(remote->destination->delivery->loop);
}

/* The client stops when much is waiting to be written, but what it waits for may be written
 * already. */
static void push_content(struct remote *remote)
{
    while (remote->no_room) {
        net_connection_flush(remote->connection);
        if (net_connection_backlog(remote->connection) > 0)
            return;
        remote->no_room = false;
        smtp_client_drained(remote->client);
    }
}

static size_t data_arrived(void *user, const char *data, size_t length)
{
    struct remote *remote = user;
    struct delivery *delivery = remote->destination->delivery;
    size_t taken = smtp_client_input(remote->client, data, length);
    if (taken > 0)
        note_progress(remote);
    push_content(remote);
    delivery_work(delivery);
    return taken;
}

static void drained(void *user)
{
    struct remote *remote = user;
    note_progress(remote);
    remote->no_room = false;
    smtp_client_drained(remote->client);
    push_content(remote);
    delivery_work(remote->destination->delivery);
}

static void closed(void *user, const struct error *error)
{
    struct remote *remote = user;
    struct delivery *delivery = remote->destination->delivery;
    remote->connection = NULL;
    smtp_client_closed(remote->client, error->text);
    remote_free(remote);
    delivery_work(delivery);
}

static void connected(void *user, const struct error *error)
{
    struct remote *remote = user;
    struct delivery *delivery = remote->destination->delivery;
    if (error->text[0] == '\0') {
        remote->connected = true;
        note_progress(remote);
        return;
    }
    remote->connection = NULL;
    if (!delivery->stopping)
        came_to_nothing(remote, error->text);
    remote_free(remote);
    delivery_work(delivery);
}

/* ---- opening ---- */

static void open_connection(struct destination *destination)
{
    static const struct net_connection_limits limits = {.input = INPUT_BYTES,
                                                        .output = OUTPUT_BYTES};
    static const struct net_connection_events events = {
        .data = data_arrived, .drained = drained, .closed = closed};
    struct delivery *delivery = destination->delivery;
    const struct settings_outbound *outbound = &delivery_settings(delivery)->outbound;

    struct remote *remote = memory_allocate(1, sizeof *remote);
    remote->destination = destination;
    remote->opened_ms = net_now_ms(delivery->loop);
    note_progress(remote);
    remote->client = smtp_client_create(delivery->host_name, &client_host, remote);
    list_init(&remote->link);
    list_append(&destination->connections, &remote->link);
    destination->connection_count++;
    destination->connecting++;
    delivery->connections++;
    if (!delivery->each_second_runs) {
        delivery->each_second_runs = true;
        net_timer_start(delivery->each_second, MS_PER_SECOND);
    }
    remote->connection = net_connection_open(delivery->loop, destination->host, destination->port,
                                             (uint64_t)(outbound->connect_timeout * MS_PER_SECOND),
                                             &limits, &events, connected, remote);
}

/* have_waited: what is ready has been so for a while. */
static bool wants_connection(const struct destination *destination, bool have_waited)
{
    const struct delivery *delivery = destination->delivery;
    const struct settings_outbound *outbound = &delivery_settings(delivery)->outbound;
    size_t ready = destination->queue.ready_count;
    size_t count = destination->connection_count;
    size_t greeted = count - destination->connecting;

    if (ready == 0 || count >= (uint64_t)outbound->connections_per_destination ||
        delivery->connections >= (uint64_t)outbound->connections)
        return false;
    if (count == 0)
        return true;
    if (destination->no_more_before_ms > net_now_ms(delivery->loop))
        return false;
    /* As many at a time as have been let in already, and none while the first knocks: a next hop
     * that is away is not knocked at a hundred times. */
    if (destination->connecting >= greeted)
        return false;
    return have_waited || ready > count * READY_FOR_EACH;
}

static void work(struct destination *destination, bool have_waited)
{
    struct list *connections = &destination->connections;
    for (struct list *link = connections->next;
         link != connections && destination->queue.ready_count > 0; link = link->next) {
        struct remote *remote = LIST_MEMBER(link, struct remote, link);
        if (!smtp_client_is_idle(remote->client))
            continue;
        note_progress(remote);
        smtp_client_offer(remote->client);
        push_content(remote);
    }
    while (wants_connection(destination, have_waited))
        open_connection(destination);
}

void remote_work(struct destination *destination)
{
    work(destination, false);
}

/* ---- time ---- */

static void look_after(struct remote *remote, const struct settings_outbound *outbound)
{
    int64_t quiet_ms = net_now_ms(remote->destination->delivery->loop) - remote->progress_ms;
    if (!remote->connected || remote->ended)
        return;
    if (!smtp_client_is_idle(remote->client)) {
        bool leaves = smtp_client_is_leaving(remote->client);
        if (quiet_ms >= (leaves ? LINGER_MS : outbound->timeout * MS_PER_MINUTE))
            smtp_client_time_out(remote->client);
    } else if (quiet_ms >= outbound->keep_idle * MS_PER_SECOND) {
        remote->quitting = true;
        note_progress(remote);
        smtp_client_offer(remote->client);
    }
}

void remote_each_second(void *user)
{
    struct delivery *delivery = user;
    struct view name;
    void *value;
    for (size_t at = 0; hash_table_next(delivery->destinations, &at, &name, &value);) {
        struct destination *destination = value;
        struct list *connections = &destination->connections;
        for (struct list *link = connections->next; link != connections; link = link->next)
            look_after(LIST_MEMBER(link, struct remote, link),
                       &delivery_settings(delivery)->outbound);
        if (destination->connection_count > 0 && !delivery->stopping)
            work(destination, true);
    }
    delivery_work(delivery);
    delivery->each_second_runs = delivery->connections > 0;
    if (delivery->each_second_runs)
        net_timer_start(delivery->each_second, MS_PER_SECOND);
}

void remote_stop(struct destination *destination, bool now)
{
    struct list *connections = &destination->connections;
    for (struct list *link = connections->next; link != connections; link = link->next) {
        struct remote *remote = LIST_MEMBER(link, struct remote, link);
        remote->quitting = true;
        if (remote->connection != NULL && (now || !remote->greeted))
            net_connection_close(remote->connection);
        else if (smtp_client_is_idle(remote->client))
            smtp_client_offer(remote->client);
    }
}
