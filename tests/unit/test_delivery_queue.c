/* rooms: delivery ndr smtp spool tracking net config base platform */
/* The queue of a destination: order, times, counts, and how little an entry takes. */
#include "unit.h"

#include "delivery/queue.h"

static struct queue queue;

static void setup(void)
{
    queue_init(&queue);
}

static void teardown(void)
{
    ck_assert_uint_eq(queue.messages, 0);
    ck_assert_uint_eq(queue.recipients, 0);
    ck_assert_uint_eq(queue.bytes, 0);
    queue_free(&queue);
}

static struct queue_entry *entry(ident message, int64_t next_attempt_ms)
{
    struct queue_entry *made = queue_entry_create(1 + message % 3);
    made->message = message;
    made->received_ms = 1000 + (int64_t)message;
    made->next_attempt_ms = next_attempt_ms;
    made->size = 10 * message;
    return made;
}

/* The next one of the ready ones, gone for good; 0 when there is none. */
static ident take(void)
{
    struct queue_entry *taken = queue_take(&queue);
    if (taken == NULL)
        return 0;
    ident message = taken->message;
    queue_leave(&queue, taken);
    queue_entry_free(taken);
    return message;
}

START_TEST(ready_ones_come_in_order)
{
    queue_append(&queue, entry(1, 0));
    queue_append(&queue, entry(2, 0));
    queue_prepend(&queue, entry(3, 0));
    ck_assert_uint_eq(queue.ready_count, 3);
    ck_assert_uint_eq(take(), 3);
    ck_assert_uint_eq(take(), 1);
    ck_assert_uint_eq(take(), 2);
    ck_assert_uint_eq(take(), 0);
}
END_TEST

START_TEST(taken_ones_stay_counted)
{
    queue_append(&queue, entry(1, 0));
    queue_wait(&queue, entry(2, 50));
    ck_assert_uint_eq(queue.messages, 2);
    ck_assert_uint_eq(queue.recipients, 2 + 3);
    ck_assert_uint_eq(queue.bytes, 30);
    struct queue_entry *taken = queue_take(&queue);
    ck_assert_uint_eq(queue.messages, 2);
    ck_assert_uint_eq(queue.ready_count, 0);
    ck_assert_int_eq(queue_oldest_ms(&queue), 1001);
    queue_leave(&queue, taken);
    queue_entry_free(taken);
    ck_assert_int_eq(queue_oldest_ms(&queue), 1002);
    queue_wake(&queue, 50);
    ck_assert_uint_eq(take(), 2);
    ck_assert_int_eq(queue_oldest_ms(&queue), 0);
}
END_TEST

START_TEST(waiting_ones_wake_at_their_time)
{
    ck_assert_int_eq(queue_next_wake_ms(&queue), INT64_MAX);
    queue_wait(&queue, entry(1, 300));
    queue_wait(&queue, entry(2, 100));
    queue_wait(&queue, entry(3, 200));
    queue_wait(&queue, entry(4, 100));
    ck_assert_int_eq(queue_next_wake_ms(&queue), 100);
    queue_wake(&queue, 99);
    ck_assert_uint_eq(take(), 0);
    queue_wake(&queue, 200);
    ck_assert_uint_eq(take(), 2);
    ck_assert_uint_eq(take(), 4);
    ck_assert_uint_eq(take(), 3);
    ck_assert_uint_eq(take(), 0);
    ck_assert_int_eq(queue_next_wake_ms(&queue), 300);
    queue_wake(&queue, 300);
    ck_assert_uint_eq(take(), 1);
}
END_TEST

static bool is_even(void *user, const struct queue_entry *candidate)
{
    (*(size_t *)user)++;
    return candidate->message % 2 == 0;
}

START_TEST(extracts_and_keeps_the_order_of_the_rest)
{
    for (ident message = 1; message <= 1000; message++) {
        if (message % 4 < 2)
            queue_append(&queue, entry(message, 0));
        else
            queue_wait(&queue, entry(message, (int64_t)(message * 7919 % 1000)));
    }
    struct list out;
    list_init(&out);
    size_t asked = 0;
    queue_extract(&queue, is_even, &asked, &out);
    ck_assert_uint_eq(asked, 1000);
    ck_assert_uint_eq(queue.messages, 500);
    size_t extracted = 0;
    for (; !list_is_empty(&out); extracted++) {
        struct queue_entry *gone = LIST_MEMBER(out.next, struct queue_entry, link);
        ck_assert_uint_eq(gone->message % 2, 0);
        list_remove(&gone->link);
        queue_entry_free(gone);
    }
    ck_assert_uint_eq(extracted, 500);
    for (ident message = 1; message <= 1000; message += 4)
        ck_assert_uint_eq(take(), message);
    for (int64_t now_ms = 0; now_ms < 1000; now_ms++) {
        queue_wake(&queue, now_ms);
        for (ident message = take(); message != 0; message = take())
            ck_assert_int_eq((int64_t)(message * 7919 % 1000), now_ms);
    }
}
END_TEST

START_TEST(an_entry_is_light)
{
    size_t entry_bytes = sizeof(struct queue_entry) + sizeof(struct queue_recipient);
    ck_assert_uint_le(entry_bytes + sizeof(struct queue_entry *), 128);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("queue");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, ready_ones_come_in_order);
    tcase_add_test(tests, taken_ones_stay_counted);
    tcase_add_test(tests, waiting_ones_wake_at_their_time);
    tcase_add_test(tests, extracts_and_keeps_the_order_of_the_rest);
    tcase_add_test(tests, an_entry_is_light);
    Suite *suite = suite_create("delivery queue");
    suite_add_tcase(suite, tests);
    return suite;
}
