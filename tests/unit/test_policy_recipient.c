/* rooms: policy config ldap platform base */
/* May this recipient be taken: tables of cases under several settings, and why. */
#include "base/buffer.h"
#include "policy/policy.h"
#include "unit.h"

#include <stdio.h>

#define FILE_NAME "unit_policy.db"

#define DOMAINS                                                                                    \
    "\"accepted_domains\": [{\"domain\": \"example.test\"}, {\"domain\": \"bücher.test\"},"       \
    "{\"domain\": \"relay.test\", \"type\": \"relay\", \"deliver_to\": \"host\", \"host\": "       \
    "\"mx.relay.test\"}]"

#define BLOCKED                                                                                    \
    "\"blocked\": [\"Blocked@example.test\", \"*@relay.test\", \"known+bad@example.test\","        \
    "\"postmaster@example.test\", \"jürgen@bücher.test\"]"

static const char plain_settings[] = "{" DOMAINS ", \"recipient_filter\": {" BLOCKED "}}";

static const char full_settings[] =
    "{" DOMAINS ", \"recipient_filter\": {" BLOCKED ", \"detail_separator\": \"+\"},"
    "\"message_delivery\": {\"postmaster\": \"Admin@corp.test\", \"trusted_hosts\": "
    "[\"192.0.2.0/24\"]},"
    "\"outbound\": {\"smart_host\": \"smart.test\"}}";

static const char filter_off[] =
    "{" DOMAINS ", \"recipient_filter\": {\"refuse_unknown\": false," BLOCKED "}}";

static const char nothing_accepted[] = "{}";

/* Clients. */
enum client { STRANGER, UNFILTERED, TRUSTED, AUTHENTICATED };

static struct policy_client client_of(enum client kind)
{
    struct policy_client client = {.recipient_filter = kind != UNFILTERED};
    ip_parse(VIEW("198.51.100.7"), &client.address);
    client.trusted = kind == TRUSTED;
    client.authenticated = kind == AUTHENTICATED;
    return client;
}

