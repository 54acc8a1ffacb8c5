/* rooms: ldap platform base */
/* The replica: many changes give what a plain list would give, and readers never see anything else. */
#include "ldap/replica.h"
#include "platform/thread.h"
#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>

#define ADDRESSES 3000 /* from which the changes are drawn */
#define CHANGES   20000

static struct replica *replica;

static void put(struct address_table *table, const char *address, const char *display_name,
                bool removed)
{
    struct directory_key key;
    struct address_record record = {.address = view_of_text(address),
                                    .display_name = view_of_text(display_name),
                                    .removed = removed};
    ck_assert(directory_key_make(record.address, &key, NULL));
    address_table_put(table, &key, &record);
}

static void format_address(char address[40], unsigned number)
{
    snprintf(address, 40, "Person.%u@example.test", number);
}

static void apply_one(unsigned number, bool removed)
{
    char address[40];
    struct address_table *changes = address_table_create(1);
    format_address(address, number);
    put(changes, address, "", removed);
    replica_apply(replica, changes);
}

static enum directory_answer find(struct replica_reader *reader, const char *address,
                                  struct directory_entry *entry)
{
    struct directory_key key;
    ck_assert(directory_key_make(view_of_text(address), &key, NULL));
    return replica_find(reader, &key, entry);
}

static void count_record(void *user, const struct address_record *record)
{
    size_t *count = user;
    *count += !record->removed;
}

static void check_all(struct replica_reader *reader, const bool *expected)
{
    char address[40];
    size_t count = 0, walked = 0;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        format_address(address, i);
        ck_assert_int_eq(find(reader, address, NULL),
                         expected[i] ? DIRECTORY_PRESENT : DIRECTORY_ABSENT);
        count += expected[i];
    }
    replica_each(replica, count_record, &walked);
    ck_assert_uint_eq(walked, count);
    ck_assert_uint_eq(replica_count(replica), count);
}

/* Random, and the same at each run. */
static unsigned draw(void)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

START_TEST(equals_a_plain_list)
{
    bool expected[ADDRESSES] = {false};
    struct replica_reader *reader = replica_reader_create(replica);
    ck_assert_int_eq(find(reader, "person.1@example.test", NULL), DIRECTORY_UNKNOWN);
    for (unsigned i = 1; i <= CHANGES; i++) {
        unsigned number = draw() % ADDRESSES;
        bool removed = draw() % 3 == 0;
        apply_one(number, removed);
        expected[number] = !removed;
        if (i % (CHANGES / 10) == 0)
            check_all(reader, expected);
    }
    replica_reader_destroy(reader);
}
END_TEST

START_TEST(takes_whole_generations)
{
    struct replica_reader *reader = replica_reader_create(replica);
    struct directory_entry entry;
    struct address_table *first = address_table_create(0), *second = address_table_create(0);
    put(first, "a@x.test", "Anna", false);
    put(second, "b@x.test", "", false);
    replica_replace(replica, first);
    ck_assert_int_eq(find(reader, "A@x.test", &entry), DIRECTORY_PRESENT);
    apply_one(1, false);
    replica_replace(replica, second);
    /* An entry stays valid until the reader's next call, whatever happened to the list. */
    ck_assert(view_equal(entry.address, VIEW("a@x.test")));
    ck_assert(view_equal(entry.display_name, VIEW("Anna")));
    ck_assert_str_eq(entry.source, "test");
    ck_assert_int_eq(find(reader, "a@x.test", NULL), DIRECTORY_ABSENT);
    ck_assert_int_eq(find(reader, "person.1@example.test", NULL), DIRECTORY_ABSENT);
    ck_assert_int_eq(find(reader, "b@x.test", NULL), DIRECTORY_PRESENT);
    ck_assert_uint_eq(replica_count(replica), 1);
    replica_reader_destroy(reader);
}
END_TEST

START_TEST(counts_what_is_said_twice)
{
    struct address_table *changes = address_table_create(0);
    put(changes, "a@x.test", "", false);
    put(changes, "A@x.test", "", true); /* the first one stays */
    put(changes, "b@x.test", "", true);
    replica_apply(replica, changes);
    ck_assert_uint_eq(replica_count(replica), 1);
    apply_one(1, false);
    apply_one(1, false);
    ck_assert_uint_eq(replica_count(replica), 2);
    apply_one(1, true);
    apply_one(1, true);
    ck_assert_uint_eq(replica_count(replica), 1);
}
END_TEST

