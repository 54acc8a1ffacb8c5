/* rooms: base */
/* Shows that the frame works: a test is compiled, linked, run and counted. */
#include "unit.h"
#include "version.h"
#include <stdio.h>

START_TEST(knows_the_version)
{
    ck_assert_str_ne(GATEPOST_VERSION, "");
}
END_TEST

START_TEST(prints_sizes_as_c_says)
{
    char text[32];
    snprintf(text, sizeof text, "%zu %lld", sizeof(uint64_t), (long long)INT64_MAX);
    ck_assert_str_eq(text, "8 9223372036854775807");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("frame");
    tcase_add_test(tests, knows_the_version);
    tcase_add_test(tests, prints_sizes_as_c_says);
    Suite *suite = suite_create("frame");
    suite_add_tcase(suite, tests);
    return suite;
}
