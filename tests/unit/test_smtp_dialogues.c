/* rooms: smtp base */
/* with: session_host.c */
/* The server side of SMTP as dialogues: what the client says, what it hears, what the host is told. */
#include "session_dialogue.h"
#include "session_host.h"
#include "unit.h"

/* All of these need nothing but the ordinary options. They are also played with an answer that comes later,
 * and cut at every place. A dialogue has lines of its own, which the formatter does not know. */
/* clang-format off */
static const char *const ordinary[] = {
    /* A message. */
    HELLO MAIL RCPT DATA
    "C: Subject: one\n"
    "C: Message-ID: <one@example.org>\n"
    "C: \n"
    "C: text\n"
    "C: ..\n"
    "C: .hidden dot\n"
    "C: .\n"
    RECEIVED_BY(ID1)
    "M: Subject: one\n"
    "M: Message-ID: <one@example.org>\n"
    "M: \n"
    "M: text\n"
    "M: .\n"
    "M: hidden dot\n"
    "H: for info@example.test\n"
    "S: 250 2.6.0 <one@example.org> Queued mail for delivery (id " ID1 ")\n"
    "C: QUIT\n"
    "S: 221 2.0.0 mx.example.test Service closing transmission channel\n"
    "H: end\n",

    /* Mail for nobody is refused at the gate; nothing is left to be sent. */
    HELLO MAIL
    "C: RCPT TO:<unknown@example.test>\n"
    "S: 550 5.1.1 User unknown (id " ID1 ")\n"
    "H: refused recipient recipient-unknown <unknown@example.test>\n"
    "C: DATA\n"
    "S: 554 5.5.1 No valid recipients (id " ID1 ")\n"
    "H: refused content no-recipients <>\n",

    /* What follows DATA in the same group is commands when nobody was accepted. */
    HELLO
    "C: MAIL FROM:<a@example.org>\n"
    "C: RCPT TO:<unknown1@example.test>\n"
    "C: RCPT TO:<busy@example.test>\n"
    "C: DATA\n"
    "C: RSET\n"
    "C: NOOP\n"
    "S: 250 2.1.0 a@example.org....Sender OK\n"
    "S: 550 5.1.1 User unknown (id " ID1 ")\n"
    "H: refused recipient recipient-unknown <unknown1@example.test>\n"
    "S: 451 4.3.0 Try again later (id " ID1 ")\n"
    "H: refused recipient directory-away <busy@example.test>\n"
    "S: 554 5.5.1 No valid recipients (id " ID1 ")\n"
    "H: refused content no-recipients <>\n"
    "S: 250 2.0.0 Resetting\n"
    "S: 250 2.0.0 OK\n",

    /* One of two is accepted: no "for" in the trace when the envelope has more than one. */
    HELLO MAIL RCPT
    "C: RCPT TO:<unknown@example.test>\n"
    "S: 550 5.1.1 User unknown (id " ID1 ")\n"
    "H: refused recipient recipient-unknown <unknown@example.test>\n"
    "C: RCPT TO:<Rewrite@Example.Test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;r@example.test\n"
    "S: 250 2.1.5 Rewrite@Example.Test\n"
    DATA
    "C: .\n"
    "M: Received: from client.example ([192.0.2.1])\n"
    "M: \tby mx.example.test (Gatepost) with ESMTP\n"
    "M: \tid " ID1 "; Mon, 24 Nov 2025 11:03:00 +0000\n"
    "H: for info@example.test\n"
    "H: for moved@example.test\n"
    QUEUED,

    /* HELO, two messages, the null sender. */
    BANNER
    "C: helo client.example\n"
    "S: 250 mx.example.test Hello [192.0.2.1]\n"
    "C: mail from:<>\n"
    "S: 250 2.1.0 <>....Sender OK\n"
    "C: rcpt to: info@example.test\n"
    "S: 250 2.1.5 info@example.test\n"
    "C: data\n"
    "S: 354 Start mail input; end with <CRLF>.<CRLF>\n"
    "C: no header\n"
    "C: .\n"
    "M: Received: from client.example ([192.0.2.1])\n"
    "M: \tby mx.example.test (Gatepost) with SMTP\n"
    "M: \tid " ID1 " for <info@example.test>; Mon, 24 Nov 2025 11:03:00 +0000\n"
    "M: \n"
    "M: no header\n"
    ACCEPTED
    "C: MAIL FROM:<b@example.org>\n"
    "S: 250 2.1.0 b@example.org....Sender OK\n"
    "C: RSET\n"
    "S: 250 2.0.0 Resetting\n"
    "C: RCPT TO:<info@example.test>\n"
    "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
    "H: refused recipient command-state <info@example.test>\n",

    /* Order. */
    BANNER
    "C: MAIL FROM:<a@example.org>\n"
    "S: 503 5.5.2 Send hello first (id " SESSION ")\n"
    "H: refused sender command-state <>\n"
    "C: RCPT TO:<info@example.test>\n"
    "S: 503 5.5.2 Send hello first (id " SESSION ")\n"
    "H: refused recipient command-state <info@example.test>\n"
    "C: DATA\n"
    "S: 503 5.5.2 Send hello first (id " SESSION ")\n"
    "H: refused content command-state <>\n"
    "C: NOOP whatever\n"
    "S: 250 2.0.0 OK\n",

    HELLO MAIL
    "C: MAIL FROM:<b@example.org>\n"
    "S: 503 5.5.2 Sender already specified (id " ID1 ")\n"
    "H: refused sender command-state <>\n"
    RCPT
    "C: EHLO again.example\n"
    "S: 250-mx.example.test Hello [192.0.2.1]\n"
    "S: 250-SIZE 20000\n"
    EXTENSIONS
    "S: 250 SMTPUTF8\n"
    "C: DATA\n"
    "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
    "H: refused content command-state <>\n",

    /* Commands without mail, and those that are none. */
    HELLO
    "C: VRFY <joe@example.test>\n"
    "S: 252 2.1.5 Cannot VRFY user, but will take message for <joe@example.test>\n"
    "C: VRFY\n"
    "S: 501 5.5.4 Argument missing\n"
    "C: VRFY j\xC3\xB6\n"
    "S: 553 5.6.7 Address is not ASCII and SMTPUTF8 was not asked for\n"
    "C: VRFY j\xC3\xB6 SMTPUTF8\n"
    "S: 252 2.1.5 Cannot VRFY user, but will take message for <j\xC3\xB6>\n"
    "C: EXPN list\n"
    "S: 502 5.5.1 Command is not implemented\n"
    "C: HELP\n"
    "S: 214-2.0.0 This server supports the following commands:\n"
    "S: 214 2.0.0 RCPT MAIL DATA BDAT EHLO HELO RSET NOOP QUIT VRFY HELP\n"
    "C: WHAT is this\n"
    "S: 500 5.3.3 Unrecognized command\n"
    "C: \n"
    "S: 500 5.3.3 Unrecognized command\n"
    "C: RSET now\n"
    "S: 501 5.5.4 Invalid arguments\n"
    "C: STARTTLS\n"
    "S: 502 5.5.1 STARTTLS is not available\n"
    "C: QUIT  \n"
    "S: 221 2.0.0 mx.example.test Service closing transmission channel\n"
    "H: end\n",

    BANNER
    "C: EHLO\n"
    "S: 501 5.5.4 Invalid domain name\n"
    "C: EHLO a(b)c\n"
    "S: 501 5.5.4 Invalid domain name\n"
    "C: HELO under_score.example\n"
    "S: 250 mx.example.test Hello [192.0.2.1]\n",

    /* Addresses and parameters. */
    HELLO
    "C: MAIL FROM:<a b@example.org>\n"
    "S: 501 5.1.7 Invalid Address (id " SESSION ")\n"
    "H: refused sender address-syntax <>\n"
    "C: MAIL FROM:<a@example.org>SIZE=3\n"
    "S: 501 5.1.7 Invalid Address (id " SESSION ")\n"
    "H: refused sender address-syntax <a@example.org>\n"
    "C: MAIL FROM:<a@example.org> SIZE=20001\n"
    "S: 552 5.3.4 Message size exceeds fixed maximum message size (id " SESSION ")\n"
    "H: refused sender message-size <a@example.org>\n"
    "C: MAIL FROM:<a@example.org> BODY=BINARYMIME\n"
    "S: 501 5.5.4 Invalid value for parameter BODY (id " SESSION ")\n"
    "H: refused sender parameter-syntax <a@example.org>\n"
    "C: MAIL FROM:<a@example.org> AUTH=<>\n"
    "S: 555 5.5.4 Unsupported parameter AUTH (id " SESSION ")\n"
    "H: refused sender parameter-unknown <a@example.org>\n"
    "C: MAIL FROM:<\xC3\xB6@example.org>\n"
    "S: 553 5.6.7 Address is not ASCII and SMTPUTF8 was not asked for (id " SESSION ")\n"
    "H: refused sender address-needs-utf8 <\xC3\xB6@example.org>\n"
    "C: MAIL FROM:<unknown@example.org> SIZE=20000 BODY=8BITMIME RET=HDRS ENVID=x+2By\n"
    "S: 550 5.1.1 User unknown (id " ID1 ")\n"
    "H: refused sender recipient-unknown <unknown@example.org>\n"
    "C: MAIL FROM:<\xC3\xB6@example.org> SMTPUTF8\n"
    "S: 250 2.1.0 \xC3\xB6@example.org....Sender OK\n"
    "C: RCPT TO:<>\n"
    "S: 501 5.1.3 Invalid Address (id " ID2 ")\n"
    "H: refused recipient address-syntax <>\n"
    "C: RCPT TO:<x@example.test> NOTIFY=NEVER,DELAY\n"
    "S: 501 5.5.4 Invalid value for parameter NOTIFY (id " ID2 ")\n"
    "H: refused recipient parameter-syntax <x@example.test>\n"
    "C: RCPT TO:<Postmaster>\n"
    "S: 250 2.1.5 Postmaster\n"
    "C: RCPT TO:<drop@example.test>\n"
    "S: 550 5.7.1 Blocked (id " ID2 ")\n"
    "H: refused recipient blocked <drop@example.test>\n"
    "H: end\n",

    HELLO MAIL
    "C: RCPT TO:<slow@example.test>\n"
    "S: 421 4.7.0 Too fast (id " ID1 ")\n"
    "H: refused recipient too-fast <slow@example.test>\n"
    "H: end\n",

    /* A refused sender leaves no transaction behind. */
    HELLO
    "C: MAIL FROM:<busy@example.org>\n"
    "S: 451 4.3.0 Try again later (id " ID1 ")\n"
    "H: refused sender directory-away <busy@example.org>\n"
    "C: RCPT TO:<info@example.test>\n"
    "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
    "H: refused recipient command-state <info@example.test>\n",

    /* The message may not begin, or cannot be stored. */
    HELLO
    "C: MAIL FROM:<nocontent@example.org>\n"
    "S: 250 2.1.0 nocontent@example.org....Sender OK\n"
    RCPT
    "C: DATA\n"
    "S: 452 4.3.1 Out of memory (id " ID1 ")\n"
    "H: refused content back-pressure <>\n"
    "C: NOOP\n"
    "S: 250 2.0.0 OK\n",

    HELLO MAIL RCPT DATA
    "C: Subject:\n"
    "C:  no-space\n"
    "C: .\n"
    RECEIVED_BY(ID1)
    "M: Subject:\n"
    "M:  no-space\n"
    "H: for info@example.test\n"
    "S: 452 4.3.1 Out of disk space (id " ID1 ")\n"
    "H: refused content no-space <>\n"
    "C: RCPT TO:<info@example.test>\n"
    "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
    "H: refused recipient command-state " "<info@example.test>\n",

    /* Only CRLF.CRLF ends a message; a bare line end refuses it, and what looked like its end was not. */
    HELLO MAIL RCPT DATA
    "C: text{LF}.{LF}MAIL FROM:<evil@example.org>\n"
    "C: {LF}.\n"
    "C: {CR}.\n"
    "C: .{CR}\n"
    "C: .{LF}\n"
    "C: .\n"
    "H: abandoned\n"
    "S: 550 5.6.11 Message contains bare CR or LF (id " ID1 ")\n"
    "H: refused content bare-line-end <>\n"
    "C: NOOP\n"
    "S: 250 2.0.0 OK\n",

    HELLO MAIL RCPT DATA
    "C: a{NUL}b\n"
    "C: .\n"
    "H: abandoned\n"
    "S: 550 5.6.11 Message contains NUL (id " ID1 ")\n"
    "H: refused content nul-in-content <>\n",

    /* A mail loop. */
    HELLO MAIL RCPT DATA
    "C: Received: 1\n"
    "C: received : 2\n"
    "C: RECEIVED: 3\n"
    "C: Received: 4\n"
    "C: \n"
    "C: .\n"
    "H: abandoned\n"
    "S: 554 5.4.6 Hop count exceeded - possible mail loop (id " ID1 ")\n"
    "H: refused content hop-count <>\n",

    /* Chunks: dots are text, the last line is ended where the client did not. */
    HELLO MAIL RCPT
    "C: BDAT 8\n"
    "c: A: b{CR}{LF}{CR}{LF}\n"
    "S: 250 2.6.0 CHUNK received OK, 8 octets\n"
    "C: NOOP\n"
    "S: 250 2.0.0 OK\n"
    "C: RCPT TO:<late@example.test>\n"
    "S: 503 5.5.2 Message has begun already (id " ID1 ")\n"
    "H: refused recipient command-state <late@example.test>\n"
    "C: DATA\n"
    "S: 503 5.5.1 DATA cannot follow BDAT (id " ID1 ")\n"
    "H: refused content command-state <>\n"
    "C: BDAT 4\n"
    "c: .{CR}{LF}.\n"
    "S: 250 2.6.0 CHUNK received OK, 4 octets\n"
    "C: BDAT 0 LAST\n"
    RECEIVED_BY(ID1)
    "M: A: b\n"
    "M: \n"
    "M: .\n"
    "M: .\n"
    ACCEPTED,

    HELLO MAIL RCPT
    "C: BDAT 5 last\n"
    "c: A: b{CR}\n" /* a bare CR at the very end */
    "H: abandoned\n"
    "S: 550 5.6.11 Message contains bare CR or LF (id " ID1 ")\n"
    "H: refused content bare-line-end <>\n",

    HELLO MAIL RCPT
    "C: BDAT 3\n"
    "c: a:{CR}\n"
    "S: 250 2.6.0 CHUNK received OK, 3 octets\n"
    "C: RSET\n"
    "H: abandoned\n"
    "S: 250 2.0.0 Resetting\n",

    HELLO MAIL RCPT
    "C: BDAT 2 LAST\n"
    "c: {CR}{LF}\n"
    RECEIVED_BY(ID1)
    "M: \n"
    ACCEPTED,

    /* A chunk that cannot be taken is read all the same, and never as commands. */
    HELLO
    "C: BDAT 6\n"
    "C: QUIT\n"
    "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
    "H: refused content command-state <>\n"
    MAIL
    "C: BDAT 6 LAST\n"
    "C: QUIT\n"
    "S: 554 5.5.1 No valid recipients (id " ID1 ")\n"
    "H: refused content no-recipients <>\n",

    HELLO
    "C: MAIL FROM:<nocontent@example.org>\n"
    "S: 250 2.1.0 nocontent@example.org....Sender OK\n"
    RCPT
    "C: BDAT 6\n"
    "C: QUIT\n"
    "S: 452 4.3.1 Out of memory (id " ID1 ")\n"
    "H: refused content back-pressure <>\n"
    "C: BDAT 6 LAST\n"
    "C: QUIT\n"
    "S: 503 5.5.2 Need mail command (id " SESSION ")\n"
    "H: refused content command-state <>\n",

    HELLO MAIL RCPT
    "C: BDAT six\n"
    "S: 501 5.5.4 Invalid arguments (id " ID1 ")\n"
    "H: refused content command-syntax <>\n"
    "H: end\n",

    /* Lines. */
    HELLO
    "C: NO{CR}OP\n"
    "S: 500 5.5.2 Bare CR or NUL in command\n"
    "C: NO{NUL}OP\n"
    "S: 500 5.5.2 Bare CR or NUL in command\n"
    "C: NOOP\n"
    "S: 250 2.0.0 OK\n"
    "C: MAIL FROM:<a@example.org>{LF}QUIT{LF}QUIT\n"
    "S: 500 5.5.2 Line does not end with CRLF\n"
    "C: NOOP\n"
    "S: 250 2.0.0 OK\n"
    "c: {LF}\n"
    "S: 500 5.5.2 Line does not end with CRLF\n"
    "C: {CR}\n"
    "C: NOOP\n"
    "S: 250 2.0.0 OK\n",
};
/* clang-format on */

