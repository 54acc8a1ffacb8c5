/*
 * A connection to one directory server: name, TCP, TLS, bind, and then searches. All calls wait, each with a
 * deadline. A connection on which anything failed in transit stays broken: libldap would make a new one by
 * itself, in clear and without a bind. One thread; watch_cancel() ends its waiting from any other.
 */
#ifndef GATEPOST_LDAP_CONNECTION_H
#define GATEPOST_LDAP_CONNECTION_H

#include "ldap/resolve.h"
#include "ldap/tls.h"
#include "ldap/watchdog.h"

enum connection_security { CONNECTION_LDAPS, CONNECTION_STARTTLS, CONNECTION_PLAIN };

/* How servers of one directory are reached; the caller keeps it while connections use it. */
struct connection_settings {
    enum connection_security security;
    struct tls_trust *trust; /* may be NULL when PLAIN */
    const char *account;     /* DN, user principal name or DOMAIN\user; empty binds anonymously */
    const char *password;    /* must not be empty when there is an account */
    uint32_t connect_ms;     /* for each of: looking up the name, TCP, TLS, bind */
    uint32_t answer_ms;      /* for the answer to a small question */
};

/* How far it came: the order is the order in which they are done. */
enum connection_step {
    CONNECTION_NAME,
    CONNECTION_TCP,
    CONNECTION_TLS,
    CONNECTION_BIND,
    CONNECTION_READY
};

struct directory_connection;

/* Once, before anything else of libldap: it reads no configuration files and no environment. */
void directory_connection_prepare(void);

/* Makes one that is not connected. The watch belongs to the caller and outlives it: watch_cancel() ends all
 * waiting. */
struct directory_connection *directory_connection_create(const struct connection_settings *settings,
                                                         struct resolver *resolver,
                                                         struct watch *watch);
void directory_connection_destroy(struct directory_connection *connection);

/* port: 0 for 636 (LDAPS) or 389. *step: what was done last, CONNECTION_READY when all. On failure error says
 * what is wrong with which server. Once for each connection. */
bool directory_connection_open(struct directory_connection *connection, const char *host,
                               uint16_t port, enum connection_step *step, struct error *error);

/* For searches (search.h). */
LDAP *directory_connection_handle(struct directory_connection *connection);
const struct connection_settings *
directory_connection_settings(const struct directory_connection *connection);

/* "ldap.example.test port 636" */
const char *directory_connection_server(const struct directory_connection *connection);

bool directory_connection_is_broken(const struct directory_connection *connection);

/* The next message of `message_id`: LDAP_RES_..., in *message, which the caller frees with ldap_msgfree(). When
 * none came within wait_ms: 0, or, if it must come, -1. -1 for whatever fails, with error; the connection is
 * broken then. */
int directory_connection_receive(struct directory_connection *connection, int message_id,
                                 uint32_t wait_ms, bool must_come, LDAPMessage **message,
                                 struct error *error);

/* A request could not be sent: fills error from libldap's own. Returns false. */
bool directory_connection_fail(struct directory_connection *connection, int result,
                               const char *what, struct error *error);

#endif
