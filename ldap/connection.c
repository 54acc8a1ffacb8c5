#include "ldap/connection.h"

#include "base/memory.h"
#include "ldap/reason.h"
#include "platform/connect.h"

#include <openldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

/* One message from a server: an entry with all its values. Bytes. */
#define MESSAGE_MAXIMUM ((ber_len_t)64 * 1024 * 1024)

#define SERVER_SIZE (HOST_NAME_SIZE + 16)

struct directory_connection {
    const struct connection_settings *settings;
    struct resolver *resolver;
    struct watch *watch;
    struct tls_check check;
    struct ldap_conncb no_reconnect;
    LDAP *handle;
    socket_handle socket; /* the handle's, once there is one */
    char host[HOST_NAME_SIZE];
    char server[SERVER_SIZE];
    uint16_t port;
    bool broken;
};

void directory_connection_prepare(void)
{
    static char no_configuration[] = "LDAPNOINIT=1";
    putenv(no_configuration);
    int option;
    ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &option); /* its own start, on one thread */
}

struct directory_connection *directory_connection_create(const struct connection_settings *settings,
                                                         struct resolver *resolver,
                                                         struct watch *watch)
{
    struct directory_connection *connection = memory_allocate(1, sizeof *connection);
    connection->settings = settings;
    connection->resolver = resolver;
    connection->watch = watch;
    connection->socket = SOCKET_NONE;
    connection->broken = true; /* until it is open */
    return connection;
}

void directory_connection_destroy(struct directory_connection *connection)
{
    if (connection == NULL)
        return;
    /* A peer that takes nothing would have us wait in the farewell. */
    if (connection->broken && connection->socket != SOCKET_NONE)
        socket_shutdown(connection->socket);
    watch_set_socket(connection->watch, SOCKET_NONE);
    if (connection->handle != NULL)
        ldap_unbind_ext(connection->handle, NULL, NULL);
    else if (connection->socket != SOCKET_NONE)
        socket_close(connection->socket);
    memory_free(connection);
}

/* The server's own text about the last result, empty when there is none. Freed with ldap_memfree(). */
static char *diagnostic(struct directory_connection *connection)
{
    char *text = NULL;
    ldap_get_option(connection->handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    return text;
}

static bool is_in_transit(int result)
{
    return result == LDAP_SERVER_DOWN || result == LDAP_TIMEOUT || result == LDAP_CONNECT_ERROR ||
           result == LDAP_DECODING_ERROR || result == LDAP_ENCODING_ERROR ||
           result == LDAP_LOCAL_ERROR;
}

bool directory_connection_fail(struct directory_connection *connection, int result,
                               const char *what, struct error *error)
{
    char *said = diagnostic(connection);
    connection->broken |= is_in_transit(result);
    reason_of_result(error, result, view_of_text(said), what);
    ldap_memfree(said);
    return error_prefix(error, "%s", connection->server);
}

static bool connect_to_one(struct directory_connection *connection,
                           const struct ip_address *address, struct error *error)
{
    connection->socket = socket_connect(address, connection->port, connection->settings->connect_ms,
                                        watch_cancelled(connection->watch), error);
    if (connection->socket == SOCKET_NONE)
        return false;
    /* Longer than any deadline of the watchdog, behind which it stands. */
    socket_limit_waiting(connection->socket,
                         2 * (connection->settings->connect_ms + connection->settings->answer_ms));
    watch_set_socket(connection->watch, connection->socket);
    return true;
}

static bool connect_to_any(struct directory_connection *connection, enum connection_step *step,
                           struct error *error)
{
    struct ip_address addresses[RESOLVED_MAXIMUM];
    *step = CONNECTION_NAME;
    size_t count =
        resolve_host(connection->resolver, connection->host, connection->settings->connect_ms,
                     watch_cancelled(connection->watch), addresses, error);
    for (size_t i = 0; i < count; i++) {
        *step = CONNECTION_TCP;
        if (connect_to_one(connection, &addresses[i], error))
            return true;
    }
    return false;
}

/* libldap's way to connect again by itself, which this refuses. */
static int refuse_connection(LDAP *handle, Sockbuf *socket, LDAPURLDesc *server,
                             struct sockaddr *address, struct ldap_conncb *callback)
{
    (void)handle;
    (void)socket;
    (void)server;
    (void)address;
    (void)callback;
    return -1;
}

static void ignore_disconnection(LDAP *handle, Sockbuf *socket, struct ldap_conncb *callback)
{
    (void)handle;
    (void)socket;
    (void)callback;
}

static bool set_options(struct directory_connection *connection)
{
    LDAP *handle = connection->handle;
    int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER, none = LDAP_NO_LIMIT;
    uint32_t limit_ms = connection->settings->connect_ms;
    struct timeval limit = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000};
    ber_len_t message = MESSAGE_MAXIMUM;
    Sockbuf *buffer = NULL;
    connection->no_reconnect = (struct ldap_conncb){refuse_connection, ignore_disconnection, NULL};
    return ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_RESTART, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_DEREF, &never) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_SIZELIMIT, &none) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &limit) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_TIMEOUT, &limit) == LDAP_OPT_SUCCESS &&
           ldap_set_option(handle, LDAP_OPT_CONNECT_CB, &connection->no_reconnect) ==
               LDAP_OPT_SUCCESS &&
           ldap_get_option(handle, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS &&
           buffer != NULL && ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &message) == 1;
}

