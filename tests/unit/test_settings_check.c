/* rooms: config platform base */
/* The rules for texts: what passes and what is kept of it, what does not, and why. */
#include "config/settings_check.h"
#include "config/settings_table.h"
#include "unit.h"

struct check_case {
    const char *text;
    const char *kept; /* NULL: refused */
};

static void run(setting_check check, const struct check_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buffer kept;
        struct error error = {0};
        buffer_init(&kept, SETTINGS_TEXT_MAXIMUM);
        buffer_append_text(&kept, "");
        bool passes = check(view_of_text(cases[i].text), &kept, &error);
        ck_assert_msg(passes == (cases[i].kept != NULL), "\"%s\" %s: %s", cases[i].text,
                      passes ? "passes" : "is refused", error.text);
        if (passes)
            ck_assert_str_eq(kept.data, cases[i].kept);
        else
            ck_assert_int_gt(strlen(error.text), 10);
        buffer_free(&kept);
    }
}

#define RUN(check, ...)                                                                            \
    do {                                                                                           \
        static const struct check_case cases[] = {__VA_ARGS__};                                    \
        run(check, cases, sizeof cases / sizeof cases[0]);                                         \
    } while (0)

START_TEST(listen_address)
{
    RUN(settings_check_listen_address, {"*", "*"}, {"127.0.0.1", "127.0.0.1"}, {"::", "::"},
        {"2001:DB8::0:1", "2001:db8::1"}, {"::ffff:192.0.2.1", "192.0.2.1"}, {"", NULL},
        {"**", NULL}, {"256.0.0.1", NULL}, {"localhost", NULL}, {"[::1]", NULL},
        {"127.0.0.1 ", NULL});
}
END_TEST

