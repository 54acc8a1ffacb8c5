/* rooms: platform base */
/* with: platform_folder.c */
#include "unit.h"

#include "base/memory.h"
#include "platform/file.h"
#include "platform_folder.h"

#include <stdio.h>
#include <unistd.h>

static char *folder;

static void make_folder(void)
{
    folder = scratch_folder();
}

static void remove_folder(void)
{
    scratch_remove(folder);
}

/* Overwrites nothing: fails when the file is there. */
static void put(const char *path, const char *text)
{
    struct error error;
    struct file *file = file_create(path, &error);
    ck_assert_msg(file != NULL, "%s", error.text);
    ck_assert(file_write(file, text, strlen(text), &error));
    ck_assert(file_sync_and_close(file, &error));
}

static void holds(const char *path, const char *text)
{
    char *found = scratch_text(path);
    ck_assert_str_eq(found, text);
    memory_free(found);
}

START_TEST(new_file_must_be_new)
{
    char *path = path_join(folder, "m\xC3\xBCll \xE2\x82\xAC.eml");
    struct error error;
    put(path, "text");
    ck_assert(file_exists(path));
    ck_assert(!folder_exists(path));
    ck_assert_ptr_null(file_create(path, &error));
    ck_assert_msg(strstr(error.text, path) != NULL, "%s", error.text);
    ck_assert_int_ne(error.code, 0);
    holds(path, "text");
    ck_assert(file_delete(path, &error));
    ck_assert(!file_exists(path));
    ck_assert(!file_delete(path, &error));
    memory_free(path);
}
END_TEST

START_TEST(append_goes_on_at_the_end)
{
    char *path = path_join(folder, "log");
    struct error error;
    uint64_t bytes = 0;
    for (int i = 0; i < 2; i++) {
        struct file *file = file_append(path, &error);
        ck_assert_ptr_nonnull(file);
        ck_assert(file_write(file, "line\n", 5, &error));
        holds(path, i == 0 ? "line\n" : "line\nline\n");
        file_close(file);
    }
    ck_assert(file_size(path, &bytes, &error));
    ck_assert_uint_eq(bytes, 10);
    ck_assert(!file_size(folder + 1, &bytes, &error));
    memory_free(path);
}
END_TEST

START_TEST(rename_replaces)
{
    char *from = path_join(folder, "new"), *to = path_join(folder, "old");
    struct error error;
    put(from, "new");
    put(to, "old");
    ck_assert_msg(file_rename(from, to, &error), "%s", error.text);
    ck_assert(!file_exists(from));
    holds(to, "new");
    ck_assert(!file_rename(from, to, &error));
    memory_free(from);
    memory_free(to);
}
END_TEST

START_TEST(read_keeps_to_the_maximum)
{
    char *path = path_join(folder, "file");
    struct error error;
    struct buffer contents;
    put(path, "12345678");
    buffer_init(&contents, 8);
    buffer_append_text(&contents, "before");
    ck_assert_msg(file_read(path, &contents, &error), "%s", error.text);
    ck_assert_uint_eq(contents.length, 8);
    buffer_free(&contents);
    buffer_init(&contents, 7);
    ck_assert(!file_read(path, &contents, &error));
    ck_assert_msg(strstr(error.text, "larger than 7 bytes") != NULL, "%s", error.text);
    ck_assert(!file_read(folder, &contents, &error));
    buffer_free(&contents);
    memory_free(path);
}
END_TEST

START_TEST(folders_are_made_with_those_above)
{
    char *above = path_join(folder, "a"), *below = path_join(above, "b");
    char *slashed = path_join(below, "");
    struct error error;
    ck_assert_msg(folder_create(slashed, &error), "%s", error.text);
    ck_assert(folder_exists(below));
    ck_assert(!file_exists(below));
    ck_assert(folder_create(below, &error));
    char *file = path_join(below, "file"), *under_file = path_join(file, "c");
    put(file, "");
    ck_assert(!folder_create(under_file, &error));
    ck_assert(!folder_create(file, &error));
    ck_assert(file_delete(file, &error));
    ck_assert_int_eq(rmdir(below), 0);
    ck_assert_int_eq(rmdir(above), 0);
    memory_free(above);
    memory_free(below);
    memory_free(slashed);
    memory_free(file);
    memory_free(under_file);
}
END_TEST

START_TEST(protect_makes_the_folder_and_may_be_repeated)
{
    char *path = path_join(folder, "data");
    struct error error;
    ck_assert_msg(folder_protect(path, &error), "%s", error.text);
    ck_assert_msg(folder_protect(path, &error), "%s", error.text);
    char *file = path_join(path, "file");
    put(file, "");
    ck_assert(file_delete(file, &error));
    rmdir(path);
    memory_free(file);
    memory_free(path);
}
END_TEST

