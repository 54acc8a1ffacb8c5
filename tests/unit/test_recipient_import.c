/* rooms: ldap platform base */
/* with: ../../service/recipient_import.c */
/* Recipient lists that come in parts. */
#include "recipient_import.h"
#include "unit.h"

static struct recipient_imports *imports;

static void setup(void)
{
    imports = recipient_imports_create();
}

static void teardown(void)
{
    recipient_imports_destroy(imports);
}

static bool add(uint32_t number, const char *who, const char *base64)
{
    struct error error;
    return recipient_imports_add(imports, number, who, view_of_text(base64), &error);
}

static bool take(uint32_t number, const char *who, const char *expected)
{
    struct error error;
    struct buffer contents;
    if (!recipient_imports_take(imports, number, who, &contents, &error))
        return false;
    ck_assert(view_equal(buffer_view(&contents), view_of_text(expected)));
    buffer_free(&contents);
    return true;
}

START_TEST(joins_the_parts)
{
    uint32_t first = recipient_imports_begin(imports, "ann");
    uint32_t second = recipient_imports_begin(imports, "ann");
    ck_assert_uint_ne(first, second);
    ck_assert(add(first, "ann", "Zm8="));
    ck_assert(add(second, "ann", "eA=="));
    ck_assert(add(first, "ann", "b2Jhcg=="));
    ck_assert(take(first, "ann", "foobar"));
    ck_assert(take(second, "ann", "x"));
    ck_assert(!take(first, "ann", ""));
}
END_TEST

START_TEST(belongs_to_who_began_it)
{
    uint32_t number = recipient_imports_begin(imports, "ann");
    ck_assert(!add(number, "bob", "Zm8="));
    ck_assert(!take(number, "bob", ""));
    ck_assert(!add(number + 1, "ann", "Zm8="));
    ck_assert(!add(0, "ann", "Zm8="));
    ck_assert(take(number, "ann", ""));
}
END_TEST

START_TEST(a_part_that_is_not_base64_adds_nothing)
{
    uint32_t number = recipient_imports_begin(imports, "ann");
    ck_assert(add(number, "ann", "Zm9v"));
    ck_assert(!add(number, "ann", "Zm9vZm9v!A=="));
    ck_assert(take(number, "ann", "foo"));
}
END_TEST

START_TEST(only_a_few_at_a_time)
{
    uint32_t numbers[10] = {0};
    size_t count = 0;
    while (count < 10 && (numbers[count] = recipient_imports_begin(imports, "ann")) != 0)
        count++;
    ck_assert_uint_gt(count, 1);
    ck_assert_uint_lt(count, 10);
    ck_assert(take(numbers[0], "ann", ""));
    ck_assert_uint_ne(recipient_imports_begin(imports, "ann"), 0);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("recipient_import");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, joins_the_parts);
    tcase_add_test(tests, belongs_to_who_began_it);
    tcase_add_test(tests, a_part_that_is_not_base64_adds_nothing);
    tcase_add_test(tests, only_a_few_at_a_time);
    Suite *suite = suite_create("hall");
    suite_add_tcase(suite, tests);
    return suite;
}
