/* rooms: ldap platform base */
/* Which texts are addresses, and which addresses are the same mailbox. */
#include "ldap/address.h"
#include "ldap/fold.h"
#include "unit.h"

#define SIXTEEN    "abcdefghijklmnop"
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static const struct {
    const char *address;
    const char *key;
    size_t local_length;
} well_formed[] = {
    {"info@example.test", "info@example.test", 4},
    {"Info@EXAMPLE.Test", "info@example.test", 4},
    {"a@b", "a@b", 1},
    {"john.o'neil+news@x.test", "john.o'neil+news@x.test", 16},
    {"..dots..@x.test", "..dots..@x.test", 8},
    {"user@[192.0.2.1]", "user@[192.0.2.1]", 4},
    {"user@[IPv6:2001:DB8::1]", "user@[ipv6:2001:db8::1]", 4},
    {"\"John\"@x.test", "john@x.test", 4},
    {"\"john smith\"@x.test", "john smith@x.test", 10},
    {"\"a@b\"@x.test", "a@b@x.test", 3},
    {"\"a\\\"b\\\\\"@x.test", "a\"b\\@x.test", 4},
    {"JÜRGEN@BÜCHER.test", "jürgen@bücher.test", 7},
    {"ΣΊΣΥΦΟΣ@x.test", "σίσυφοσ@x.test", 14},
    {"σίσυφος@x.test", "σίσυφοσ@x.test", 14},
    {"ПОЧТА@Пример.рф", "почта@пример.рф", 10},
    {"ẞ@x.test", "ß@x.test", 2},
    {"Ⱥ@x.test", "ⱥ@x.test", 3},
    {"日本@x.test", "日本@x.test", 6},
    {SIXTY_FOUR "@x", SIXTY_FOUR "@x", 64},
};

START_TEST(makes_keys)
{
    struct directory_key key;
    struct error error = {0};
    struct view address = view_of_text(well_formed[_i].address);
    ck_assert_msg(directory_key_make(address, &key, &error), "%s: %s", well_formed[_i].address,
                  error.text);
    ck_assert_uint_eq(key.length, strlen(well_formed[_i].key));
    ck_assert_mem_eq(key.text, well_formed[_i].key, key.length);
    ck_assert_uint_eq(key.local_length, well_formed[_i].local_length);
    ck_assert(address_matches(address, &key));
}
END_TEST

static const struct {
    const char *address;
    const char *reason; /* a part of it */
} malformed[] = {
    {"", "no @"},
    {"info", "no @"},
    {"@example.test", "nothing before"},
    {"\"\"@example.test", "nothing before"},
    {"info@", "no domain"},
    {"info@a@b", "no domain has"},
    {"info @x.test", "must be quoted"},
    {"<info@x.test>", "must be quoted"},
    {"info@x.test>", "no domain has"},
    {"info@x test", "no domain has"},
    {"smtp:info@x.test", "must be quoted"},
    {"a,b@x.test", "must be quoted"},
    {"a\tb@x.test", "must be quoted"},
    {"a\x7F@x.test", "must be quoted"},
    {"\"a\tb\"@x.test", "control"},
    {"\"a\\\tb\"@x.test", "control"},
    {"\"a@x.test", "quoted part"},
    {"\"a\\\"@x.test", "quoted part"},
    {"\"a\"b@x.test", "quoted part"},
    {"\"", "quoted part"},
    {"\"a\"", "quoted part"},
    {"a\"b\"@x.test", "must be quoted"},
    {"a@.x.test", "empty"},
    {"a@x..test", "empty"},
    {"a@x.test.", "empty"},
    {"a\xFF@x.test", "UTF-8"},
    {"a\xC3@x.test", "UTF-8"},
    {"a@x\xED\xA0\x80.test", "UTF-8"},
    {"\xC0\xAF@x.test", "UTF-8"},
    {SIXTY_FOUR "a@x.test", "longer than 64"},
    {"\"" SIXTY_FOUR "\"@x.test", "longer than 64"},
    {"a@" SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR, "longer than 255"},
};

START_TEST(refuses_what_is_no_address)
{
    struct directory_key key;
    struct error error = {0};
    ck_assert_msg(!directory_key_make(view_of_text(malformed[_i].address), &key, &error), "%s",
                  malformed[_i].address);
    ck_assert_msg(strstr(error.text, malformed[_i].reason) != NULL, "%s: %s", malformed[_i].address,
                  error.text);
}
END_TEST

/* Every letter of it grows from 2 bytes to 3. */
START_TEST(has_room_for_the_longest)
{
    char address[400] = "";
    char stored[ADDRESS_STORED_SIZE];
    struct directory_key key;
    for (int i = 0; i < 32; i++)
        strcat(address, "Ⱥ");
    strcat(address, "@");
    for (int i = 0; i < 85; i++)
        strcat(address, "Ⱥ");
    ck_assert(directory_key_make(view_of_text(address), &key, NULL));
    ck_assert_uint_eq(key.length, 32 * 3 + 1 + 85 * 3);
    struct view form = address_stored_form(view_of_text(address), &key, stored);
    ck_assert_uint_eq(form.length, 64 + 1 + 255);
    ck_assert(address_matches(form, &key));

    strcat(address, "Ⱥ");
    ck_assert(!directory_key_make(view_of_text(address), &key, NULL));
}
END_TEST

