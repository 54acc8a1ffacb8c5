/* The main function of every unit test. */
#include "unit.h"

int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(unit_suite());

#if defined(_WIN32) || defined(GATEPOST_SANITIZE)
    /* Windows has no fork; and only in one process does LeakSanitizer see what a test left behind. */
    srunner_set_fork_status(runner, CK_NOFORK);
#else
    srunner_set_fork_status(runner, CK_FORK);
#endif

    srunner_run(runner, NULL, argc > 1 ? argv[1] : NULL, CK_ENV);
    int run = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);

    /* A suite in which nothing ran has proved nothing. */
    return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
