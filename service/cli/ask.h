/*
 * Inside the command line: questions to the service. What goes wrong is said on standard error, with what
 * to do next.
 */
#ifndef GATEPOST_CLI_ASK_H
#define GATEPOST_CLI_ASK_H

#include "cli/print.h"
#include "cli/verb.h"

/* Time for an answer; some changes (import) take longer than that. */
#define CLI_DEADLINE_MS      60000
#define CLI_LONG_DEADLINE_MS 600000

/* Of a list that is printed whole, far more than there ever are. */
#define CLI_ALL_ROWS 1000000

/* Connects at the first call. params are taken; NULL for none. Returns an exit code; *result is a new reference
 * when it is CLI_OK. */
int cli_ask(struct cli_call *call, const char *method, json_t *params, json_t **result);
int cli_ask_long(struct cli_call *call, const char *method, json_t *params, json_t **result);

/* The same for a list that comes in pages: one result with all rows of `member` up to `limit` (and "next",
 * when there are more). */
int cli_ask_pages(struct cli_call *call, const char *method, json_t *params, const char *member,
                  int64_t limit, json_t **result);

/* Ends the connection. */
void cli_hang_up(struct cli_call *call);

/* Prints the result when JSON is asked for; otherwise what the function appends. Releases the result. */
int cli_show(struct cli_call *call, json_t *result,
             void (*append)(struct buffer *out, const json_t *result));

/* The folder that --data names, or the default one. The caller frees it with memory_free(). */
char *cli_data_folder(const struct cli_call *call);

#endif
