/* rooms: ldap platform base */
/* The local list: what is added, removed and imported is there, in memory and in the file. */
#include "base/buffer.h"
#include "ldap/directory.h"
#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>

#define FILE_NAME "unit_directory.db"

static struct directory *directory;
static struct directory_reader *reader;

static void delete_files(void)
{
    remove(FILE_NAME);
    remove(FILE_NAME "-wal");
    remove(FILE_NAME "-shm");
}

static void open_list(void)
{
    struct error error = {0};
    directory = directory_open_local(FILE_NAME, &error);
    ck_assert_msg(directory != NULL, "%s", error.text);
    reader = directory_reader_create(directory);
}

static void close_list(void)
{
    directory_reader_destroy(reader);
    directory_close(directory);
    directory = NULL;
    reader = NULL;
}

static void begin(void)
{
    delete_files();
    open_list();
}

static void end(void)
{
    close_list();
    delete_files();
}

static enum directory_answer find(const char *address)
{
    return directory_find(reader, view_of_text(address), NULL);
}

static enum directory_change add(const char *address, const char *display_name)
{
    struct error error;
    return directory_add(directory, view_of_text(address), view_of_text(display_name), &error);
}

static enum directory_change take_away(const char *address)
{
    struct error error;
    return directory_remove(directory, view_of_text(address), &error);
}

static void check_entry(const char *asked, const char *address, const char *display_name)
{
    struct directory_entry entry;
    ck_assert_int_eq(directory_find(reader, view_of_text(asked), &entry), DIRECTORY_PRESENT);
    ck_assert(view_equal(entry.address, view_of_text(address)));
    ck_assert(view_equal(entry.display_name, view_of_text(display_name)));
    ck_assert_str_eq(entry.source, "local list");
}

START_TEST(knows_nothing_before_the_first_address)
{
    ck_assert_int_eq(find("info@example.test"), DIRECTORY_UNKNOWN);
    ck_assert_int_eq(take_away("info@example.test"), DIRECTORY_UNCHANGED);
    ck_assert_int_eq(find("info@example.test"), DIRECTORY_UNKNOWN);
    ck_assert_int_eq(add("info@example.test", ""), DIRECTORY_CHANGED);
    ck_assert_int_eq(find("info@example.test"), DIRECTORY_PRESENT);
    ck_assert_int_eq(find("other@example.test"), DIRECTORY_ABSENT);
    /* An empty list that somebody emptied is an answer. */
    ck_assert_int_eq(take_away("info@example.test"), DIRECTORY_CHANGED);
    ck_assert_int_eq(find("info@example.test"), DIRECTORY_ABSENT);
    close_list();
    open_list();
    ck_assert_int_eq(find("info@example.test"), DIRECTORY_ABSENT);
    ck_assert_uint_eq(directory_count(directory), 0);
}
END_TEST

START_TEST(adds_and_removes)
{
    ck_assert_int_eq(add("Info@EXAMPLE.test", "Information"), DIRECTORY_CHANGED);
    check_entry("iNFO@example.TEST", "Info@example.test", "Information");
    /* The same mailbox, written otherwise. */
    ck_assert_int_eq(add("info@example.test", "Information"), DIRECTORY_UNCHANGED);
    ck_assert_int_eq(add("\"info\"@example.test", ""), DIRECTORY_UNCHANGED);
    check_entry("info@example.test", "Info@example.test", "Information");
    ck_assert_int_eq(add("info@example.test", "Desk"), DIRECTORY_CHANGED);
    check_entry("info@example.test", "info@example.test", "Desk");
    ck_assert_uint_eq(directory_count(directory), 1);
    ck_assert_int_eq(take_away("INFO@example.test"), DIRECTORY_CHANGED);
    ck_assert_int_eq(take_away("info@example.test"), DIRECTORY_UNCHANGED);
    ck_assert_uint_eq(directory_count(directory), 0);
    ck_assert_int_eq(add("info@example.test", ""), DIRECTORY_CHANGED);
    check_entry("info@example.test", "info@example.test", "");
}
END_TEST

