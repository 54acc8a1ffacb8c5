#include "net/connection_private.h"

#include "base/memory.h"

#define BROKEN         "The connection broke"
#define PEER_READS_NOT "The peer does not read what it is sent"

struct net_connection *connection_create(struct net_loop *loop,
                                         const struct net_connection_limits *limits,
                                         const struct net_connection_events *events, void *user)
{
    struct net_connection *connection = memory_allocate(1, sizeof(*connection));
    connection->loop = loop;
    connection->events = *events;
    connection->user = user;
    connection->limits = *limits;
    buffer_init(&connection->input, limits->input);
    buffer_init(&connection->output, limits->output);
    buffer_init(&connection->writing, limits->output);
    list_init(&connection->watched);
    uv_tcp_init(&loop->uv, &connection->tcp);
    connection->tcp.data = connection;
    connection->active_ms = uv_now(&loop->uv);
    return connection;
}

void connection_free(struct net_connection *connection)
{
    buffer_free(&connection->input);
    buffer_free(&connection->output);
    buffer_free(&connection->writing);
    memory_free(connection);
}

static void free_refused(uv_handle_t *handle)
{
    connection_free(handle->data);
}

struct net_connection *net_connection_accept(struct net_loop *loop, socket_handle socket,
                                             const struct net_connection_limits *limits,
                                             const struct net_connection_events *events, void *user)
{
    struct net_connection *connection = connection_create(loop, limits, events, user);
    if (uv_tcp_open(&connection->tcp, (uv_os_sock_t)socket) != 0) {
        socket_close(socket);
        uv_close((uv_handle_t *)&connection->tcp, free_refused);
        return NULL;
    }
    connection->state = NET_OPEN;
    connection_update_reading(connection);
    return connection;
}

/* ---- input ---- */

static size_t offer(struct net_connection *connection, const char *data, size_t length)
{
    connection->offering = true;
    size_t taken = connection->events.data(connection->user, data, length);
    connection->offering = false;
    return taken;
}

static bool may_offer(const struct net_connection *connection)
{
    return connection->state == NET_OPEN && !connection->paused;
}

static void offer_waiting(struct net_connection *connection)
{
    do {
        connection->offer_again = false;
        if (!may_offer(connection) || connection->input.length == 0)
            break;
        size_t taken = offer(connection, connection->input.data, connection->input.length);
        buffer_consume(&connection->input, taken);
    } while (connection->offer_again);
    if (connection->input.length == 0)
        buffer_free(&connection->input);
}

/* Straight from the loop's read buffer when nothing older waits, so that most input is never copied. */
static void take_input(struct net_connection *connection, const char *data, size_t length)
{
    bool untouched = connection->input.length == 0;
    size_t taken = 0;
    connection->offer_again = false;
    if (untouched && may_offer(connection))
        taken = offer(connection, data, length);
    if (taken < length)
        buffer_append(&connection->input, data + taken, length - taken);
    if (!untouched || connection->offer_again)
        offer_waiting(connection);
}

static void input_ended(struct net_connection *connection)
{
    connection->peer_ended = true;
    connection->reading = false;
    uv_read_stop((uv_stream_t *)&connection->tcp);
    if (connection->state == NET_OPEN && connection->events.ended != NULL)
        connection->events.ended(connection->user);
    else
        connection_break(connection, 0, NULL);
}

static void input_arrived(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct net_connection *connection = stream->data;
    connection->active_ms = uv_now(&connection->loop->uv);
    if (length == UV_EOF)
        input_ended(connection);
    else if (length < 0)
        connection_break(connection, (int)length, BROKEN);
    else if (length > 0 && connection->state == NET_OPEN)
        take_input(connection, buffer->base, (size_t)length);

    if (connection->loop->writer == connection)
        net_loop_flush(connection->loop);
    connection_update_reading(connection);
}

/* No more than may wait, in case that nothing of it is taken. */
static void lend_read_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct net_connection *connection = handle->data;
    size_t room = connection->limits.input - connection->input.length;
    (void)suggested;
    buffer->base = connection->loop->read_buffer;
    buffer->len = room < NET_READ_SIZE ? (unsigned)room : NET_READ_SIZE;
}

static bool wants_input(const struct net_connection *connection)
{
    if (connection->peer_ended)
        return false;
    if (connection->state == NET_LINGERING)
        return true;
    return may_offer(connection) && connection->input.length < connection->limits.input;
}

