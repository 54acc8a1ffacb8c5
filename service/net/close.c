#include "net/connection_private.h"

void connection_report_closed(struct net_connection *connection)
{
    struct error error;
    error.code = connection->failure_code;
    error.text[0] = '\0';
    if (connection->failure_text != NULL && connection->failure_code != 0)
        error_set(&error, connection->failure_code, "%s: %s.", connection->failure_text,
                  uv_strerror(connection->failure_code));
    else if (connection->failure_text != NULL)
        error_set(&error, 0, "%s.", connection->failure_text);

    connection->events.closed(connection->user, &error);
    connection_free(connection);
}

static void handle_closed(uv_handle_t *handle)
{
    connection_report_closed(handle->data);
}

void connection_break(struct net_connection *connection, int code, const char *text)
{
    if (connection->state == NET_CLOSING)
        return;
    connection->state = NET_CLOSING;
    connection->failure_code = code;
    connection->failure_text = text;
    list_remove(&connection->watched);
    if (connection->loop->writer == connection)
        connection->loop->writer = NULL;
    uv_close((uv_handle_t *)&connection->tcp, handle_closed);
}

void net_connection_close(struct net_connection *connection)
{
    if (connection->state == NET_CONNECTING)
        connection_stop_connecting(connection);
    else
        connection_break(connection, 0, NULL);
}

static void output_shut_down(uv_shutdown_t *shutdown, int status)
{
    struct net_connection *connection = shutdown->data;
    if (status < 0)
        connection_break(connection, 0, NULL);
}

/* To close a socket with input that nobody has read resets the connection, and a reset may overtake the last words
 * on their way. So a peer that was still talking gets the end of our output first and is listened to until it ends. */
static void begin_lingering(struct net_connection *connection)
{
    buffer_free(&connection->input);
    connection->state = NET_LINGERING;
    connection->shutdown.data = connection;
    connection_watch(connection);
    int failure =
        uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->tcp, output_shut_down);
    if (failure == 0)
        connection_update_reading(connection);
    else
        connection_break(connection, 0, NULL);
}

void connection_written(struct net_connection *connection)
{
    if (connection->input.length > 0 && !connection->peer_ended)
        begin_lingering(connection);
    else
        connection_break(connection, 0, NULL);
}

void net_connection_finish(struct net_connection *connection, uint64_t linger_ms)
{
    net_connection_flush(connection);
    if (connection->state != NET_OPEN)
        return;
    connection->state = NET_FINISHING;
    connection->cut_ms = uv_now(&connection->loop->uv) + linger_ms;
    if (connection_is_written(connection)) {
        connection_written(connection);
    } else {
        connection_watch(connection);
        connection_update_reading(connection);
    }
}