static const struct {
    const char *settings;
    enum client client;
    const char *recipient;
    const char *reply; /* "code enhanced text" */
    const char *rule;
    const char *delivered_to; /* NULL: as asked */
} cases[] = {
    /* The directory decides. */
    {plain_settings, STRANGER, "known@example.test", "250  ", "recipient-known", NULL},
    {plain_settings, STRANGER, "KNOWN@Example.TEST", "250  ", "recipient-known", NULL},
    {plain_settings, STRANGER, "\"known\"@example.test", "250  ", "recipient-known", NULL},
    {plain_settings, STRANGER, "grüße@BÜCHER.test", "250  ", "recipient-known", NULL},
    {plain_settings, STRANGER, "unknown@example.test", "550 5.1.1 User unknown",
     "recipient-unknown", NULL},
    {plain_settings, STRANGER, "known+news@example.test", "550 5.1.1 User unknown",
     "recipient-unknown", NULL},
    {full_settings, STRANGER, "known+news@example.test", "250  ", "recipient-known", NULL},
    {full_settings, STRANGER, "own+detail@example.test", "250  ", "recipient-known", NULL},
    {full_settings, STRANGER, "own@example.test", "550 5.1.1 User unknown", "recipient-unknown",
     NULL},
    {full_settings, STRANGER, "unknown+news@example.test", "550 5.1.1 User unknown",
     "recipient-unknown", NULL},
    {full_settings, STRANGER, "+known@example.test", "550 5.1.1 User unknown", "recipient-unknown",
     NULL},
    {full_settings, STRANGER, "known+@example.test", "250  ", "recipient-known", NULL},
    {full_settings, STRANGER, "known+a+b@example.test", "250  ", "recipient-known", NULL},
    /* Domains. */
    {plain_settings, STRANGER, "a@other.test", "550 5.7.1 Unable to relay for a@other.test",
     "relay-denied", NULL},
    {full_settings, STRANGER, "a@other.test", "550 5.7.1 Unable to relay for a@other.test",
     "relay-denied", NULL},
    {full_settings, UNFILTERED, "a@other.test", "550 5.7.1 Unable to relay for a@other.test",
     "relay-denied", NULL},
    {plain_settings, STRANGER, "a@sub.example.test",
     "550 5.7.1 Unable to relay for a@sub.example.test", "relay-denied", NULL},
    {full_settings, TRUSTED, "a@other.test", "250  ", "relay-allowed", NULL},
    {full_settings, AUTHENTICATED, "a@other.test", "250  ", "relay-allowed", NULL},
    {plain_settings, TRUSTED, "a@other.test", "550 5.7.1 Unable to relay for a@other.test",
     "no-route", NULL},
    {plain_settings, UNFILTERED, "anybody@relay.test", "250  ", "domain-relay", NULL},
    {nothing_accepted, STRANGER, "known@example.test",
     "550 5.7.1 Unable to relay for known@example.test", "relay-denied", NULL},
    /* Who is not filtered. */
    {plain_settings, TRUSTED, "unknown@example.test", "250  ", "client-trusted", NULL},
    {plain_settings, AUTHENTICATED, "unknown@example.test", "250  ", "client-authenticated", NULL},
    {plain_settings, AUTHENTICATED, "blocked@example.test", "250  ", "client-authenticated", NULL},
    {plain_settings, UNFILTERED, "unknown@example.test", "250  ", "filter-not-applied", NULL},
    {plain_settings, UNFILTERED, "blocked@example.test", "250  ", "filter-not-applied", NULL},
    {filter_off, STRANGER, "unknown@example.test", "250  ", "filter-not-applied", NULL},
    /* Blocked, known or not. */
    {plain_settings, STRANGER, "bloCKED@example.test",
     "550 5.7.1 Requested action not taken: mailbox not available", "recipient-blocked", NULL},
    {plain_settings, STRANGER, "\"blocked\"@example.test",
     "550 5.7.1 Requested action not taken: mailbox not available", "recipient-blocked", NULL},
    {filter_off, STRANGER, "blocked@example.test",
     "550 5.7.1 Requested action not taken: mailbox not available", "recipient-blocked", NULL},
    {plain_settings, STRANGER, "anybody@RELAY.test",
     "550 5.7.1 Requested action not taken: mailbox not available", "recipient-blocked", NULL},
    {plain_settings, STRANGER, "JÜRGEN@bücher.test",
     "550 5.7.1 Requested action not taken: mailbox not available", "recipient-blocked", NULL},
    {full_settings, STRANGER, "blocked+news@example.test",
     "550 5.7.1 Requested action not taken: mailbox not available", "recipient-blocked", NULL},
    {full_settings, STRANGER, "known+bad@example.test",
     "550 5.7.1 Requested action not taken: mailbox not available", "recipient-blocked", NULL},
    {full_settings, STRANGER, "known+good@example.test", "250  ", "recipient-known", NULL},
    /* Postmaster. */
    {plain_settings, STRANGER, "postmaster", "250  ", "postmaster", "postmaster@example.test"},
    {plain_settings, STRANGER, "PostMaster", "250  ", "postmaster", "postmaster@example.test"},
    {plain_settings, STRANGER, "Postmaster@example.test", "250  ", "postmaster",
     "postmaster@example.test"},
    {plain_settings, STRANGER, "\"postmaster\"@relay.test", "250  ", "postmaster",
     "postmaster@example.test"},
    {full_settings, STRANGER, "postmaster", "250  ", "postmaster", "Admin@corp.test"},
    {full_settings, AUTHENTICATED, "postmaster@example.test", "250  ", "postmaster",
     "Admin@corp.test"},
    {plain_settings, STRANGER, "postmaster@other.test",
     "550 5.7.1 Unable to relay for postmaster@other.test", "relay-denied", NULL},
    {plain_settings, STRANGER, "postmasters@example.test", "550 5.1.1 User unknown",
     "recipient-unknown", NULL},
    {nothing_accepted, STRANGER, "postmaster",
     "451 4.3.5 There is no mailbox for postmaster yet, try again later", "postmaster", NULL},
    /* What the session would not have let through. */
    {plain_settings, STRANGER, "nobody", "501 5.1.3 Bad recipient address", "address-malformed",
     NULL},
    {plain_settings, STRANGER, "", "501 5.1.3 Bad recipient address", "address-malformed", NULL},
    {plain_settings, STRANGER, "a\xFF@example.test", "501 5.1.3 Bad recipient address",
     "address-malformed", NULL},
};

