/*
 * Walks the way to a directory step by step, from the name of a server to one address, and says at each step what
 * is found or what is wrong. On the thread of the caller, on connections of its own.
 */
#ifndef GATEPOST_DIRECTORIES_TEST_H
#define GATEPOST_DIRECTORIES_TEST_H

#include "config/settings.h"
#include "ldap/watchdog.h"

enum directory_test_result { DIRECTORY_TEST_GOOD, DIRECTORY_TEST_DOUBTFUL, DIRECTORY_TEST_BAD };

struct directory_test {
    const struct settings_directory *settings; /* whether it is enabled or not */
    const char *data_folder;
    const char *address; /* to look for; NULL for none */
    struct watch *watch; /* watch_cancel() ends the walk soon; set by directories_test() */
    void (*step)(void *user, const char *step, enum directory_test_result result,
                 const char *sentence);
    void *user;
};

void directory_test_run(const struct directory_test *test);

#endif
