/* rooms: base */
#include "base/hash.h"
#include "unit.h"

#include <stdio.h>

#define KEYS 5000

/* The published key 00 01 .. 0f and messages 00 01 02 ..; the hashes by a second implementation, which gives the
 * published ones for SipHash-2-4. */
static const struct {
    size_t length;
    uint64_t hash;
} vectors[] = {{0, 0xabac0158050fc4dc}, {15, 0xd320d86d2a519956}};

START_TEST(is_siphash_1_3)
{
    struct hash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    unsigned char message[16];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (unsigned char)i;
    ck_assert_uint_eq(hash_bytes(&key, message, vectors[_i].length), vectors[_i].hash);
}
END_TEST

START_TEST(hash_depends_on_key)
{
    struct hash_key one = {1, 0}, two = {0, 1};
    ck_assert_uint_ne(hash_bytes(&one, "key", 3), hash_bytes(&two, "key", 3));
    hash_key_set(3, 4);
    ck_assert_uint_eq(hash_key_of_process()->k0, 3);
    ck_assert_uint_eq(hash_key_of_process()->k1, 4);
    hash_key_set(0, 0);
}
END_TEST

static struct view key_of(int number, char text[16])
{
    return view_of(text, (size_t)snprintf(text, 16, "key %d", number));
}

START_TEST(sets_gets_and_takes)
{
    struct hash_table *table = hash_table_create();
    int one = 1, two = 2;
    ck_assert_ptr_null(hash_table_get(table, VIEW("a")));
    ck_assert_ptr_null(hash_table_take(table, VIEW("a")));
    ck_assert_ptr_null(hash_table_set(table, VIEW("a"), &one));
    ck_assert_ptr_null(hash_table_set(table, VIEW(""), &two));
    ck_assert_ptr_eq(hash_table_get(table, VIEW("a")), &one);
    ck_assert_ptr_eq(hash_table_get(table, VIEW("")), &two);
    ck_assert_ptr_null(hash_table_get(table, VIEW("a\0")));
    ck_assert_ptr_eq(hash_table_set(table, VIEW("a"), &two), &one);
    ck_assert_uint_eq(hash_table_count(table), 2);
    ck_assert_ptr_eq(hash_table_take(table, VIEW("a")), &two);
    ck_assert_ptr_null(hash_table_get(table, VIEW("a")));
    ck_assert_uint_eq(hash_table_count(table), 1);
    hash_table_destroy(table, NULL);
}
END_TEST

/* A model that cannot be wrong: one flag for each key. Removals close the gap in a run of slots, which is where
 * such a table goes wrong. */
START_TEST(agrees_with_a_model)
{
    static int values[KEYS];
    static bool present[KEYS];
    struct hash_table *table = hash_table_create();
    size_t count = 0;
    uint32_t random = 12345;
    memset(present, 0, sizeof present);
    for (int round = 0; round < 300000; round++) {
        random = random * 1664525 + 1013904223;
        int number = (int)((random >> 8) % KEYS);
        char text[16];
        struct view key = key_of(number, text);
        void *expected = present[number] ? &values[number] : NULL;
        ck_assert_ptr_eq(hash_table_get(table, key), expected);
        bool remove = (random >> 30) % 2 == 1;
        void *before =
            remove ? hash_table_take(table, key) : hash_table_set(table, key, &values[number]);
        ck_assert_ptr_eq(before, expected);
        count += !remove && !present[number];
        count -= remove && present[number];
        present[number] = !remove;
    }
    ck_assert_uint_eq(hash_table_count(table), count);
    for (int number = 0; number < KEYS; number++) {
        char text[16];
        ck_assert_ptr_eq(hash_table_get(table, key_of(number, text)),
                         present[number] ? &values[number] : NULL);
    }
    hash_table_destroy(table, NULL);
}
END_TEST

START_TEST(walks_over_all)
{
    static int values[1000];
    struct hash_table *table = hash_table_create();
    for (int i = 0; i < 1000; i++) {
        char text[16];
        hash_table_set(table, key_of(i, text), &values[i]);
    }
    size_t position = 0, seen = 0;
    struct view key;
    void *value;
    while (hash_table_next(table, &position, &key, &value)) {
        char text[16];
        int number = (int)((int *)value - values);
        ck_assert(view_equal(key, key_of(number, text)));
        values[number]++;
        seen++;
    }
    ck_assert_uint_eq(seen, 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(values[i], 1);
    hash_table_destroy(table, NULL);
}
END_TEST

static int freed;

static void count_freed(void *value)
{
    freed += *(int *)value;
}

START_TEST(frees_what_is_left)
{
    int one = 1, ten = 10;
    struct hash_table *table = hash_table_create();
    hash_table_set(table, VIEW("one"), &one);
    hash_table_set(table, VIEW("ten"), &ten);
    hash_table_take(table, VIEW("one"));
    freed = 0;
    hash_table_destroy(table, count_freed);
    ck_assert_int_eq(freed, 10);
    hash_table_destroy(NULL, count_freed);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("hash");
    tcase_add_loop_test(tests, is_siphash_1_3, 0, 2);
    tcase_add_test(tests, hash_depends_on_key);
    tcase_add_test(tests, sets_gets_and_takes);
    tcase_add_test(tests, agrees_with_a_model);
    tcase_add_test(tests, walks_over_all);
    tcase_add_test(tests, frees_what_is_left);
    Suite *suite = suite_create("hash");
    suite_add_tcase(suite, tests);
    return suite;
}
