/*
 * The methods of the management protocol (admin/server.h) and what they have in common. user is the struct server.
 * They run on their client's thread.
 */
#ifndef GATEPOST_SERVER_ADMIN_H
#define GATEPOST_SERVER_ADMIN_H

#include "server_private.h"

#define PAGE_DEFAULT 100
#define PAGE_MAXIMUM 1000

/* server_admin.c: RFC 3339 text of a moment; JSON null for 0. A new reference. */
json_t *server_json_time(int64_t unix_ms);

/* "limit" and "after" of a list that is paged; *after is "" for the first page. */
bool server_page(struct admin_call *call, size_t *limit, const char **after);

/* A text that must be there; false after admin_fail(). */
bool server_required(struct admin_call *call, const char *name, const char **value);

/* server_admin_status.c */
json_t *server_status(void *user, struct admin_call *call);
json_t *server_sessions_list(void *user, struct admin_call *call);
json_t *server_sessions_end(void *user, struct admin_call *call);

/* server_admin_config.c */
json_t *server_config_get(void *user, struct admin_call *call);
json_t *server_config_set(void *user, struct admin_call *call);
json_t *server_config_import(void *user, struct admin_call *call);
json_t *server_config_history(void *user, struct admin_call *call);
json_t *server_config_revert(void *user, struct admin_call *call);

/* server_admin_recipient.c */
json_t *server_recipient_add(void *user, struct admin_call *call);
json_t *server_recipient_remove(void *user, struct admin_call *call);
json_t *server_recipient_list(void *user, struct admin_call *call);
json_t *server_recipient_explain(void *user, struct admin_call *call);

/* server_admin_import.c */
json_t *server_import_begin(void *user, struct admin_call *call);
json_t *server_import_part(void *user, struct admin_call *call);
json_t *server_import_end(void *user, struct admin_call *call);
json_t *server_import(void *user, struct admin_call *call);

/* server_admin_callout.c */
json_t *server_callout_status(void *user, struct admin_call *call);
json_t *server_callout_test(void *user, struct admin_call *call);
json_t *server_callout_clear(void *user, struct admin_call *call);

/* server_admin_harvest.c */
json_t *server_harvest_list(void *user, struct admin_call *call);
json_t *server_harvest_clear(void *user, struct admin_call *call);
json_t *server_harvest_json(const struct server *server); /* counters, for the status */

/* server_admin_directory.c */
json_t *server_directory_status(void *user, struct admin_call *call);
json_t *server_directory_sync(void *user, struct admin_call *call);
json_t *server_directory_test(void *user, struct admin_call *call);

/* server_admin_mail.c */
json_t *server_queue_list(void *user, struct admin_call *call);
json_t *server_queue_retry(void *user, struct admin_call *call);
json_t *server_tracking_search(void *user, struct admin_call *call);
json_t *server_tracking_history(void *user, struct admin_call *call);

#endif
