/* rooms: ndr spool smtp config base platform */
/* with: spool_world.c platform_folder.c */
/* Messages as files: the bytes of drop and badmail files, and what is left of a failure. */
#include "unit.h"

#include "base/memory.h"
#include "ndr/badmail.h"
#include "ndr/message_file.h"
#include "ndr/return_path.h"
#include "platform/file.h"
#include "platform_folder.h"
#include "spool_world.h"

#define SPOOL_FILE "unit_badmail.db"
#define MESSAGE    ((ident)0x123456789)
#define NAME       "0000004HMASW9"

static struct spool *spool;
static struct spool_reader *reader;
static char *folder;

static const struct spool_recipient recipients[] = {
    {.number = 0, .address = "ann@example.test", .orcpt = "", .last_reply = ""},
    {.number = 1, .address = "bob@example.test", .orcpt = "", .last_reply = ""},
    {.number = 2, .address = "j\xC3\xB6rg@example.test", .orcpt = "", .last_reply = ""},
};

/* Stores a message and returns it as it comes from the file. */
static const struct spool_item *store(const char *reverse_path, const char *content)
{
    struct answers *answers = answers_create();
    struct spool_facts facts = {
        .message = MESSAGE,
        .session = 7,
        .received_ms = 1700000000000,
        .reverse_path = reverse_path,
        .client = "192.0.2.1",
        .helo = "client.test",
        .virtual_server = "Default SMTP Virtual Server",
        .message_id = "<1@client.test>",
        .subject = "A test",
        .envid = "",
        .size = strlen(content),
    };
    struct spool_incoming *incoming = spool_begin(spool, MESSAGE, answers_resume, answers);
    spool_append(incoming, content, strlen(content));
    spool_commit(incoming, &facts, recipients, 3, answers_done, answers);
    answers_wait(answers, 1);
    answers_destroy(answers);
    const struct spool_item *item = spool_load(reader, MESSAGE, NULL);
    ck_assert_ptr_nonnull(item);
    return item;
}

static void setup(void)
{
    struct spool_recovery recovery;
    struct error error;
    spool_world_clean(SPOOL_FILE);
    spool = spool_world_open(SPOOL_FILE, &recovery);
    reader = spool_reader_create(spool, &error);
    ck_assert_msg(reader != NULL, "%s", error.text);
    folder = scratch_folder();
}

static void teardown(void)
{
    scratch_remove(folder);
    spool_reader_destroy(reader);
    spool_close(spool);
    spool_world_clean(SPOOL_FILE);
}

static void count_file(void *user, const char *name, bool is_folder)
{
    (void)name;
    (void)is_folder;
    (*(int *)user)++;
}

static int files_in_folder(void)
{
    int count = 0;
    ck_assert(folder_each(folder, count_file, &count, NULL));
    return count;
}

static void check_text(const char *path, const char *expected)
{
    char *text = scratch_text(path);
    ck_assert_str_eq(text, expected);
    memory_free(text);
}

/* ---- files of messages ---- */

static const struct {
    const char *reverse_path;
    uint32_t numbers[3];
    size_t count;
    bool final_delivery;
    const char *content;
    const char *file;
} files[] = {
    {"eve@example.net",
     {1},
     1,
     true,
     "Subject: a\r\n\r\nText\r\n",
     "X-Sender: eve@example.net\r\nX-Receiver: bob@example.test\r\n"
     "Return-Path: <eve@example.net>\r\nSubject: a\r\n\r\nText\r\n"},
    {"",
     {0, 2},
     2,
     true,
     "Return-Path: <forged@example.net>\r\nReceived: x\r\nreturn-PATH:\r\n <again>\r\n\tfolded\r\n"
     "Return-Paths: kept\r\nRet\r\n\r\nReturn-Path: in the text\r\n",
     "X-Sender: <>\r\nX-Receiver: ann@example.test\r\nX-Receiver: j\xC3\xB6rg@example.test\r\n"
     "Return-Path: <>\r\nReceived: x\r\nReturn-Paths: kept\r\nRet\r\n\r\n"
     "Return-Path: in the text\r\n"},
    {"eve@example.net",
     {0},
     1,
     false,
     "Return-Path: <forged@example.net>\r\n\r\nText without line end",
     "X-Sender: eve@example.net\r\nX-Receiver: ann@example.test\r\n"
     "Return-Path: <forged@example.net>\r\n\r\nText without line end"},
    {"eve@example.net",
     {0},
     1,
     true,
     "Return-Pa",
     "X-Sender: eve@example.net\r\nX-Receiver: ann@example.test\r\n"
     "Return-Path: <eve@example.net>\r\nReturn-Pa"},
};

