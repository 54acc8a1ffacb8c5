/* rooms: spool platform base */
/* with: spool_world.c */
/* The message store as its users see it: what is stored comes back whole, what is settled goes. */
#include "unit.h"

#include "platform/file.h"
#include "spool/database.h"
#include "spool_world.h"

#define PATH "unit_spool.db"

static struct spool *spool;
static struct spool_reader *reader;
static struct answers *answers;

static void open_spool(void)
{
    struct error error = {0};
    spool = spool_world_open(PATH, NULL);
    reader = spool_reader_create(spool, &error);
    ck_assert_msg(reader != NULL, "%s", error.text);
}

static void close_spool(void)
{
    spool_reader_destroy(reader);
    spool_close(spool);
}

static void set_up(void)
{
    events_forget();
    spool_world_clean(PATH);
    answers = answers_create();
    open_spool();
}

static void tear_down(void)
{
    close_spool();
    answers_destroy(answers);
    spool_world_clean(PATH);
}

static void check_count(uint64_t messages, uint64_t recipients)
{
    uint64_t waiting_messages;
    uint64_t waiting_recipients;
    spool_count(spool, &waiting_messages, &waiting_recipients);
    ck_assert_uint_eq(waiting_messages, messages);
    ck_assert_uint_eq(waiting_recipients, recipients);
}

/* ---- content ---- */

static const uint64_t sizes[] = {0,
                                 1,
                                 SPOOL_CHUNK_BYTES - 1,
                                 SPOOL_CHUNK_BYTES,
                                 SPOOL_CHUNK_BYTES + 1,
                                 3 * SPOOL_CHUNK_BYTES,
                                 10 << 20};

START_TEST(gives_back_content_of_any_size)
{
    uint64_t size = sizes[_i];
    ck_assert(bring_message(spool, 1, size, 1, answers));
    answers_wait(answers, 1);
    ck_assert_uint_eq(answers->stored, 1);
    ck_assert(is_there_whole(reader, 1, size));

    close_spool();
    open_spool();
    ck_assert(is_there_whole(reader, 1, size));
}
END_TEST

START_TEST(takes_one_piece_of_many_chunks)
{
    struct spool_incoming *incoming = spool_begin(spool, 1, answers_resume, answers);
    uint64_t size = 5 * SPOOL_CHUNK_BYTES + 17;
    ck_assert(bring_content(incoming, 1, size, (size_t)size, answers));
    struct spool_facts facts = {.message = 1,
                                .reverse_path = "",
                                .client = "",
                                .helo = "",
                                .virtual_server = "",
                                .message_id = "",
                                .subject = "",
                                .envid = ""};
    struct spool_recipient recipient = {.address = "a@b", .orcpt = "", .last_reply = ""};
    spool_commit(incoming, &facts, &recipient, 1, answers_done, answers);
    answers_wait(answers, 1);

    struct error error = {0};
    const struct spool_item *item = spool_load(reader, 1, &error);
    ck_assert_msg(item != NULL, "%s", error.text);
    ck_assert_uint_eq(item->facts.size, size);
    check_content(reader, item);
    spool_item_release(item);
}
END_TEST

