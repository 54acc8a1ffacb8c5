/* rooms: smtp base */
/* with: session_host.c */
/* The server side of SMTP where an option, a limit or the end of the session decides. */
#include "session_dialogue.h"
#include "session_host.h"
#include "unit.h"

/* A dialogue has lines of its own, which the formatter does not know. */
/* clang-format off */

static void play(struct session_host *host, const char *dialogue)
{
    session_host_start(host);
    session_host_play(host, dialogue);
    session_host_free(host);
}

START_TEST(greets_with_refusal)
{
    struct session_host host;
    session_host_init(&host);
    verdict_set(&host.greeting, "too-many-connections", 421, "4.3.2", "Too many connections");
    play(&host,
         "S: 421 4.3.2 Too many connections (id " SESSION ")\n"
         "H: refused connect too-many-connections <>\n"
         "H: end\n");
}
END_TEST

START_TEST(refuses_early_talker)
{
    struct session_host host;
    session_host_init(&host);
    ck_assert_uint_eq(smtp_session_input(host.session, "EHLO x\r\n", 8), 8);
    play(&host,
         "S: 554 5.5.1 Client spoke before the greeting (id " SESSION ")\n"
         "H: refused connect early-talker <>\n"
         "H: end\n");
}
END_TEST

START_TEST(announces_what_it_offers)
{
    struct session_host host;
    session_host_init(&host);
    host.options.message_size = 0;
    host.options.offer_starttls = true;
    play(&host,
         BANNER
         "C: EHLO client.example\n"
         "S: 250-mx.example.test Hello [192.0.2.1]\n"
         "S: 250-SIZE\n"
         EXTENSIONS
         "S: 250-STARTTLS\n"
         "S: 250 SMTPUTF8\n"
         "C: HELP\n"
         "S: 214-2.0.0 This server supports the following commands:\n"
         "S: 214 2.0.0 RCPT MAIL DATA BDAT EHLO HELO STARTTLS RSET NOOP QUIT VRFY HELP\n");
}
END_TEST

START_TEST(forgets_all_behind_starttls)
{
    struct session_host host;
    session_host_init(&host);
    host.options.offer_starttls = true;
    session_host_start(&host);
    session_host_play(&host,
         BANNER
         "C: STARTTLS\n"
         "S: 503 5.5.2 Send hello first\n"
         "C: EHLO client.example\n"
         "S: 250-mx.example.test Hello [192.0.2.1]\n"
         "S: 250-SIZE 20000\n"
         EXTENSIONS
         "S: 250-STARTTLS\n"
         "S: 250 SMTPUTF8\n"
         MAIL RCPT
         "C: STARTTLS\n"
         "S: 220 2.0.0 SMTP server ready\n"
         "H: start TLS\n");
    ck_assert(smtp_session_is_waiting(host.session));
    ck_assert_uint_eq(smtp_session_input(host.session, "NOOP\r\n", 6), 0);
    smtp_session_tls_started(host.session, "TLSv1.3 TLS_AES_256_GCM_SHA384");
    ck_assert_str_eq(smtp_session_helo(host.session), "");
    session_host_play(&host,
         "C: MAIL FROM:<a@example.org>\n"
         "S: 503 5.5.2 Send hello first (id " SESSION ")\n"
         "H: refused sender command-state <>\n"
         "C: EHLO client.example\n"
         "S: 250-mx.example.test Hello [192.0.2.1]\n"
         "S: 250-SIZE 20000\n"
         EXTENSIONS
         "S: 250 SMTPUTF8\n"
         "C: STARTTLS\n"
         "S: 503 5.5.1 TLS is in use already\n"
         MAIL RCPT DATA
         "C: .\n"
         "M: Received: from client.example ([192.0.2.1])\n"
         "M: \tby mx.example.test (Gatepost) with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\n"
         "M: \tid " ID2 " for <info@example.test>; Mon, 24 Nov 2025 11:03:00 +0000\n"
         "H: for info@example.test\n"
         "S: 250 2.6.0 Queued mail for delivery (id " ID2 ")\n");
    session_host_free(&host);
}
END_TEST

