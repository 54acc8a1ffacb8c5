/* rooms: smtp base */
#include "smtp/address.h"
#include "unit.h"

#include <stdio.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

#define LABEL63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

/* rest: what stands behind the path. */
static const struct {
    const char *path;
    enum smtp_path_error error;
    const char *local_part;
    const char *domain;
    const char *rest;
} paths[] = {
    {"<a@example.org>", SMTP_PATH_OK, "a", "example.org", ""},
    {"<a@example.org> SIZE=1", SMTP_PATH_OK, "a", "example.org", " SIZE=1"},
    {"<a@example.org>>", SMTP_PATH_OK, "a", "example.org", ">"},
    {"<A.b+c=d_e-f@EXAMPLE.org>", SMTP_PATH_OK, "A.b+c=d_e-f", "EXAMPLE.org", ""},
    {"<!#$%&'*+-/=?^_`{|}~@x>", SMTP_PATH_OK, "!#$%&'*+-/=?^_`{|}~", "x", ""},
    {"<a@example.org.>", SMTP_PATH_OK, "a", "example.org", ""},
    {"<@relay.test,@b.test:a@example.org>", SMTP_PATH_OK, "a", "example.org", ""},
    {"<@[192.0.2.1]:a@example.org>", SMTP_PATH_OK, "a", "example.org", ""},
    {"<postmaster>", SMTP_PATH_OK, "postmaster", "", ""},
    {"<PostMaster>", SMTP_PATH_OK, "PostMaster", "", ""},
    {"<\"a b\"@example.org>", SMTP_PATH_OK, "\"a b\"", "example.org", ""},
    {"<\"a@b>\"@example.org>", SMTP_PATH_OK, "\"a@b>\"", "example.org", ""},
    {"<\"a\\\"b\\\\\"@example.org>", SMTP_PATH_OK, "\"a\\\"b\\\\\"", "example.org", ""},
    {"<\"\"@example.org>", SMTP_PATH_OK, "\"\"", "example.org", ""},
    {"<a@[192.0.2.1]>", SMTP_PATH_OK, "a", "[192.0.2.1]", ""},
    {"<a@[IPv6:2001:db8::1]>", SMTP_PATH_OK, "a", "[IPv6:2001:db8::1]", ""},
    {"<a@[ipv6:::1]>", SMTP_PATH_OK, "a", "[ipv6:::1]", ""},
    {"<a@1.2>", SMTP_PATH_OK, "a", "1.2", ""},
    {"<a@x-y.test>", SMTP_PATH_OK, "a", "x-y.test", ""},
    {"<a@" LABEL63 ".test>", SMTP_PATH_OK, "a", LABEL63 ".test", ""},
    {"<" LABEL63 "more@x>", SMTP_PATH_OK, LABEL63 "more", "x", ""},

    {"", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"a@example.org", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<>", SMTP_PATH_SYNTAX, NULL, NULL, NULL}, /* unless it is allowed */
    {"<a>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<postmaster@>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@example.org", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@b@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"< a@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@example.org >", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a b@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<.a@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a.@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a..b@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a(b)@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a\tb@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<\"a@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<\"a\\\"@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<\"a\\", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<\"a\tb\"@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<\"a\"b@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@.example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@example..org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@-example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@example-.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@exa_mple.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@x" LABEL63 ".test>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@.>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@[192.0.2.256]>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@[2001:db8::1]>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@[IPv6:192.0.2.1]>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@[tag:content]>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@[192.0.2.1>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<a@[]>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<@relay.test a@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<@relay.test,:a@example.org>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<@relay.test:>", SMTP_PATH_SYNTAX, NULL, NULL, NULL},
    {"<\xC3\xB6@example.org>", SMTP_PATH_NEEDS_UTF8, NULL, NULL, NULL},
    {"<a@\xC3\xB6.example>", SMTP_PATH_NEEDS_UTF8, NULL, NULL, NULL},
    {"<\"\xC3\xB6\"@example.org>", SMTP_PATH_NEEDS_UTF8, NULL, NULL, NULL},
};

static void check_text(struct view view, const char *text)
{
    char copy[300];
    view_copy_text(view, copy, sizeof copy);
    ck_assert_str_eq(copy, text);
}

START_TEST(reads_paths)
{
    struct view text = view_of_text(paths[_i].path);
    struct view whole = text;
    struct smtp_address address;
    ck_assert_int_eq(smtp_parse_path(&text, false, false, &address), paths[_i].error);
    if (paths[_i].error != SMTP_PATH_OK) {
        ck_assert_ptr_eq(text.data, whole.data); /* nothing is taken off */
        return;
    }
    check_text(address.local_part, paths[_i].local_part);
    check_text(address.domain, paths[_i].domain);
    check_text(text, paths[_i].rest);
    ck_assert_ptr_eq(address.text.data, address.local_part.data);
    ck_assert_ptr_eq(address.text.data + address.text.length,
                     address.domain.data + address.domain.length);
}
END_TEST

/* The same without brackets, where nothing may follow. */
START_TEST(reads_mailboxes)
{
    struct view text = view_of_text(paths[_i].path);
    struct smtp_address address;
    bool plain =
        paths[_i].error == SMTP_PATH_OK && paths[_i].rest[0] == '\0' && text.data[1] != '@';
    if (!plain)
        return;
    text = view_first(view_from(text, 1), text.length - 2);
    ck_assert_int_eq(smtp_parse_mailbox(text, false, &address), SMTP_PATH_OK);
    check_text(address.local_part, paths[_i].local_part);
    check_text(address.domain, paths[_i].domain);
}
END_TEST

START_TEST(refuses_what_is_behind_a_mailbox)
{
    struct smtp_address address;
    ck_assert_int_eq(smtp_parse_mailbox(VIEW("a@example.org x"), false, &address),
                     SMTP_PATH_SYNTAX);
    ck_assert_int_eq(smtp_parse_mailbox(VIEW("a@example.org>"), false, &address), SMTP_PATH_SYNTAX);
    ck_assert_int_eq(smtp_parse_mailbox(VIEW(""), false, &address), SMTP_PATH_SYNTAX);
    ck_assert_int_eq(smtp_parse_mailbox(VIEW_NONE, false, &address), SMTP_PATH_SYNTAX);
    ck_assert_int_eq(smtp_parse_mailbox(VIEW("a\0@example.org"), false, &address),
                     SMTP_PATH_SYNTAX);
}
END_TEST

START_TEST(null_path_where_it_is_allowed)
{
    struct view text = VIEW("<> BODY=7BIT");
    struct smtp_address address;
    ck_assert_int_eq(smtp_parse_path(&text, true, false, &address), SMTP_PATH_OK);
    ck_assert_uint_eq(address.text.length, 0);
    ck_assert_ptr_nonnull(address.text.data);
    check_text(text, " BODY=7BIT");
}
END_TEST

static const struct {
    const char *path;
    enum smtp_path_error error;
} utf8_paths[] = {
    {"<\xC3\xB6@example.org>", SMTP_PATH_OK},
    {"<a@\xC3\xB6\xC3\xA4.example>", SMTP_PATH_OK},
    {"<\"\xC3\xB6 \xE2\x82\xAC\"@example.org>", SMTP_PATH_OK},
    {"<\xF0\x9F\x93\xAC@\xE4\xBE\x8B.example>", SMTP_PATH_OK},
    {"<\xC3@example.org>", SMTP_PATH_SYNTAX},
    {"<\"\xC3\"@example.org>", SMTP_PATH_SYNTAX},
    {"<a@\xED\xA0\x80.example>", SMTP_PATH_SYNTAX},
};

START_TEST(reads_utf8_where_it_was_asked)
{
    struct view text = view_of_text(utf8_paths[_i].path);
    struct smtp_address address;
    ck_assert_int_eq(smtp_parse_path(&text, false, true, &address), utf8_paths[_i].error);
}
END_TEST

START_TEST(limits_the_length)
{
    char path[400];
    struct smtp_address address;
    for (size_t local = 250; local < 260; local++) {
        memset(path, 'a', sizeof path);
        path[0] = '<';
        size_t length = local + 4;
        memcpy(path + local + 1, "@b>", 3);
        struct view text = view_of(path, length);
        ck_assert_int_eq(smtp_parse_path(&text, false, false, &address),
                         length <= SMTP_PATH_MAXIMUM ? SMTP_PATH_OK : SMTP_PATH_TOO_LONG);
        ck_assert_int_eq(smtp_parse_mailbox(view_of(path + 1, length - 2), false, &address),
                         length <= SMTP_PATH_MAXIMUM ? SMTP_PATH_OK : SMTP_PATH_TOO_LONG);
    }
    int length =
        snprintf(path, sizeof path, "<a@" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".x>");
    struct view text = view_of(path, (size_t)length);
    ck_assert_int_eq(smtp_parse_path(&text, false, false, &address), SMTP_PATH_TOO_LONG);
}
END_TEST

static const struct {
    const char *text;
    bool is_domain;
} domains[] = {
    {"example.org", true},   {"localhost", true},    {"a.b.c.d", true},   {"3com.test", true},
    {"x--y.test", true},     {LABEL63, true},        {"", false},         {".", false},
    {"example.org.", false}, {"[192.0.2.1]", false}, {"a b.test", false}, {"a_b.test", false},
    {"a.-b.test", false},    {"x" LABEL63, false},   {"a@b", false},      {"\xC3\xB6.test", false},
};

START_TEST(knows_domains)
{
    ck_assert_int_eq(smtp_is_domain(view_of_text(domains[_i].text), false), domains[_i].is_domain);
}
END_TEST

START_TEST(knows_internationalised_domains)
{
    ck_assert(smtp_is_domain(VIEW("\xC3\xB6.test"), true));
    ck_assert(!smtp_is_domain(VIEW("\xC3.test"), true));
    ck_assert(!smtp_is_domain(VIEW("a b.test"), true));
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("address");
    tcase_add_loop_test(tests, reads_paths, 0, COUNT(paths));
    tcase_add_loop_test(tests, reads_mailboxes, 0, COUNT(paths));
    tcase_add_test(tests, refuses_what_is_behind_a_mailbox);
    tcase_add_test(tests, null_path_where_it_is_allowed);
    tcase_add_loop_test(tests, reads_utf8_where_it_was_asked, 0, COUNT(utf8_paths));
    tcase_add_test(tests, limits_the_length);
    tcase_add_loop_test(tests, knows_domains, 0, COUNT(domains));
    tcase_add_test(tests, knows_internationalised_domains);
    Suite *suite = suite_create("smtp address");
    suite_add_tcase(suite, tests);
    return suite;
}
