/*
 * The management protocol, server side: one JSON request a line, one JSON answer a line, over the
 * platform's channel.
 *
 *   {"version":1,"id":7,"method":"queue.list","params":{...}}
 *   {"id":7,"result":{...}}            or
 *   {"id":7,"error":{"code":"conflict","message":"..."}}
 *
 * Each client has a thread; there is a maximum of clients, of the size of a request and of an answer. The
 * methods are registered before start and know nothing of channels. Errors have a code for programs
 * (bad-request, unknown-method, not-found, conflict, invalid, failed, unavailable) and a sentence for persons.
 * An error that belongs to no request (what was sent is not one, or there are too many clients) has id null.
 */
#ifndef GATEPOST_ADMIN_SERVER_H
#define GATEPOST_ADMIN_SERVER_H

#include "base/error.h"
#include "config/settings.h"

#include <jansson.h>
#include <stdint.h>

#define ADMIN_VERSION 1

/* Bytes of a line. A document of the settings fits into either. */
#define ADMIN_REQUEST_MAXIMUM (SETTINGS_DOCUMENT_MAXIMUM + 4096)
#define ADMIN_ANSWER_MAXIMUM  ((size_t)2 * ADMIN_REQUEST_MAXIMUM)

struct admin_server;

struct admin_call {
    const char *who;      /* the user at the other end */
    const json_t *params; /* an object, never NULL */
    char code[24];        /* set with admin_fail() */
    struct error error;
};

/* Returns a new reference to the result (any JSON), or NULL after admin_fail(). Runs on the client's thread. */
typedef json_t *(*admin_method)(void *user, struct admin_call *call);

/* Returns NULL always. */
json_t *admin_fail(struct admin_call *call, const char *code, const char *format, ...)
    FORMAT_LIKE_PRINTF(3, 4);

/* A JSON text of what may not be UTF-8 (parts of messages, file names): what is not becomes "?". text may be
 * NULL. A new reference. */
json_t *admin_json_text(const char *text);

/* Reads of params with checks; on a wrong type or range they admin_fail("bad-request") and return false. A
 * parameter that is absent leaves *value as it is. */
bool admin_text(struct admin_call *call, const char *name, const char **value);
bool admin_number(struct admin_call *call, const char *name, int64_t minimum, int64_t maximum,
                  int64_t *value);
bool admin_switch(struct admin_call *call, const char *name, bool *value);

/* channel_name: platform/channel.h. clients: at most at a time. */
struct admin_server *admin_server_create(const char *channel_name, unsigned clients,
                                         struct error *error);
void admin_server_register(struct admin_server *server, const char *method, admin_method function,
                           void *user);
void admin_server_start(struct admin_server *server);

/* Lets a call that runs end and be answered, for a bounded time; ends clients' connections and joins their
 * threads. Not from a method. */
void admin_server_stop(struct admin_server *server);
void admin_server_destroy(struct admin_server *server);

#endif