START_TEST(refuses_commands_behind_starttls)
{
    struct session_host host;
    session_host_init(&host);
    host.options.offer_starttls = true;
    play(&host,
         BANNER
         "C: EHLO client.example\n"
         "C: STARTTLS\n"
         "C: MAIL FROM:<a@example.org>\n"
         "S: 250-mx.example.test Hello [192.0.2.1]\n"
         "S: 250-SIZE 20000\n"
         EXTENSIONS
         "S: 250-STARTTLS\n"
         "S: 250 SMTPUTF8\n"
         "S: 554 5.5.1 Commands sent behind STARTTLS (id " SESSION ")\n"
         "H: refused command starttls-pipelined <>\n"
         "H: end\n");
}
END_TEST

START_TEST(completes_the_header_of_trusted_hosts)
{
    struct session_host host;
    session_host_init(&host);
    host.peer.trusted = true;
    play(&host,
         HELLO MAIL RCPT DATA
         "C: Subject: x\n"
         "C: \n"
         "C: text\n"
         "C: .\n"
         RECEIVED_BY(ID1)
         "M: Subject: x\n"
         "M: Date: Mon, 24 Nov 2025 11:03:00 +0000\n"
         "M: Message-ID: <" ID1 "@mx.example.test>\n"
         "M: \n"
         "M: text\n"
         "H: for info@example.test\n"
         "S: 250 2.6.0 <" ID1 "@mx.example.test> Queued mail for delivery " "(id " ID1 ")\n");
}
END_TEST

START_TEST(names_authenticated_in_trace)
{
    struct session_host host;
    session_host_init(&host);
    host.peer.user = "joe";
    host.peer.address = "2001:db8::1";
    play(&host,
         BANNER
         "C: EHLO [IPv6:2001:db8::1]\n"
         "S: 250-mx.example.test Hello [2001:db8::1]\n"
         "S: 250-SIZE 20000\n"
         EXTENSIONS
         "S: 250 SMTPUTF8\n"
         "C: MAIL FROM:<a@example.org> SMTPUTF8\n"
         "S: 250 2.1.0 a@example.org....Sender OK\n"
         RCPT DATA
         "C: Date: today\n"
         "C: Message-Id: x <two@example.org>\n"
         "C: .\n"
         "M: Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\n"
         "M: \tby mx.example.test (Gatepost) with UTF8SMTPA\n"
         "M: \tid " ID1 " for <info@example.test>; Mon, 24 Nov 2025 11:03:00 +0000\n"
         "M: Date: today\n"
         "M: Message-Id: x <two@example.org>\n"
         "H: for info@example.test\n"
         "S: 250 2.6.0 <two@example.org> Queued mail for delivery (id " ID1 ")\n");
}
END_TEST

START_TEST(converts_bare_line_ends)
{
    struct session_host host;
    session_host_init(&host);
    host.options.convert_bare_line_ends = true;
    play(&host,
         HELLO MAIL RCPT DATA
         "C: A: b{LF}.{LF}C: d{CR}E: f{CR}\n"
         "C: .\n"
         RECEIVED_BY(ID1)
         "M: A: b\n"
         "M: \n" /* the header has ended: "." is no field */
         "M: .\n"
         "M: C: d\n"
         "M: E: f\n"
         "M: \n"
         ACCEPTED);
}
END_TEST

START_TEST(refuses_too_large_message)
{
    struct session_host host;
    session_host_init(&host);
    host.options.message_size = 10;
    session_host_start(&host);
    session_host_play(&host,
         BANNER
         "C: HELO client.example\n"
         "S: 250 mx.example.test Hello [192.0.2.1]\n"
         MAIL RCPT DATA
         "C: ..2345678\n"
         "C: .\n"
         "M: Received: from client.example ([192.0.2.1])\n"
         "M: \tby mx.example.test (Gatepost) with SMTP\n"
         "M: \tid " ID1 " for <info@example.test>; Mon, 24 Nov 2025 11:03:00 +0000\n"
         "M: \n"
         "M: .2345678\n"
         ACCEPTED MAIL RCPT DATA
         "C: .12345678\n"
         "C: x\n"
         "H: abandoned\n"
         "C: more\n"
         "C: .\n"
         "S: 552 5.3.4 Message size exceeds fixed maximum message size (id " ID2 ")\n"
         "H: refused content message-size <>\n"
         "C: NOOP\n"
         "S: 250 2.0.0 OK\n");
    ck_assert_uint_eq(smtp_session_messages(host.session), 1);
    session_host_free(&host);
}
END_TEST