START_TEST(long_paths_are_paths)
{
    char part[101];
    struct error error;
    char *paths[4];
    const char *above = folder;
    memset(part, 'x', sizeof part - 1);
    part[sizeof part - 1] = '\0';
    for (int i = 0; i < 4; i++)
        above = paths[i] = path_join(above, part);
    ck_assert_msg(folder_create(paths[3], &error), "%s", error.text);
    char *file = path_join(paths[3], "file"), *renamed = path_join(paths[3], "renamed");
    put(file, "deep");
    ck_assert_msg(file_rename(file, renamed, &error), "%s", error.text);
    holds(renamed, "deep");
    ck_assert(file_delete(renamed, &error));
    for (int i = 3; i >= 0; i--) {
        rmdir(paths[i]);
        memory_free(paths[i]);
    }
    memory_free(file);
    memory_free(renamed);
}
END_TEST

START_TEST(lock_is_held_once)
{
    char *path = path_join(folder, "lock");
    struct error error;
    struct file_lock *lock = file_lock(path, &error);
    ck_assert_msg(lock != NULL, "%s", error.text);
    ck_assert_ptr_null(file_lock(path, &error));
    ck_assert_msg(strstr(error.text, "another running Gatepost") != NULL, "%s", error.text);
    file_unlock(lock);
    lock = file_lock(path, &error);
    ck_assert_msg(lock != NULL, "%s", error.text);
    file_unlock(lock);
    memory_free(path);
}
END_TEST

struct seen {
    int files;
    int folders;
    bool strange;
};

static void see(void *user, const char *name, bool is_folder)
{
    struct seen *seen = user;
    seen->files += strcmp(name, "f\xC3\xBCr") == 0 && !is_folder;
    seen->folders += strcmp(name, "sub") == 0 && is_folder;
    seen->strange |= strcmp(name, "f\xC3\xBCr") != 0 && strcmp(name, "sub") != 0;
}

START_TEST(each_name_is_seen_once)
{
    char *file = path_join(folder, "f\xC3\xBCr"), *sub = path_join(folder, "sub");
    struct seen seen = {0};
    struct error error;
    put(file, "");
    ck_assert(folder_create(sub, &error));
    ck_assert(folder_each(folder, see, &seen, &error));
    ck_assert_int_eq(seen.files, 1);
    ck_assert_int_eq(seen.folders, 1);
    ck_assert(!seen.strange);
    ck_assert(!folder_each(file, see, &seen, &error));
    rmdir(sub);
    memory_free(file);
    memory_free(sub);
}
END_TEST

START_TEST(disk_has_room)
{
    uint64_t bytes = 0;
    struct error error;
    ck_assert_msg(disk_free_bytes(folder, &bytes, &error), "%s", error.text);
    ck_assert_uint_gt(bytes, 0);
    ck_assert(!disk_free_bytes("no such folder", &bytes, &error));
}
END_TEST

START_TEST(known_folders_are_absolute)
{
    char *program = program_folder(), *data = default_data_folder();
    ck_assert_msg(folder_exists(program), "%s", program);
    ck_assert_msg(strpbrk(data, "/\\") != NULL, "%s", data);
    memory_free(program);
    memory_free(data);
}
END_TEST

START_TEST(parent_is_the_folder_above)
{
    char *joined = path_join("a", "b"), *above = path_parent(joined), *none = path_parent("a");
    char *root = path_parent("/a");
    ck_assert_str_eq(above, "a");
    ck_assert_str_eq(none, ".");
    ck_assert_str_eq(root, "/");
    memory_free(joined);
    memory_free(above);
    memory_free(none);
    memory_free(root);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, new_file_must_be_new);
    tcase_add_test(tests, append_goes_on_at_the_end);
    tcase_add_test(tests, rename_replaces);
    tcase_add_test(tests, read_keeps_to_the_maximum);
    tcase_add_test(tests, folders_are_made_with_those_above);
    tcase_add_test(tests, protect_makes_the_folder_and_may_be_repeated);
    tcase_add_test(tests, long_paths_are_paths);
    tcase_add_test(tests, lock_is_held_once);
    tcase_add_test(tests, each_name_is_seen_once);
    tcase_add_test(tests, disk_has_room);
    tcase_add_test(tests, known_folders_are_absolute);
    tcase_add_test(tests, parent_is_the_folder_above);
    Suite *suite = suite_create("platform files");
    suite_add_tcase(suite, tests);
    return suite;
}