/* Past the point at which delta and base are merged. */
START_TEST(adds_to_a_large_list)
{
    char address[40];
    struct address_table *base = address_table_create(0);
    struct replica_reader *reader = replica_reader_create(replica);
    for (unsigned i = 0; i < 100000; i++) {
        format_address(address, i);
        put(base, address, "", false);
    }
    replica_replace(replica, base);
    for (unsigned i = 0; i < ADDRESSES; i++)
        apply_one(200000 + i, false);
    ck_assert_uint_eq(replica_count(replica), 100000 + ADDRESSES);
    ck_assert_int_eq(find(reader, "person.99999@example.test", NULL), DIRECTORY_PRESENT);
    ck_assert_int_eq(find(reader, "person.200000@example.test", NULL), DIRECTORY_PRESENT);
    ck_assert_int_eq(find(reader, "person.199999@example.test", NULL), DIRECTORY_ABSENT);
    replica_reader_destroy(reader);
}
END_TEST

#define READERS 4

static atomic_bool stop;
static atomic_size_t look_ups;
static atomic_size_t mistakes;

static void read_on(void *argument)
{
    struct replica_reader *reader = replica_reader_create(replica);
    unsigned number = *(const unsigned *)argument;
    while (!atomic_load(&stop)) {
        struct directory_entry entry;
        char address[40];
        format_address(address, number++ % ADDRESSES);
        if (find(reader, address, &entry) == DIRECTORY_PRESENT &&
            !view_equal(entry.address, view_of_text(address)))
            atomic_fetch_add(&mistakes, 1);
        if (find(reader, "always@example.test", &entry) != DIRECTORY_PRESENT ||
            !view_equal(entry.display_name, VIEW("Always There")))
            atomic_fetch_add(&mistakes, 1);
        if (find(reader, "never@example.test", NULL) != DIRECTORY_ABSENT)
            atomic_fetch_add(&mistakes, 1);
        atomic_fetch_add(&look_ups, 3);
    }
    replica_reader_destroy(reader);
}

static struct address_table *generation(unsigned count)
{
    char address[40];
    struct address_table *table = address_table_create(count);
    put(table, "always@example.test", "Always There", false);
    for (unsigned i = 0; i < count; i++) {
        format_address(address, draw() % ADDRESSES);
        put(table, address, "", false);
    }
    return table;
}

static void change(void)
{
    for (unsigned i = 0; i < CHANGES || atomic_load(&look_ups) < CHANGES; i++) {
        apply_one(draw() % ADDRESSES, draw() % 2 == 0);
        if (i % 500 == 0)
            replica_replace(replica, generation(draw() % ADDRESSES));
        if (i % 700 == 0)
            replica_apply(replica, generation(draw() % ADDRESSES));
    }
}

START_TEST(serves_readers_while_it_changes)
{
    struct thread *threads[READERS];
    unsigned begins[READERS];
    atomic_store(&stop, false);
    replica_replace(replica, generation(ADDRESSES));
    for (unsigned i = 0; i < READERS; i++) {
        begins[i] = i * (ADDRESSES / READERS);
        threads[i] = thread_start("reader", read_on, &begins[i]);
    }
    change();
    atomic_store(&stop, true);
    for (unsigned i = 0; i < READERS; i++)
        thread_join(threads[i]);
    ck_assert_uint_eq(atomic_load(&mistakes), 0);
}
END_TEST

static void begin(void)
{
    static const char *const names[ADDRESS_SOURCES] = {"test"};
    replica = replica_create(names);
}

static void end(void)
{
    replica_destroy(replica);
}

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("replica");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, equals_a_plain_list);
    tcase_add_test(tests, takes_whole_generations);
    tcase_add_test(tests, counts_what_is_said_twice);
    tcase_add_test(tests, adds_to_a_large_list);
    tcase_add_test(tests, serves_readers_while_it_changes);
    Suite *suite = suite_create("directory_replica");
    suite_add_tcase(suite, tests);
    return suite;
}
