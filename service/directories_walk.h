/* The inside of directories_test.h: directories_test.c goes as far as a server that takes the account,
 * directories_entries.c from there to the entries. */
#ifndef GATEPOST_DIRECTORIES_WALK_H
#define GATEPOST_DIRECTORIES_WALK_H

#include "directories_private.h"
#include "directories_test.h"

struct directory_walk {
    const struct directory_test *test;
    struct directory_settings settings;
    struct connection_settings connection_settings; /* with the trust */
    struct tls_trust *trust;
    struct resolver *resolver;
    struct directory_connection *connection;
};

void directory_walk_tell(const struct directory_walk *walk, const char *step,
                         enum directory_test_result result, const char *format, ...)
    FORMAT_LIKE_PRINTF(4, 5);

/* Returns false. */
bool directory_walk_fail(const struct directory_walk *walk, const char *step,
                         const struct error *error);

/* The rest of the walk, on the connection. */
void directory_walk_entries(struct directory_walk *walk);

#endif