void connection_update_reading(struct net_connection *connection)
{
    bool wanted = wants_input(connection);
    if (wanted == connection->reading || connection->state == NET_CLOSING)
        return;
    connection->reading = wanted;
    if (!wanted) {
        uv_read_stop((uv_stream_t *)&connection->tcp);
        return;
    }
    int failure = uv_read_start((uv_stream_t *)&connection->tcp, lend_read_buffer, input_arrived);
    if (failure != 0)
        connection_break(connection, failure, BROKEN);
}

void net_connection_offer(struct net_connection *connection)
{
    if (connection->offering) {
        connection->offer_again = true;
        return;
    }
    offer_waiting(connection);
    connection_update_reading(connection);
}

void net_connection_pause(struct net_connection *connection)
{
    connection->paused = true;
    connection_update_reading(connection);
}

void net_connection_resume(struct net_connection *connection)
{
    connection->paused = false;
    net_connection_offer(connection);
}

size_t net_connection_waiting(const struct net_connection *connection)
{
    return connection->input.length;
}

/* ---- output ---- */

bool connection_is_written(const struct net_connection *connection)
{
    return connection->writing.length == 0 && connection->output.length == 0;
}

static void start_write(struct net_connection *connection);

static void write_done(uv_write_t *write, int status)
{
    struct net_connection *connection = write->data;
    buffer_free(&connection->writing);
    if (connection->state == NET_CLOSING)
        return;
    if (status < 0) {
        connection_break(connection, status, BROKEN);
        return;
    }
    connection->active_ms = uv_now(&connection->loop->uv);
    if (connection->output.length > 0) {
        struct buffer empty = connection->writing;
        connection->writing = connection->output;
        connection->output = empty;
        start_write(connection);
    } else if (connection->state == NET_FINISHING) {
        connection_written(connection);
    } else if (connection->events.drained != NULL) {
        connection->events.drained(connection->user);
    }
}

static void start_write(struct net_connection *connection)
{
    uv_buf_t piece = uv_buf_init(connection->writing.data, (unsigned)connection->writing.length);
    connection->write.data = connection;
    int failure =
        uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &piece, 1, write_done);
    if (failure != 0) {
        buffer_free(&connection->writing);
        connection_break(connection, failure, BROKEN);
    }
}

/* What the system does not take at once is kept and written when it can be. */
static void write_now(struct net_connection *connection, const char *data, size_t length)
{
    uv_buf_t piece = {.base = (char *)data, .len = length};
    int written = uv_try_write((uv_stream_t *)&connection->tcp, &piece, 1);
    if (written == UV_EAGAIN)
        written = 0;
    if (written < 0) {
        connection_break(connection, written, BROKEN);
        return;
    }
    connection->active_ms = uv_now(&connection->loop->uv);
    if ((size_t)written == length)
        return;
    if (buffer_append(&connection->writing, data + written, length - (size_t)written))
        start_write(connection);
    else
        connection_break(connection, 0, PEER_READS_NOT);
}

void net_loop_flush(struct net_loop *loop)
{
    struct net_connection *connection = loop->writer;
    if (connection == NULL)
        return;
    loop->writer = NULL;
    write_now(connection, loop->write_buffer, loop->write_length);
}

static void send_later(struct net_connection *connection, const char *data, size_t length)
{
    size_t waiting = connection->writing.length + connection->output.length;
    if (length > connection->limits.output - waiting)
        connection_break(connection, 0, PEER_READS_NOT);
    else
        buffer_append(&connection->output, data, length);
}

void net_connection_send(struct net_connection *connection, const char *data, size_t length)
{
    struct net_loop *loop = connection->loop;
    if (loop->writer != connection || length > NET_WRITE_SIZE - loop->write_length) {
        net_loop_flush(loop);
        loop->write_length = 0;
    }
    if (connection->state != NET_OPEN || length == 0)
        return;
    if (connection->writing.length > 0) {
        send_later(connection, data, length);
    } else if (length > NET_WRITE_SIZE) {
        write_now(connection, data, length);
    } else {
        memcpy(loop->write_buffer + loop->write_length, data, length);
        loop->write_length += length;
        loop->writer = connection;
    }
}

void net_connection_flush(struct net_connection *connection)
{
    if (connection->loop->writer == connection)
        net_loop_flush(connection->loop);
}

size_t net_connection_backlog(const struct net_connection *connection)
{
    size_t collected = connection->loop->writer == connection ? connection->loop->write_length : 0;
    return connection->writing.length + connection->output.length + collected;
}
