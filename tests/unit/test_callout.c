/* rooms: callout ldap net smtp config platform base */
/* with: smtp_hop.c */
/* The call-out against a next hop that does what each test says. */
#include "callout/callout.h"
#include "platform/clock.h"
#include "platform/thread.h"
#include "smtp_hop.h"
#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>

#define PATIENCE_MS 20000

static const struct callout_rules usual_rules = {
    .deadline_ms = 2000,
    .answer_ms = 4000,
    .connect_ms = 2000,
    .keep_idle_ms = 60000,
    .retry_most_ms = 2000,
    .questions_per_second = 1000,
    .questions_waiting = 100,
    .accepted_ms = 60000,
    .refresh_ms = 50000,
    .away_ms = 600000,
    .refused_ms = 60000,
    .catch_all_ms = 60000,
    .remembered = 1000,
};

static struct hop *hop;
static struct callout *callout;
static struct callout_rules rules;
static struct settings_accepted_domain domain;
static struct lock *lock;
static struct condition *changed;
static int events[1000]; /* by number */

static void report(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    (void)user;
    (void)inserts;
    (void)count;
    lock_acquire(lock);
    events[id]++;
    lock_release(lock);
}

static int events_of(enum event_id id)
{
    lock_acquire(lock);
    int count = events[id];
    lock_release(lock);
    return count;
}

static void pause_briefly(uint32_t milliseconds)
{
    lock_acquire(lock);
    int64_t end_ms = clock_monotonic_ms() + milliseconds;
    for (int64_t left; (left = end_ms - clock_monotonic_ms()) > 0;)
        condition_wait_for(changed, lock, (uint32_t)left);
    lock_release(lock);
}

static void apply(void)
{
    domain = (struct settings_accepted_domain){.domain = "Example.Test",
                                               .deliver_to = DELIVER_TO_HOST,
                                               .host = "127.0.0.1",
                                               .port = hop == NULL ? domain.port : hop_port(hop),
                                               .recipients = RECIPIENTS_BY_CALLOUT};
    callout_apply(callout, &rules, &domain, 1);
}

static void open_world(hop_script script, const char *features)
{
    static const struct event_sink sink = {report, NULL};
    struct error error;
    lock = lock_create();
    changed = condition_create();
    memset(events, 0, sizeof events);
    hop = hop_open(0, script, features);
    callout = callout_start("gate.test", &sink, &error);
    ck_assert_ptr_nonnull(callout);
    rules = usual_rules;
    apply();
}

static void close_world(void)
{
    callout_stop(callout);
    if (hop != NULL)
        hop_close(hop);
    condition_destroy(changed);
    lock_destroy(lock);
}

/* ---- asking ---- */

struct asked {
    bool told;
    struct live_answer answer;
};

static void told(void *user, const struct live_answer *answer)
{
    struct asked *asked = user;
    lock_acquire(lock);
    ck_assert(!asked->told);
    asked->told = true;
    asked->answer = *answer;
    condition_broadcast(changed);
    lock_release(lock);
}

static void ask(struct asked *asked, const char *address)
{
    struct live_answer unused;
    struct live_source source = callout_source(callout);
    asked->told = false;
    ck_assert(!source.ask(source.source, view_of_text(address), told, asked, &unused));
}

static void wait_for_answer(struct asked *asked)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    lock_acquire(lock);
    while (!asked->told) {
        ck_assert_int_lt(clock_monotonic_ms(), end_ms);
        condition_wait_for(changed, lock, 100);
    }
    lock_release(lock);
}

static struct live_answer answer_to(const char *address)
{
    struct asked asked;
    ask(&asked, address);
    wait_for_answer(&asked);
    return asked.answer;
}

static void must_be(const char *address, const char *rule)
{
    struct live_answer answer = answer_to(address);
    enum live_said said = strcmp(rule, "callout-refused") == 0       ? LIVE_NO
                          : strcmp(rule, "callout-unavailable") == 0 ? LIVE_CANNOT_SAY
                                                                     : LIVE_YES;
    ck_assert_str_eq(answer.rule, rule);
    ck_assert_int_eq(answer.said, said);
}

/* ---- scripts ---- */

static atomic_bool knows_new; /* new@ exists */
static atomic_bool is_sick;   /* every RCPT gets 451 */
static atomic_bool is_silent; /* to everything */

/* Knows ann@, and new@ after a time. */
static const char *usual_script(const struct hop_step *step)
{
    if (atomic_load(&is_silent))
        return HOP_SILENT;
    if (strcmp(step->verb, "RCPT") != 0)
        return "";
    if (atomic_load(&is_sick))
        return "451 4.3.0 Sick";
    if (strstr(step->argument, "<ann@") != NULL || strstr(step->argument, "<Ann@") != NULL)
        return "";
    if (strstr(step->argument, "<new@") != NULL && atomic_load(&knows_new))
        return "";
    return "550 5.1.1 <you>: No such user h\xC3\xA9re";
}

