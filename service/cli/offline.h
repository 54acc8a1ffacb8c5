/*
 * Inside the command line: the one verb that writes a file of the service, `config import --offline`, for a
 * service that does not start because of its settings.
 */
#ifndef GATEPOST_CLI_OFFLINE_H
#define GATEPOST_CLI_OFFLINE_H

#include "cli/verb.h"

/* As the method config.import, under the lock that the service holds while it runs. Returns an exit code. */
int cli_import_offline(struct cli_call *call, const json_t *document, json_t **result);

#endif
