/*
 * What directory servers answer, in an administrator's words. Pure; any thread.
 */
#ifndef GATEPOST_LDAP_REASON_H
#define GATEPOST_LDAP_REASON_H

#include "base/error.h"
#include "base/view.h"

/* Codes that no server and no library gives. */
enum {
    REASON_CERTIFICATE = -1001, /* the certificate of the server is not trusted */
    REASON_DOUBT = -1002        /* more is gone than is believed */
};

/* Why a bind was refused. result: LDAP result code; said: the server's diagnostic message, in which Active
 * Directory hides its own code ("..., data 52e, v1db1"). Fills error, with the LDAP code. Returns false. */
bool reason_of_bind(struct error *error, int result, struct view said, const char *account);

/* Why anything else was refused. what: begins the sentence, "The search below dc=example,dc=test failed". */
bool reason_of_result(struct error *error, int result, struct view said, const char *what);

#endif
