/*
 * Inside the admin room: a line in, a line out. Knows methods and nothing of channels. The methods are
 * registered before the first request; then any thread.
 */
#ifndef GATEPOST_ADMIN_REQUEST_H
#define GATEPOST_ADMIN_REQUEST_H

#include "admin/server.h"
#include "base/buffer.h"

struct admin_methods;

struct admin_methods *admin_methods_create(void);
void admin_methods_destroy(struct admin_methods *methods);
void admin_methods_register(struct admin_methods *methods, const char *name, admin_method function,
                            void *user);

/* Appends the answer to one request, with its line end. request: without line end. */
void admin_methods_answer(const struct admin_methods *methods, const char *who, struct view request,
                          struct buffer *answer);

/* Appends an error that belongs to no request. */
void admin_answer_error(struct buffer *answer, const char *code, const char *text);

#endif