static struct directory *directory;
static struct directory_reader *reader;

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
}

static void fill_directory(void)
{
    static const char file[] =
        "known@example.test,Known Person\nblocked@example.test\nblocked@relay.test\n"
        "own+detail@example.test\ngrüße@bücher.test\n";
    struct directory_import_result result;
    struct error error = {0};
    ck_assert(
        directory_import(directory, view_of_text(file), DIRECTORY_IMPORT_ADD, &result, &error));
    ck_assert_uint_eq(result.added, 5);
}

static void end(void)
{
    directory_reader_destroy(reader);
    directory_close(directory);
    delete_files();
}

static struct policy *policy_of(const char *settings)
{
    struct error error = {0};
    const struct settings_snapshot *snapshot = settings_parse(view_of_text(settings), 1, &error);
    ck_assert_msg(snapshot != NULL, "%s", error.text);
    struct policy *policy = policy_create(snapshot);
    settings_release(snapshot);
    return policy;
}

/* The steps as lines "name: sentence", the last one with "!" in front. */
static void note_step(void *user, const struct policy_step *step)
{
    buffer_append_format(user, "%s%s: %s\n", step->decided ? "!" : "", step->rule, step->sentence);
}

static const char *explain(const char *settings, enum client kind, const char *recipient,
                           struct buffer *steps, struct verdict *verdict)
{
    struct policy *policy = policy_of(settings);
    struct policy_client client = client_of(kind);
    const struct policy_sources sources = {.reader = reader};
    const struct policy_live live = {.known = 0};
    buffer_init(steps, 10000);
    policy_explain_recipient(policy, &sources, &client, view_of_text(recipient), &live, note_step,
                             steps, verdict);
    policy_release(policy);
    return steps->data;
}

static void check_reply(const struct verdict *verdict, const char *reply, const char *rule)
{
    char text[300];
    snprintf(text, sizeof text, "%d %s %s", verdict->code, verdict->enhanced, verdict->text);
    ck_assert_str_eq(text, reply);
    ck_assert_str_eq(verdict->rule, rule);
}

START_TEST(decides)
{
    const char *wanted =
        cases[_i].delivered_to != NULL ? cases[_i].delivered_to : cases[_i].recipient;
    struct policy *policy = policy_of(cases[_i].settings);
    struct policy_client client = client_of(cases[_i].client);
    const struct policy_sources sources = {.reader = reader};
    struct policy_live live = {.known = 0};
    struct verdict verdict;
    struct view delivered_to;
    char scratch[330];

    fill_directory();
    ck_assert_int_eq(policy_check_recipient(policy, &sources, &client,
                                            view_of_text(cases[_i].recipient), &live, scratch,
                                            sizeof scratch, &delivered_to, &verdict),
                     POLICY_DECIDED);
    policy_release(policy);
    check_reply(&verdict, cases[_i].reply, cases[_i].rule);
    ck_assert(view_equal(delivered_to, view_of_text(wanted)));
}
END_TEST

/* Explaining gives the same verdict, and its last step is the rule of the verdict. */
START_TEST(explains_what_it_decides)
{
    struct buffer steps;
    struct verdict verdict;
    fill_directory();
    explain(cases[_i].settings, cases[_i].client, cases[_i].recipient, &steps, &verdict);
    check_reply(&verdict, cases[_i].reply, cases[_i].rule);
    const char *decision = strchr(steps.data, '!');
    ck_assert_ptr_nonnull(decision);
    ck_assert(strncmp(decision + 1, cases[_i].rule, strlen(cases[_i].rule)) == 0);
    ck_assert_ptr_eq(strchr(decision, '\n') + 1, steps.data + steps.length);
    buffer_free(&steps);
}
END_TEST