static sqlite3_int64 rows_of(const char *sql)
{
    sqlite3 *database = spool_database_open(PATH, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_int64 number = -1;
    ck_assert(database != NULL && spool_database_number(database, sql, &number, NULL));
    sqlite3_close(database);
    return number;
}

START_TEST(leaves_nothing_of_an_aborted_message)
{
    struct spool_incoming *incoming = spool_begin(spool, 1, answers_resume, answers);
    ck_assert(bring_content(incoming, 1, 4 * SPOOL_CHUNK_BYTES, 10000, answers));
    spool_abort(incoming);
    spool_abort(spool_begin(spool, 2, answers_resume, answers));
    close_spool();
    ck_assert_int_eq(rows_of("SELECT count(*) FROM chunk"), 0);
    ck_assert_int_eq(rows_of("SELECT count(*) FROM message"), 0);
    open_spool();
}
END_TEST

START_TEST(removes_chunks_that_a_crash_left)
{
    close_spool();
    sqlite3 *database = spool_database_open(PATH, SQLITE_OPEN_READWRITE, NULL);
    ck_assert(spool_database_execute(database, "INSERT INTO chunk VALUES (5, 0, x'00')", NULL));
    ck_assert(spool_database_execute(database, "UPDATE mark SET clean = 0", NULL));
    sqlite3_close(database);

    struct spool_recovery recovery;
    spool = spool_world_open(PATH, &recovery);
    reader = spool_reader_create(spool, NULL);
    ck_assert(!recovery.was_clean);
    ck_assert_int_eq(rows_of("SELECT count(*) FROM chunk"), 0);
}
END_TEST

/* ---- items ---- */

struct taken {
    const struct spool_item *item;
    unsigned answers_before;
};

static void take(void *user, const struct spool_item *item)
{
    struct taken *taken = user;
    lock_acquire(answers->lock);
    taken->answers_before = answers->stored;
    lock_release(answers->lock);
    taken->item = spool_item_retain(item);
}

START_TEST(lends_the_item_before_the_answer)
{
    struct taken taken = {0};
    spool_set_taker(spool, take, &taken);
    ck_assert(bring_message(spool, 4, 3000, 2, answers));
    answers_wait(answers, 1);
    ck_assert_ptr_nonnull(taken.item);
    ck_assert_uint_eq(taken.answers_before, 0);
    ck_assert_uint_eq(taken.item->facts.message, 4);
    ck_assert_uint_eq(taken.item->facts.size, 3000);
    ck_assert_uint_eq(taken.item->recipient_count, 2);
    ck_assert_str_eq(taken.item->recipients[1].address, "r1@example.test");
    ck_assert_str_eq(taken.item->recipients[0].orcpt, "rfc822;r+2B0@example.test");

    /* In memory: the file has nothing of it any more. */
    settle(spool, 4, 0, answers);
    settle(spool, 4, 1, answers);
    answers_wait(answers, 3);
    check_content(reader, taken.item);
    spool_item_release(taken.item);
}
END_TEST

START_TEST(reads_content_from_the_file_when_memory_is_used_up)
{
    struct spool_options options = {.body_memory_bytes = 20000, .group_messages = 512};
    struct taken first = {0};
    struct taken second = {0};
    spool_set_options(spool, &options);
    spool_set_taker(spool, take, &first);
    ck_assert(bring_message(spool, 1, 12000, 1, answers));
    answers_wait(answers, 1);
    spool_set_taker(spool, take, &second);
    ck_assert(bring_message(spool, 2, 12000, 1, answers));
    answers_wait(answers, 2);

    check_content(reader, first.item);
    check_content(reader, second.item);
    settle(spool, 1, 0, answers);
    settle(spool, 2, 0, answers);
    answers_wait(answers, 4);
    check_content(reader, first.item);
    struct spool_content *content = spool_content_open(reader, second.item, NULL);
    struct view piece;
    struct error error = {.code = 1};
    ck_assert(!spool_content_next(content, &piece, &error));
    ck_assert(!spool_content_at_end(content));
    ck_assert_int_eq(error.code, 0);
    spool_content_close(content);
    spool_item_release(first.item);
    spool_item_release(second.item);

    /* The memory was given back. */
    first.item = NULL;
    spool_set_taker(spool, take, &first);
    ck_assert(bring_message(spool, 3, 12000, 1, answers));
    answers_wait(answers, 5);
    settle(spool, 3, 0, answers);
    answers_wait(answers, 6);
    check_content(reader, first.item);
    spool_item_release(first.item);
}
END_TEST

START_TEST(an_item_may_outlive_the_spool)
{
    struct taken taken = {0};
    spool_set_taker(spool, take, &taken);
    ck_assert(bring_message(spool, 1, 100, 1, answers));
    answers_wait(answers, 1);
    close_spool();
    ck_assert_str_eq(taken.item->recipients[0].address, "r0@example.test");
    spool_item_release(taken.item);
    open_spool();
}
END_TEST

/* ---- outcomes ---- */

START_TEST(removes_a_message_when_the_last_recipient_is_settled)
{
    ck_assert(bring_message(spool, 1, 200000, 3, answers));
    answers_wait(answers, 1);
    check_count(1, 3);
    settle(spool, 1, 0, answers);
    settle(spool, 1, 2, answers);
    settle(spool, 1, 2, answers); /* twice changes nothing */
    settle(spool, 9, 0, answers); /* nor does an unknown one */
    answers_wait(answers, 5);
    check_count(1, 1);
    ck_assert(is_there_whole(reader, 1, 200000));
    settle(spool, 1, 1, answers);
    answers_wait(answers, 6);
    check_count(0, 0);

    struct error error = {.code = 1};
    ck_assert_ptr_null(spool_load(reader, 1, &error));
    ck_assert_int_eq(error.code, 0);
    ck_assert_int_eq(rows_of("SELECT count(*) FROM chunk"), 0);
}
END_TEST

START_TEST(keeps_what_a_retry_says)
{
    ck_assert(bring_message(spool, 1, 10, 2, answers));
    struct spool_outcome outcomes[] = {
        {.message = 1, .recipient = 0, .kind = SPOOL_SETTLED},
        {.message = 1,
         .recipient = 1,
         .kind = SPOOL_RETRY,
         .attempts = 3,
         .next_attempt_ms = 1700000000123,
         .reply = "451 4.3.0 try later"},
    };
    spool_record(spool, outcomes, 2, answers_done, answers);
    answers_wait(answers, 2);
    close_spool();
    open_spool();

    struct error error = {0};
    const struct spool_item *item = spool_load(reader, 1, &error);
    ck_assert_msg(item != NULL, "%s", error.text);
    ck_assert_uint_eq(item->recipient_count, 1);
    ck_assert_uint_eq(item->recipients[0].number, 1);
    ck_assert_str_eq(item->recipients[0].address, "r1@example.test");
    ck_assert_uint_eq(item->recipients[0].notify, 1);
    ck_assert_uint_eq(item->recipients[0].attempts, 3);
    ck_assert_int_eq(item->recipients[0].next_attempt_ms, 1700000000123);
    ck_assert_str_eq(item->recipients[0].last_reply, "451 4.3.0 try later");
    spool_item_release(item);
}
END_TEST

START_TEST(writes_outcomes_that_nobody_waits_for)
{
    ck_assert(bring_message(spool, 1, 10, 1, answers));
    answers_wait(answers, 1);
    settle(spool, 1, 0, NULL);
    uint64_t messages = 1;
    uint64_t recipients = 1;
    for (int i = 0; i < 1000 && messages > 0; i++) {
        pause_a_little();
        spool_count(spool, &messages, &recipients);
    }
    ck_assert_uint_eq(messages, 0);
}
END_TEST

/* ---- start ---- */

struct seen_waiting {
    unsigned count;
    struct spool_waiting last;
    ident order[8];
    char reply[40];
};

static void see_waiting(void *user, const struct spool_waiting *waiting)
{
    struct seen_waiting *seen = user;
    ck_assert_uint_lt(seen->count, 8);
    seen->order[seen->count++] = waiting->message;
    seen->last = *waiting;
    snprintf(seen->reply, sizeof seen->reply, "%s", waiting->last_reply);
    ck_assert_str_eq(waiting->address,
                     waiting->recipient == 0 ? "r0@example.test" : "r1@example.test");
}

START_TEST(lists_what_waits_oldest_first)
{
    struct seen_waiting seen = {0};
    struct error error = {0};
    ck_assert(bring_message(spool, 30, 33, 1, answers));
    ck_assert(bring_message(spool, 20, 22, 2, answers));
    ck_assert(bring_message(spool, 10, 11, 1, answers));
    struct spool_outcome retry = {.message = 30,
                                  .recipient = 0,
                                  .kind = SPOOL_RETRY,
                                  .attempts = 1,
                                  .next_attempt_ms = 5,
                                  .reply = "450 no"};
    spool_record(spool, &retry, 1, answers_done, answers);
    answers_wait(answers, 4);
    close_spool();

    struct spool_recovery recovery;
    spool = spool_world_open(PATH, &recovery);
    reader = spool_reader_create(spool, &error);
    ck_assert(recovery.was_clean);
    ck_assert_uint_eq(recovery.messages, 3);
    ck_assert_uint_eq(recovery.recipients, 4);
    ck_assert_uint_eq(recovery.greatest_message, 30);
    check_count(3, 4);
    ck_assert_msg(spool_each_waiting(spool, see_waiting, &seen, &error), "%s", error.text);
    ck_assert_uint_eq(seen.count, 4);
    ck_assert_uint_eq(seen.order[0], 10);
    ck_assert_uint_eq(seen.order[1], 20);
    ck_assert_uint_eq(seen.order[2], 20);
    ck_assert_uint_eq(seen.order[3], 30);
    ck_assert_uint_eq(seen.last.attempts, 1);
    ck_assert_int_eq(seen.last.next_attempt_ms, 5);
    ck_assert_uint_eq(seen.last.size, 33);
    ck_assert_int_eq(seen.last.received_ms, 1700000000030);
    ck_assert_str_eq(seen.reply, "450 no");
}
END_TEST

START_TEST(remembers_the_greatest_ident_of_an_empty_spool)
{
    ck_assert(bring_message(spool, 77, 1, 1, answers));
    answers_wait(answers, 1);
    settle(spool, 77, 0, answers);
    answers_wait(answers, 2);
    close_spool();
    struct spool_recovery recovery;
    spool = spool_world_open(PATH, &recovery);
    reader = spool_reader_create(spool, NULL);
    ck_assert_uint_eq(recovery.messages, 0);
    ck_assert_uint_eq(recovery.greatest_message, 77);
}
END_TEST

static void refuses_file(const char *sql, const char *expected)
{
    close_spool();
    sqlite3 *database = spool_database_open(PATH, SQLITE_OPEN_READWRITE, NULL);
    ck_assert(spool_database_execute(database, sql, NULL));
    sqlite3_close(database);

    struct spool_options options = {.group_messages = 1};
    struct spool_recovery recovery;
    struct error error = {0};
    ck_assert_ptr_null(spool_open(PATH, &options, &recovery, &error));
    ck_assert_msg(strstr(error.text, expected) != NULL, "%s", error.text);
    spool_world_clean(PATH);
    open_spool();
}

START_TEST(refuses_a_newer_format)
{
    refuses_file("PRAGMA user_version = 2", "newer version of Gatepost");
}
END_TEST

START_TEST(refuses_a_strange_file)
{
    refuses_file("PRAGMA user_version = 0", "is not a message store");
}
END_TEST

START_TEST(says_why_it_cannot_open)
{
    struct spool_options options = {.group_messages = 1};
    struct spool_recovery recovery;
    struct error error = {0};
    ck_assert_ptr_null(spool_open("no_such_folder/spool.db", &options, &recovery, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no_such_folder"));
}
END_TEST

/* ---- many at once ---- */

#define THREADS  8
#define MESSAGES 100

struct bringer {
    struct thread *thread;
    ident first;
    struct answers *answers;
};

static void bring_many(void *argument)
{
    struct bringer *bringer = argument;
    for (unsigned i = 0; i < MESSAGES; i++)
        bring_message(spool, bringer->first + i, 4000, 1, bringer->answers);
}

START_TEST(groups_what_comes_together)
{
    struct bringer bringers[THREADS];
    uint64_t transactions = spool_transactions(spool);
    for (unsigned i = 0; i < THREADS; i++) {
        bringers[i] = (struct bringer){.first = 1000 * (i + 1), .answers = answers};
        bringers[i].thread = thread_start("bringer", bring_many, &bringers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(bringers[i].thread);
    answers_wait(answers, THREADS * MESSAGES);
    ck_assert_uint_eq(answers->stored, THREADS * MESSAGES);
    check_count(THREADS * MESSAGES, THREADS * MESSAGES);
    ck_assert_uint_lt(spool_transactions(spool) - transactions, THREADS * MESSAGES);
    for (unsigned i = 0; i < THREADS; i++)
        for (unsigned k = 0; k < MESSAGES; k += 9)
            ck_assert(is_there_whole(reader, 1000 * (i + 1) + k, 4000));
}
END_TEST

START_TEST(what_waits_shares_one_transaction)
{
    struct spool_options options = spool_world_options();
    options.group_messages = 10;
    spool_set_options(spool, &options);
    hold_writer(spool, answers);
    uint64_t transactions = spool_transactions(spool);
    for (ident message = 2; message <= 26; message++)
        ck_assert(bring_message(spool, message, 100, 1, answers));
    let_go();
    answers_wait(answers, 26);
    ck_assert_uint_eq(answers->stored, 26);
    ck_assert_uint_eq(spool_transactions(spool) - transactions, 3);
}
END_TEST

START_TEST(closing_writes_what_waits)
{
    for (ident message = 1; message <= 50; message++)
        ck_assert(bring_message(spool, message, 70000, 1, answers));
    settle(spool, 50, 0, NULL);
    close_spool();
    ck_assert_uint_eq(answers->stored, 50);
    open_spool();
    check_count(49, 49);
}
END_TEST

START_TEST(the_file_does_not_grow_without_end)
{
    for (ident message = 1; message <= 3000; message++) {
        ck_assert(bring_message(spool, message, 4000, 1, answers));
        settle(spool, message, 0, answers);
        if (message % 100 == 0)
            answers_wait(answers, 2 * (unsigned)message);
    }
    close_spool();
    ck_assert_int_lt(rows_of("PRAGMA page_count"), 1000);
    open_spool();
}
END_TEST

START_TEST(an_idle_spool_gives_disk_space_back)
{
    ck_assert(bring_message(spool, 1, 30 << 20, 1, answers));
    settle(spool, 1, 0, answers);
    answers_wait(answers, 2);
    sqlite3_int64 before = rows_of("PRAGMA page_count");
    for (int i = 0; i < 4000 && rows_of("PRAGMA page_count") == before; i++)
        pause_a_little();
    ck_assert_int_lt(rows_of("PRAGMA page_count"), before);
    /* And keeps some for the mail to come. */
    ck_assert_int_ge(rows_of("PRAGMA freelist_count"), 4096);
}
END_TEST

/* ---- low disk ---- */

START_TEST(refuses_mail_while_the_disk_is_low)
{
    struct spool_options options;
    uint64_t bytes;
    ck_assert(disk_free_bytes(".", &bytes, NULL));
    ck_assert(bring_message(spool, 1, 10, 1, answers));
    answers_wait(answers, 1);
    struct spool_incoming *begun = spool_begin(spool, 2, answers_resume, answers);
    ck_assert(bring_content(begun, 2, 10, 10, answers));

    options = spool_world_options();
    options.minimum_free_bytes = bytes * 2;
    spool_set_options(spool, &options);
    ck_assert(state_becomes(spool, SPOOL_DISK_LOW));
    ck_assert_uint_eq(events_seen(EVENT_DISK_LOW), 1);
    ck_assert(!bring_message(spool, 3, 10, 1, answers));
    commit_message(begun, 2, 10, 1, answers);
    answers_wait(answers, 2);
    ck_assert_uint_eq(answers->not_stored, 1);
    ck_assert_ptr_nonnull(strstr(answers->last_error.text, "MB free"));

    /* What makes room goes on. */
    settle(spool, 1, 0, answers);
    answers_wait(answers, 3);
    check_count(0, 0);

    options.minimum_free_bytes = 1;
    spool_set_options(spool, &options);
    ck_assert(state_becomes(spool, SPOOL_READY));
    ck_assert_uint_eq(events_seen(EVENT_DISK_LOW), 1);
    ck_assert_uint_eq(events_seen(EVENT_DISK_ENOUGH), 1);
    ck_assert(bring_message(spool, 4, 10, 1, answers));
    answers_wait(answers, 4);
    ck_assert_uint_eq(answers->stored, 3);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("spool");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, gives_back_content_of_any_size, 0,
                        (int)(sizeof sizes / sizeof sizes[0]));
    tcase_add_test(tests, takes_one_piece_of_many_chunks);
    tcase_add_test(tests, leaves_nothing_of_an_aborted_message);
    tcase_add_test(tests, removes_chunks_that_a_crash_left);
    tcase_add_test(tests, lends_the_item_before_the_answer);
    tcase_add_test(tests, reads_content_from_the_file_when_memory_is_used_up);
    tcase_add_test(tests, an_item_may_outlive_the_spool);
    tcase_add_test(tests, removes_a_message_when_the_last_recipient_is_settled);
    tcase_add_test(tests, keeps_what_a_retry_says);
    tcase_add_test(tests, writes_outcomes_that_nobody_waits_for);
    tcase_add_test(tests, lists_what_waits_oldest_first);
    tcase_add_test(tests, remembers_the_greatest_ident_of_an_empty_spool);
    tcase_add_test(tests, refuses_a_newer_format);
    tcase_add_test(tests, refuses_a_strange_file);
    tcase_add_test(tests, says_why_it_cannot_open);
    tcase_add_test(tests, groups_what_comes_together);
    tcase_add_test(tests, what_waits_shares_one_transaction);
    tcase_add_test(tests, closing_writes_what_waits);
    tcase_add_test(tests, the_file_does_not_grow_without_end);
    tcase_add_test(tests, an_idle_spool_gives_disk_space_back);
    tcase_add_test(tests, refuses_mail_while_the_disk_is_low);
    Suite *suite = suite_create("spool");
    suite_add_tcase(suite, tests);
    return suite;
}