static const char *leaves_after_reset(const struct hop_step *step)
{
    return strcmp(step->verb, "RSET") == 0 ? "421 4.4.2 That was one" : usual_script(step);
}

/* One question a connection. */
static const char *hangs_up_at_the_second(const struct hop_step *step)
{
    static atomic_int served;
    if (strcmp(step->verb, "MAIL") == 0 &&
        atomic_exchange(&served, step->connection) == step->connection)
        return NULL;
    return usual_script(step);
}

static const char *no_null_sender(const struct hop_step *step)
{
    return strcmp(step->verb, "MAIL") == 0 ? "550 5.7.1 No null sender here" : "";
}

static const char *no_relay(const struct hop_step *step)
{
    return strcmp(step->verb, "RCPT") == 0 ? "550 5.7.1 Relaying denied" : "";
}

static const char *refuses_connections(const struct hop_step *step)
{
    return strcmp(step->verb, "CONNECT") == 0 ? "554 5.3.2 Go away" : "";
}

static const char *talks_nonsense(const struct hop_step *step)
{
    return strcmp(step->verb, "MAIL") == 0 ? "HTTP/1.1 400 Bad Request" : "";
}

static void reset_script(void)
{
    atomic_store(&knows_new, false);
    atomic_store(&is_sick, false);
    atomic_store(&is_silent, false);
}

/* ---- tests ---- */

START_TEST(three_values_over_one_connection)
{
    open_world(usual_script, NULL);
    must_be("ann@example.test", "callout-accepted");
    struct live_answer answer = answer_to("bob@example.test");
    ck_assert_int_eq(answer.said, LIVE_NO);
    ck_assert_str_eq(answer.rule, "callout-refused");
    ck_assert_str_eq(answer.reply, "<you>: No such user h??re");
    ck_assert_ptr_nonnull(strstr(answer.reason, "answered with 550"));
    must_be("ann@elsewhere.test", "callout-unavailable");
    must_be("no address", "callout-unavailable");
    ck_assert_int_eq(hop_connections(hop), 1);
    ck_assert_int_eq(hop_heard(hop, "RCPT"), 3); /* with the made-up one */
    ck_assert_int_eq(hop_heard(hop, "DATA"), 0);
    close_world();
}
END_TEST

START_TEST(works_without_pipelining)
{
    open_world(usual_script, "");
    must_be("ann@example.test", "callout-accepted");
    must_be("bob@example.test", "callout-refused");
    for (int i = 0; i < 400 && hop_heard(hop, "RSET") < 3; i++)
        pause_briefly(5); /* the last one is said behind the answer */
    ck_assert_int_eq(hop_heard(hop, "RSET"), 3);
    close_world();
}
END_TEST

START_TEST(answers_are_remembered)
{
    open_world(usual_script, NULL);
    must_be("ann@example.test", "callout-accepted");
    must_be("bob@example.test", "callout-refused");
    must_be("Ann@EXAMPLE.test", "callout-accepted");
    must_be("BOB@example.test", "callout-refused");
    ck_assert_int_eq(hop_heard(hop, "RCPT"), 3);
    ck_assert_uint_eq(callout_remembered(callout).accepted, 1);
    ck_assert_uint_eq(callout_remembered(callout).refused, 1);
    ck_assert_uint_eq(callout_forget(callout, VIEW("Bob@example.test")), 1);
    must_be("bob@example.test", "callout-refused");
    ck_assert_int_eq(hop_heard(hop, "RCPT"), 4);
    close_world();
}
END_TEST

START_TEST(a_refusal_is_not_remembered_for_long)
{
    open_world(usual_script, NULL);
    rules.refused_ms = 100;
    apply();
    must_be("new@example.test", "callout-refused");
    atomic_store(&knows_new, true);
    pause_briefly(150);
    must_be("new@example.test", "callout-accepted");
    close_world();
}
END_TEST

START_TEST(a_known_recipient_is_asked_for_again_behind)
{
    open_world(usual_script, NULL);
    atomic_store(&knows_new, true);
    must_be("new@example.test", "callout-accepted");
    rules.refresh_ms = 0;
    apply();
    atomic_store(&knows_new, false);
    must_be("new@example.test", "callout-accepted");
    for (int i = 0; i < 200 && callout_remembered(callout).refused == 0; i++)
        pause_briefly(10);
    must_be("new@example.test", "callout-refused");
    close_world();
}
END_TEST