#define ORDINARY_COUNT ((int)(sizeof ordinary / sizeof ordinary[0]))

START_TEST(plays_dialogue)
{
    struct session_host host;
    session_host_init(&host);
    session_host_start(&host);
    session_host_play(&host, ordinary[_i]);
    session_host_free(&host);
}
END_TEST

START_TEST(plays_dialogue_answering_later)
{
    struct session_host host;
    session_host_init(&host);
    host.answers_later = true;
    session_host_start(&host);
    session_host_play(&host, ordinary[_i]);
    session_host_free(&host);
}
END_TEST

/* All that the client says, in pieces of the given sizes. */
static void play_in_pieces(int number, size_t first, size_t others, bool answers_later)
{
    struct session_host host;
    struct buffer input, expected;
    buffer_init(&input, 100000);
    buffer_init(&expected, 100000);
    session_host_read_dialogue(ordinary[number], &input, &expected);

    session_host_init(&host);
    host.answers_later = answers_later;
    session_host_start(&host);
    size_t at = 0, size = first;
    while (at < input.length) {
        if (size > input.length - at)
            size = input.length - at;
        session_host_offer(&host, input.data + at, size);
        at += size;
        size = others;
    }
    ck_assert_str_eq(host.transcript.data, expected.data);
    session_host_free(&host);
    buffer_free(&input);
    buffer_free(&expected);
}