START_TEST(name)
{
    RUN(settings_check_name, {"Gate", "Gate"}, {" two words\t", "two words"}, {"Tür 1", "Tür 1"},
        {"", NULL}, {"  ", NULL}, {"a\nb", NULL},
        {"a\x7f"
         "b",
         NULL});
}
END_TEST

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(domain)
{
    RUN(settings_check_domain, {"Example.COM", "example.com"}, {"example.com.", "example.com"},
        {"a", "a"}, {"1a.2b", "1a.2b"}, {"x-y.test", "x-y.test"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"}, {"Bücher.Example", "bücher.example"},
        {LABEL_63 ".test", LABEL_63 ".test"}, {LABEL_63 "a.test", NULL}, {"", NULL}, {".", NULL},
        {"a..b", NULL}, {".a", NULL}, {"a..", NULL}, {"-a.test", NULL}, {"a-.test", NULL},
        {"a_b.test", NULL}, {"a b.test", NULL}, {"a@b.test", NULL}, {"192.0.2.1", NULL},
        {"[192.0.2.1]", NULL}, {"a.12", NULL});
}
END_TEST

START_TEST(host_name)
{
    RUN(settings_check_host_name_or_empty, {"", ""}, {"Gate.Example.Test", "gate.example.test"},
        {"gate", "gate"}, {"192.0.2.1", NULL}, {"bücher.example", NULL}, {"a b", NULL},
        {"*", NULL});
}
END_TEST

START_TEST(host)
{
    RUN(settings_check_host_or_empty, {"", ""}, {"Relay.Example.Test.", "relay.example.test"},
        {"192.0.2.1", "192.0.2.1"}, {"[192.0.2.1]", "192.0.2.1"}, {"2001:DB8::1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"}, {"[relay.test]", NULL}, {"10.0.0.300", NULL},
        {"relay.test:25", NULL}, {"bücher.example", NULL}, {"[]", NULL});
}
END_TEST

#define DOMAIN_255 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63
#define LOCAL_64   LABEL_63 "a"

START_TEST(mailbox)
{
    RUN(settings_check_mailbox_or_empty, {"", ""}, {"Ann.B@Example.Test", "Ann.B@example.test"},
        {"o'neil+x=y@a.test", "o'neil+x=y@a.test"}, {"jürgen@a.test", "jürgen@a.test"},
        {LOCAL_64 "@a.test", LOCAL_64 "@a.test"}, {LOCAL_64 "a@a.test", NULL},
        {"a@" DOMAIN_255, "a@" DOMAIN_255}, {"a@b." DOMAIN_255, NULL}, {"ann", NULL},
        {"@a.test", NULL}, {"ann@", NULL}, {"a@b@c.test", NULL}, {"a b@c.test", NULL},
        {"\"a b\"@c.test", NULL}, {".a@c.test", NULL}, {"a..b@c.test", NULL}, {"a@c..test", NULL},
        {"<a@c.test>", NULL});
}
END_TEST

START_TEST(recipient_pattern)
{
    RUN(settings_check_recipient_pattern, {"Ann@A.test", "Ann@a.test"}, {"*@A.test", "*@a.test"},
        {"", NULL}, {"*", NULL}, {"a.test", NULL}, {"@a.test", NULL}, {"*@*", NULL});
}
END_TEST

START_TEST(ip_range)
{
    RUN(settings_check_ip_range, {"192.0.2.0/24", "192.0.2.0/24"}, {"192.0.2.7", "192.0.2.7"},
        {"192.0.2.7/32", "192.0.2.7"}, {"2001:DB8::/32", "2001:db8::/32"},
        {"2001:db8::1/128", "2001:db8::1"}, {"0.0.0.0/0", "0.0.0.0/0"}, {"", NULL},
        {"10.0.0.0/33", NULL}, {"10.0.0.0/", NULL}, {"10.0.0.1/24", NULL}, {"10.0.0/8", NULL},
        {"10.0.0.0-10.0.0.9", NULL}, {"2001:db8::1/32", NULL});

    struct error error;
    struct buffer kept;
    buffer_init(&kept, 100);
    settings_check_ip_range(view_of_text("10.1.2.3/20"), &kept, &error);
    ck_assert_str_eq(error.text,
                     "\"10.1.2.3/20\" has bits set behind its prefix; write 10.1.0.0/20");
    settings_check_ip_range(view_of_text("2001:db8::5/33"), &kept, &error);
    ck_assert_str_eq(error.text,
                     "\"2001:db8::5/33\" has bits set behind its prefix; write 2001:db8::/33");
    buffer_free(&kept);
}
END_TEST

START_TEST(detail_separator)
{
    RUN(settings_check_detail_separator, {"", ""}, {"+", "+"}, {"-", "-"}, {"=", "="}, {"++", NULL},
        {"a", NULL}, {".", NULL}, {"@", NULL}, {" ", NULL}, {"ü", NULL});
}
END_TEST

START_TEST(folder)
{
    RUN(settings_check_folder_or_empty, {"", ""}, {"D:\\Mail\\Drop", "D:\\Mail\\Drop"},
        {"c:/mail", "c:/mail"}, {"\\\\server\\share", "\\\\server\\share"},
        {"/srv/mail", "/srv/mail"}, {"Drop", NULL}, {"C:Drop", NULL}, {"1:\\x", NULL},
        {"\\Drop", NULL}, {"\\\\", NULL}, {"C:\\a\nb", NULL}, {"..\\x", NULL});
}
END_TEST

START_TEST(shown_values_are_safe_to_print)
{
    char shown[SETTINGS_SHOWN_SIZE];
    char text[300];
    ck_assert_str_eq(settings_show(view_of_text("a\x1b[2J\r\n"), shown), "a?[2J??");
    memset(text, 'x', sizeof text);
    ck_assert_uint_eq(strlen(settings_show(view_of(text, sizeof text), shown)),
                      SETTINGS_SHOWN_SIZE - 1);
}
END_TEST

START_TEST(file)
{
    RUN(settings_check_file_or_empty, {"", ""}, {"/etc/ca.pem", "/etc/ca.pem"},
        {"C:\\ca.pem", "C:\\ca.pem"}, {"ca.pem", NULL}, {"/etc/a\nb", NULL});
}
END_TEST

START_TEST(line)
{
    RUN(settings_check_line_or_empty, {"", ""}, {" dc=example, dc=test ", "dc=example, dc=test"},
        {"a\tb", NULL}, {"a\nb", NULL});
}
END_TEST

START_TEST(server)
{
    RUN(settings_check_server, {"DC1.Example.COM", "dc1.example.com"}, {"dc1", "dc1"},
        {"dc1.example.com.:636", "dc1.example.com:636"}, {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:3269", "192.0.2.1:3269"}, {"2001:DB8::1", "2001:db8::1"},
        {"[2001:DB8::1]", "2001:db8::1"}, {"[2001:db8::1]:636", "[2001:db8::1]:636"}, {"", NULL},
        {":636", NULL}, {"dc1:", NULL}, {"dc1:0", NULL}, {"dc1:65536", NULL}, {"dc1:x", NULL},
        {"[dc1]:636", NULL}, {"[2001:db8::1", NULL}, {"[2001:db8::1]636", NULL},
        {"ldaps://dc1", NULL}, {"dc 1", NULL});
}
END_TEST

START_TEST(dns_server)
{
    RUN(settings_check_dns_server, {"192.0.2.1", "192.0.2.1"}, {"192.0.2.1:53", "192.0.2.1:53"},
        {"[2001:db8::1]:53", "[2001:db8::1]:53"}, {"", NULL}, {"dns.example.com", NULL});
}
END_TEST

START_TEST(ldap_filter)
{
    RUN(settings_check_ldap_filter_or_empty, {"", ""}, {" (a=b) ", "(a=b)"},
        {"(&(a=b)(!(c=\\28*)))", "(&(a=b)(!(c=\\28*)))"}, {"a=b", NULL}, {"(a=b", NULL},
        {"(a=b))", NULL}, {"(a=b)(c=d)", NULL}, {")(", NULL}, {"(a=\n)", NULL});
}
END_TEST

START_TEST(ldap_attribute)
{
    RUN(settings_check_ldap_attribute, {"proxyAddresses", "proxyAddresses"}, {"x-mail", "x-mail"},
        {"2.5.4.3", NULL}, {"", NULL}, {"-x", NULL}, {"mail;lang-en", NULL}, {"a b", NULL});
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("settings_check");
    tcase_add_test(tests, listen_address);
    tcase_add_test(tests, name);
    tcase_add_test(tests, domain);
    tcase_add_test(tests, host_name);
    tcase_add_test(tests, host);
    tcase_add_test(tests, mailbox);
    tcase_add_test(tests, recipient_pattern);
    tcase_add_test(tests, ip_range);
    tcase_add_test(tests, detail_separator);
    tcase_add_test(tests, folder);
    tcase_add_test(tests, shown_values_are_safe_to_print);
    tcase_add_test(tests, file);
    tcase_add_test(tests, line);
    tcase_add_test(tests, server);
    tcase_add_test(tests, dns_server);
    tcase_add_test(tests, ldap_filter);
    tcase_add_test(tests, ldap_attribute);
    Suite *suite = suite_create("settings_check");
    suite_add_tcase(suite, tests);
    return suite;
}