START_TEST(questions_for_one_address_are_one)
{
    struct asked asked[20];
    open_world(usual_script, NULL);
    must_be("bob@example.test", "callout-refused");
    atomic_store(&is_silent, true);
    for (int i = 0; i < 20; i++)
        ask(&asked[i], i % 2 == 0 ? "ann@example.test" : "ANN@example.test");
    for (int i = 0; i < 20; i++) {
        wait_for_answer(&asked[i]);
        ck_assert_int_eq(asked[i].answer.said, LIVE_CANNOT_SAY);
    }
    ck_assert_int_eq(hop_heard(hop, "RCPT"), 3);
    close_world();
}
END_TEST

START_TEST(not_now_is_not_no)
{
    open_world(usual_script, NULL);
    atomic_store(&is_sick, true);
    must_be("bob@example.test", "callout-unavailable");
    ck_assert_uint_eq(callout_remembered(callout).refused, 0);
    atomic_store(&is_sick, false);
    must_be("bob@example.test", "callout-refused");
    ck_assert_int_eq(events_of(EVENT_CALLOUT_AWAY), 0);
    close_world();
}
END_TEST

START_TEST(who_was_known_stays_known_while_the_hop_is_away)
{
    open_world(usual_script, NULL);
    must_be("ann@example.test", "callout-accepted");
    must_be("bob@example.test", "callout-refused");
    rules.accepted_ms = rules.refused_ms = 0; /* what is known is too old to count */
    apply();
    uint16_t port = hop_port(hop);
    hop_close(hop);
    hop = NULL;
    must_be("ann@example.test", "callout-accepted");
    must_be("bob@example.test", "callout-unavailable");
    ck_assert_int_eq(events_of(EVENT_CALLOUT_AWAY), 1);
    rules.away_ms = 0;
    apply();
    must_be("ann@example.test", "callout-unavailable");

    hop = hop_open(port, usual_script, NULL);
    for (int i = 0; i < 400 && events_of(EVENT_CALLOUT_BACK) == 0; i++) {
        answer_to("ann@example.test");
        pause_briefly(25);
    }
    must_be("ann@example.test", "callout-accepted");
    must_be("bob@example.test", "callout-refused");
    ck_assert_int_eq(events_of(EVENT_CALLOUT_AWAY), 1);
    ck_assert_int_eq(events_of(EVENT_CALLOUT_BACK), 1);
    close_world();
}
END_TEST

START_TEST(a_silent_hop_costs_a_deadline_and_no_more)
{
    open_world(usual_script, NULL);
    rules.deadline_ms = 300;
    rules.answer_ms = 600;
    apply();
    must_be("bob@example.test", "callout-refused");
    atomic_store(&is_silent, true);
    int64_t begun_ms = clock_monotonic_ms();
    must_be("cyd@example.test", "callout-unavailable");
    ck_assert_int_ge(clock_monotonic_ms() - begun_ms, 290);
    for (int i = 0; i < 400 && events_of(EVENT_CALLOUT_AWAY) == 0; i++)
        pause_briefly(10);
    begun_ms = clock_monotonic_ms();
    must_be("eve@example.test", "callout-unavailable");
    ck_assert_int_lt(clock_monotonic_ms() - begun_ms, 290);
    ck_assert_int_eq(events_of(EVENT_CALLOUT_AWAY), 1);
    close_world();
}
END_TEST

static void must_answer_all(hop_script script)
{
    char address[40];
    open_world(script, NULL);
    for (int i = 0; i < 10; i++) {
        snprintf(address, sizeof address, "made-up-%d@example.test", i);
        must_be(address, "callout-refused");
    }
    must_be("ann@example.test", "callout-accepted");
    ck_assert_int_ge(hop_connections(hop), 11);
    ck_assert_int_eq(events_of(EVENT_CALLOUT_AWAY), 0);
    close_world();
}

START_TEST(a_hop_that_ends_each_connection_is_asked_over_others)
{
    must_answer_all(leaves_after_reset);
    must_answer_all(hangs_up_at_the_second);
}
END_TEST

static enum callout_state state;

static void note_state(void *user, const struct callout_status *status)
{
    (void)user;
    ck_assert_str_eq(status->domain, "example.test");
    state = status->state;
}

START_TEST(a_catch_all_is_found_and_asked_no_more)
{
    open_world(NULL, NULL);
    must_be("ann@example.test", "callout-catch-all");
    int heard = hop_heard(hop, "RCPT");
    must_be("bob@example.test", "callout-catch-all");
    must_be("cyd@example.test", "callout-catch-all");
    ck_assert_int_eq(hop_heard(hop, "RCPT"), heard);
    ck_assert_int_eq(events_of(EVENT_CALLOUT_CATCH_ALL), 1);
    ck_assert_uint_eq(callout_remembered(callout).accepted, 0);
    callout_each(callout, note_state, NULL);
    ck_assert_int_eq(state, CALLOUT_CATCH_ALL);
    close_world();
}
END_TEST