START_TEST(host_cannot_store_the_rest)
{
    struct session_host host;
    session_host_init(&host);
    host.content_fails_after = 200;
    play(&host,
         HELLO MAIL RCPT DATA
         "C: A: 0123456789012345678901234567890123456789012345678901234567890123456789\n"
         "H: abandoned\n"
         "C: \n"
         "C: text\n"
         "C: .\n"
         "S: 452 4.3.1 Out of disk space (id " ID1 ")\n"
         "H: refused content no-space <>\n"
         "C: NOOP\n"
         "S: 250 2.0.0 OK\n");
}
END_TEST

START_TEST(limits_recipients)
{
    struct session_host host;
    session_host_init(&host);
    host.options.recipients = 1;
    play(&host,
         HELLO MAIL RCPT
         "C: RCPT TO:<two@example.test>\n"
         "S: 452 4.5.3 Too many recipients (id " ID1 ")\n"
         "H: refused recipient too-many-recipients <two@example.test>\n");
}
END_TEST

START_TEST(limits_messages_in_a_session)
{
    struct session_host host;
    session_host_init(&host);
    host.options.messages = 1;
    play(&host,
         HELLO MAIL RCPT DATA
         "C: .\n"
         RECEIVED_BY(ID1) ACCEPTED
         "C: MAIL FROM:<b@example.org>\n"
         "C: NOOP\n"
         "S: 421 4.7.0 Too many messages in one session (id " SESSION ")\n"
         "H: refused sender too-many-messages <b@example.org>\n"
         "H: end\n");
}
END_TEST

START_TEST(limits_mail_in_a_session)
{
    struct session_host host;
    session_host_init(&host);
    host.options.session_size = 12;
    play(&host,
         HELLO
         "C: MAIL FROM:<a@example.org> SIZE=13\n"
         "S: 552 5.3.4 Message size exceeds fixed maximum message size (id " SESSION ")\n"
         "H: refused sender message-size <a@example.org>\n"
         MAIL RCPT DATA
         "C: a: b\n"
         "C: .\n"
         RECEIVED_BY(ID1)
         "M: a: b\n"
         ACCEPTED MAIL RCPT DATA
         "C: a: bc\n"
         "C: .\n"
         "H: abandoned\n"
         "S: 421 4.7.0 Too much mail in one session (id " ID2 ")\n"
         "H: refused content session-size <>\n"
         "H: end\n");
}
END_TEST

START_TEST(limits_errors)
{
    struct session_host host;
    session_host_init(&host);
    host.options.errors = 3;
    play(&host,
         HELLO
         "C: FOO\n"
         "S: 500 5.3.3 Unrecognized command\n"
         MAIL
         "C: RCPT TO:<unknown@example.test>\n"
         "C: RCPT TO:<unknown@example.test>\n"
         "C: EXPN x\n"
         "C: {CR}\n"
         "C: NOOP\n"
         "S: 550 5.1.1 User unknown (id " ID1 ")\n"
         "H: refused recipient recipient-unknown <unknown@example.test>\n"
         "S: 550 5.1.1 User unknown (id " ID1 ")\n"
         "H: refused recipient recipient-unknown <unknown@example.test>\n"
         "S: 502 5.5.1 Command is not implemented\n"
         "S: 500 5.5.2 Bare CR or NUL in command\n"
         "S: 421 4.7.0 Too many errors (id " ID1 ")\n"
         "H: refused command too-many-errors <>\n"
         "H: end\n");
}
END_TEST

