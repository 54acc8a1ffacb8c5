/* rooms: smtp base */
/* with: session_host.c */
/* The server side of SMTP where a limit is reached. */
#include "session_dialogue.h"
#include "session_host.h"
#include "unit.h"

/* A dialogue has lines of its own, which the formatter does not know. */
/* clang-format off */

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
    session_host_run(&host,
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
    session_host_run(&host,
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
    session_host_run(&host,
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
    session_host_run(&host,
         HELLO
         "C: MAIL FROM:<a@example.org> SIZE=13\n"
         "S: 552 5.3.4 Message size exceeds fixed maximum message size (id " SESSION ")\n"
         "H: refused sender message-size <a@example.org>\n"
         MAIL RCPT DATA
         "C: a: b\n"
         "C: .\n"
         RECEIVED_BY(ID1)
         "M: a: b\n"
         ACCEPTED
         "C: MAIL FROM:<b@example.org> SIZE=7\n"
         "S: 421 4.7.0 Too much mail in one session (id " SESSION ")\n"
         "H: refused sender session-size <b@example.org>\n"
         "H: end\n");
}
END_TEST

START_TEST(limits_mail_in_a_session_while_it_is_sent)
{
    struct session_host host;
    session_host_init(&host);
    host.options.session_size = 12;
    session_host_run(&host,
         HELLO MAIL RCPT DATA
         "C: a: b\n"
         "C: .\n"
         RECEIVED_BY(ID1)
         "M: a: b\n"
         ACCEPTED
         MAIL RCPT DATA
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
    host.options.errors = 2;
    session_host_run(&host,
         HELLO
         "C: FOO\n"
         "S: 500 5.3.3 Unrecognized command\n"
         MAIL
         "C: RCPT TO:<unknown@example.test>\n"
         "C: RCPT TO:<unknown@example.test>\n"
         "C: DATA\n"
         "C: EXPN x\n"
         "C: {CR}\n"
         "C: NOOP\n"
         "S: 550 5.1.1 User unknown (id " ID1 ")\n"
         "H: refused recipient recipient-unknown <unknown@example.test>\n"
         "S: 550 5.1.1 User unknown (id " ID1 ")\n"
         "H: refused recipient recipient-unknown <unknown@example.test>\n"
         "S: 554 5.5.1 No valid recipients (id " ID1 ")\n"
         "H: refused content no-recipients <>\n"
         "S: 502 5.5.1 Command is not implemented\n"
         "S: 500 5.5.2 Bare CR or NUL in command\n"
         "S: 421 4.7.0 Too many errors (id " ID1 ")\n"
         "H: refused command too-many-errors <>\n"
         "H: end\n");
}
END_TEST

START_TEST(limits_chunks_without_a_message)
{
    struct session_host host;
    session_host_init(&host);
    host.options.errors = 1;
    session_host_run(&host,
         HELLO
         "C: BDAT 0\n"
         "C: BDAT 2 LAST\n"
         "C: \n"
         "C: NOOP\n"
         "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
         "H: refused content command-state <>\n"
         "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
         "H: refused content command-state <>\n"
         "S: 421 4.7.0 Too many errors (id " SESSION ")\n"
         "H: refused command too-many-errors <>\n"
         "H: end\n");
}
END_TEST

START_TEST(limits_commands_that_send_no_mail)
{
    struct session_host host;
    session_host_init(&host);
    host.options.idle_commands = 2;
    session_host_run(&host,
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

/* Too many hops and too large: the first byte that is too much decides, not how the bytes arrive. */
START_TEST(first_limit_decides_however_input_is_cut)
{
    const char *input = "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<info@example.test>\r\nDATA\r\n"
                        "Received: 1\r\nReceived: 2\r\nReceived: 3\r\nReceived: 4\r\n"
                        "Subject: 12345678901234567890\r\n\r\n.\r\n";
    size_t length = strlen(input);
    for (size_t cut = 1; cut < length; cut++) {
        struct session_host host;
        session_host_init(&host);
        host.options.message_size = _i == 0 ? 48 : 47;
        session_host_start(&host);
        session_host_offer(&host, input, cut);
        session_host_offer(&host, input + cut, length - cut);
        const char *refused = strstr(host.transcript.data, "H: refused");
        ck_assert_ptr_nonnull(refused);
        ck_assert_str_eq(refused, _i == 0 ? "H: refused content hop-count <>\n"
                                          : "H: refused content message-size <>\n");
        session_host_free(&host);
    }
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

/* clang-format on */

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("limits");
    tcase_add_test(tests, refuses_too_large_message);
    tcase_add_test(tests, host_cannot_store_the_rest);
    tcase_add_test(tests, limits_recipients);
    tcase_add_test(tests, limits_messages_in_a_session);
    tcase_add_test(tests, limits_mail_in_a_session);
    tcase_add_test(tests, limits_mail_in_a_session_while_it_is_sent);
    tcase_add_test(tests, limits_errors);
    tcase_add_test(tests, limits_chunks_without_a_message);
    tcase_add_test(tests, limits_commands_that_send_no_mail);
    tcase_add_loop_test(tests, first_limit_decides_however_input_is_cut, 0, 2);
    tcase_add_test(tests, limits_the_line);
    tcase_add_test(tests, refuses_long_line_in_content);
    tcase_add_test(tests, takes_longest_line_in_content);
    Suite *suite = suite_create("smtp limits");
    suite_add_tcase(suite, tests);
    return suite;
}