START_TEST(a_catch_all_is_looked_at_again)
{
    static struct hop *other;
    open_world(NULL, NULL);
    rules.catch_all_ms = 100;
    apply();
    must_be("bob@example.test", "callout-catch-all");
    uint16_t port = hop_port(hop);
    hop_close(hop);
    other = hop_open(port, usual_script, NULL);
    hop = other;
    for (int i = 0; i < 400; i++) {
        callout_each(callout, note_state, NULL);
        if (state == CALLOUT_KNOWS_RECIPIENTS)
            break;
        pause_briefly(25);
        answer_to("bob@example.test");
    }
    must_be("bob@example.test", "callout-refused");
    close_world();
}
END_TEST

static void must_be_unavailable(hop_script script)
{
    open_world(script, NULL);
    must_be("ann@example.test", "callout-unavailable");
    must_be("ann@example.test", "callout-unavailable");
    ck_assert_uint_eq(callout_remembered(callout).refused, 0);
    close_world();
}

START_TEST(what_is_not_about_the_recipient_is_not_no)
{
    must_be_unavailable(no_null_sender);
    must_be_unavailable(no_relay);
    must_be_unavailable(refuses_connections);
    must_be_unavailable(talks_nonsense);
}
END_TEST

START_TEST(a_flood_is_bounded)
{
    enum { FLOOD = 2000 };
    static struct asked asked[FLOOD];
    char address[40];
    int refused = 0;
    open_world(usual_script, NULL);
    must_be("ann@example.test", "callout-accepted");
    rules.questions_per_second = 20;
    rules.deadline_ms = 1000;
    apply();
    for (int i = 0; i < FLOOD; i++) {
        snprintf(address, sizeof address, "made-up-%d@example.test", i);
        ask(&asked[i], address);
    }
    must_be("ann@example.test", "callout-accepted");
    for (int i = 0; i < FLOOD; i++) {
        wait_for_answer(&asked[i]);
        ck_assert_int_ne(asked[i].answer.said, LIVE_YES);
        refused += asked[i].answer.said == LIVE_NO;
    }
    ck_assert_int_ge(refused, 10);
    ck_assert_int_le(hop_heard(hop, "RCPT"), 70);
    close_world();
}
END_TEST

START_TEST(a_connection_is_not_kept_for_ever)
{
    open_world(usual_script, NULL);
    rules.keep_idle_ms = 100;
    apply();
    must_be("ann@example.test", "callout-accepted");
    for (int i = 0; i < 400 && hop_heard(hop, "QUIT") == 0; i++)
        pause_briefly(10);
    must_be("bob@example.test", "callout-refused");
    ck_assert_int_eq(hop_connections(hop), 2);
    ck_assert_int_eq(events_of(EVENT_CALLOUT_AWAY), 0);
    close_world();
}
END_TEST

START_TEST(a_stop_answers_what_waits)
{
    struct asked asked;
    open_world(usual_script, NULL);
    atomic_store(&is_silent, true);
    ask(&asked, "ann@example.test");
    pause_briefly(50);
    callout_stop(callout);
    ck_assert(asked.told);
    ck_assert_int_eq(asked.answer.said, LIVE_CANNOT_SAY);
    struct error error;
    static const struct event_sink sink = {report, NULL};
    callout = callout_start("gate.test", &sink, &error);
    close_world();
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("callout");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, reset_script, NULL);
    tcase_add_test(tests, three_values_over_one_connection);
    tcase_add_test(tests, works_without_pipelining);
    tcase_add_test(tests, answers_are_remembered);
    tcase_add_test(tests, a_refusal_is_not_remembered_for_long);
    tcase_add_test(tests, a_known_recipient_is_asked_for_again_behind);
    tcase_add_test(tests, questions_for_one_address_are_one);
    tcase_add_test(tests, not_now_is_not_no);
    tcase_add_test(tests, who_was_known_stays_known_while_the_hop_is_away);
    tcase_add_test(tests, a_silent_hop_costs_a_deadline_and_no_more);
    tcase_add_test(tests, a_hop_that_ends_each_connection_is_asked_over_others);
    tcase_add_test(tests, a_catch_all_is_found_and_asked_no_more);
    tcase_add_test(tests, a_catch_all_is_looked_at_again);
    tcase_add_test(tests, what_is_not_about_the_recipient_is_not_no);
    tcase_add_test(tests, a_flood_is_bounded);
    tcase_add_test(tests, a_connection_is_not_kept_for_ever);
    tcase_add_test(tests, a_stop_answers_what_waits);
    Suite *suite = suite_create("call-out");
    suite_add_tcase(suite, tests);
    return suite;
}