START_TEST(writes_files)
{
    const struct spool_item *item = store(files[_i].reverse_path, files[_i].content);
    struct message_file message = {item, files[_i].numbers, files[_i].count,
                                   files[_i].final_delivery};
    char *path = path_join(folder, "one.eml");
    struct error error;
    /* The second time over what is left of the first. */
    for (int time = 0; time < 2; time++) {
        ck_assert_int_eq(message_file_write(&message, reader, path, &error), MESSAGE_FILE_WRITTEN);
        check_text(path, files[_i].file);
    }
    memory_free(path);
    spool_item_release(item);
}
END_TEST

START_TEST(chooses_names_that_are_free)
{
    char *first = message_file_choose_path(folder, MESSAGE, ".eml", ".txt");
    char *expected = path_join(folder, NAME "-1");
    ck_assert_str_eq(first, expected);
    memory_free(expected);
    memory_free(first);

    static const char *const taken[] = {NAME "-1.eml", NAME "-2.txt"};
    for (size_t i = 0; i < 2; i++) {
        char *path = path_join(folder, taken[i]);
        file_close(file_create(path, NULL));
        memory_free(path);
    }
    char *third = message_file_choose_path(folder, MESSAGE, ".eml", ".txt");
    expected = path_join(folder, NAME "-3");
    ck_assert_str_eq(third, expected);
    memory_free(expected);
    memory_free(third);
}
END_TEST

/* What the filter keeps of a header that comes in pieces of this size. */
START_TEST(filter_finds_the_field_in_any_pieces)
{
    static const char header[] = "Return-Path: a\r\nA: b\r\nRETURN-path: c\r\n d\r\nRe: x\r\n"
                                 "return-path:\r\nReturn-Path:e\r\n\r\nReturn-Path: f\r\n";
    for (size_t size = 1; size <= sizeof header; size++) {
        struct return_path_filter filter = {0};
        struct view rest = view_of_text(header);
        struct view keep;
        struct buffer kept;
        buffer_init(&kept, 1000);
        while (!view_is_empty(rest)) {
            struct view piece = view_first(rest, size);
            rest = view_from(rest, size);
            while (return_path_filter(&filter, &piece, &keep))
                buffer_append_view(&kept, keep);
        }
        buffer_append_view(&kept, return_path_filter_end(&filter));
        ck_assert_str_eq(kept.data, "A: b\r\nRe: x\r\n\r\nReturn-Path: f\r\n");
        buffer_free(&kept);
    }
}
END_TEST

START_TEST(large_message_is_written_whole)
{
    struct answers *answers = answers_create();
    const uint64_t size = 3000000;
    ck_assert(bring_message(spool, MESSAGE, size, 1, answers));
    answers_wait(answers, 1);
    answers_destroy(answers);
    const struct spool_item *item = spool_load(reader, MESSAGE, NULL);
    uint32_t number = 0;
    struct message_file message = {item, &number, 1, false};
    char *path = path_join(folder, "large.eml");
    ck_assert_int_eq(message_file_write(&message, reader, path, NULL), MESSAGE_FILE_WRITTEN);
    struct buffer contents;
    buffer_init(&contents, 2 * size);
    ck_assert(file_read(path, &contents, NULL));
    size_t envelope = contents.length - size;
    ck_assert_uint_lt(envelope, 200);
    for (uint64_t at = 0; at < size; at++) {
        if (contents.data[envelope + at] != content_byte(MESSAGE, at))
            ck_abort_msg("byte %llu differs", (unsigned long long)at);
    }
    buffer_free(&contents);
    memory_free(path);
    spool_item_release(item);
}
END_TEST

