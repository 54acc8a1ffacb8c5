/* rooms: base */
#include "base/base64.h"
#include "unit.h"

/* RFC 4648 10, and every digit. */
static const struct {
    const char *bytes;
    const char *text;
} samples[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\x01\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51\x55\x97\x61\x96\x9b\x71\xd7"
     "\x9f"
     "\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf"
     "\xbf",
     "ARCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"},
};

START_TEST(writes_and_reads)
{
    struct view bytes = view_of_text(samples[_i].bytes);
    struct view text = view_of_text(samples[_i].text);
    char written[100];
    char read[100];
    size_t length;
    base64_encode(bytes, written);
    ck_assert_str_eq(written, samples[_i].text);
    ck_assert_uint_eq(strlen(written), BASE64_LENGTH(bytes.length));
    ck_assert(base64_decode(text, read, &length));
    ck_assert(view_equal(view_of(read, length), bytes));
}
END_TEST

static const char *const malformed[] = {
    "Z",          "Zg",   "Zg=",  "Zg===", "====", "Z===", "Zg==Zg==",
    "Zm9v\r\n==", "Zm 9", "Zm-_", "Zh==",  "Zm9=", "Zg=v",
};

START_TEST(refuses_what_is_malformed)
{
    char read[100];
    size_t length;
    ck_assert(!base64_decode(view_of_text(malformed[_i]), read, &length));
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("base64");
    tcase_add_loop_test(tests, writes_and_reads, 0, sizeof(samples) / sizeof(samples[0]));
    tcase_add_loop_test(tests, refuses_what_is_malformed, 0,
                        sizeof(malformed) / sizeof(malformed[0]));
    Suite *suite = suite_create("base");
    suite_add_tcase(suite, tests);
    return suite;
}
