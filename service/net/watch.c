#include "net/connection_private.h"

#include <stdio.h>

#define SECOND_MS 1000

static void check(struct net_connection *connection, uint64_t now)
{
    if (connection->state != NET_OPEN) {
        if (now >= connection->cut_ms)
            connection_break(connection, UV_ETIMEDOUT, "The peer did not end the connection");
    } else if (connection->idle_ms != 0 && now - connection->active_ms >= connection->idle_ms) {
        connection->active_ms = now;
        connection->idle(connection->user);
    }
}

/* Each one goes back to the list before its callback, which may close any of them. */
static void second_passed(uv_timer_t *timer)
{
    struct net_loop *loop = timer->data;
    uint64_t now = uv_now(&loop->uv);
    struct list pass;
    list_init(&pass);
    while (!list_is_empty(&loop->watched)) {
        struct list *link = loop->watched.next;
        list_remove(link);
        list_append(&pass, link);
    }
    while (!list_is_empty(&pass)) {
        struct list *link = pass.next;
        list_remove(link);
        list_append(&loop->watched, link);
        check(LIST_MEMBER(link, struct net_connection, watched), now);
    }
    if (list_is_empty(&loop->watched))
        uv_timer_stop(&loop->second);
}

void connection_watch(struct net_connection *connection)
{
    struct net_loop *loop = connection->loop;
    if (list_is_empty(&loop->watched))
        uv_timer_start(&loop->second, second_passed, SECOND_MS, SECOND_MS);
    list_remove(&connection->watched);
    list_append(&loop->watched, &connection->watched);
}

void net_connection_set_idle(struct net_connection *connection, uint64_t milliseconds,
                             void (*idle)(void *user))
{
    connection->idle_ms = milliseconds;
    connection->idle = idle;
    connection->active_ms = uv_now(&connection->loop->uv);
    if (connection->state != NET_OPEN)
        return;
    if (milliseconds != 0)
        connection_watch(connection);
    else
        list_remove(&connection->watched);
}

void net_connection_peer(const struct net_connection *connection, char *text, size_t size)
{
    struct sockaddr_storage address;
    int length = sizeof(address);
    char host[IP_TEXT_SIZE];
    text[0] = '\0';
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &length) != 0)
        return;
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
        uv_ip6_name(v6, host, sizeof(host));
        snprintf(text, size, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
        uv_ip4_name(v4, host, sizeof(host));
        snprintf(text, size, "%s:%u", host, ntohs(v4->sin_port));
    }
}