START_TEST(message_that_is_gone_leaves_no_file)
{
    const struct spool_item *item = store("eve@example.net", "Text\r\n");
    struct answers *answers = answers_create();
    for (uint32_t number = 0; number < 3; number++)
        settle(spool, MESSAGE, number, answers);
    answers_wait(answers, 3);
    answers_destroy(answers);
    uint32_t number = 0;
    struct message_file message = {item, &number, 1, true};
    char *path = path_join(folder, "gone.eml");
    struct error error;
    ck_assert_int_eq(message_file_write(&message, reader, path, &error), MESSAGE_FILE_UNREADABLE);
    ck_assert_int_eq(files_in_folder(), 0);
    memory_free(path);
    spool_item_release(item);
}
END_TEST

/* ---- badmail ---- */

static const struct badmail_recipient failed[] = {
    {1, false, "550 5.1.1 User unknown"},
    {2, true, "451 4.7.1 Greylisted"},
};

START_TEST(badmail_has_message_and_reason)
{
    const struct spool_item *item = store("eve@example.net", "Subject: a\r\n\r\nText\r\n");
    char *path;
    struct error error;
    ck_assert_msg(
        badmail_write(folder, item, "mail.example.test:25", failed, 2, reader, &path, &error), "%s",
        error.text);
    char *expected = path_join(folder, NAME "-1.eml");
    ck_assert_str_eq(path, expected);
    check_text(path, "X-Sender: eve@example.net\r\nX-Receiver: bob@example.test\r\n"
                     "X-Receiver: j\xC3\xB6rg@example.test\r\nSubject: a\r\n\r\nText\r\n");
    char *reason = path_join(folder, NAME "-1.txt");
    check_text(reason, "This message could not be delivered.\r\n\r\n"
                       "Message:     0000004HMASW9\r\n"
                       "Session:     0000000000007\r\n"
                       "Received:    Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                       "From client: 192.0.2.1 (client.test)\r\n"
                       "Sender:      <eve@example.net>\r\n"
                       "Subject:     A test\r\n"
                       "Message-ID:  <1@client.test>\r\n"
                       "Size:        20 bytes\r\n"
                       "Destination: mail.example.test:25\r\n"
                       "\r\nRecipient:   bob@example.test\r\n"
                       "Outcome:     failed: will not be tried again\r\n"
                       "Reason:      550 5.1.1 User unknown\r\n"
                       "\r\nRecipient:   j\xC3\xB6rg@example.test\r\n"
                       "Outcome:     expired: not delivered in the time that is set\r\n"
                       "Reason:      451 4.7.1 Greylisted\r\n");
    memory_free(path);

    /* Once more: beside the first. */
    ck_assert(badmail_write(folder, item, "x:25", failed, 1, reader, &path, &error));
    ck_assert_str_ne(path, expected);
    ck_assert_int_eq(files_in_folder(), 4);
    memory_free(path);
    memory_free(reason);
    memory_free(expected);
    spool_item_release(item);
}
END_TEST

START_TEST(badmail_that_cannot_be_written_leaves_nothing)
{
    const struct spool_item *item = store("eve@example.net", "Text\r\n");
    char *path = NULL;
    struct error error = {0};

    /* The folder's name is that of a file. */
    char *file_name = path_join(folder, "file");
    file_close(file_create(file_name, NULL));
    ck_assert(!badmail_write(file_name, item, "x:25", failed, 2, reader, &path, &error));
    ck_assert_str_ne(error.text, "");

    /* Where the reason is to be, a folder is in the way. */
    char *in_the_way = path_join(folder, NAME "-1.txt.new");
    ck_assert(folder_create(in_the_way, NULL));
    error.text[0] = '\0';
    ck_assert(!badmail_write(folder, item, "x:25", failed, 2, reader, &path, &error));
    ck_assert_str_ne(error.text, "");
    ck_assert_ptr_null(path);
    ck_assert_int_eq(files_in_folder(), 2);
    remove(in_the_way);
    memory_free(in_the_way);
    memory_free(file_name);
    spool_item_release(item);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("badmail");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, writes_files, 0, (int)(sizeof files / sizeof *files));
    tcase_add_test(tests, chooses_names_that_are_free);
    tcase_add_test(tests, filter_finds_the_field_in_any_pieces);
    tcase_add_test(tests, large_message_is_written_whole);
    tcase_add_test(tests, message_that_is_gone_leaves_no_file);
    tcase_add_test(tests, badmail_has_message_and_reason);
    tcase_add_test(tests, badmail_that_cannot_be_written_leaves_nothing);
    Suite *suite = suite_create("badmail");
    suite_add_tcase(suite, tests);
    return suite;
}
