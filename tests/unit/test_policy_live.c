/* rooms: policy config ldap platform base */
/* Recipients whose verdict needs a live answer of the directory, or whom only authenticated senders may write to. */
#include "base/buffer.h"
#include "ldap/feed.h"
#include "policy/policy.h"
#include "unit.h"

#include <stdio.h>

#define FILE_NAME "unit_policy_live.db"

static const char settings_text[] =
    "{\"accepted_domains\": [{\"domain\": \"example.test\"}, {\"domain\": \"fresh.test\"}],"
    "\"recipient_filter\": {\"detail_separator\": \"+\"}}";

static struct directory *directory;
static struct directory_reader *reader;
static struct policy *policy;
static struct policy_client client;
static struct policy_live live;
static struct verdict verdict;

static void delete_files(void)
{
    remove(FILE_NAME);
    remove(FILE_NAME "-wal");
    remove(FILE_NAME "-shm");
}

/* example.test is what the directory in the tests has; what is known of it is old. */
static bool must_ask(void *source, struct view address)
{
    (void)source;
    return view_ends_with_nocase(address, VIEW("@example.test"));
}

static const struct live_source directory_source = {.must_ask = must_ask};
static struct policy_sources sources;

static void put(struct feed *feed, const char *address, bool restricted)
{
    static unsigned char number;
    struct directory_object object;
    object_init(&object);
    object.uuid.bytes[0] = ++number;
    object.restricted = restricted;
    ck_assert(object_add_address(&object, view_of_text(address)));
    ck_assert(feed_put(feed, &object, NULL));
    object_free(&object);
}

static void fill_directory(void)
{
    const struct feed_settings settings = {
        .name = "corp", .identity = "1", .limits = {.removed_percent = 100}};
    struct store_source source;
    struct error error = {0};
    struct feed *feed = feed_create(directory, &settings, &source, &error);
    ck_assert_msg(feed != NULL, "%s", error.text);
    ck_assert(feed_begin(feed, &error));
    put(feed, "known@example.test", false);
    put(feed, "board@example.test", true);
    ck_assert(feed_commit(feed, VIEW_NONE, true, false, &error));
    feed_destroy(feed);
}

static void begin(void)
{
    struct error error = {0};
    delete_files();
    directory = directory_open_local(FILE_NAME, &error);
    ck_assert_msg(directory != NULL, "%s", error.text);
    reader = directory_reader_create(directory);
    fill_directory();
    const struct settings_snapshot *snapshot =
        settings_parse(view_of_text(settings_text), 1, &error);
    ck_assert_msg(snapshot != NULL, "%s", error.text);
    policy = policy_create(snapshot);
    settings_release(snapshot);
    client = (struct policy_client){.recipient_filter = true};
    sources = (struct policy_sources){.reader = reader, .directory = &directory_source};
    live.known = 0;
}

static void end(void)
{
    policy_release(policy);
    directory_reader_destroy(reader);
    directory_close(directory);
    delete_files();
}

static enum policy_asks check(const char *recipient)
{
    struct view delivered_to;
    char scratch[330];
    return policy_check_recipient(policy, &sources, &client, view_of_text(recipient), &live,
                                  scratch, sizeof scratch, &delivered_to, &verdict);
}

static void check_wanted(const char *recipient, const char *wanted)
{
    ck_assert_int_eq(check(recipient), POLICY_ASK_DIRECTORY);
    ck_assert_msg(view_equal(live.wanted, view_of_text(wanted)), "%.*s", (int)live.wanted.length,
                  live.wanted.data);
}

static void answer(struct live_answer live_answer)
{
    live.answers[live.slot] = live_answer;
    policy_live_add(&live);
}

static void check_verdict(const char *recipient, int code, const char *rule)
{
    ck_assert_int_eq(check(recipient), POLICY_DECIDED);
    ck_assert_int_eq(verdict.code, code);
    ck_assert_str_eq(verdict.rule, rule);
}

START_TEST(asks_only_where_memory_must_not_decide)
{
    check_verdict("known@example.test", 250, "recipient-known");
    check_verdict("known+news@fresh.test", 550, "recipient-unknown");
    check_wanted("New@Example.TEST", "new@example.test");
    client.trusted = true;
    check_verdict("new@example.test", 250, "client-trusted");
    client.trusted = false;
    sources.directory = NULL;
    check_verdict("new@example.test", 550, "recipient-unknown");
}
END_TEST