START_TEST(limits_commands_that_send_no_mail)
{
    struct session_host host;
    session_host_init(&host);
    host.options.idle_commands = 2;
    play(&host,
         HELLO
         "C: NOOP\n"
         "S: 250 2.0.0 OK\n"
         MAIL RCPT
         "C: RSET\n"
         "S: 250 2.0.0 Resetting\n"
         MAIL
         "C: RSET\n"
         "S: 250 2.0.0 Resetting\n"
         "C: NOOP\n"
         "S: 421 4.7.0 Too many commands that send no mail (id " SESSION ")\n"
         "H: refused command too-many-idle-commands <>\n"
         "H: end\n");
}
END_TEST

START_TEST(limits_the_line)
{
    struct session_host host;
    struct view noop = VIEW("NOOP ");
    char line[70000];
    session_host_init(&host);
    session_host_start(&host);
    memset(line, 'x', sizeof line);
    memcpy(line, noop.data, noop.length);
    memcpy(line + 510, "\r\n", 2);
    session_host_offer(&host, line, 512);
    session_host_play(&host,
         BANNER
         "S: 250 2.0.0 OK\n");

    memcpy(line + 510, "x\r\n", 3);
    session_host_offer(&host, line, 512);
    session_host_play(&host,
         "S: 500 5.5.2 Line too long\n");
    session_host_offer(&host, line + 512, 1);
    session_host_play(&host,
         "C: NOOP\n"
         "S: 250 2.0.0 OK\n");

    memset(line + 510, 'x', 3);
    session_host_offer(&host, line, sizeof line);
    session_host_play(&host,
         "S: 500 5.5.2 Line too long\n"
         "S: 421 4.7.0 Line has no end (id " SESSION ")\n"
         "H: refused command command-syntax <>\n"
         "H: end\n");
    session_host_free(&host);
}
END_TEST

START_TEST(refuses_long_line_in_content)
{
    struct session_host host;
    char line[1002];
    session_host_init(&host);
    session_host_start(&host);
    session_host_play(&host,
         HELLO MAIL RCPT DATA);
    memset(line, 'x', sizeof line);
    memcpy(line, "A: ", 3);
    memcpy(line + 999, "\r\n", 2);
    session_host_offer(&host, line, 1001);
    session_host_play(&host,
         "H: abandoned\n"
         "C: .\n"
         "S: 554 5.6.0 Message contains a line that is too long (id " ID1 ")\n"
         "H: refused content line-length <>\n");
    session_host_free(&host);
}
END_TEST

START_TEST(takes_longest_line_in_content)
{
    struct session_host host;
    char line[1001];
    session_host_init(&host);
    session_host_start(&host);
    session_host_play(&host,
         HELLO MAIL RCPT DATA);
    memset(line, 'x', sizeof line);
    memcpy(line, ".A: ", 4); /* a stuffed dot does not count */
    memcpy(line + 999, "\r\n", 2);
    session_host_offer(&host, line, 1001);
    session_host_offer(&host, ".\r\n", 3);
    const char *reply = strstr(host.transcript.data, "S: ");
    ck_assert_ptr_nonnull(reply);
    ck_assert_str_eq(reply, QUEUED);
    session_host_free(&host);
}
END_TEST

START_TEST(times_out)
{
    struct session_host host;
    session_host_init(&host);
    session_host_start(&host);
    session_host_play(&host,
         HELLO MAIL RCPT DATA
         "C: a: b\n");
    smtp_session_time_out(host.session);
    smtp_session_time_out(host.session);
    session_host_play(&host,
         "S: 421 4.4.2 Timeout waiting for client input (id " ID1 ")\n"
         "H: refused command time-out <>\n"
         "H: abandoned\n"
         "H: end\n");
    ck_assert(smtp_session_has_ended(host.session));
    ck_assert_uint_eq(smtp_session_input(host.session, "NOOP\r\n", 6), 6);
    session_host_free(&host);
}
END_TEST

START_TEST(shuts_down_between_commands)
{
    struct session_host host;
    session_host_init(&host);
    session_host_start(&host);
    session_host_play(&host,
         HELLO MAIL RCPT);
    smtp_session_shut_down(host.session);
    session_host_play(&host,
         "S: 421 4.3.2 Service is shutting down (id " ID1 ")\n"
         "H: refused command shut-down <>\n"
         "H: end\n");
    session_host_free(&host);
}
END_TEST

