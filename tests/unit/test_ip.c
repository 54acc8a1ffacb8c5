/* rooms: base */
#include "base/ip.h"
#include "unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* written: NULL when the text is no address. */
static const struct {
    const char *text;
    const char *written;
} addresses[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"256.0.0.1", NULL},
    {"1.2.3", NULL},
    {"1.2.3.4.5", NULL},
    {"1.2.3.", NULL},
    {"01.2.3.4", NULL},
    {"1.2.3.4 ", NULL},
    {"", NULL},
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
    {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
    {"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::ffff:c000:201", "192.0.2.1"},
    {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    {"1:2:3:4:5:6:7:1.2.3.4", NULL},
    {"1.2.3.4::", NULL},
    {"1:2:3:4:5:6:7", NULL},
    {"1:2:3:4:5:6:7:8:9", NULL},
    {"1:2:3:4:5:6:7:8:", NULL},
    {"1:2:3:4::5:6:7:8", NULL},
    {"1::2::3", NULL},
    {":::", NULL},
    {":1::", NULL},
    {"1:", NULL},
    {":", NULL},
    {"12345::", NULL},
    {"g::", NULL},
    {"fe80::1%eth0", NULL},
    {"[::1]", NULL},
};

START_TEST(reads_and_writes_addresses)
{
    struct ip_address address, again;
    char text[IP_TEXT_SIZE];
    bool is_address = addresses[_i].written != NULL;
    ck_assert_int_eq(ip_parse(view_of_text(addresses[_i].text), &address), is_address);
    if (!is_address)
        return;
    ip_format(&address, text);
    ck_assert_str_eq(text, addresses[_i].written);
    ck_assert(ip_parse(view_of_text(text), &again));
    ck_assert(ip_equal(&address, &again));
}
END_TEST

START_TEST(writes_the_longest_address)
{
    struct ip_address address;
    char text[IP_TEXT_SIZE];
    const char *longest = "2001:db81:ffff:ffff:ffff:ffff:ffff:ffff";
    ck_assert(ip_parse(view_of_text(longest), &address));
    ip_format(&address, text);
    ck_assert_str_eq(text, longest);
}
END_TEST

static const struct {
    const char *range;
    const char *address;
    bool is_range;
    bool contains;
} ranges[] = {
    {"192.0.2.0/24", "192.0.2.255", true, true},
    {"192.0.2.0/24", "192.0.3.0", true, false},
    {"192.0.2.128/25", "192.0.2.127", true, false},
    {"192.0.2.128/25", "192.0.2.128", true, true},
    {"192.0.2.1", "192.0.2.1", true, true},
    {"192.0.2.1", "192.0.2.2", true, false},
    {"0.0.0.0/0", "203.0.113.9", true, true},
    {"0.0.0.0/0", "::1", true, false},
    {"::/0", "::1", true, true},
    {"::/0", "203.0.113.9", true, false},
    {"2001:db8::/32", "2001:db8:ffff::1", true, true},
    {"2001:db8::/32", "2001:db9::", true, false},
    {"2001:db8::/33", "2001:db8:8000::", true, false},
    {"::ffff:192.0.2.0/120", "192.0.2.7", true, true},
    {"192.0.2.0/24", "::ffff:192.0.2.7", true, true},
    {"192.0.2.1/24", "192.0.2.1", false, false}, /* bits behind the prefix */
    {"2001:db8::1/64", "::", false, false},
    {"::ffff:0:0/95", "::", false, false},
    {"192.0.2.0/33", "::", false, false},
    {"192.0.2.0/", "::", false, false},
    {"192.0.2.0/-1", "::", false, false},
    {"192.0.2.0/24/24", "::", false, false},
    {"2001:db8::/129", "::", false, false},
    {"", "::", false, false},
};

START_TEST(knows_what_a_range_contains)
{
    struct ip_range range;
    struct ip_address address;
    ck_assert_int_eq(ip_range_parse(view_of_text(ranges[_i].range), &range), ranges[_i].is_range);
    ck_assert(ip_parse(view_of_text(ranges[_i].address), &address));
    if (ranges[_i].is_range)
        ck_assert_int_eq(ip_range_contains(&range, &address), ranges[_i].contains);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("ip");
    tcase_add_loop_test(tests, reads_and_writes_addresses, 0, COUNT(addresses));
    tcase_add_test(tests, writes_the_longest_address);
    tcase_add_loop_test(tests, knows_what_a_range_contains, 0, COUNT(ranges));
    Suite *suite = suite_create("ip");
    suite_add_tcase(suite, tests);
    return suite;
}