static const struct {
    struct live_answer answer;
    int code;
    const char *enhanced;
    const char *text;
    const char *rule;
} answers[] = {
    {{.said = LIVE_YES}, 250, "", "", "recipient-known"},
    {{.said = LIVE_YES, .rule = "asked"}, 250, "", "", "asked"},
    {{.said = LIVE_YES, .restricted = true},
     550,
     "5.7.1",
     "Not authorized: only authenticated senders may write to this recipient",
     "sender-not-authenticated"},
    {{.said = LIVE_NO}, 550, "5.1.1", "User unknown", "recipient-unknown"},
    {{.said = LIVE_NO, .rule = "asked", .reply = "Moved 100% away"},
     550,
     "5.1.1",
     "Moved 100% away",
     "asked"},
    {{.said = LIVE_CANNOT_SAY, .reason = "no answer"},
     451,
     "4.3.0",
     "Recipient cannot be checked now, try again later",
     "directory-unavailable"},
};

START_TEST(takes_the_live_answer)
{
    check_wanted("new@example.test", "new@example.test");
    answer(answers[_i].answer);
    check_verdict("new@example.test", answers[_i].code, answers[_i].rule);
    ck_assert_str_eq(verdict.enhanced, answers[_i].enhanced);
    ck_assert_str_eq(verdict.text, answers[_i].text);
    ck_assert_str_eq(policy_live_reason(&live), answers[_i].answer.reason);
}
END_TEST

START_TEST(asks_without_the_detail_next)
{
    check_wanted("new+a+b@example.test", "new+a+b@example.test");
    answer((struct live_answer){.said = LIVE_NO});
    check_wanted("new+a+b@example.test", "new@example.test");
    answer((struct live_answer){.said = LIVE_YES});
    check_verdict("new+a+b@example.test", 250, "recipient-known");
}
END_TEST

START_TEST(needs_no_second_answer_for_what_is_known_without_detail)
{
    check_wanted("known+news@example.test", "known+news@example.test");
    answer((struct live_answer){.said = LIVE_NO});
    check_verdict("known+news@example.test", 250, "recipient-known");
}
END_TEST

START_TEST(does_not_guess_when_nobody_can_say)
{
    check_wanted("known+news@example.test", "known+news@example.test");
    answer((struct live_answer){.said = LIVE_CANNOT_SAY});
    check_verdict("known+news@example.test", 451, "directory-unavailable");
}
END_TEST

START_TEST(what_memory_learns_meanwhile_counts)
{
    struct error error;
    check_wanted("new@example.test", "new@example.test");
    answer((struct live_answer){.said = LIVE_CANNOT_SAY});
    ck_assert_int_eq(directory_add(directory, VIEW("new@example.test"), VIEW_NONE, &error),
                     DIRECTORY_CHANGED);
    check_verdict("new@example.test", 250, "recipient-known");
}
END_TEST

START_TEST(restricted_recipients_need_an_authenticated_sender)
{
    check_verdict("board@example.test", 550, "sender-not-authenticated");
    ck_assert_str_eq(verdict.enhanced, "5.7.1");
    client.authenticated = true;
    check_verdict("board@example.test", 250, "client-authenticated");
    client.authenticated = false;
    client.trusted = true;
    check_verdict("board@example.test", 250, "client-trusted");
}
END_TEST

static void note_last(void *user, const struct policy_step *step)
{
    char *text = user;
    snprintf(text, 400, "%s%s: %s", step->decided ? "!" : "", step->rule, step->sentence);
}

static void check_explained(const char *recipient, const char *sentence)
{
    char text[400];
    policy_explain_recipient(policy, &sources, &client, view_of_text(recipient), &live, note_last,
                             text, &verdict);
    ck_assert_str_eq(text, sentence);
}

START_TEST(explains_the_live_answer)
{
    check_explained(
        "board@example.test",
        "!sender-not-authenticated: board@example.test is in the directory \"corp\", but "
        "takes mail from authenticated senders only.");
    check_explained("new@example.test",
                    "!directory-unavailable: new@example.test is not in the directory as it was "
                    "known last, which is too long ago to decide. It was asked now: no answer.");
    check_wanted("new@example.test", "new@example.test");
    answer((struct live_answer){.said = LIVE_NO, .reason = "dc1 does not have it"});
    check_explained("new@example.test",
                    "!recipient-unknown: new@example.test is not in the directory as it was known "
                    "last, which is too long ago to decide. It was asked now: dc1 does not have "
                    "it.");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("live");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, asks_only_where_memory_must_not_decide);
    tcase_add_loop_test(tests, takes_the_live_answer, 0, sizeof answers / sizeof answers[0]);
    tcase_add_test(tests, asks_without_the_detail_next);
    tcase_add_test(tests, needs_no_second_answer_for_what_is_known_without_detail);
    tcase_add_test(tests, does_not_guess_when_nobody_can_say);
    tcase_add_test(tests, what_memory_learns_meanwhile_counts);
    tcase_add_test(tests, restricted_recipients_need_an_authenticated_sender);
    tcase_add_test(tests, explains_the_live_answer);
    Suite *suite = suite_create("policy_live");
    suite_add_tcase(suite, tests);
    return suite;
}