START_TEST(folds_international_addresses)
{
    ck_assert_int_eq(add("Jürgen@Bücher.test", ""), DIRECTORY_CHANGED);
    check_entry("JÜRGEN@BÜCHER.TEST", "Jürgen@bücher.test", "");
    ck_assert_int_eq(find("jurgen@bucher.test"), DIRECTORY_ABSENT);
    ck_assert_int_eq(find("j\xFCrgen@bücher.test"), DIRECTORY_ABSENT);
}
END_TEST

START_TEST(refuses_bad_addresses)
{
    struct error error = {0};
    ck_assert_int_eq(directory_add(directory, VIEW("info\x07"), VIEW_NONE, &error),
                     DIRECTORY_BAD_ADDRESS);
    ck_assert_str_eq(error.text,
                     "\"info?\" is not a mail address: there is a character before @ that "
                     "must be quoted");
    ck_assert_int_eq(directory_remove(directory, VIEW("@x"), &error), DIRECTORY_BAD_ADDRESS);
    ck_assert_uint_eq(directory_count(directory), 0);
}
END_TEST

static bool import(const char *file, enum directory_import_mode mode,
                   struct directory_import_result *result, struct error *error)
{
    return directory_import(directory, view_of_text(file), mode, result, error);
}

START_TEST(imports)
{
    struct directory_import_result result;
    struct error error = {0};
    add("old@example.test", "Old");
    add("kept@example.test", "Kept");
    ck_assert(import("mail,name\nnew@example.test,New\nKEPT@example.test,\nNEW@example.test,Again\n"
                     "no address,x\n,nobody\nbad@,x\n",
                     DIRECTORY_IMPORT_ADD, &result, &error));
    ck_assert_uint_eq(result.added, 1);
    ck_assert_uint_eq(result.unchanged, 1);
    ck_assert_uint_eq(result.removed, 0);
    ck_assert_uint_eq(result.skipped, 1);
    ck_assert_uint_eq(result.bad, 2);
    ck_assert_str_eq(result.first_bad.text,
                     "Line 5: \"no address\" is not a mail address: there is a "
                     "character before @ that must be quoted");
    check_entry("new@example.test", "new@example.test", "New");
    check_entry("kept@example.test", "kept@example.test", "Kept");
    ck_assert_int_eq(find("old@example.test"), DIRECTORY_PRESENT);
    ck_assert_uint_eq(directory_count(directory), 3);

    ck_assert(import(
        "dn: cn=x\nmail: kept@example.test\ncn: Still kept\nproxyAddresses: smtp:x@example.test\n",
        DIRECTORY_IMPORT_REPLACE, &result, &error));
    ck_assert_uint_eq(result.added, 1);
    ck_assert_uint_eq(result.unchanged, 1);
    ck_assert_uint_eq(result.removed, 2);
    ck_assert_uint_eq(directory_count(directory), 2);
    ck_assert_int_eq(find("old@example.test"), DIRECTORY_ABSENT);
    check_entry("kept@example.test", "kept@example.test", "Still kept");

    close_list();
    open_list();
    ck_assert_uint_eq(directory_count(directory), 2);
    ck_assert_int_eq(find("old@example.test"), DIRECTORY_ABSENT);
    check_entry("kept@example.test", "kept@example.test", "Still kept");
}
END_TEST

static const struct {
    const char *file;
    const char *reason; /* a part of it */
} unusable[] = {
    {"", "The file holds no mail address."},
    {"mail\nnobody\n",
     "The file holds no mail address. Line 2: \"nobody\" is not a mail address: there is no @"},
    {"new@example.test\n\"", "Line 2: a quote opens"},
    {"dn: x\nmail: new@example.test\n\ndn: y\nchangetype: delete\n", "Line 5: this is a change"},
    {"dn: x\nmail: new@example.test\n\nsearch: 2\nresult: 4 Size limit exceeded\n",
     "Line 5: the search"},
};

START_TEST(imports_all_or_nothing)
{
    struct directory_import_result result;
    struct error error = {0};
    add("old@example.test", "");
    ck_assert(!import(unusable[_i].file, DIRECTORY_IMPORT_REPLACE, &result, &error));
    ck_assert_msg(strstr(error.text, unusable[_i].reason) != NULL, "%s", error.text);
    ck_assert_int_eq(find("new@example.test"), DIRECTORY_ABSENT);
    ck_assert_int_eq(find("old@example.test"), DIRECTORY_PRESENT);
    close_list();
    open_list();
    ck_assert_int_eq(find("old@example.test"), DIRECTORY_PRESENT);
    ck_assert_uint_eq(directory_count(directory), 1);
}
END_TEST

