/* What a unit test is: a file test_NAME.c that defines unit_suite(); it becomes the program unit_NAME.
 *
 *     [comment] rooms: smtp base [end]     among the first lines: the rooms that it links, see test_frame.c
 *     #include "unit.h"
 *     #include "smtp/session.h"
 *
 *     START_TEST(refuses_second_mail) { ... ck_assert_int_eq(...); } END_TEST
 *
 *     Suite *unit_suite(void)
 *     {
 *         TCase *tests = tcase_create("session");
 *         tcase_add_test(tests, refuses_second_mail);
 *         Suite *suite = suite_create("smtp");
 *         suite_add_tcase(suite, tests);
 *         return suite;
 *     }
 *
 * `unit_NAME TCASE` runs one test case, CK_VERBOSITY=verbose shows each test. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Called once by the main function; owned by the runner. */
Suite *unit_suite(void);

#endif