static bool give_to_libldap(struct directory_connection *connection, struct error *error)
{
    char url[HOST_NAME_SIZE + 32];
    bool is_v6 = strchr(connection->host, ':') != NULL;
    snprintf(url, sizeof url, is_v6 ? "ldap://[%s]:%u" : "ldap://%s:%u", connection->host,
             connection->port);
    int result =
        ldap_init_fd((ber_socket_t)connection->socket, LDAP_PROTO_TCP, url, &connection->handle);
    if (result != LDAP_SUCCESS)
        return error_set(error, result, "%s: %s.", connection->server, ldap_err2string(result));
    return set_options(connection) ||
           error_set(error, 0, "%s: libldap does not take its options.", connection->server);
}

/* When the handshake failed and the certificate was not the reason. */
static bool fail_tls(struct directory_connection *connection, int result, bool in_time,
                     struct error *error)
{
    char shown[200];
    char *said = diagnostic(connection);
    view_copy_text(view_of_text(said == NULL || said[0] == '\0' ? ldap_err2string(result) : said),
                   shown, sizeof shown);
    ldap_memfree(said);
    if (!in_time || result == LDAP_TIMEOUT)
        return error_set(error, result, "%s: the server is silent: TLS was begun and not finished.",
                         connection->server);
    if (connection->settings->security == CONNECTION_STARTTLS && !is_in_transit(result))
        return error_set(error, result, "%s: the server does not take StartTLS: %s.",
                         connection->server, shown);
    return error_set(error, result, "%s: no TLS: %s.", connection->server, shown);
}

static bool begin_tls(struct directory_connection *connection, struct error *error)
{
    const struct connection_settings *settings = connection->settings;
    connection->check.host = connection->host;
    if (!tls_check_begin(connection->handle, settings->trust, &connection->check))
        return error_set(error, 0, "%s: TLS cannot be prepared.", connection->server);
    watch_begin(connection->watch, settings->connect_ms);
    int result = settings->security == CONNECTION_LDAPS
                     ? ldap_install_tls(connection->handle)
                     : ldap_start_tls_s(connection->handle, NULL, NULL);
    bool in_time = watch_end(connection->watch);
    if (connection->check.found.text[0] != '\0')
        return error_set(error, REASON_CERTIFICATE, "%s: %s", connection->server,
                         connection->check.found.text);
    if (result != LDAP_SUCCESS || !in_time)
        return fail_tls(connection, result, in_time, error);
    return tls_check_passed(connection->handle, &connection->check) ||
           error_set(error, 0, "%s: the certificate could not be checked.", connection->server);
}

static bool finish_bind(struct directory_connection *connection, LDAPMessage *message,
                        struct error *error)
{
    int result = LDAP_OTHER;
    char *said = NULL;
    int parsed =
        ldap_parse_result(connection->handle, message, &result, NULL, &said, NULL, NULL, 0);
    bool bound = parsed == LDAP_SUCCESS && result == LDAP_SUCCESS;
    if (!bound) {
        reason_of_bind(error, parsed == LDAP_SUCCESS ? result : parsed, view_of_text(said),
                       connection->settings->account);
        error_prefix(error, "%s", connection->server);
    }
    ldap_memfree(said);
    return bound;
}

