/* rooms: smtp base */
/* with: session_host.c */
/* The server side of SMTP where an option or the end of the session decides. */
#include "session_dialogue.h"
#include "session_host.h"
#include "unit.h"

/* A dialogue has lines of its own, which the formatter does not know. */
/* clang-format off */

START_TEST(greets_with_refusal)
{
    struct session_host host;
    session_host_init(&host);
    verdict_set(&host.greeting, "too-many-connections", 421, "4.3.2", "Too many connections");
    session_host_run(&host,
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
    session_host_run(&host,
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
    session_host_run(&host,
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
    session_host_run(&host,
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
    session_host_run(&host,
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
    session_host_run(&host,
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
    session_host_run(&host,
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

/* Before the greeting and during the handshake there is nothing that could be said. */
START_TEST(times_out_silently)
{
    struct session_host host;
    session_host_init(&host);
    host.options.offer_starttls = true;
    if (_i == 1) {
        session_host_start(&host);
        session_host_offer(&host, "EHLO x\r\nSTARTTLS\r\n", 18);
    }
    buffer_clear(&host.transcript);
    smtp_session_time_out(host.session);
    session_host_play(&host, "H: end\n");
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

static TCase *endings_tests(void)
{
    TCase *tests = tcase_create("endings");
    tcase_add_test(tests, times_out);
    tcase_add_loop_test(tests, times_out_silently, 0, 2);
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
    suite_add_tcase(suite, endings_tests());
    return suite;
}
