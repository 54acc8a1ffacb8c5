/* rooms: net base platform */
/* Posts and timers of a loop. */
#include "base/memory.h"
#include "net/loop.h"
#include "platform/clock.h"
#include "platform/thread.h"
#include "unit.h"

static struct net_loop *loop;
static struct lock *lock;
static struct condition *changed;
static int count;

static void setup(void)
{
    struct error error;
    lock = lock_create();
    changed = condition_create();
    count = 0;
    loop = net_loop_start("test", &error);
    ck_assert_ptr_nonnull(loop);
}

static void teardown(void)
{
    if (loop != NULL)
        net_loop_stop(loop);
    condition_destroy(changed);
    lock_destroy(lock);
}

static void count_one(void)
{
    lock_acquire(lock);
    count++;
    condition_broadcast(changed);
    lock_release(lock);
}

static void wait_for(int least)
{
    int64_t deadline = clock_monotonic_ms() + 10000;
    lock_acquire(lock);
    while (count < least && clock_monotonic_ms() < deadline)
        condition_wait_for(changed, lock, 1000);
    ck_assert_int_ge(count, least);
    lock_release(lock);
}

/* ---- posts ---- */

#define POSTERS       4
#define POSTS_OF_EACH 5000

struct poster {
    int next_expected; /* on the loop */
    int out_of_order;
};

struct numbered {
    struct poster *poster;
    int number;
};

static struct numbered numbered[POSTERS][POSTS_OF_EACH];

static void take_number(void *argument)
{
    struct numbered *post = argument;
    if (post->number != post->poster->next_expected++)
        post->poster->out_of_order++;
    ck_assert(net_on_loop(loop));
    count_one();
}

static void post_numbers(void *argument)
{
    struct numbered *posts = argument;
    for (int i = 0; i < POSTS_OF_EACH; i++)
        net_post(loop, take_number, &posts[i]);
}

START_TEST(runs_posts_in_order)
{
    struct poster posters[POSTERS] = {{0}};
    struct thread *threads[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        for (int j = 0; j < POSTS_OF_EACH; j++)
            numbered[i][j] = (struct numbered){&posters[i], j};
        threads[i] = thread_start("poster", post_numbers, numbered[i]);
    }
    for (int i = 0; i < POSTERS; i++)
        thread_join(threads[i]);
    wait_for(POSTERS * POSTS_OF_EACH);
    for (int i = 0; i < POSTERS; i++)
        ck_assert_int_eq(posters[i].out_of_order, 0);
    ck_assert(!net_on_loop(loop));
}
END_TEST

static void post_itself(void *argument)
{
    int *left = argument;
    if (--*left > 0)
        net_post(loop, post_itself, left);
    count_one();
}

START_TEST(posts_from_the_loop_itself)
{
    int left = 1000;
    net_post(loop, post_itself, &left);
    wait_for(1000);
}
END_TEST

static void add_one(void *argument)
{
    ck_assert(net_on_loop(loop));
    ++*(int *)argument;
}

static void call_often(void *argument)
{
    for (int i = 0; i < 1000; i++)
        net_call(loop, add_one, argument);
}

START_TEST(calls_return_when_they_have_run)
{
    int sum = 0;
    struct thread *threads[POSTERS];
    for (int i = 0; i < POSTERS; i++)
        threads[i] = thread_start("caller", call_often, &sum);
    for (int i = 0; i < POSTERS; i++)
        thread_join(threads[i]);
    ck_assert_int_eq(sum, POSTERS * 1000);
}
END_TEST

static void count_post(void *argument)
{
    (void)argument;
    count_one();
}

START_TEST(runs_what_was_posted_before_the_stop)
{
    for (int i = 0; i < 1000; i++)
        net_post(loop, count_post, NULL);
    net_loop_stop(loop);
    loop = NULL;
    ck_assert_int_eq(count, 1000);
}
END_TEST

/* ---- timers ---- */

static struct net_timer *timer;
static int64_t fired_after_ms;
static int64_t started_ms;

static void fired(void *user)
{
    (void)user;
    fired_after_ms = clock_monotonic_ms() - started_ms;
    count_one();
}

static void start_timer(void *argument)
{
    timer = net_timer_create(loop, fired, NULL);
    started_ms = clock_monotonic_ms();
    net_timer_start(timer, *(uint64_t *)argument);
    count_one();
}

static void destroy_timer(void *argument)
{
    (void)argument;
    net_timer_destroy(timer);
    count_one();
}

START_TEST(fires_once_after_its_time)
{
    uint64_t milliseconds = 60;
    net_post(loop, start_timer, &milliseconds);
    wait_for(2);
    /* The loop's clock may stand up to a turn behind. */
    ck_assert_int_ge(fired_after_ms, 50);
    net_post(loop, destroy_timer, NULL);
    wait_for(3);
    ck_assert_int_eq(count, 3);
}
END_TEST

START_TEST(does_not_fire_after_it_was_destroyed)
{
    uint64_t milliseconds = 20;
    net_post(loop, start_timer, &milliseconds);
    net_post(loop, destroy_timer, NULL);
    wait_for(2);
    net_loop_stop(loop);
    loop = NULL;
    ck_assert_int_eq(count, 2);
}
END_TEST

static void start_again(void *argument)
{
    (void)argument;
    net_timer_stop(timer);
    net_timer_start(timer, 1);
    count_one();
}

START_TEST(can_be_started_again)
{
    uint64_t milliseconds = 60000;
    net_post(loop, start_timer, &milliseconds);
    net_post(loop, start_again, NULL);
    wait_for(3);
    net_post(loop, start_again, NULL);
    wait_for(5);
    net_post(loop, destroy_timer, NULL);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("loop");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, runs_posts_in_order);
    tcase_add_test(tests, posts_from_the_loop_itself);
    tcase_add_test(tests, calls_return_when_they_have_run);
    tcase_add_test(tests, runs_what_was_posted_before_the_stop);
    tcase_add_test(tests, fires_once_after_its_time);
    tcase_add_test(tests, does_not_fire_after_it_was_destroyed);
    tcase_add_test(tests, can_be_started_again);
    Suite *suite = suite_create("net");
    suite_add_tcase(suite, tests);
    return suite;
}
