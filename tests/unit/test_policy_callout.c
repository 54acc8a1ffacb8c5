/* rooms: policy config ldap platform base */
/* Recipients of domains whose next hop knows who exists: whom the policy wants asked, and what it makes of the
 * answer. */
#include "policy/policy.h"
#include "unit.h"

#include <stdio.h>

#define FILE_NAME "unit_policy_callout.db"

static const char settings_text[] =
    "{\"accepted_domains\": [{\"domain\": \"asked.test\", \"deliver_to\": \"host\", \"host\": "
    "\"mail.asked.test\","
    "\"recipients\": \"call-out\"}, {\"domain\": \"relay.test\", \"type\": \"relay\", "
    "\"deliver_to\": \"host\","
    "\"host\": \"mail.asked.test\", \"recipients\": \"call-out\"}, {\"domain\": \"other.test\"}],"
    "\"recipient_filter\": {\"blocked\": [\"blocked@asked.test\"], \"detail_separator\": \"+\"}}";

static struct directory *directory;
static struct directory_reader *reader;
static struct policy *policy;
static struct policy_client client;
static struct policy_live live;
static struct verdict verdict;

static const struct live_source callout = {.source = NULL};
static struct policy_sources sources;

static void delete_files(void)
{
    remove(FILE_NAME);
    remove(FILE_NAME "-wal");
    remove(FILE_NAME "-shm");
}

static void begin(void)
{
    struct error error = {0};
    delete_files();
    directory = directory_open_local(FILE_NAME, &error);
    ck_assert_msg(directory != NULL, "%s", error.text);
    reader = directory_reader_create(directory);
    const struct settings_snapshot *snapshot =
        settings_parse(view_of_text(settings_text), 1, &error);
    ck_assert_msg(snapshot != NULL, "%s", error.text);
    policy = policy_create(snapshot);
    settings_release(snapshot);
    client = (struct policy_client){.recipient_filter = true};
    sources = (struct policy_sources){.reader = reader, .callout = &callout};
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

static void check_verdict(const char *recipient, int code, const char *rule)
{
    ck_assert_int_eq(check(recipient), POLICY_DECIDED);
    ck_assert_int_eq(verdict.code, code);
    ck_assert_str_eq(verdict.rule, rule);
}

START_TEST(wants_the_next_hop_asked_for_what_was_written)
{
    ck_assert_int_eq(check("Ann+News@Asked.test"), POLICY_ASK_CALLOUT);
    ck_assert_ptr_eq(live.source, &callout);
    ck_assert(view_equal(live.wanted, VIEW("Ann+News@Asked.test")));
    ck_assert_int_eq(check("ann@relay.test"), POLICY_ASK_CALLOUT);
}
END_TEST

START_TEST(asks_nobody_where_another_rule_decides)
{
    check_verdict("blocked@asked.test", 550, "recipient-blocked");
    check_verdict("postmaster@asked.test", 250, "postmaster");
    check_verdict("ann@other.test", 451, "directory-unavailable");
    client.recipient_filter = false;
    check_verdict("ann@asked.test", 250, "filter-not-applied");
    client = (struct policy_client){.recipient_filter = true, .trusted = true};
    check_verdict("ann@asked.test", 250, "client-trusted");
}
END_TEST

static const struct {
    struct live_answer answer;
    int code;
    const char *rule;
    const char *enhanced;
    const char *text;
} answers[] = {
    {{.said = LIVE_YES}, 250, "callout-accepted", "", ""},
    {{.said = LIVE_YES, .rule = "callout-catch-all"}, 250, "callout-catch-all", "", ""},
    {{.said = LIVE_NO}, 550, "callout-refused", "5.1.1", "User unknown"},
    {{.said = LIVE_NO, .reply = "No 100% mailbox"},
     550,
     "callout-refused",
     "5.1.1",
     "No 100% mailbox"},
    {{.said = LIVE_CANNOT_SAY},
     451,
     "callout-unavailable",
     "4.4.3",
     "Recipient cannot be checked now, try again later"},
};

START_TEST(takes_the_answer)
{
    ck_assert_int_eq(check("ann@asked.test"), POLICY_ASK_CALLOUT);
    live.answers[live.slot] = answers[_i].answer;
    policy_live_add(&live);
    check_verdict("ann@asked.test", answers[_i].code, answers[_i].rule);
    ck_assert_str_eq(verdict.enhanced, answers[_i].enhanced);
    ck_assert_str_eq(verdict.text, answers[_i].text);
}
END_TEST

START_TEST(cannot_say_without_anybody_to_ask)
{
    sources.callout = NULL;
    check_verdict("ann@asked.test", 451, "callout-unavailable");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("callout");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, wants_the_next_hop_asked_for_what_was_written);
    tcase_add_test(tests, asks_nobody_where_another_rule_decides);
    tcase_add_loop_test(tests, takes_the_answer, 0, sizeof answers / sizeof answers[0]);
    tcase_add_test(tests, cannot_say_without_anybody_to_ask);
    Suite *suite = suite_create("policy: call-out");
    suite_add_tcase(suite, tests);
    return suite;
}
