/* rooms: spool platform base */
/* with: spool_world.c fault_vfs.c */
/* The message store on a disk that fails, and killed between any two writes. */
#include "unit.h"

#include "fault_vfs.h"
#include "spool/database.h"
#include "spool_world.h"

#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#define PATH "unit_spool_faults.db"

static struct answers *answers;

static void set_up(void)
{
    events_forget();
    fault_vfs_set(FAULT_NONE, 0);
    spool_world_clean(PATH);
    answers = answers_create();
}

static void tear_down(void)
{
    fault_vfs_set(FAULT_NONE, 0);
    answers_destroy(answers);
    spool_world_clean(PATH);
}

/* ---- errors ---- */

static const enum fault errors[] = {FAULT_IO_ERROR, FAULT_DISK_FULL, FAULT_SYNC_ERROR};

/* Changes of a small commit: header and content of each page of the log, at last the sync. */
static const int places[] = {1, 4, 9};

#define ERRORS         (int)(sizeof errors / sizeof errors[0])
#define PLACES         (int)(sizeof places / sizeof places[0])
#define BEFORE_FAILURE 3

/* Each error at each place. */
START_TEST(answers_not_stored_and_recovers)
{
    struct spool *spool = spool_world_open(PATH, NULL);
    struct spool_reader *reader = spool_reader_create(spool, NULL);
    for (ident message = 1; message <= BEFORE_FAILURE; message++)
        ck_assert(bring_message(spool, message, 4000, 1, answers));
    answers_wait(answers, BEFORE_FAILURE);

    fault_vfs_set(errors[_i % ERRORS], places[_i / ERRORS]);
    ck_assert(bring_message(spool, 10, 4000, 1, answers));
    answers_wait(answers, BEFORE_FAILURE + 1);
    /* A commit may be done before its k-th change: then the next one meets it. */
    if (answers->not_stored == 0) {
        ck_assert(bring_message(spool, 11, 4000, 1, answers));
        answers_wait(answers, BEFORE_FAILURE + 2);
    }
    ck_assert_uint_eq(answers->not_stored, 1);
    ck_assert_int_eq(spool_state(spool), SPOOL_FAILING);
    ck_assert(answers->last_error.code != 0);
    ck_assert_ptr_nonnull(strstr(answers->last_error.text, "the message store: "));
    ck_assert(!bring_message(spool, 12, 10, 1, answers));

    unsigned stored = answers->stored;
    settle(spool, 1, 0, answers); /* is owed until the store recovers */
    pause_a_little();
    ck_assert_uint_eq(answers->stored, stored);
    fault_vfs_set(FAULT_NONE, 0);
    answers_wait(answers, stored + 2);
    ck_assert(state_becomes(spool, SPOOL_READY));
    ck_assert_uint_eq(answers->not_stored, 1);
    ck_assert_uint_eq(events_seen(EVENT_STORE_FAILED), 1);
    ck_assert_uint_eq(events_seen(EVENT_STORE_RECOVERED), 1);

    ck_assert(bring_message(spool, 13, 4000, 1, answers));
    answers_wait(answers, stored + 3);
    ck_assert(!is_there_whole(reader, 1, 4000));
    ck_assert(is_there_whole(reader, 2, 4000));
    ck_assert(is_there_whole(reader, 13, 4000));
    spool_reader_destroy(reader);
    spool_close(spool);
}
END_TEST

START_TEST(answers_those_behind_a_failed_group_too)
{
    struct spool *spool = spool_world_open(PATH, NULL);
    struct spool_options options = spool_world_options();
    options.group_messages = 2;
    spool_set_options(spool, &options);
    hold_writer(spool, answers);
    fault_vfs_set(FAULT_IO_ERROR, 1);
    for (ident message = 2; message <= 7; message++)
        ck_assert(bring_message(spool, message, 100, 1, answers));
    settle(spool, 1, 0, answers);
    let_go();
    answers_wait(answers, 7);
    ck_assert_uint_eq(answers->stored, 1);
    ck_assert_uint_eq(answers->not_stored, 6);
    fault_vfs_set(FAULT_NONE, 0);
    answers_wait(answers, 8);
    ck_assert_uint_eq(answers->stored, 2);
    spool_close(spool);
}
END_TEST

START_TEST(a_message_that_lost_a_chunk_is_never_stored)
{
    struct spool *spool = spool_world_open(PATH, NULL);
    struct spool_incoming *incoming = spool_begin(spool, 1, answers_resume, answers);
    ck_assert(bring_content(incoming, 1, 100000, 10000, answers));
    fault_vfs_set(FAULT_IO_ERROR, 1);
    bool goes_on = true;
    for (int i = 0; i < 100 && goes_on; i++)
        goes_on = bring_content(incoming, 1, 10000, 10000, answers);
    ck_assert(!goes_on); /* and was aborted by bring_content() */

    /* One whose chunk is lost behind its back. */
    fault_vfs_set(FAULT_NONE, 0);
    ck_assert(state_becomes(spool, SPOOL_READY));
    incoming = spool_begin(spool, 2, answers_resume, answers);
    ck_assert(bring_content(incoming, 2, SPOOL_CHUNK_BYTES, 10000, answers));
    fault_vfs_set(FAULT_IO_ERROR, 1);
    spool_append(incoming, "x", 1);
    ck_assert(state_becomes(spool, SPOOL_FAILING));
    fault_vfs_set(FAULT_NONE, 0);
    ck_assert(state_becomes(spool, SPOOL_READY));
    ck_assert_int_eq(spool_append(incoming, "x", 1), SPOOL_REFUSE);
    commit_message(incoming, 2, SPOOL_CHUNK_BYTES + 1, 1, answers);
    answers_wait(answers, 1);
    ck_assert_uint_eq(answers->not_stored, 1);
    spool_close(spool);

    sqlite3_int64 rows = -1;
    sqlite3 *database = spool_database_open(PATH, SQLITE_OPEN_READWRITE, NULL);
    ck_assert(spool_database_number(database, "SELECT count(*) FROM chunk", &rows, NULL));
    ck_assert_int_eq(rows, 0);
    sqlite3_close(database);
}
END_TEST

