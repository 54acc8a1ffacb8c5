/* rooms: ldap platform base */
/* The feed: what a directory told, in passes, and what is known then; with the file read again after each step. */
#include "ldap/entry.h"
#include "ldap/feed.h"
#include "ldap/reason.h"
#include "unit.h"

#include <stdio.h>

#define FILE_NAME "unit_directory_feed.db"

static const struct feed_settings settings = {
    .name = "one", .identity = "base", .limits = {.removed_percent = 50, .removed_least = 2}};
static const struct feed_settings other_settings = {
    .name = "two", .identity = "base", .limits = {.removed_percent = 100}};

static struct directory *directory;
static struct feed *feed, *other;

static void open_all(void)
{
    struct error error = {0};
    struct store_source source;
    directory = directory_open_local(FILE_NAME, &error);
    ck_assert_msg(directory != NULL, "%s", error.text);
    feed = feed_create(directory, &settings, &source, &error);
    other = feed_create(directory, &other_settings, &source, &error);
    ck_assert_msg(feed != NULL && other != NULL, "%s", error.text);
}

static void close_all(void)
{
    feed_destroy(feed);
    feed_destroy(other);
    directory_close(directory);
}

static void remove_files(void)
{
    remove(FILE_NAME);
    remove(FILE_NAME "-wal");
    remove(FILE_NAME "-shm");
}

static void set_up(void)
{
    remove_files();
    open_all();
}

static void tear_down(void)
{
    close_all();
    remove_files();
}

static struct object_uuid uuid_of(unsigned number)
{
    struct object_uuid uuid = {.bytes = {(unsigned char)number, (unsigned char)(number >> 8)}};
    return uuid;
}

/* values: as in proxyAddresses, separated by blanks. */
static void put(struct feed *into, unsigned number, const char *values)
{
    struct directory_object object;
    struct view rest = view_of_text(values), value;
    object_init(&object);
    object.uuid = uuid_of(number);
    object.display_name = VIEW("Somebody");
    while (view_split(&rest, ' ', &value))
        ck_assert(object_add_address(&object, value));
    ck_assert(feed_put(into, &object, NULL));
    object_free(&object);
}

static void commit(struct feed *into, const char *cookie, bool complete)
{
    struct error error = {0};
    ck_assert_msg(feed_commit(into, view_of_text(cookie), complete, false, &error), "%s",
                  error.text);
}

static void begin(struct feed *into)
{
    ck_assert(feed_begin(into, NULL));
}

/* A whole pass of one object. */
static void fill(struct feed *into, const char *values)
{
    begin(into);
    put(into, 1, values);
    commit(into, "c", true);
}

static void expect_once(const char *address, enum directory_answer answer, const char *source)
{
    struct directory_entry entry;
    struct directory_reader *reader = directory_reader_create(directory);
    enum directory_answer found = directory_find(reader, view_of_text(address), &entry);
    ck_assert_msg(found == answer, "%s: %d instead of %d", address, (int)found, (int)answer);
    if (source != NULL)
        ck_assert_str_eq(entry.source, source);
    directory_reader_destroy(reader);
}

/* In memory, and when the file is loaded again. */
static void expect(const char *address, enum directory_answer answer, const char *source)
{
    expect_once(address, answer, source);
    close_all();
    open_all();
    expect_once(address, answer, source);
}

START_TEST(nothing_is_absent_before_all_were_read)
{
    expect("a@x.test", DIRECTORY_UNKNOWN, NULL);
    fill(feed, "smtp:a@x.test");
    expect("a@x.test", DIRECTORY_PRESENT, "one");
    expect("b@x.test", DIRECTORY_UNKNOWN, NULL);
    fill(other, "smtp:c@x.test");
    expect("b@x.test", DIRECTORY_ABSENT, NULL);
}
END_TEST

