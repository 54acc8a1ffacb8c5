/* rooms: platform base */
/* with: ../../service/log_file.c platform_folder.c */
/* The log file: its lines, and what happens when it has grown. */
#include "base/memory.h"
#include "log_file.h"
#include "platform/file.h"
#include "platform_folder.h"
#include "unit.h"

#include <stdio.h>

static char *folder;
static char *path;
static char *older_path;

static void setup(void)
{
    folder = scratch_folder();
    path = path_join(folder, "gatepost.log");
    older_path = path_join(folder, "gatepost.log.1");
}

static void teardown(void)
{
    memory_free(path);
    memory_free(older_path);
    scratch_remove(folder);
}

static struct log_file *open_log(uint64_t maximum_bytes, enum log_level level)
{
    struct error error;
    struct log_file *log = log_file_open(path, maximum_bytes, false, level, &error);
    ck_assert_str_eq(error.text, "");
    return log;
}

START_TEST(writes_lines_with_their_time)
{
    struct log_file *log = open_log(100000, LOG_INFORMATION);
    log_line(LOG_WARNING, 0, "first %d", 1);
    log_line(LOG_DEBUG, 0, "too much");
    log_line(LOG_ERROR, 0, "second");
    log_file_close(log);
    log_line(LOG_ERROR, 0, "too late");
    char *contents = scratch_text(path);
    /* 2026-11-24T10:00:00.000Z */
    const char *behind_time = contents + 24;
    const char *first = " warning - first 1\n";
    ck_assert_uint_gt(strlen(contents), 24 + strlen(first));
    ck_assert_int_eq(behind_time[-1], 'Z');
    ck_assert(strncmp(behind_time, first, strlen(first)) == 0);
    ck_assert_str_eq(behind_time + strlen(first) + 24, " error - second\n");
    memory_free(contents);
}
END_TEST

START_TEST(goes_on_behind_what_is_there)
{
    log_file_close(open_log(100000, LOG_INFORMATION));
    for (int i = 0; i < 3; i++) {
        struct log_file *log = open_log(100000, LOG_INFORMATION);
        log_line(LOG_ERROR, 0, "again");
        log_file_close(log);
    }
    char *contents = scratch_text(path);
    ck_assert_uint_eq(strlen(contents), 3 * strlen("2026-11-24T10:00:00.000Z error - again\n"));
    memory_free(contents);
}
END_TEST

START_TEST(begins_anew_when_it_is_large)
{
    struct log_file *log = open_log(1000, LOG_INFORMATION);
    for (int i = 0; i < 100; i++)
        log_line(LOG_ERROR, 0, "line %02d", i);
    log_file_close(log);
    char *newer = scratch_text(path);
    char *older = scratch_text(older_path);
    ck_assert_uint_le(strlen(newer), 1000);
    ck_assert_uint_le(strlen(older), 1000);
    ck_assert_ptr_nonnull(strstr(newer, "line 99\n"));
    /* Nothing is missing between the two. */
    long first_of_newer = strtol(strstr(newer, "line ") + 5, NULL, 10);
    char last_of_older[20];
    snprintf(last_of_older, sizeof(last_of_older), "line %02ld\n", first_of_newer - 1);
    ck_assert_str_eq(older + strlen(older) - strlen(last_of_older), last_of_older);
    memory_free(newer);
    memory_free(older);
}
END_TEST

START_TEST(says_when_it_cannot_write)
{
    struct error error;
    char *nowhere = path_join(folder, "missing/gatepost.log");
    struct log_file *log = log_file_open(nowhere, 1000, false, LOG_INFORMATION, &error);
    ck_assert_ptr_nonnull(log);
    ck_assert_str_ne(error.text, "");
    log_line(LOG_ERROR, 0, "lost");
    log_file_close(log);
    memory_free(nowhere);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("log_file");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, writes_lines_with_their_time);
    tcase_add_test(tests, goes_on_behind_what_is_there);
    tcase_add_test(tests, begins_anew_when_it_is_large);
    tcase_add_test(tests, says_when_it_cannot_write);
    Suite *suite = suite_create("hall");
    suite_add_tcase(suite, tests);
    return suite;
}
