/* rooms: base */
#include "base/ident.h"
#include "unit.h"

#define MS_2020 INT64_C(1577836800000)

START_TEST(grows_with_the_clock)
{
    struct ident_source source;
    ident_source_init(&source, 0);
    ident first = ident_next(&source, MS_2020 + 1);
    ck_assert_uint_eq(first, UINT64_C(1) << 21);
    ck_assert_uint_eq(ident_next(&source, MS_2020 + 1), first + 1);
    ck_assert_uint_eq(ident_next(&source, MS_2020 + 2), UINT64_C(2) << 21);
}
END_TEST

START_TEST(never_repeats_when_the_clock_goes_back)
{
    struct ident_source source;
    ident_source_init(&source, 0);
    ident last = ident_next(&source, MS_2020 + 100000);
    for (int64_t ms = MS_2020 + 100000; ms > MS_2020 - 1000; ms -= 7) {
        ident next = ident_next(&source, ms);
        ck_assert_uint_gt(next, last);
        last = next;
    }
    struct ident_source restarted;
    ident_source_init(&restarted, last);
    ck_assert_uint_gt(ident_next(&restarted, MS_2020), last);
}
END_TEST

START_TEST(is_never_none_and_never_too_long)
{
    struct ident_source source;
    ident_source_init(&source, 0);
    ck_assert_uint_ne(ident_next(&source, 0), 0);
    ck_assert_uint_eq(ident_next(&source, INT64_MAX) >> 63, 0);
}
END_TEST

static const struct {
    ident value;
    const char *text;
} texts[] = {
    {0, "0000000000000"},
    {1, "0000000000001"},
    {31, "000000000000Z"},
    {32, "0000000000010"},
    {UINT64_C(0x7FFFFFFFFFFFFFFF), "7ZZZZZZZZZZZZ"},
    {UINT64_C(0x0123456789ABCDEF), "028T5CY4TQKFF"},
};

START_TEST(writes_and_reads_text)
{
    char text[IDENT_TEXT_SIZE];
    ident value;
    ident_format(texts[_i].value, text);
    ck_assert_str_eq(text, texts[_i].text);
    ck_assert(ident_parse(view_of_text(text), &value));
    ck_assert_uint_eq(value, texts[_i].value);
    for (size_t i = 0; text[i] != '\0'; i++)
        text[i] = ascii_lower(text[i]);
    ck_assert(ident_parse(view_of_text(text), &value));
    ck_assert_uint_eq(value, texts[_i].value);
}
END_TEST

START_TEST(text_sorts_as_the_numbers_do)
{
    char last[IDENT_TEXT_SIZE] = "", text[IDENT_TEXT_SIZE];
    for (ident value = 1; value < UINT64_C(1) << 62; value = value * 3 + 1) {
        ident_format(value, text);
        ck_assert_int_lt(strcmp(last, text), 0);
        memcpy(last, text, sizeof text);
    }
}
END_TEST

static const char *const malformed[] = {
    "",
    "000000000000",
    "00000000000000",
    "000000000000I",
    "000000000000L",
    "000000000000O",
    "000000000000U",
    "000000000000-",
    "8000000000000",
    " 000000000001",
};

START_TEST(refuses_other_text)
{
    ident value = 5;
    ck_assert(!ident_parse(view_of_text(malformed[_i]), &value));
    ck_assert_uint_eq(value, 5);
    ck_assert(!ident_parse(VIEW("000000\0000000"), &value));
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("ident");
    tcase_add_test(tests, grows_with_the_clock);
    tcase_add_test(tests, never_repeats_when_the_clock_goes_back);
    tcase_add_test(tests, is_never_none_and_never_too_long);
    tcase_add_loop_test(tests, writes_and_reads_text, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(tests, text_sorts_as_the_numbers_do);
    tcase_add_loop_test(tests, refuses_other_text, 0,
                        (int)(sizeof malformed / sizeof malformed[0]));
    Suite *suite = suite_create("ident");
    suite_add_tcase(suite, tests);
    return suite;
}