START_TEST(values_of_other_types_are_left_out)
{
    fill(other, "x400:c=us;s=a SIP:s@x.test smtp:NotAnAddress mail@X.test SMTP:Main@x.TEST");
    fill(feed, "smtp:other@x.test");
    expect("main@x.test", DIRECTORY_PRESENT, "two");
    expect("mail@x.test", DIRECTORY_PRESENT, "two");
    expect("s@x.test", DIRECTORY_ABSENT, NULL);
    ck_assert_uint_eq(directory_count(directory), 3);
}
END_TEST

START_TEST(address_stays_until_the_last_holder_is_gone)
{
    struct object_uuid first = uuid_of(1), second = uuid_of(2);
    fill(other, "smtp:x@x.test");
    begin(feed);
    put(feed, 1, "smtp:shared@x.test smtp:a@x.test");
    put(feed, 2, "smtp:Shared@x.test");
    commit(feed, "c", true);
    ck_assert(feed_remove(feed, &first, NULL));
    commit(feed, "d", false);
    expect("shared@x.test", DIRECTORY_PRESENT, "one");
    expect("a@x.test", DIRECTORY_ABSENT, NULL);
    put(other, 7, "smtp:shared@x.test");
    commit(other, "d", false);
    ck_assert(feed_remove(feed, &second, NULL));
    commit(feed, "e", false);
    expect("shared@x.test", DIRECTORY_PRESENT, "two");
    ck_assert_int_eq(directory_add(directory, VIEW("shared@x.test"), VIEW_NONE, NULL),
                     DIRECTORY_CHANGED);
    expect("shared@x.test", DIRECTORY_PRESENT, "local list");
    put(other, 7, "smtp:else@x.test");
    commit(other, "e", false);
    expect("shared@x.test", DIRECTORY_PRESENT, "local list");
    ck_assert_int_eq(directory_remove(directory, VIEW("shared@x.test"), NULL), DIRECTORY_CHANGED);
    expect("shared@x.test", DIRECTORY_ABSENT, NULL);
}
END_TEST

START_TEST(only_a_complete_pass_removes_what_was_not_told)
{
    struct object_uuid second = uuid_of(2);
    fill(other, "smtp:x@x.test");
    begin(feed);
    for (unsigned i = 1; i <= 4; i++) {
        char value[40];
        snprintf(value, sizeof value, "smtp:p%u@x.test", i);
        put(feed, i, value);
    }
    commit(feed, "c", true);
    begin(feed);
    put(feed, 1, "smtp:p1@x.test");
    commit(feed, "d", false);
    expect("p4@x.test", DIRECTORY_PRESENT, "one");
    begin(feed);
    put(feed, 1, "smtp:p1@x.test");
    ck_assert(feed_see(feed, &second, NULL));
    commit(feed, "e", true);
    expect("p2@x.test", DIRECTORY_PRESENT, "one");
    expect("p3@x.test", DIRECTORY_ABSENT, NULL);
}
END_TEST

START_TEST(cookie_goes_with_its_changes)
{
    struct object_uuid stranger = uuid_of(99);
    struct buffer cookie;
    struct error error = {0};
    fill(feed, "smtp:a@x.test");
    put(feed, 2, "smtp:b@x.test");
    ck_assert(feed_see(feed, &stranger, NULL));
    ck_assert(!feed_commit(feed, VIEW("next"), false, false, &error));
    expect("b@x.test", DIRECTORY_UNKNOWN, NULL);
    buffer_init(&cookie, STORE_COOKIE_MAXIMUM);
    ck_assert(feed_cookie(feed, &cookie, NULL));
    ck_assert(view_equal(buffer_view(&cookie), VIEW("c")));
    buffer_free(&cookie);
}
END_TEST

START_TEST(too_many_removed_are_not_believed)
{
    struct error error = {0};
    begin(feed);
    for (unsigned i = 1; i <= 10; i++)
        put(feed, i, "smtp:all@x.test");
    commit(feed, "c", true);
    begin(feed);
    ck_assert(!feed_commit(feed, VIEW("d"), true, false, &error));
    ck_assert(strstr(error.text, "no longer shows 10 of the 10") != NULL);
    expect("all@x.test", DIRECTORY_PRESENT, "one");
    begin(feed);
    ck_assert(feed_commit(feed, VIEW("d"), true, true, &error));
    expect("all@x.test", DIRECTORY_UNKNOWN, NULL);
}
END_TEST