static const struct {
    const char *settings;
    enum client client;
    const char *recipient;
    const char *steps;
} explanations[] = {
    {full_settings, STRANGER, "Known+news@example.test",
     "address: Known+news@example.test is a well-formed address.\n"
     "postmaster: The recipient is not postmaster of this server or of an accepted domain.\n"
     "accepted-domain: example.test is an authoritative accepted domain.\n"
     "client: The client is a stranger: neither a trusted host nor authenticated.\n"
     "blocked-recipients: Known+news@example.test is not in the list of blocked recipients.\n"
     "relay-domain: For example.test the directory decides who exists.\n"
     "recipient-filter: Recipients who are not in the directory are filtered.\n"
     "call-out: The next hop is not asked who exists.\n"
     "!recipient-known: known@example.test is in the local list (Known Person).\n"},
    {plain_settings, STRANGER, "Blocked@relay.test",
     "address: Blocked@relay.test is a well-formed address.\n"
     "postmaster: The recipient is not postmaster of this server or of an accepted domain.\n"
     "accepted-domain: relay.test is an accepted relay domain.\n"
     "client: The client is a stranger: neither a trusted host nor authenticated.\n"
     "!recipient-blocked: Blocked@relay.test is in the list of blocked recipients, as "
     "*@relay.test.\n"},
    {full_settings, TRUSTED, "a@other.test",
     "address: a@other.test is a well-formed address.\n"
     "postmaster: The recipient is not postmaster of this server or of an accepted domain.\n"
     "!relay-allowed: other.test is not an accepted domain; the client may send anywhere, by smart "
     "host "
     "smart.test.\n"},
    {full_settings, STRANGER, "postmaster",
     "address: The recipient is postmaster without a domain.\n"
     "!postmaster: Mail for postmaster is always accepted and goes to Admin@corp.test.\n"},
};

START_TEST(explains_step_by_step)
{
    struct buffer steps;
    struct verdict verdict;
    fill_directory();
    ck_assert_str_eq(explain(explanations[_i].settings, explanations[_i].client,
                             explanations[_i].recipient, &steps, &verdict),
                     explanations[_i].steps);
    buffer_free(&steps);
}
END_TEST

/* Everything in front of the directory is decided without it. */
START_TEST(says_not_now_without_a_list)
{
    struct buffer steps;
    struct verdict verdict;
    explain(full_settings, STRANGER, "known+news@example.test", &steps, &verdict);
    check_reply(&verdict, "451 4.3.0 Recipient cannot be checked now, try again later",
                "directory-unavailable");
    buffer_free(&steps);
    explain(full_settings, STRANGER, "postmaster@example.test", &steps, &verdict);
    check_reply(&verdict, "250  ", "postmaster");
    buffer_free(&steps);
    explain(full_settings, STRANGER, "a@other.test", &steps, &verdict);
    ck_assert_int_eq(verdict.code, 550);
    buffer_free(&steps);
    explain(filter_off, STRANGER, "a@example.test", &steps, &verdict);
    ck_assert_int_eq(verdict.code, 250);
    buffer_free(&steps);
}
END_TEST

START_TEST(keeps_replies_short)
{
    char recipient[400];
    struct buffer steps;
    struct verdict verdict;
    memset(recipient, 'a', 63);
    strcpy(recipient + 63, "@");
    for (int i = 0; i < 120; i++)
        strcat(recipient, "ü");
    explain(full_settings, STRANGER, recipient, &steps, &verdict);
    ck_assert_int_eq(verdict.code, 550);
    ck_assert(view_is_utf8(view_of_text(verdict.text)));
    ck_assert_uint_lt(strlen(verdict.text), sizeof verdict.text - 1);
    buffer_free(&steps);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("recipient");
    size_t case_count = sizeof cases / sizeof cases[0];
    size_t explanation_count = sizeof explanations / sizeof explanations[0];
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, decides, 0, (int)case_count);
    tcase_add_loop_test(tests, explains_what_it_decides, 0, (int)case_count);
    tcase_add_loop_test(tests, explains_step_by_step, 0, (int)explanation_count);
    tcase_add_test(tests, says_not_now_without_a_list);
    tcase_add_test(tests, keeps_replies_short);
    Suite *suite = suite_create("policy_recipient");
    suite_add_tcase(suite, tests);
    return suite;
}
