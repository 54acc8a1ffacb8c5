/* rooms: platform base */
/* with: platform_folder.c */
#include "unit.h"

#include "base/memory.h"
#include "platform/file.h"
#include "platform/secret.h"
#include "platform_folder.h"

static char *folder;
static struct buffer sealed, secret;

static void begin(void)
{
    folder = scratch_folder();
    buffer_init(&sealed, SECRET_SEALED_MAXIMUM);
    buffer_init(&secret, SECRET_MAXIMUM + 1);
}

static void end(void)
{
    buffer_free(&sealed);
    buffer_free(&secret);
    scratch_remove(folder);
}

static void seal(struct view text)
{
    struct error error;
    buffer_clear(&sealed);
    ck_assert_msg(secret_seal(folder, text, &sealed, &error), "%s", error.text);
}

static bool unseal(struct error *error)
{
    buffer_clear(&secret);
    return secret_unseal(folder, buffer_view(&sealed), &secret, error);
}

static void delete_key(void)
{
    char *path = path_join(folder, "secret.key");
    ck_assert(file_delete(path, NULL));
    memory_free(path);
}

START_TEST(comes_back)
{
    static char longest[SECRET_MAXIMUM];
    memset(longest, 'x', sizeof longest);
    const struct view texts[] = {VIEW("s"), VIEW("p\xC3\xA4ss word\n"), {longest, sizeof longest}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error;
        seal(texts[i]);
        ck_assert(view_find(buffer_view(&sealed), ' ') == sealed.length);
        ck_assert_msg(unseal(&error), "%s", error.text);
        ck_assert(view_equal(buffer_view(&secret), texts[i]));
    }
    ck_assert(!secret_seal(folder, (struct view){longest, SECRET_MAXIMUM + 1}, &sealed, NULL));
}
END_TEST

START_TEST(is_another_text_each_time)
{
    struct buffer first;
    seal(VIEW("the same"));
    first = sealed;
    buffer_init(&sealed, SECRET_SEALED_MAXIMUM);
    seal(VIEW("the same"));
    ck_assert(!view_equal(buffer_view(&first), buffer_view(&sealed)));
    buffer_free(&first);
}
END_TEST

START_TEST(what_was_changed_is_refused)
{
    struct error error;
    seal(VIEW("secret"));
    for (size_t i = 0; i < sealed.length; i += 7) {
        char was = sealed.data[i];
        sealed.data[i] = was == 'A' ? 'B' : 'A';
        bool opened = unseal(&error);
        /* The system's own blob has bytes that say nothing; but another secret never comes out. */
        ck_assert(!opened || view_equal(buffer_view(&secret), VIEW("secret")));
        sealed.data[i] = was;
    }
    sealed.data[2] = '!';
    ck_assert(!unseal(&error));
    sealed.length = 4;
    ck_assert(!unseal(&error));
}
END_TEST

START_TEST(needs_the_key_of_its_folder)
{
    struct error error;
    seal(VIEW("secret"));
    delete_key();
    ck_assert(!unseal(&error));
    ck_assert_msg(strstr(error.text, "secret.key") != NULL, "%s", error.text);
    struct buffer mine = sealed;
    buffer_init(&sealed, SECRET_SEALED_MAXIMUM);
    seal(VIEW("other"));
    buffer_free(&sealed);
    sealed = mine;
    ck_assert(!unseal(&error));
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("secrets");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, comes_back);
    tcase_add_test(tests, is_another_text_each_time);
    tcase_add_test(tests, what_was_changed_is_refused);
    tcase_add_test(tests, needs_the_key_of_its_folder);
    Suite *suite = suite_create("platform secrets");
    suite_add_tcase(suite, tests);
    return suite;
}