START_TEST(another_identity_is_read_anew_and_serves_meanwhile)
{
    static const struct feed_settings changed = {.name = "one", .identity = "other base"};
    struct store_source source;
    fill(feed, "smtp:a@x.test");
    fill(other, "smtp:x@x.test");
    feed_destroy(feed);
    feed = feed_create(directory, &changed, &source, NULL);
    ck_assert(!source.filled);
    expect_once("a@x.test", DIRECTORY_PRESENT, "one");
    expect_once("b@x.test", DIRECTORY_UNKNOWN, NULL);
}
END_TEST

START_TEST(other_domains_are_left_out)
{
    static const char *const domains[] = {"mine.test"};
    static const struct feed_settings own = {
        .name = "one", .identity = "base", .domains = domains, .domain_count = 1};
    struct store_source source;
    feed_destroy(feed);
    feed = feed_create(directory, &own, &source, NULL);
    fill(feed, "SMTP:a@other.test smtp:b@MINE.test smtp:c@sub.mine.test");
    ck_assert_uint_eq(directory_count(directory), 1);
    expect_once("b@mine.test", DIRECTORY_PRESENT, "one");
}
END_TEST

START_TEST(ranges_are_told_from_names)
{
    struct view attribute;
    long first, last;
    ck_assert(entry_range(VIEW("proxyAddresses;range=0-1499"), &attribute, &first, &last));
    ck_assert(view_equal(attribute, VIEW("proxyAddresses")) && first == 0 && last == 1499);
    ck_assert(entry_range(VIEW("mail;Range=1500-*"), &attribute, &first, &last));
    ck_assert(first == 1500 && last == -1);
    ck_assert(!entry_range(VIEW("mail"), &attribute, &first, &last));
    ck_assert(view_equal(attribute, VIEW("mail")));
    ck_assert(!entry_range(VIEW("mail;range=x-1"), &attribute, &first, &last));
    ck_assert(!entry_range(VIEW("mail;range=99999999-*"), &attribute, &first, &last));
    ck_assert(!entry_range(VIEW("mail;range="), &attribute, &first, &last));
}
END_TEST

START_TEST(reasons_are_in_words)
{
    static const char said[] =
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, "
        "data 533, v1db1";
    struct error error;
    ck_assert(!reason_of_bind(&error, LDAP_INVALID_CREDENTIALS, view_of_text(said), "svc"));
    ck_assert_str_eq(error.text, "The account svc cannot be used: it is disabled. Enable it.");
    reason_of_bind(&error, LDAP_INVALID_CREDENTIALS, VIEW("data "), "svc");
    ck_assert(strstr(error.text, "password is wrong") != NULL);
    reason_of_result(&error, LDAP_OTHER, VIEW("line\r\nbreak"), "it failed");
    ck_assert(strchr(error.text, '\n') == NULL);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("feed");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, nothing_is_absent_before_all_were_read);
    tcase_add_test(tests, values_of_other_types_are_left_out);
    tcase_add_test(tests, address_stays_until_the_last_holder_is_gone);
    tcase_add_test(tests, only_a_complete_pass_removes_what_was_not_told);
    tcase_add_test(tests, cookie_goes_with_its_changes);
    tcase_add_test(tests, too_many_removed_are_not_believed);
    tcase_add_test(tests, another_identity_is_read_anew_and_serves_meanwhile);
    tcase_add_test(tests, other_domains_are_left_out);
    tcase_add_test(tests, ranges_are_told_from_names);
    tcase_add_test(tests, reasons_are_in_words);
    Suite *suite = suite_create("directory_feed");
    suite_add_tcase(suite, tests);
    return suite;
}