START_TEST(closing_a_failing_store_answers_all)
{
    struct spool *spool = spool_world_open(PATH, NULL);
    ck_assert(bring_message(spool, 1, 10, 1, answers));
    answers_wait(answers, 1);
    fault_vfs_set(FAULT_IO_ERROR, 1);
    ck_assert(bring_message(spool, 2, 10, 1, answers));
    settle(spool, 1, 0, answers);
    spool_close(spool);
    ck_assert_uint_eq(answers->stored, 1);
    ck_assert_uint_eq(answers->not_stored, 2);

    fault_vfs_set(FAULT_NONE, 0);
    struct spool_recovery recovery;
    spool = spool_world_open(PATH, &recovery);
    ck_assert(!recovery.was_clean);
    ck_assert_uint_eq(recovery.messages, 1);
    spool_close(spool);
}
END_TEST

/* ---- crash ---- */

#ifndef _WIN32

#define SMALL_MESSAGES 6
#define LARGE_MESSAGE  (SMALL_MESSAGES + 1)
#define LARGE_SIZE     (3 * SPOOL_CHUNK_BYTES + 5)
#define SETTLED        2 /* the first ones */

static uint64_t size_of(ident message)
{
    return message == LARGE_MESSAGE ? LARGE_SIZE : 1000 * message;
}

/* What the child was told before it died. */
struct told {
    bool stored[LARGE_MESSAGE + 1];
    bool settled[LARGE_MESSAGE + 1];
};

static void tell(int to_parent, char kind, ident message)
{
    char note[2] = {kind, (char)message};
    if (write(to_parent, note, sizeof note) != sizeof note)
        _exit(1);
}

/* Nothing here may fail a test: it is another process. */
static void live_until_killed(enum fault fault, int k, int to_parent)
{
    fault_vfs_set(fault, k);
    struct spool_options options = spool_world_options();
    struct spool_recovery recovery;
    struct error error;
    unsigned answered = 0;
    struct spool *spool = spool_open(PATH, &options, &recovery, &error);
    if (spool == NULL)
        _exit(1);
    for (ident message = 1; message <= LARGE_MESSAGE; message++) {
        bring_message(spool, message, size_of(message), 1, answers);
        answers_wait(answers, ++answered);
        tell(to_parent, 's', message);
        if (message <= SETTLED) {
            settle(spool, message, 0, answers);
            answers_wait(answers, ++answered);
            tell(to_parent, 'd', message);
        }
    }
    spool_close(spool);
    tell(to_parent, 'c', (ident)(fault_vfs_changes() < 127 ? fault_vfs_changes() : 127));
    _exit(0);
}

/* Returns the number of changes when the child came to its end, else 0. */
static int run_child(enum fault fault, int k, struct told *told)
{
    int ends[2];
    unsigned char note[2];
    int changes = 0;
    int status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        live_until_killed(fault, k, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], note, sizeof note) == sizeof note) {
        if (note[0] == 's')
            told->stored[note[1]] = true;
        else if (note[0] == 'd')
            told->settled[note[1]] = true;
        else
            changes = note[1];
    }
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return changes;
}

static void check_after_crash(const struct told *told, int k)
{
    struct spool_recovery recovery;
    struct spool *spool = spool_world_open(PATH, &recovery);
    struct spool_reader *reader = spool_reader_create(spool, NULL);
    uint64_t there = 0;
    for (ident message = 1; message <= LARGE_MESSAGE; message++) {
        bool is_there = is_there_whole(reader, message, size_of(message));
        there += is_there;
        if (told->settled[message])
            ck_assert_msg(!is_there, "k %d: message %d is back", k, (int)message);
        else if (told->stored[message] && message > SETTLED)
            ck_assert_msg(is_there, "k %d: message %d is lost", k, (int)message);
        if (told->stored[message])
            ck_assert_uint_ge(recovery.greatest_message, message);
    }
    ck_assert_uint_eq(recovery.messages, there);
    spool_reader_destroy(reader);
    spool_close(spool);
}

START_TEST(survives_a_crash_between_any_two_writes)
{
    enum fault fault = _i == 0 ? FAULT_KILL : FAULT_POWER_CUT;
    int changes = 0;
    int k = 1;
    for (; changes == 0; k++) {
        struct told told = {0};
        spool_world_clean(PATH);
        changes = run_child(fault, k, &told);
        fault_vfs_set(FAULT_NONE, 0);
        check_after_crash(&told, k);
    }
    /* The loop has met what it was made for. */
    ck_assert_int_gt(k, 50);
}
END_TEST

#endif

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 300);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, answers_not_stored_and_recovers, 0, ERRORS * PLACES);
    tcase_add_test(tests, answers_those_behind_a_failed_group_too);
    tcase_add_test(tests, a_message_that_lost_a_chunk_is_never_stored);
    tcase_add_test(tests, closing_a_failing_store_answers_all);
#ifndef _WIN32
    /* Windows has no fork(): there the process that dies is tests/system's service. */
    tcase_add_loop_test(tests, survives_a_crash_between_any_two_writes, 0, 2);
#endif
    Suite *suite = suite_create("spool faults");
    suite_add_tcase(suite, tests);
    return suite;
}
