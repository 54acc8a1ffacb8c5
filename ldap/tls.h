/*
 * TLS towards directory servers: who is trusted, and why a certificate was not. libldap says only that it
 * cannot contact the server; so the check is made here, by OpenSSL, and its finding is kept.
 *
 * A context is made once for each directory and used by the threads that connect to it. A check belongs to
 * one connection.
 */
#ifndef GATEPOST_LDAP_TLS_H
#define GATEPOST_LDAP_TLS_H

#include "base/error.h"

#include <ldap.h>

struct tls_trust;

/* ca_file: PEM, the authorities that are trusted instead of those of the system; empty for the system's. NULL
 * when the file cannot be read. */
struct tls_trust *tls_trust_create(const char *ca_file, struct error *error);
void tls_trust_destroy(struct tls_trust *trust);

struct tls_check {
    const char *host; /* name or address that the certificate must name; set by the caller */
    bool prepared;    /* OpenSSL was told to check: without it nothing is known */
    struct error
        found; /* why the certificate is not trusted; empty text when it is, or was not seen */
};

/* The next TLS handshake on the handle is checked, and fails when the certificate is not trusted. The check
 * must live until the handle is gone. */
bool tls_check_begin(LDAP *handle, struct tls_trust *trust, struct tls_check *check);

/* Behind a handshake that succeeded: that it was checked. */
bool tls_check_passed(LDAP *handle, const struct tls_check *check);

#endif
