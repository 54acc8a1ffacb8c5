/* rooms: platform base */
/* with: platform_folder.c */
#include "unit.h"

#include "base/memory.h"
#include "platform/eventlog.h"
#include "platform/file.h"
#include "platform_folder.h"

#include <stdio.h>

static char *folder;
static char *path;

static void make_folder(void)
{
    folder = scratch_folder();
    path = path_join(folder, "events.log");
}

static void remove_folder(void)
{
    memory_free(path);
    scratch_remove(folder);
}

static struct event_log *open_log(const char *journal, uint64_t bytes)
{
    struct error error;
    struct event_log *log = event_log_open(journal, bytes, &error);
    ck_assert_msg(log != NULL, "%s", error.text);
    return log;
}

START_TEST(an_event_is_one_line)
{
    struct event_log *log = open_log(path, 100000);
    struct event_sink sink = event_log_sink(log);
    event_report(&sink, EVENT_LISTEN_FAILED, "Default", "127.0.0.1:25", "Two\r\nlines.", NULL);
    event_log_close(log);
    char *text = scratch_text(path);
    /* Behind the time, which has a fixed length. */
    ck_assert_uint_gt(strlen(text), 25);
    ck_assert_str_eq(text + 24,
                     " 201 Error ListenFailed: Virtual server \"Default\" cannot listen on "
                     "127.0.0.1:25: Two  lines. Stop the other program that uses this address and "
                     "port, or change the address of the virtual server.\n");
    memory_free(text);
}
END_TEST

START_TEST(journal_goes_on_where_it_was)
{
    for (int i = 0; i < 2; i++) {
        struct event_log *log = open_log(path, 100000);
        struct event_sink sink = event_log_sink(log);
        event_report(&sink, EVENT_STOPPED, "0", NULL);
        event_log_close(log);
    }
    char *text = scratch_text(path);
    const char *second = strchr(text, '\n');
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_nonnull(strstr(second, " 101 Information Stopped: "));
    memory_free(text);
}
END_TEST

START_TEST(journal_stays_below_its_maximum)
{
    const uint64_t maximum = 1000;
    char *old = path_join(folder, "events.log.1");
    struct event_log *log = open_log(path, maximum);
    struct event_sink sink = event_log_sink(log);
    uint64_t bytes;
    for (int i = 0; i < 40; i++) {
        event_report(&sink, EVENT_STOPPED, "0", NULL);
        ck_assert(file_size(path, &bytes, NULL));
        ck_assert_uint_le(bytes, maximum);
    }
    event_log_close(log);
    ck_assert(file_size(old, &bytes, NULL));
    ck_assert_uint_le(bytes, maximum);
    memory_free(old);
}
END_TEST

START_TEST(no_journal_is_no_failure)
{
    struct event_log *log = open_log(NULL, 0);
    struct event_sink sink = event_log_sink(log);
    event_report(&sink, EVENT_STOPPED, "0", NULL);
    event_log_close(log);
}
END_TEST

START_TEST(journal_that_cannot_be_opened_is_one)
{
    char *impossible = path_join(path, "events.log");
    struct error error;
    ck_assert_ptr_null(event_log_open(impossible, 1000, &error));
    ck_assert_msg(strstr(error.text, impossible) != NULL, "%s", error.text);
    memory_free(impossible);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("journal");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, an_event_is_one_line);
    tcase_add_test(tests, journal_goes_on_where_it_was);
    tcase_add_test(tests, journal_stays_below_its_maximum);
    tcase_add_test(tests, no_journal_is_no_failure);
    tcase_add_test(tests, journal_that_cannot_be_opened_is_one);
    Suite *suite = suite_create("platform event log");
    suite_add_tcase(suite, tests);
    return suite;
}
