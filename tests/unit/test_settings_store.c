/* rooms: config platform base */
/* config.db: revisions, conflicts, history, what a start finds, and readers beside changes. */
#include "base/memory.h"
#include "config/revisions.h"
#include "config/store.h"
#include "platform/file.h"
#include "platform/thread.h"
#include "unit.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>

#define PATH "test-settings-store.db"

static struct settings_store *store;

static void remove_files(void)
{
    file_delete(PATH, NULL);
    file_delete(PATH "-wal", NULL);
    file_delete(PATH "-shm", NULL);
}

static void open_store(void)
{
    struct error refused, error;
    store = settings_store_open(PATH, &refused, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
    ck_assert_str_eq(refused.text, "");
}

static void close_store(void)
{
    settings_store_close(store);
    store = NULL;
}

static void setup(void)
{
    remove_files();
    open_store();
}

static void teardown(void)
{
    close_store();
    remove_files();
}

static int64_t revision_in_force(void)
{
    const struct settings_snapshot *snapshot = settings_store_current(store);
    int64_t revision = snapshot->revision;
    settings_release(snapshot);
    return revision;
}

static enum settings_change merge(const char *patch, int64_t base, int64_t *revision,
                                  struct error *error)
{
    return settings_store_merge(store, view_of_text(patch), base, "ann", revision, error);
}

static void merge_well(const char *patch)
{
    int64_t revision;
    struct error error = {0};
    ck_assert_msg(merge(patch, -1, &revision, &error) == SETTINGS_CHANGED, "%s", error.text);
    ck_assert_int_eq(revision, revision_in_force());
}

static void json_is(int64_t revision, const char *path, const char *json)
{
    struct error error = {0};
    char *text = settings_store_json(store, revision, path, &error);
    ck_assert_msg(text != NULL, "%s", error.text);
    ck_assert_str_eq(text, json);
    memory_free(text);
}

/* "3 ann retry.first; 2 ..." of what settings_store_history() tells. */
struct told {
    char text[2000];
    int64_t last_ms;
};

static void tell(void *user, const struct settings_revision *revision)
{
    struct told *told = user;
    size_t length = strlen(told->text);
    snprintf(told->text + length, sizeof told->text - length, "%" PRId64 " %s %s; ",
             revision->revision, revision->who, revision->summary);
    ck_assert_int_gt(revision->unix_ms, INT64_C(1700000000000));
    told->last_ms = revision->unix_ms;
}

static void history_is(int64_t before, size_t limit, const char *text)
{
    struct told told = {0};
    struct error error = {0};
    ck_assert_msg(settings_store_history(store, before, limit, tell, &told, &error), "%s",
                  error.text);
    ck_assert_str_eq(told.text, text);
}

START_TEST(first_start_makes_defaults)
{
    ck_assert_int_eq(revision_in_force(), 1);
    history_is(0, 10, "1 Gatepost first start; ");
    json_is(0, "outbound.smart_host", "\"\"");
    json_is(1, "virtual_servers[0].addresses",
            "[{\"address\":\"*\",\"port\":25,"
            "\"apply_recipient_filter\":true}]");
    close_store();
    open_store();
    ck_assert_int_eq(revision_in_force(), 1);
    history_is(0, 10, "1 Gatepost first start; ");
}
END_TEST

START_TEST(merge_stores_and_puts_in_force)
{
    merge_well("{\"retry\":{\"first\":7},\"outbound\":{\"smart_host\":\"Relay.Test\"}}");
    ck_assert_int_eq(revision_in_force(), 2);
    json_is(0, "retry.first", "7");
    json_is(0, "retry.second", "10");
    json_is(0, "outbound.smart_host", "\"relay.test\"");
    json_is(1, "retry.first", "10");
    merge_well("{\"retry\":{\"first\":null}}");
    json_is(0, "retry.first", "10");
    json_is(0, "outbound.smart_host", "\"relay.test\"");
    history_is(0, 10,
               "3 ann retry.first; 2 ann retry.first, outbound.smart_host; "
               "1 Gatepost first start; ");

    close_store();
    open_store();
    ck_assert_int_eq(revision_in_force(), 3);
    json_is(0, "outbound.smart_host", "\"relay.test\"");
    json_is(2, "retry.first", "7");
}
END_TEST

START_TEST(lists_are_replaced_whole)
{
    merge_well("{\"accepted_domains\":[{\"domain\":\"a.test\"},{\"domain\":\"b.test\"}]}");
    merge_well("{\"accepted_domains\":[{\"domain\":\"c.test\"}]}");
    json_is(0, "accepted_domains[0].domain", "\"c.test\"");
    struct error error;
    ck_assert_ptr_null(settings_store_json(store, 0, "accepted_domains[1]", &error));
    ck_assert_str_eq(error.text, "accepted_domains[1]: there is no such element.");
    ck_assert_int_eq(error.code, 0);
}
END_TEST

START_TEST(nothing_changed_makes_no_revision)
{
    int64_t revision = -5;
    struct error error;
    ck_assert_int_eq(merge("{\"retry\":{\"first\":10}}", -1, &revision, &error),
                     SETTINGS_UNCHANGED);
    ck_assert_int_eq(revision, 1);
    ck_assert_int_eq(merge("{}", 1, &revision, &error), SETTINGS_UNCHANGED);
    history_is(0, 10, "1 Gatepost first start; ");
}
END_TEST

START_TEST(invalid_changes_nothing)
{
    int64_t revision;
    struct error error;
    static const char *const wrong[] = {"{\"retry\":{\"first\":0}}",
                                        "{\"nonsense\":1}",
                                        "{\"virtual_servers\":null,\"retry\":5}",
                                        "[]",
                                        "null",
                                        "{",
                                        ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(merge(wrong[i], -1, &revision, &error) == SETTINGS_INVALID, "%s", wrong[i]);
        ck_assert_int_eq(revision, 1);
        ck_assert_int_gt(strlen(error.text), 0);
    }
    ck_assert_int_eq(merge(wrong[0], -1, &revision, &error), SETTINGS_INVALID);
    ck_assert_str_eq(error.text, "retry.first: 0 is not between 1 and 9999.");
    ck_assert_int_eq(revision_in_force(), 1);
    history_is(0, 10, "1 Gatepost first start; ");
}
END_TEST

START_TEST(stale_base_is_a_conflict)
{
    int64_t revision;
    struct error error;
    ck_assert_int_eq(merge("{\"retry\":{\"first\":7}}", 1, &revision, &error), SETTINGS_CHANGED);
    ck_assert_int_eq(revision, 2);
    ck_assert_int_eq(merge("{\"retry\":{\"first\":8}}", 1, &revision, &error), SETTINGS_CONFLICT);
    ck_assert_int_eq(revision, 2);
    ck_assert_str_eq(error.text, "The settings were changed meanwhile: revision 2 is in force, "
                                 "not 1. Read them again and repeat the change.");
    ck_assert_int_eq(merge("{\"retry\":{\"first\":8}}", 3, &revision, &error), SETTINGS_CONFLICT);
    json_is(0, "retry.first", "7");
    ck_assert_int_eq(merge("{\"retry\":{\"first\":8}}", 2, &revision, &error), SETTINGS_CHANGED);
    ck_assert_int_eq(revision, 3);
}
END_TEST

START_TEST(replace_and_go_back)
{
    int64_t revision;
    struct error error;
    merge_well("{\"retry\":{\"first\":7},\"outbound\":{\"smart_host\":\"relay.test\"}}");
    ck_assert_int_eq(settings_store_replace(store, VIEW("{\"retry\":{\"second\":9}}"), 2, "bob",
                                            &revision, &error),
                     SETTINGS_CHANGED);
    json_is(0, "retry.first", "10");
    json_is(0, "retry.second", "9");
    json_is(0, "outbound.smart_host", "\"\"");

    char *old = settings_store_json(store, 2, "", &error);
    ck_assert_ptr_nonnull(old);
    ck_assert_int_eq(settings_store_replace(store, view_of_text(old), -1, "bob", &revision, &error),
                     SETTINGS_CHANGED);
    memory_free(old);
    ck_assert_int_eq(revision, 4);
    json_is(0, "outbound.smart_host", "\"relay.test\"");
    history_is(0, 2,
               "4 bob retry.first, retry.second, outbound.smart_host; "
               "3 bob retry.first, retry.second, outbound.smart_host; ");
    history_is(3, 10, "2 ann retry.first, outbound.smart_host; 1 Gatepost first start; ");
    ck_assert_ptr_null(settings_store_json(store, 9, "", &error));
    ck_assert_str_eq(error.text, "There is no revision 9.");
    ck_assert_int_eq(error.code, 0);
}
END_TEST

/* ---- what is told of changes ---- */

struct heard {
    int64_t revision;
    int64_t first_retry;
    char who[20];
    char summary[100];
    int count;
};

static void hear(void *user, const struct settings_snapshot *snapshot, const char *who,
                 const char *summary)
{
    struct heard *heard = user;
    heard->revision = snapshot->revision;
    heard->first_retry = snapshot->values.retry.first;
    ck_assert_int_eq(revision_in_force(), snapshot->revision);
    snprintf(heard->who, sizeof heard->who, "%s", who);
    snprintf(heard->summary, sizeof heard->summary, "%s", summary);
    heard->count++;
}

START_TEST(changes_are_told_once)
{
    struct heard heard = {0};
    struct error error;
    int64_t revision;
    settings_store_on_change(store, hear, &heard);
    merge_well("{\"retry\":{\"first\":7}}");
    ck_assert_int_eq(heard.count, 1);
    ck_assert_int_eq(heard.revision, 2);
    ck_assert_int_eq(heard.first_retry, 7);
    ck_assert_str_eq(heard.who, "ann");
    ck_assert_str_eq(heard.summary, "retry.first");
    merge("{\"retry\":{\"first\":7}}", -1, &revision, &error);
    merge("{\"retry\":{\"first\":0}}", -1, &revision, &error);
    merge("{\"retry\":{\"first\":8}}", 1, &revision, &error);
    ck_assert_int_eq(heard.count, 1);
}
END_TEST

START_TEST(snapshots_outlive_changes)
{
    const struct settings_snapshot *old = settings_store_current(store);
    merge_well("{\"retry\":{\"first\":7},\"virtual_servers\":[{\"name\":\"Other\"}]}");
    ck_assert_int_eq(old->values.retry.first, 10);
    ck_assert_str_eq(old->values.virtual_servers[0].name, "Default SMTP Virtual Server");
    close_store();
    ck_assert_int_eq(old->revision, 1);
    settings_release(old);
    open_store();
}
END_TEST

/* ---- what a start finds ---- */

/* Puts a document into the file as a newer version of the program might have done. */
static void put_document(int64_t number, const char *document)
{
    struct error error = {0};
    struct revisions *revisions = revisions_open(PATH, &error);
    ck_assert_msg(revisions != NULL, "%s", error.text);
    const struct settings_revision revision = {number, INT64_C(1700000000001), "later", "much"};
    ck_assert_msg(revisions_append(revisions, &revision, document, &error), "%s", error.text);
    revisions_close(revisions);
}

START_TEST(broken_newest_falls_back)
{
    struct error refused, error;
    int64_t revision;
    merge_well("{\"retry\":{\"first\":7}}");
    close_store();
    put_document(3, "{\"retry\":{\"first\":0}}");
    put_document(4, "{\"not for us\":1}");
    store = settings_store_open(PATH, &refused, &error);
    ck_assert_ptr_nonnull(store);
    ck_assert_str_eq(refused.text, "Revision 4: not for us: there is no such setting.");
    ck_assert_int_eq(revision_in_force(), 2);
    json_is(0, "retry.first", "7");

    /* A change builds on what is in force and takes a number of its own. */
    ck_assert_int_eq(merge("{\"retry\":{\"second\":8}}", 2, &revision, &error), SETTINGS_CHANGED);
    ck_assert_int_eq(revision, 5);
    close_store();
    open_store();
    ck_assert_int_eq(revision_in_force(), 5);
    json_is(0, "retry.first", "7");
    ck_assert_ptr_null(settings_store_json(store, 4, "", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "not for us"));
}
END_TEST

/* What the file must be told behind the back of the store, so that it cannot be written, and then can again. */
static void execute(const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(PATH, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

START_TEST(what_is_not_stored_is_not_in_force)
{
    struct error error = {0};
    struct told told = {0};
    struct heard heard = {0};
    int64_t revision = 0;
    settings_store_on_change(store, hear, &heard);
    execute("ALTER TABLE revision RENAME TO away");
    ck_assert_int_eq(merge("{\"retry\":{\"first\":7}}", -1, &revision, &error), SETTINGS_FAILED);
    ck_assert_int_eq(revision, 1);
    ck_assert_int_ne(error.code, 0);
    ck_assert_ptr_nonnull(strstr(error.text, PATH));
    ck_assert_int_eq(heard.count, 0);
    json_is(0, "retry.first", "10");
    ck_assert_ptr_null(settings_store_json(store, 1, "", &error));
    ck_assert_int_ne(error.code, 0);
    ck_assert(!settings_store_history(store, 0, 10, tell, &told, &error));
    execute("ALTER TABLE away RENAME TO revision");
    merge_well("{\"retry\":{\"first\":7}}");
    history_is(0, 10, "2 ann retry.first; 1 Gatepost first start; ");
    ck_assert_int_eq(heard.count, 1);
}
END_TEST

START_TEST(newer_files_are_left_alone)
{
    struct error refused, error = {0};
    close_store();
    execute("PRAGMA user_version = 2");
    ck_assert_ptr_null(settings_store_open(PATH, &refused, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "newer version"));
    execute("PRAGMA user_version = 1; ALTER TABLE revision RENAME TO away");
    ck_assert_ptr_null(settings_store_open(PATH, &refused, &error));
    ck_assert_int_ne(error.code, 0);
}
END_TEST

START_TEST(no_valid_revision_at_all)
{
    struct error refused, error;
    close_store();
    remove_files();
    put_document(1, "{\"retry\":{\"first\":0}}");
    ck_assert_ptr_null(settings_store_open(PATH, &refused, &error));
    ck_assert_str_eq(error.text, "No revision of the settings is valid. Revision 1: retry.first: 0 "
                                 "is not between 1 and 9999.");
    ck_assert_ptr_null(settings_store_open(PATH, NULL, &error));
}
END_TEST

#define NO_DATABASE "this is no database, this is no database, this is no database, and never was"

static void write_file(const char *contents)
{
    struct error error;
    struct file *file = file_create(PATH, &error);
    ck_assert_ptr_nonnull(file);
    ck_assert(file_write(file, contents, strlen(contents), &error));
    ck_assert(file_sync_and_close(file, &error));
}

START_TEST(damaged_file_is_not_touched)
{
    struct error refused, error = {0};
    struct buffer contents;
    close_store();
    remove_files();
    write_file(NO_DATABASE);
    ck_assert_ptr_null(settings_store_open(PATH, &refused, &error));
    ck_assert_ptr_nonnull(strstr(error.text, PATH));
    ck_assert_ptr_nonnull(strstr(error.text, "Put back a copy"));
    ck_assert_int_ne(error.code, 0);
    buffer_init(&contents, 1000);
    ck_assert(file_read(PATH, &contents, &error));
    ck_assert_str_eq(contents.data, NO_DATABASE);
    buffer_free(&contents);

    ck_assert_ptr_null(settings_store_open("no such folder/config.db", &refused, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no such folder"));
}
END_TEST

START_TEST(seed_makes_the_first_revision)
{
    struct error error;
    close_store();
    remove_files();
    ck_assert_int_eq(settings_store_seed(PATH, VIEW("{\"retry\":{\"first\":-1}}"), &error),
                     SETTINGS_INVALID);
    ck_assert_str_eq(error.text, "retry.first: -1 is not between 1 and 9999.");
    ck_assert_int_eq(settings_store_seed(PATH, VIEW("{\"retry\""), &error), SETTINGS_INVALID);
    /* What was refused has left nothing that would count as settings. */
    ck_assert_int_eq(
        settings_store_seed(PATH, VIEW("{\"retry\":{\"first\":3,\"second\":null}}"), &error),
        SETTINGS_CHANGED);
    ck_assert_int_eq(settings_store_seed(PATH, VIEW("{\"retry\":{\"first\":4}}"), &error),
                     SETTINGS_UNCHANGED);
    ck_assert_int_eq(settings_store_seed(PATH, VIEW("not even JSON"), &error), SETTINGS_UNCHANGED);
    ck_assert_int_eq(settings_store_seed("no such folder/config.db", VIEW("{}"), &error),
                     SETTINGS_FAILED);
    open_store();
    json_is(0, "retry.first", "3");
    json_is(0, "retry.second", "10");
    json_is(0, "virtual_servers[0].name", "\"Default SMTP Virtual Server\"");
    history_is(0, 10, "1 Gatepost initial settings; ");
}
END_TEST

START_TEST(import_repairs_a_store)
{
    struct error refused, error;
    int64_t revision = 0;
    close_store();
    put_document(2, "{\"not for us\":1}");
    ck_assert_int_eq(
        settings_store_import(PATH, VIEW("{\"retry\":{\"first\":0}}"), "bob", &revision, &error),
        SETTINGS_INVALID);
    ck_assert_str_eq(error.text, "retry.first: 0 is not between 1 and 9999.");
    ck_assert_int_eq(
        settings_store_import(PATH, VIEW("{\"retry\":{\"first\":3}}"), "bob", &revision, &error),
        SETTINGS_CHANGED);
    ck_assert_int_eq(revision, 3);
    store = settings_store_open(PATH, &refused, &error);
    ck_assert_ptr_nonnull(store);
    ck_assert_str_eq(refused.text, "");
    json_is(0, "retry.first", "3");
    history_is(0, 1, "3 bob import while stopped; ");
    ck_assert_int_eq(
        settings_store_import("no such folder/config.db", VIEW("{}"), "bob", &revision, &error),
        SETTINGS_FAILED);
}
END_TEST

/* ---- readers beside changes ---- */

#define READERS 3
#define CHANGES 200

struct reading {
    atomic_bool stop;
    atomic_int wrong;
    atomic_int reads;
};

/* first and second are always changed together. */
static void read_on(void *argument)
{
    struct reading *reading = argument;
    int64_t last = 0;
    do {
        const struct settings_snapshot *snapshot = settings_store_current(store);
        const struct settings_retry *retry = &snapshot->values.retry;
        bool right = snapshot->revision >= last && retry->first == retry->second &&
                     strcmp(snapshot->values.virtual_servers[0].addresses[0].address, "*") == 0;
        last = snapshot->revision;
        atomic_fetch_add(&reading->wrong, !right);
        atomic_fetch_add(&reading->reads, 1);
        settings_release(snapshot);
    } while (!atomic_load(&reading->stop));
}

START_TEST(readers_never_see_half_a_change)
{
    struct reading reading = {0};
    struct thread *readers[READERS];
    for (int i = 0; i < READERS; i++)
        readers[i] = thread_start("reader", read_on, &reading);
    for (int i = 1; i <= CHANGES; i++) {
        char patch[100];
        snprintf(patch, sizeof patch, "{\"retry\":{\"first\":%d,\"second\":%d}}", 100 + i, 100 + i);
        merge_well(patch);
    }
    atomic_store(&reading.stop, true);
    for (int i = 0; i < READERS; i++)
        thread_join(readers[i]);
    ck_assert_int_eq(atomic_load(&reading.wrong), 0);
    ck_assert_int_ge(atomic_load(&reading.reads), READERS);
    ck_assert_int_eq(revision_in_force(), CHANGES + 1);
}
END_TEST

struct writer {
    int number;
    int changed;
    int conflicts;
};

/* Counts retry.first up by one, as a console would: read, change against what was read. */
static void count_up(void *argument)
{
    struct writer *writer = argument;
    while (writer->changed < 20) {
        const struct settings_snapshot *snapshot = settings_store_current(store);
        char patch[100];
        struct error error;
        int64_t revision;
        snprintf(patch, sizeof patch, "{\"retry\":{\"first\":%" PRId64 "}}",
                 snapshot->values.retry.first + 1);
        enum settings_change result = merge(patch, snapshot->revision, &revision, &error);
        writer->changed += result == SETTINGS_CHANGED;
        writer->conflicts += result == SETTINGS_CONFLICT;
        settings_release(snapshot);
    }
}

START_TEST(no_change_is_lost_between_writers)
{
    struct writer writers[READERS] = {{0}};
    struct thread *threads[READERS];
    for (int i = 0; i < READERS; i++)
        threads[i] = thread_start("writer", count_up, &writers[i]);
    for (int i = 0; i < READERS; i++)
        thread_join(threads[i]);
    json_is(0, "retry.first", "70"); /* 10 + 3 * 20 */
    ck_assert_int_eq(revision_in_force(), 61);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("settings_store");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, first_start_makes_defaults);
    tcase_add_test(tests, merge_stores_and_puts_in_force);
    tcase_add_test(tests, lists_are_replaced_whole);
    tcase_add_test(tests, nothing_changed_makes_no_revision);
    tcase_add_test(tests, invalid_changes_nothing);
    tcase_add_test(tests, stale_base_is_a_conflict);
    tcase_add_test(tests, replace_and_go_back);
    tcase_add_test(tests, changes_are_told_once);
    tcase_add_test(tests, snapshots_outlive_changes);
    tcase_add_test(tests, broken_newest_falls_back);
    tcase_add_test(tests, what_is_not_stored_is_not_in_force);
    tcase_add_test(tests, newer_files_are_left_alone);
    tcase_add_test(tests, no_valid_revision_at_all);
    tcase_add_test(tests, damaged_file_is_not_touched);
    tcase_add_test(tests, seed_makes_the_first_revision);
    tcase_add_test(tests, import_repairs_a_store);
    tcase_add_test(tests, readers_never_see_half_a_change);
    tcase_add_test(tests, no_change_is_lost_between_writers);
    Suite *suite = suite_create("settings_store");
    suite_add_tcase(suite, tests);
    return suite;
}