START_TEST(shuts_down_behind_the_message)
{
    struct session_host host;
    session_host_init(&host);
    host.answers_later = _i == 1;
    session_host_start(&host);
    session_host_play(&host,
         HELLO MAIL RCPT
         "C: BDAT 4\n"
         "c: a: b\n"
         "S: 250 2.6.0 CHUNK received OK, 4 octets\n");
    smtp_session_shut_down(host.session);
    session_host_play(&host,
         "C: BDAT 2 LAST\n"
         "c: {CR}{LF}\n"
         RECEIVED_BY(ID1)
         "M: a: b\n"
         ACCEPTED
         "S: 421 4.3.2 Service is shutting down (id " SESSION ")\n"
         "H: refused command shut-down <>\n"
         "H: end\n");
    session_host_free(&host);
}
END_TEST

START_TEST(abandons_when_peer_closes)
{
    struct session_host host;
    session_host_init(&host);
    session_host_start(&host);
    session_host_play(&host,
         HELLO MAIL RCPT DATA
         "C: a: b\n");
    smtp_session_peer_closed(host.session);
    session_host_play(&host,
         "H: abandoned\n");
    session_host_free(&host);
}
END_TEST

START_TEST(ignores_answer_behind_the_end)
{
    struct session_host host;
    struct verdict pass;
    session_host_init(&host);
    session_host_start(&host);
    session_host_play(&host,
         HELLO);
    verdict_pass(&pass, "test");
    smtp_session_answer(host.session, &pass); /* nothing was asked */
    host.answers_later = true;
    smtp_session_input(host.session, "MAIL FROM:<a@example.org>\r\n", 27);
    ck_assert_int_eq(host.question, SMTP_ASK_SENDER);
    ck_assert(smtp_session_is_waiting(host.session));
    ck_assert_uint_eq(smtp_session_input(host.session, "RSET\r\n", 6), 0);
    smtp_session_peer_closed(host.session);
    smtp_session_answer(host.session, &pass);
    ck_assert_ptr_null(strstr(host.transcript.data == NULL ? "" : host.transcript.data, "S:"));
    session_host_free(&host);
}
END_TEST

/* clang-format on */

static TCase *options_tests(void)
{
    TCase *tests = tcase_create("options");
    tcase_add_test(tests, greets_with_refusal);
    tcase_add_test(tests, refuses_early_talker);
    tcase_add_test(tests, announces_what_it_offers);
    tcase_add_test(tests, forgets_all_behind_starttls);
    tcase_add_test(tests, refuses_commands_behind_starttls);
    tcase_add_test(tests, completes_the_header_of_trusted_hosts);
    tcase_add_test(tests, names_authenticated_in_trace);
    tcase_add_test(tests, converts_bare_line_ends);
    return tests;
}

static TCase *limits_tests(void)
{
    TCase *tests = tcase_create("limits");
    tcase_add_test(tests, refuses_too_large_message);
    tcase_add_test(tests, host_cannot_store_the_rest);
    tcase_add_test(tests, limits_recipients);
    tcase_add_test(tests, limits_messages_in_a_session);
    tcase_add_test(tests, limits_mail_in_a_session);
    tcase_add_test(tests, limits_errors);
    tcase_add_test(tests, limits_commands_that_send_no_mail);
    tcase_add_test(tests, limits_the_line);
    tcase_add_test(tests, refuses_long_line_in_content);
    tcase_add_test(tests, takes_longest_line_in_content);
    return tests;
}

static TCase *endings_tests(void)
{
    TCase *tests = tcase_create("endings");
    tcase_add_test(tests, times_out);
    tcase_add_test(tests, shuts_down_between_commands);
    tcase_add_loop_test(tests, shuts_down_behind_the_message, 0, 2);
    tcase_add_test(tests, abandons_when_peer_closes);
    tcase_add_test(tests, ignores_answer_behind_the_end);
    return tests;
}

Suite *unit_suite(void)
{
    Suite *suite = suite_create("smtp session");
    suite_add_tcase(suite, options_tests());
    suite_add_tcase(suite, limits_tests());
    suite_add_tcase(suite, endings_tests());
    return suite;
}