/* What a second program does to the file behind our back. */
static void execute_sql(const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(FILE_NAME, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

START_TEST(changes_nothing_when_the_file_fails)
{
    struct directory_import_result result;
    struct error error = {0};
    add("old@example.test", "");
    execute_sql("CREATE TRIGGER full BEFORE INSERT ON local_recipient WHEN new.key LIKE 'z%' "
                "BEGIN SELECT RAISE(ABORT, 'no more'); END");
    ck_assert_int_eq(directory_add(directory, VIEW("z@example.test"), VIEW_NONE, &error),
                     DIRECTORY_FAILED);
    ck_assert_msg(strstr(error.text, FILE_NAME " cannot be used: no more") != NULL, "%s",
                  error.text);
    ck_assert(
        !import("a@example.test\nz@example.test\n", DIRECTORY_IMPORT_REPLACE, &result, &error));
    ck_assert_int_eq(find("a@example.test"), DIRECTORY_ABSENT);
    ck_assert_int_eq(find("z@example.test"), DIRECTORY_ABSENT);
    ck_assert_int_eq(find("old@example.test"), DIRECTORY_PRESENT);
    ck_assert_int_eq(add("b@example.test", ""), DIRECTORY_CHANGED);
    close_list();
    open_list();
    ck_assert_uint_eq(directory_count(directory), 2);
}
END_TEST

static void check_refused(const char *reason)
{
    struct error error = {0};
    ck_assert_ptr_null(directory_open_local(FILE_NAME, &error));
    ck_assert_msg(strstr(error.text, reason) != NULL, "%s", error.text);
    ck_assert_msg(strstr(error.text, FILE_NAME) != NULL, "%s", error.text);
    delete_files();
    open_list();
}

static void overwrite(long from, size_t length)
{
    FILE *file = fopen(FILE_NAME, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, from, SEEK_SET), 0);
    for (size_t i = 0; i < length; i++)
        ck_assert_int_ne(fputc('x', file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(refuses_a_file_that_is_no_list)
{
    close_list();
    overwrite(0, 4096);
    check_refused("file is not a database. Put back a copy");
}
END_TEST

START_TEST(refuses_a_damaged_list)
{
    char address[40];
    for (int i = 0; i < 1000; i++) {
        snprintf(address, sizeof address, "somebody%d@example.test", i);
        add(address, "Somebody");
    }
    close_list();
    overwrite(4096 * 6, 4096 * 3);
    check_refused("database disk image is malformed. Put back a copy");
}
END_TEST

START_TEST(refuses_a_newer_list)
{
    close_list();
    execute_sql("PRAGMA user_version=99");
    check_refused("newer version");
}
END_TEST

START_TEST(refuses_what_is_no_address_in_the_file)
{
    close_list();
    execute_sql("INSERT INTO local_recipient VALUES('x', 'x', '')");
    check_refused("\"x\" is no address: there is no @");
}
END_TEST

START_TEST(names_the_file_that_cannot_be_opened)
{
    struct error error = {0};
    ck_assert_ptr_null(directory_open_local("no such folder/directory.db", &error));
    ck_assert_msg(strstr(error.text, "no such folder/directory.db") != NULL, "%s", error.text);
}
END_TEST

static void append_entry(void *user, const struct directory_entry *entry)
{
    buffer_append_format(user, "%.*s|%.*s ", (int)entry->address.length, entry->address.data,
                         (int)entry->display_name.length, entry->display_name.data);
}

static const struct {
    const char *after, *filter;
    size_t limit;
    const char *listed;
} pages[] = {
    {"", "", 10, "Anna@a.test|Anna bert@b.test| carl@a.test|C Jürgen@a.test| "},
    {"", "", 2, "Anna@a.test|Anna bert@b.test| "},
    {"BERT@b.test", "", 2, "carl@a.test|C Jürgen@a.test| "},
    {"b", "", 1, "bert@b.test| "},
    {"jürgen@a.test", "", 10, ""},
    {"", "@A.TEST", 10, "Anna@a.test|Anna carl@a.test|C Jürgen@a.test| "},
    {"anna@a.test", "@a.test", 1, "carl@a.test|C "},
    {"", "JÜR", 10, "Jürgen@a.test| "},
    {"", "%", 10, ""},
    {"", "\xFF", 10, ""},
    {"\xFF", "", 10, ""},
    {"", "", 0, ""},
};

START_TEST(lists_pages)
{
    struct buffer listed;
    struct error error;
    size_t entries = 0;
    add("carl@a.test", "C");
    add("Jürgen@a.test", "");
    add("bert@b.test", "");
    add("Anna@a.test", "Anna");
    buffer_init(&listed, 1000);
    buffer_append_text(&listed, "");
    size_t count =
        directory_list(directory, view_of_text(pages[_i].after), view_of_text(pages[_i].filter),
                       pages[_i].limit, append_entry, &listed, &error);
    ck_assert_str_eq(error.text, "");
    ck_assert_str_eq(listed.data, pages[_i].listed);
    for (size_t i = 0; i < listed.length; i++)
        entries += listed.data[i] == '|';
    ck_assert_uint_eq(count, entries);
    buffer_free(&listed);
}
END_TEST

#define MANY 200000

static void append_many(struct buffer *file)
{
    for (size_t i = 0; i < MANY; i++)
        buffer_append_format(file, "firstname.lastname%zu@example%zu.test,Firstname Lastname %zu\n",
                             i, i % 3, i);
}

START_TEST(holds_many_in_little_memory)
{
    struct directory_import_result result;
    struct error error = {0};
    struct buffer file;
    char address[60];
    buffer_init(&file, MANY * 100);
    append_many(&file);
    ck_assert_msg(
        directory_import(directory, buffer_view(&file), DIRECTORY_IMPORT_ADD, &result, &error),
        "%s", error.text);
    ck_assert_uint_eq(result.added, MANY);
    ck_assert_uint_eq(directory_count(directory), MANY);
    ck_assert_uint_le(directory_memory(directory), MANY * (size_t)120);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(address, sizeof address, "Firstname.Lastname%zu@EXAMPLE%zu.test", i, i % 3);
        ck_assert_int_eq(find(address), DIRECTORY_PRESENT);
        snprintf(address, sizeof address, "firstname.lastname%zu@example%zu.test", i, i % 3 + 3);
        ck_assert_int_eq(find(address), DIRECTORY_ABSENT);
    }
    ck_assert(
        directory_import(directory, buffer_view(&file), DIRECTORY_IMPORT_REPLACE, &result, &error));
    ck_assert_uint_eq(result.unchanged, MANY);
    ck_assert_uint_eq(result.added + result.removed, 0);
    close_list();
    open_list();
    ck_assert_uint_eq(directory_count(directory), MANY);
    buffer_free(&file);
}
END_TEST

static TCase *list_case(const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 100);
    return tests;
}

Suite *unit_suite(void)
{
    Suite *suite = suite_create("directory");
    TCase *tests = list_case("list");
    tcase_add_test(tests, knows_nothing_before_the_first_address);
    tcase_add_test(tests, adds_and_removes);
    tcase_add_test(tests, folds_international_addresses);
    tcase_add_test(tests, refuses_bad_addresses);
    tcase_add_loop_test(tests, lists_pages, 0, sizeof pages / sizeof pages[0]);
    suite_add_tcase(suite, tests);

    tests = list_case("import");
    tcase_add_test(tests, imports);
    tcase_add_loop_test(tests, imports_all_or_nothing, 0, sizeof unusable / sizeof unusable[0]);
    tcase_add_test(tests, holds_many_in_little_memory);
    suite_add_tcase(suite, tests);

    tests = list_case("file");
    tcase_add_test(tests, changes_nothing_when_the_file_fails);
    tcase_add_test(tests, refuses_a_file_that_is_no_list);
    tcase_add_test(tests, refuses_a_damaged_list);
    tcase_add_test(tests, refuses_a_newer_list);
    tcase_add_test(tests, refuses_what_is_no_address_in_the_file);
    tcase_add_test(tests, names_the_file_that_cannot_be_opened);
    suite_add_tcase(suite, tests);
    return suite;
}