START_TEST(stores_the_local_part_as_given)
{
    char stored[ADDRESS_STORED_SIZE];
    struct directory_key key;
    struct view address = VIEW("\"John Smith\"@EXAMPLE.Test");
    ck_assert(directory_key_make(address, &key, NULL));
    ck_assert(view_equal(address_stored_form(address, &key, stored),
                         VIEW("\"John Smith\"@example.test")));
}
END_TEST

START_TEST(tells_mailboxes_apart)
{
    struct directory_key key;
    ck_assert(directory_key_make(VIEW("john@x.test"), &key, NULL));
    ck_assert(address_matches(VIEW("JOHN@x.test"), &key));
    ck_assert(address_matches(VIEW("\"John\"@x.test"), &key));
    ck_assert(!address_matches(VIEW("johm@x.test"), &key));
    ck_assert(!address_matches(VIEW("john@x.tesu"), &key));
    ck_assert(!address_matches(VIEW("john@x.tes"), &key));
    ck_assert(!address_matches(VIEW("jöhn@x.test"), &key));
    /* The byte that differs from a letter in the bit that tells case, and is none. */
    ck_assert(directory_key_make(VIEW("a`{@x.test"), &key, NULL));
    ck_assert(!address_matches(VIEW("a@[@x.test"), &key));
}
END_TEST

/* 0 when the result is not one character. */
static uint32_t folded_character(uint32_t character)
{
    char text[UTF8_CHARACTER_MAXIMUM], folded[2 * UTF8_CHARACTER_MAXIMUM];
    size_t length = utf8_write_character(character, text), folded_length;
    const unsigned char *data = (const unsigned char *)folded;
    if (!fold_text(view_of(text, length), folded, sizeof folded, &folded_length))
        return 0;
    uint32_t result = utf8_read_character(&data);
    return data == (const unsigned char *)folded + folded_length ? result : 0;
}

/* For every character there is. */
START_TEST(folds_once_and_never_into_ascii)
{
    size_t changed = 0;
    for (uint32_t character = 0x80; character <= 0x10FFFF; character++) {
        bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
        uint32_t folded = is_surrogate ? character : folded_character(character);
        if (folded == character)
            continue;
        changed++;
        ck_assert_msg(folded >= 0x80, "U+%04X folds to U+%04X", (unsigned)character,
                      (unsigned)folded);
        ck_assert_msg(folded_character(folded) == folded, "U+%04X folds twice",
                      (unsigned)character);
    }
    ck_assert_uint_eq(changed, 1426);
}
END_TEST

START_TEST(folds_domains)
{
    struct directory_key key;
    ck_assert(directory_key_of_domain(VIEW("EXAMPLE.test."), &key, NULL));
    ck_assert(view_equal(view_of(key.text, key.length), VIEW("example.test")));
    ck_assert_uint_eq(key.local_length, 0);
    ck_assert(!directory_key_of_domain(VIEW(""), &key, NULL));
    ck_assert(!directory_key_of_domain(VIEW("."), &key, NULL));
    ck_assert(!directory_key_of_domain(VIEW("a@b"), &key, NULL));
}
END_TEST

START_TEST(cleans_display_names)
{
    char text[DISPLAY_NAME_MAXIMUM + 1], long_name[600];
    ck_assert(view_equal(address_clean_display_name(VIEW("  Sales\r\nTeam "), text),
                         VIEW("Sales  Team")));
    ck_assert(view_is_empty(address_clean_display_name(VIEW("M\xFCller"), text)));
    memset(long_name, 'x', sizeof long_name);
    long_name[DISPLAY_NAME_MAXIMUM - 1] = '\xC3';
    long_name[DISPLAY_NAME_MAXIMUM] = '\xBC';
    ck_assert_uint_eq(address_clean_display_name(view_of(long_name, sizeof long_name), text).length,
                      DISPLAY_NAME_MAXIMUM - 1);
}
END_TEST

START_TEST(shows_anything)
{
    char text[ADDRESS_SHOWN_SIZE];
    ck_assert_str_eq(address_show(VIEW("jürgen\x1B[2J"), text), "jürgen?[2J");
    ck_assert_str_eq(address_show(VIEW("j\xFCrgen"), text), "j?rgen");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("address");
    tcase_add_loop_test(tests, makes_keys, 0, sizeof well_formed / sizeof well_formed[0]);
    tcase_add_loop_test(tests, refuses_what_is_no_address, 0,
                        sizeof malformed / sizeof malformed[0]);
    tcase_add_test(tests, has_room_for_the_longest);
    tcase_add_test(tests, stores_the_local_part_as_given);
    tcase_add_test(tests, tells_mailboxes_apart);
    tcase_add_test(tests, folds_once_and_never_into_ascii);
    tcase_add_test(tests, folds_domains);
    tcase_add_test(tests, cleans_display_names);
    tcase_add_test(tests, shows_anything);
    Suite *suite = suite_create("directory_address");
    suite_add_tcase(suite, tests);
    return suite;
}