static bool bind_account(struct directory_connection *connection, struct error *error)
{
    const struct connection_settings *settings = connection->settings;
    struct berval password = {.bv_val = (char *)settings->password,
                              .bv_len = strlen(settings->password)};
    LDAPMessage *message = NULL;
    int id;
    /* A name without a password is an anonymous bind (RFC 4513 5.1.2): some servers answer that with success. */
    if (settings->account[0] != '\0' && password.bv_len == 0)
        return error_set(error, LDAP_INVALID_CREDENTIALS,
                         "%s: there is no password for the account %s.", connection->server,
                         settings->account);
    connection->broken = false;
    int result = ldap_sasl_bind(connection->handle, settings->account, LDAP_SASL_SIMPLE, &password,
                                NULL, NULL, &id);
    if (result != LDAP_SUCCESS)
        return directory_connection_fail(connection, result, "the bind failed", error);
    if (directory_connection_receive(connection, id, settings->connect_ms, true, &message, error) <
        0)
        return false;
    bool bound = finish_bind(connection, message, error);
    ldap_msgfree(message);
    connection->broken = !bound;
    return bound;
}

bool directory_connection_open(struct directory_connection *connection, const char *host,
                               uint16_t port, enum connection_step *step, struct error *error)
{
    bool is_ldaps = connection->settings->security == CONNECTION_LDAPS;
    connection->port = port != 0 ? port : is_ldaps ? LDAPS_PORT : LDAP_PORT;
    *step = CONNECTION_NAME;
    if (!view_copy_text(view_of_text(host), connection->host, sizeof connection->host))
        return error_set(error, 0, "The name of the server is longer than %d characters.",
                         HOST_NAME_SIZE - 1);
    snprintf(connection->server, sizeof connection->server, "%s port %u", connection->host,
             connection->port);
    if (!connect_to_any(connection, step, error))
        return error_prefix(error, "%s", connection->server);
    if (!give_to_libldap(connection, error))
        return false;
    *step = CONNECTION_TLS;
    if (connection->settings->security != CONNECTION_PLAIN && !begin_tls(connection, error))
        return false;
    *step = CONNECTION_BIND;
    if (!bind_account(connection, error))
        return false;
    *step = CONNECTION_READY;
    return true;
}

LDAP *directory_connection_handle(struct directory_connection *connection)
{
    return connection->handle;
}

const struct connection_settings *
directory_connection_settings(const struct directory_connection *connection)
{
    return connection->settings;
}

const char *directory_connection_server(const struct directory_connection *connection)
{
    return connection->server;
}

bool directory_connection_is_broken(const struct directory_connection *connection)
{
    return connection->broken;
}

static int fail_receive(struct directory_connection *connection, bool in_time, struct error *error)
{
    int result = LDAP_SERVER_DOWN;
    ldap_get_option(connection->handle, LDAP_OPT_RESULT_CODE, &result);
    connection->broken = true;
    if (atomic_load(watch_cancelled(connection->watch)))
        error_set(error, LDAP_USER_CANCELLED, "%s: stopped.", connection->server);
    else if (!in_time)
        error_set(error, LDAP_TIMEOUT, "%s: the server did not answer in time.",
                  connection->server);
    else
        error_set(error, result, "%s: the connection broke.", connection->server);
    return -1;
}

int directory_connection_receive(struct directory_connection *connection, int message_id,
                                 uint32_t wait_ms, bool must_come, LDAPMessage **message,
                                 struct error *error)
{
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    *message = NULL;
    if (connection->broken)
        return fail_receive(connection, true, error);
    /* libldap looks at the time between messages only; the watchdog ends a wait in the middle of one. */
    watch_begin(connection->watch, wait_ms + connection->settings->answer_ms);
    int kind = ldap_result(connection->handle, message_id, LDAP_MSG_ONE, &wait, message);
    bool in_time = watch_end(connection->watch);
    if (kind > 0)
        return kind;
    if (kind == 0 && !must_come && in_time)
        return 0;
    return fail_receive(connection, kind != 0 && in_time, error);
}