START_TEST(plays_dialogue_cut_in_two_anywhere)
{
    struct buffer input, expected;
    buffer_init(&input, 100000);
    buffer_init(&expected, 100000);
    session_host_read_dialogue(ordinary[_i], &input, &expected);
    for (size_t cut = 1; cut <= input.length; cut++)
        play_in_pieces(_i, cut, input.length, false);
    buffer_free(&input);
    buffer_free(&expected);
}
END_TEST

START_TEST(plays_dialogue_in_small_pieces)
{
    for (size_t size = 1; size < 8; size++)
        for (size_t first = 1; first <= size; first++)
            play_in_pieces(_i, first, size, size % 2 == 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("smtp dialogues");
    TCase *dialogues = tcase_create("dialogues");
    tcase_add_loop_test(dialogues, plays_dialogue, 0, ORDINARY_COUNT);
    tcase_add_loop_test(dialogues, plays_dialogue_answering_later, 0, ORDINARY_COUNT);
    suite_add_tcase(suite, dialogues);

    TCase *pieces = tcase_create("pieces");
    tcase_set_timeout(pieces, 60);
    tcase_add_loop_test(pieces, plays_dialogue_cut_in_two_anywhere, 0, ORDINARY_COUNT);
    tcase_add_loop_test(pieces, plays_dialogue_in_small_pieces, 0, ORDINARY_COUNT);
    suite_add_tcase(suite, pieces);
    return suite;
}
