/* rooms: smtp base */
/* The client machine against scripts of a next hop. Each script is run with what the next hop says
 * in one piece, byte by byte, and cut in two at every place: the wire and the outcomes must be the
 * same. */
#include "unit.h"

#include "base/buffer.h"
#include "smtp/client.h"

#include <stdio.h>

struct script {
    const char *name;
    const struct smtp_client_message *const *messages; /* ended by NULL */
    const char *const *contents;                       /* one for each message; NULL: unreadable */
    bool quit; /* when there are no more messages, else wait */
    /* "S: line" the next hop says, "C: line" the client must have said, "C" it must have said
     * nothing more, "close" the next hop closes, "silence" it does not answer in time; ended by
     * NULL. */
    const char *const *lines;
    const char *outcomes;
};

static const struct smtp_client_recipient one[] = {{"ann@example.test", "", 0}};
static const struct smtp_client_recipient three[] = {
    {"ann@example.test", "", 0}, {"bob@example.test", "", 0}, {"cyd@example.test", "", 0}};
static const struct smtp_client_recipient reported[] = {
    {"ann@example.test", "rfc822;ann+2B1@example.test", SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY},
    {"bob@example.test", "", SMTP_NOTIFY_NEVER}};
static const struct smtp_client_recipient foreign[] = {{"j\xC3\xB6rg@example.test", "", 0}};
static const struct smtp_client_recipient injected[] = {{"ann@example.test>\r\nRSET", "", 0}};

static const struct smtp_client_message plain = {
    "eve@example.net", "", SMTP_RET_UNSET, SMTP_BODY_7BIT, false, 40, one, 1, false};
static const struct smtp_client_message plain_two = {
    "sam@example.net", "", SMTP_RET_UNSET, SMTP_BODY_7BIT, false, 41, one, 1, false};
static const struct smtp_client_message to_three = {
    "", "", SMTP_RET_UNSET, SMTP_BODY_7BIT, false, 42, three, 3, false};
static const struct smtp_client_message everything = {
    "eve@example.net", "QQ+3D1", SMTP_RET_HDRS, SMTP_BODY_8BITMIME, false, 43, reported, 2, false};
static const struct smtp_client_message wide = {
    "eve@example.net", "", SMTP_RET_UNSET, SMTP_BODY_8BITMIME, false, 44, foreign, 1, false};
static const struct smtp_client_message forged = {
    "eve@example.net", "", SMTP_RET_UNSET, SMTP_BODY_7BIT, false, 45, injected, 1, false};

static const struct smtp_client_message probe_ann = {
    "", "", SMTP_RET_UNSET, SMTP_BODY_7BIT, false, 0, one, 1, true};
static const struct smtp_client_message probe_three = {
    "", "", SMTP_RET_UNSET, SMTP_BODY_7BIT, false, 0, three, 3, true};

static const struct smtp_client_message *const probe_two[] = {&probe_ann, &probe_ann, NULL};
static const struct smtp_client_message *const probe_many[] = {&probe_three, &probe_ann, NULL};
static const struct smtp_client_message *const probe_and_send[] = {&probe_ann, &plain, NULL};
static const struct smtp_client_message *const send_plain[] = {&plain, NULL};
static const struct smtp_client_message *const send_two[] = {&plain, &plain_two, NULL};
static const struct smtp_client_message *const send_three[] = {&to_three, NULL};
static const struct smtp_client_message *const send_three_plain[] = {&to_three, &plain, NULL};
static const struct smtp_client_message *const send_everything[] = {&everything, NULL};
static const struct smtp_client_message *const send_wide[] = {&wide, &plain, NULL};
static const struct smtp_client_message *const send_forged[] = {&forged, NULL};
static const struct smtp_client_message *const send_nothing[] = {NULL};

static const char *const short_contents[] = {"Subject: a\r\n\r\nA\r\n", "Subject: b\r\n\r\nB\r\n"};
static const char *const dotted_contents[] = {".\r\n..\r\na.b\r\n.c\n.d\r\nend without line end"};
static const char *const no_contents[] = {NULL, NULL};

#define LINES (const char *const[])

static const struct script scripts[] = {
    {"probes with PIPELINING", probe_two, no_contents, true,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250-hop.test",
           "S: 250-SIZE 100",
           "S: 250 PIPELINING",
           "C: MAIL FROM:<>",
           "C: RCPT TO:<ann@example.test>",
           "C: RSET",
           "C",
           "S: 250 Ok",
           "S: 250 2.1.5 Ok",
           "S: 250 Reset",
           "C: MAIL FROM:<>",
           "C: RCPT TO:<ann@example.test>",
           "C: RSET",
           "S: 250 Ok",
           "S: 550 5.1.1 No such user",
           "S: 250 Reset",
           "C: QUIT",
           "S: 221 Bye",
           NULL},
     " ann@example.test delivered 250 2.1.5 Ok\ndone\n"
     " ann@example.test failed 550 5.1.1 No such user\ndone\nend orderly 221 Bye\n"},
    {"probes without PIPELINING", probe_many, no_contents, false,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250 hop.test",
           "C: MAIL FROM:<>",
           "C",
           "S: 250 Ok",
           "C: RCPT TO:<ann@example.test>",
           "C",
           "S: 250 Ok",
           "C: RCPT TO:<bob@example.test>",
           "S: 550 no",
           "C: RCPT TO:<cyd@example.test>",
           "S: 451 not now",
           "C: RSET",
           "C",
           "S: 250 Reset",
           "C: MAIL FROM:<>",
           "S: 550 5.7.1 no null senders",
           "C",
           NULL},
     " ann@example.test delivered 250 Ok\n bob@example.test failed 550 no\n"
     " cyd@example.test deferred 451 not now\ndone\n"
     " ann@example.test deferred 550 5.7.1 no null senders\ndone\n"},
    {"a probe whose sender is refused says its RSET when it was sent already", probe_and_send,
     short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<>", "C: RCPT TO:<ann@example.test>", "C: RSET", "S: 550 no",
           "S: 503 no sender", "S: 250 Reset", "C: MAIL FROM:<eve@example.net>",
           "C: RCPT TO:<ann@example.test>", "C: DATA", NULL},
     " ann@example.test deferred 550 no\ndone\n"},
    {"closed after the answer to a probe", probe_two, no_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<>", "C: RCPT TO:<ann@example.test>", "C: RSET", "S: 250 Ok", "S: 250 Ok",
           "close", NULL},
     " ann@example.test delivered 250 Ok\ndone\n"
     "end broken The connection was closed before the next hop answered to RSET\n"},
    {"RSET refused", probe_two, no_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<>", "C: RCPT TO:<ann@example.test>", "C: RSET", "S: 250 Ok", "S: 250 Ok",
           "S: 500 What?", NULL},
     " ann@example.test delivered 250 Ok\ndone\n"
     "end broken The next hop does not speak SMTP as it should: it answered to RSET with "
     "\"500 What?\".\n"},
    {"one message without PIPELINING", send_plain, short_contents, true,
     LINES{"C",
           "S: 220 hop.test ESMTP",
           "C: EHLO gate.test",
           "C",
           "S: 250-hop.test",
           "S: 250 SIZE 1000",
           "C: MAIL FROM:<eve@example.net> SIZE=40",
           "C",
           "S: 250 2.1.0 Ok",
           "C: RCPT TO:<ann@example.test>",
           "C",
           "S: 250 2.1.5 Ok",
           "C: DATA",
           "C",
           "S: 354 Go",
           "C: Subject: a",
           "C: ",
           "C: A",
           "C: .",
           "C",
           "S: 250 2.0.0 Ok: queued as 1",
           "C: QUIT",
           "C",
           "S: 221 Bye",
           NULL},
     "eve@example.net ann@example.test delivered 250 2.0.0 Ok: queued as 1\n"
     "done\nend orderly 221 Bye\n"},
    {"two messages with PIPELINING", send_two, short_contents, true,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250-hop.test",
           "S: 250-pipelining",
           "S: 250 HELP",
           "C: MAIL FROM:<eve@example.net>",
           "C: RCPT TO:<ann@example.test>",
           "C: DATA",
           "C",
           "S: 250 Ok",
           "S: 250 Ok",
           "S: 354 Go",
           "C: Subject: a",
           "C: ",
           "C: A",
           "C: .",
           "C: MAIL FROM:<sam@example.net>",
           "C: RCPT TO:<ann@example.test>",
           "C: DATA",
           "C",
           "S: 250 first",
           "S: 250 Ok",
           "S: 250 Ok",
           "S: 354 Go",
           "C: Subject: b",
           "C: ",
           "C: B",
           "C: .",
           "C: QUIT",
           "S: 250 second",
           "S: 221 Bye",
           NULL},
     "eve@example.net ann@example.test delivered 250 first\ndone\n"
     "sam@example.net ann@example.test delivered 250 second\ndone\nend orderly 221 Bye\n"},
    {"one of three recipients refused, one deferred", send_three, short_contents, false,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250-hop.test",
           "S: 250 PIPELINING",
           "C: MAIL FROM:<>",
           "C: RCPT TO:<ann@example.test>",
           "C: RCPT TO:<bob@example.test>",
           "C: RCPT TO:<cyd@example.test>",
           "C: DATA",
           "S: 250 Ok",
           "S: 550-5.1.1 No such",
           "S: 550 5.1.1 user here",
           "S: 451 4.7.1 Greylisted",
           "S: 250 Ok",
           "S: 354 Go",
           "C: Subject: a",
           "C: ",
           "C: A",
           "C: .",
           "S: 250 Ok",
           "C",
           "close",
           NULL},
     " ann@example.test failed 550 5.1.1 No such user here\n"
     " bob@example.test deferred 451 4.7.1 Greylisted\n"
     " cyd@example.test delivered 250 Ok\ndone\n"
     "end orderly The connection was closed while nothing was under way\n"},
    {"all recipients refused, 354 all the same", send_three_plain, short_contents, false,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250-hop.test",
           "S: 250 PIPELINING",
           "C: MAIL FROM:<>",
           "C: RCPT TO:<ann@example.test>",
           "C: RCPT TO:<bob@example.test>",
           "C: RCPT TO:<cyd@example.test>",
           "C: DATA",
           "S: 250 Ok",
           "S: 550 no",
           "S: 550 no",
           "S: 550 no",
           "S: 354 Go",
           "C: .",
           "C: MAIL FROM:<eve@example.net>",
           "C: RCPT TO:<ann@example.test>",
           "C: DATA",
           "S: 554 no recipients",
           "S: 250 Ok",
           "S: 250 Ok",
           "S: 354 Go",
           "C: Subject: b",
           "C: ",
           "C: B",
           "C: .",
           "S: 250 Ok",
           NULL},
     " ann@example.test failed 550 no\n bob@example.test failed 550 no\n cyd@example.test failed "
     "550 no\ndone\n"
     "eve@example.net ann@example.test delivered 250 Ok\ndone\n"},
    {"all recipients refused, DATA too: RSET before the next", send_three_plain, short_contents,
     false,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250-hop.test",
           "S: 250 PIPELINING",
           "C: MAIL FROM:<>",
           "C: RCPT TO:<ann@example.test>",
           "C: RCPT TO:<bob@example.test>",
           "C: RCPT TO:<cyd@example.test>",
           "C: DATA",
           "S: 250 Ok",
           "S: 550 no",
           "S: 450 later",
           "S: 550 no",
           "S: 503 no recipients",
           "C: RSET",
           "C: MAIL FROM:<eve@example.net>",
           "C: RCPT TO:<ann@example.test>",
           "C: DATA",
           "S: 250 Ok",
           "S: 250 Ok",
           "S: 250 Ok",
           "S: 354 Go",
           "C: Subject: b",
           "C: ",
           "C: B",
           "C: .",
           "S: 250 Ok",
           NULL},
     " ann@example.test failed 550 no\n bob@example.test deferred 450 later\n cyd@example.test "
     "failed 550 no\ndone\n"
     "eve@example.net ann@example.test delivered 250 Ok\ndone\n"},
    {"without PIPELINING no DATA for nobody", send_three_plain, short_contents, false,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250 hop.test",
           "C: MAIL FROM:<>",
           "S: 250 Ok",
           "C: RCPT TO:<ann@example.test>",
           "S: 550 no",
           "C: RCPT TO:<bob@example.test>",
           "S: 550 no",
           "C: RCPT TO:<cyd@example.test>",
           "S: 550 no",
           "C: RSET",
           "C",
           "S: 250 Ok",
           "C: MAIL FROM:<eve@example.net>",
           "C",
           "S: 250 Ok",
           "C: RCPT TO:<ann@example.test>",
           "S: 250 Ok",
           "C: DATA",
           "S: 354 Go",
           "C: Subject: b",
           "C: ",
           "C: B",
           "C: .",
           "S: 250 Ok",
           "C",
           NULL},
     " ann@example.test failed 550 no\n bob@example.test failed 550 no\n cyd@example.test failed "
     "550 no\ndone\n"
     "eve@example.net ann@example.test delivered 250 Ok\ndone\n"},
    {"MAIL refused: no RSET", send_two, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<eve@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 552 5.3.4 too big", "S: 503 no", "S: 503 no", "C: MAIL FROM:<sam@example.net>",
           "C: RCPT TO:<ann@example.test>", "C: DATA", "S: 451 4.3.0 not now", "S: 503 no",
           "S: 503 no", "C", NULL},
     "eve@example.net ann@example.test failed 552 5.3.4 too big\ndone\n"
     "sam@example.net ann@example.test deferred 451 4.3.0 not now\ndone\n"},
    {"MAIL refused, yet 354", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<eve@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 550 no", "S: 250 Ok", "S: 354 Go", "C: .", "S: 250 Ok", NULL},
     "eve@example.net ann@example.test failed 550 no\ndone\n"},
    {"too many recipients: the rest goes at once", send_three, short_contents, false,
     LINES{"S: 220 hop.test",
           "C: EHLO gate.test",
           "S: 250-hop.test",
           "S: 250 PIPELINING",
           "C: MAIL FROM:<>",
           "C: RCPT TO:<ann@example.test>",
           "C: RCPT TO:<bob@example.test>",
           "C: RCPT TO:<cyd@example.test>",
           "C: DATA",
           "S: 250 Ok",
           "S: 250 Ok",
           "S: 452 4.5.3 too many",
           "S: 452 4.2.2 mailbox full",
           "S: 354 Go",
           "C: Subject: a",
           "C: ",
           "C: A",
           "C: .",
           "S: 250 Ok",
           NULL},
     " bob@example.test returned 452 4.5.3 too many\n cyd@example.test deferred 452 4.2.2 mailbox "
     "full\n"
     " ann@example.test delivered 250 Ok\ndone\n"},
    {"content refused", send_plain, short_contents, true,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<eve@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 250 Ok", "S: 250 Ok", "S: 354 Go", "C: Subject: a", "C: ", "C: A", "C: .", "C: QUIT",
           "S: 554 5.7.1 spam", "S: 221 Bye", NULL},
     "eve@example.net ann@example.test failed 554 5.7.1 spam\ndone\nend orderly 221 Bye\n"},
    {"dots and a last line without end", send_plain, dotted_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<eve@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 250 Ok", "S: 250 Ok", "S: 354 Go", "C: ..", "C: ...", "C: a.b", "C: ..c\n..d",
           "C: end without line end", "C: .", "S: 250 Ok", NULL},
     "eve@example.net ann@example.test delivered 250 Ok\ndone\n"},
    {"all features", send_everything, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250-PIPELINING",
           "S: 250-SIZE", "S: 250-8BITMIME", "S: 250-DSN", "S: 250-CHUNKING",
           "S: 250-ENHANCEDSTATUSCODES", "S: 250 SMTPUTF8",
           "C: MAIL FROM:<eve@example.net> SIZE=43 BODY=8BITMIME RET=HDRS ENVID=QQ+3D1",
           "C: RCPT TO:<ann@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ann+2B1@example.test",
           "C: RCPT TO:<bob@example.test> NOTIFY=NEVER", "C: DATA", "C", "close", NULL},
     "eve@example.net ann@example.test deferred The connection was closed before the next hop "
     "answered to MAIL\n"
     "eve@example.net bob@example.test deferred The connection was closed before the next hop "
     "answered to MAIL\ndone\n"
     "end broken The connection was closed before the next hop answered to MAIL\n"},
    {"no features: nothing is said of them", send_everything, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "C", NULL},
     ""},
    {"SMTPUTF8", send_wide, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250-8BITMIME",
           "S: 250 SMTPUTF8", "C: MAIL FROM:<eve@example.net> BODY=8BITMIME SMTPUTF8", "S: 250 Ok",
           "C: RCPT TO:<j\xC3\xB6rg@example.test>", NULL},
     ""},
    {"SMTPUTF8 not offered", send_wide, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "C", NULL},
     "eve@example.net j\xC3\xB6rg@example.test failed Not sent: the message needs SMTPUTF8 "
     "(internationalized addresses), the "
     "next hop does not offer it.\ndone\n"},
    {"larger than the next hop takes", send_two, short_contents, true,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 SIZE 39", "C: QUIT",
           "S: 221 Bye", NULL},
     "eve@example.net ann@example.test failed Not sent: the next hop takes at most 39 bytes, the "
     "message has 40.\ndone\n"
     "sam@example.net ann@example.test failed Not sent: the next hop takes at most 39 bytes, the "
     "message has 41.\ndone\n"
     "end orderly 221 Bye\n"},
    {"an address that would end the command", send_forged, short_contents, true,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test", "C: QUIT", NULL},
     "eve@example.net ann@example.test>\r\nRSET failed Not sent: a forward-path has characters "
     "that cannot be in one.\ndone\n"},
    {"HELO where EHLO is not known", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 502-5.5.1 what", "S: 502 PIPELINING",
           "C: HELO gate.test", "S: 250 hop.test", "C: MAIL FROM:<eve@example.net>", "C", NULL},
     ""},
    {"HELO refused too", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 502 what", "C: HELO gate.test",
           "S: 550 go away", "C", NULL},
     "end refused 550 go away\n"},
    {"EHLO not now", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 450 4.3.2 busy", "C", NULL},
     "end refused 450 4.3.2 busy\n"},
    {"no service", send_plain, short_contents, false,
     LINES{"S: 554-no SMTP", "S: 554 service here", "C", NULL},
     "end refused 554 no SMTP service here\n"},
    {"421 in place of the greeting", send_plain, short_contents, false,
     LINES{"S: 421 busy", "C", NULL}, "end refused 421 busy\n"},
    {"421 to MAIL", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<eve@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 421 4.3.2 shutting down", "C", NULL},
     "eve@example.net ann@example.test deferred 421 4.3.2 shutting down\ndone\nend refused 421 "
     "4.3.2 shutting down\n"},
    {"421 to the content: the next is returned", send_two, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<eve@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 250 Ok", "S: 250 Ok", "S: 354 Go", "C: Subject: a", "C: ", "C: A", "C: .",
           "C: MAIL FROM:<sam@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 421 bye", NULL},
     "eve@example.net ann@example.test deferred 421 bye\ndone\n"
     "sam@example.net ann@example.test returned 421 bye\ndone\nend refused 421 bye\n"},
    {"closed between two messages: the second is returned", send_two, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "S: 250 Ok", "C: RCPT TO:<ann@example.test>",
           "S: 250 Ok", "C: DATA", "S: 354 Go", "C: Subject: a", "C: ", "C: A", "C: .", "S: 250 Ok",
           "C: MAIL FROM:<sam@example.net>", "close", NULL},
     "eve@example.net ann@example.test delivered 250 Ok\ndone\n"
     "sam@example.net ann@example.test returned The connection was closed before the next hop "
     "answered to MAIL\ndone\n"
     "end broken The connection was closed before the next hop answered to MAIL\n"},
    {"closed in the second message: deferred", send_two, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "S: 250 Ok", "C: RCPT TO:<ann@example.test>",
           "S: 250 Ok", "C: DATA", "S: 354 Go", "C: Subject: a", "C: ", "C: A", "C: .", "S: 250 Ok",
           "C: MAIL FROM:<sam@example.net>", "S: 250 Ok", "C: RCPT TO:<ann@example.test>", "close",
           NULL},
     "eve@example.net ann@example.test delivered 250 Ok\ndone\n"
     "sam@example.net ann@example.test deferred The connection was closed before the next hop "
     "answered to RCPT\ndone\n"
     "end broken The connection was closed before the next hop answered to RCPT\n"},
    {"no answer to the content", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "S: 250 Ok", "C: RCPT TO:<ann@example.test>",
           "S: 250 Ok", "C: DATA", "S: 354 Go", "C: Subject: a", "C: ", "C: A", "C: .", "silence",
           NULL},
     "eve@example.net ann@example.test deferred The next hop did not answer to the end of the "
     "message in time.\ndone\n"
     "end broken The next hop did not answer to the end of the message in time.\n"},
    {"no greeting", send_plain, short_contents, false, LINES{"silence", NULL},
     "end broken The next hop did not answer to the new connection in time.\n"},
    {"closed in place of a greeting", send_plain, short_contents, false, LINES{"close", NULL},
     "end broken The connection was closed before the next hop answered to the new connection\n"},
    {"content that cannot be read: never a whole message", send_two, no_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250-hop.test", "S: 250 PIPELINING",
           "C: MAIL FROM:<eve@example.net>", "C: RCPT TO:<ann@example.test>", "C: DATA",
           "S: 250 Ok", "S: 250 Ok", "S: 354 Go", "C", NULL},
     "eve@example.net ann@example.test deferred The message could not be read from the "
     "store.\ndone\n"
     "end broken The message could not be read from the store.\n"},
    {"a reply too many", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "S: 250 Ok", "C: RCPT TO:<ann@example.test>",
           "S: 250 Ok", "C: DATA", "S: 354 Go", "C: Subject: a", "C: ", "C: A", "C: .", "S: 250 Ok",
           "S: 250 Ok", "C", NULL},
     "eve@example.net ann@example.test delivered 250 Ok\ndone\n"
     "end broken The next hop does not speak SMTP as it should: it answered "
     "to nothing with \"250 Ok\".\n"},
    {"354 to MAIL", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "S: 354 Go", "C", NULL},
     "eve@example.net ann@example.test deferred The next hop does not speak SMTP as it should: it "
     "answered "
     "to MAIL with \"354 Go\".\n"
     "done\nend broken The next hop does not speak SMTP as it should: it answered "
     "to MAIL with \"354 Go\".\n"},
    {"250 to DATA", send_plain, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test",
           "C: MAIL FROM:<eve@example.net>", "S: 250 Ok", "C: RCPT TO:<ann@example.test>",
           "S: 250 Ok", "C: DATA", "S: 250 Ok", "C", NULL},
     "eve@example.net ann@example.test deferred The next hop does not speak SMTP as it should: it "
     "answered "
     "to DATA with \"250 Ok\".\n"
     "done\nend broken The next hop does not speak SMTP as it should: it answered "
     "to DATA with \"250 Ok\".\n"},
    {"garbage", send_plain, short_contents, false, LINES{"S: SSH-2.0-OpenSSH \x01\xff", "C", NULL},
     "end broken The next hop does not speak SMTP as it should: it answered to the new connection "
     "with "
     "\"SSH-2.0-OpenSSH  ?\".\n"},
    {"the code changes within a reply", send_plain, short_contents, false,
     LINES{"S: 220-hop.test", "S: 250 hop.test", "C", NULL},
     "end broken The next hop does not speak SMTP as it should: it answered to the new connection "
     "with \"250 "
     "hop.test\".\n"},
    {"QUIT without an answer", send_nothing, short_contents, true,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test", "C: QUIT", "silence", NULL},
     "end orderly The next hop did not answer to QUIT in time.\n"},
    {"nothing to send", send_nothing, short_contents, false,
     LINES{"S: 220 hop.test", "C: EHLO gate.test", "S: 250 hop.test", "C",
           "S: 421 4.4.2 idle for too long", "C", NULL},
     "end orderly 421 4.4.2 idle for too long\n"},
};

/* ---- the host ---- */

struct bench {
    const struct script *script;
    struct smtp_client *client;
    size_t next;
    size_t piece; /* bytes of content handed over at a time */
    bool stutter; /* room for three bytes of content, then for none, and so on */
    bool no_room;
    size_t read[4];     /* of the content of each message */
    struct buffer wire; /* said by the client and not yet expected */
    struct buffer outcomes;
    bool ended;
};

static void host_send(void *user, const char *data, size_t length)
{
    struct bench *bench = user;
    ck_assert(!bench->ended);
    ck_assert(buffer_append(&bench->wire, data, length));
}

static size_t host_room(void *user)
{
    struct bench *bench = user;
    bench->no_room = bench->stutter && !bench->no_room;
    return !bench->stutter ? SIZE_MAX : bench->no_room ? 0 : 3;
}

static enum smtp_client_next host_next(void *user, const struct smtp_client_message **message)
{
    struct bench *bench = user;
    *message = bench->script->messages[bench->next];
    if (*message == NULL)
        return bench->script->quit ? SMTP_CLIENT_QUIT : SMTP_CLIENT_WAIT;
    bench->next++;
    return SMTP_CLIENT_MESSAGE;
}

static size_t index_of(const struct bench *bench, const struct smtp_client_message *message)
{
    size_t index = 0;
    while (bench->script->messages[index] != message)
        index++;
    return index;
}

static enum smtp_client_content host_content(void *user, const struct smtp_client_message *message,
                                             struct view *piece)
{
    struct bench *bench = user;
    size_t index = index_of(bench, message);
    const char *content = bench->script->contents[index];
    if (content == NULL)
        return SMTP_CLIENT_CONTENT_UNREADABLE;
    *piece = view_first(view_from(view_of_text(content), bench->read[index]), bench->piece);
    bench->read[index] += piece->length;
    return piece->length > 0 ? SMTP_CLIENT_PIECE : SMTP_CLIENT_CONTENT_END;
}

static void host_recipient_done(void *user, const struct smtp_client_message *message,
                                size_t recipient, enum smtp_client_outcome outcome,
                                const struct smtp_client_reply *reply)
{
    static const char *const names[] = {"delivered", "deferred", "failed", "returned"};
    struct bench *bench = user;
    buffer_append_format(&bench->outcomes, "%s %s %s %s\n", message->reverse_path,
                         message->recipients[recipient].address, names[outcome], reply->text);
}

static void host_message_done(void *user, const struct smtp_client_message *message)
{
    struct bench *bench = user;
    index_of(bench, message);
    buffer_append_text(&bench->outcomes, "done\n");
}

static void host_end(void *user, enum smtp_client_end end, const struct smtp_client_reply *reply)
{
    static const char *const names[] = {"orderly", "refused", "broken"};
    struct bench *bench = user;
    ck_assert(!bench->ended);
    bench->ended = true;
    buffer_append_format(&bench->outcomes, "end %s %s\n", names[end], reply->text);
}

static const struct smtp_client_host host = {host_send,    host_room,           host_next,
                                             host_content, host_recipient_done, host_message_done,
                                             host_end};

static void bench_open(struct bench *bench, const struct script *script)
{
    *bench = (struct bench){.script = script, .piece = SIZE_MAX};
    buffer_init(&bench->wire, 1000000);
    buffer_init(&bench->outcomes, 1000000);
    bench->client = smtp_client_create("gate.test", &host, bench);
}

static void bench_close(struct bench *bench)
{
    smtp_client_destroy(bench->client);
    buffer_free(&bench->wire);
    buffer_free(&bench->outcomes);
}

/* How a script is run: what the next hop says is cut at `cut` (0: into single bytes), content comes
 * in pieces. */
struct manner {
    size_t cut;
    size_t piece;
    bool stutter;
};

/* What the next hop says arrives in pieces; whatever was not taken comes again with more behind it.
 */
static void hear(struct bench *bench, const struct buffer *said, size_t cut)
{
    struct buffer waiting;
    buffer_init(&waiting, 1000000);
    for (size_t at = 0; at < said->length;) {
        size_t piece = cut == 0 ? 1 : at < cut && cut < said->length ? cut : said->length - at;
        buffer_append(&waiting, said->data + at, piece);
        at += piece;
        size_t taken = smtp_client_input(bench->client, waiting.data, waiting.length);
        ck_assert_uint_le(taken, waiting.length);
        buffer_consume(&waiting, taken);
        for (size_t before = SIZE_MAX; !bench->ended && before != bench->wire.length;) {
            before = bench->wire.length;
            smtp_client_drained(bench->client);
        }
    }
    ck_assert_uint_eq(waiting.length, 0);
    buffer_free(&waiting);
}

static void expect(struct bench *bench, const char *line)
{
    if (line[1] == '\0') {
        ck_assert_msg(bench->wire.length == 0, "%s: said too much: %s", bench->script->name,
                      bench->wire.data);
        return;
    }
    char whole[200];
    int length = snprintf(whole, sizeof whole, "%s\r\n", line + 3);
    struct view said = view_first(buffer_view(&bench->wire), (size_t)length);
    ck_assert_msg(view_equal(said, view_of_text(whole)), "%s: expected %s but it said: %s",
                  bench->script->name, whole,
                  bench->wire.data == NULL ? "nothing" : bench->wire.data);
    buffer_consume(&bench->wire, (size_t)length);
}

/* Returns the length of the longest piece that the next hop says. */
static size_t run(const struct script *script, struct manner manner)
{
    struct bench bench;
    bench_open(&bench, script);
    bench.piece = manner.piece;
    bench.stutter = manner.stutter;
    size_t longest = 0;
    for (const char *const *line = script->lines; *line != NULL; line++) {
        struct buffer said;
        buffer_init(&said, 1000000);
        for (; *line != NULL && (*line)[0] == 'S'; line++)
            buffer_append_format(&said, "%s\r\n", *line + 3);
        hear(&bench, &said, manner.cut);
        longest = said.length > longest ? said.length : longest;
        buffer_free(&said);
        if (*line == NULL)
            break;
        if (strcmp(*line, "close") == 0)
            smtp_client_closed(bench.client, "");
        else if (strcmp(*line, "silence") == 0)
            smtp_client_time_out(bench.client);
        else
            expect(&bench, *line);
    }
    ck_assert_msg(buffer_append_text(&bench.outcomes, "") &&
                      strcmp(bench.outcomes.data, script->outcomes) == 0,
                  "%s: expected:\n%sgot:\n%s", script->name, script->outcomes, bench.outcomes.data);
    ck_assert_int_eq(smtp_client_has_ended(bench.client), bench.ended);
    bench_close(&bench);
    return longest;
}

START_TEST(follows_scripts)
{
    const struct script *script = &scripts[_i];
    size_t longest = run(script, (struct manner){.cut = SIZE_MAX, .piece = SIZE_MAX});
    run(script, (struct manner){.cut = 0, .piece = 1});
    run(script, (struct manner){.cut = 0, .piece = 5, .stutter = true});
    for (size_t cut = 1; cut < longest; cut++)
        run(script, (struct manner){.cut = cut, .piece = SIZE_MAX});
    for (size_t piece = 1; piece < 50; piece++)
        run(script, (struct manner){.cut = SIZE_MAX, .piece = piece, .stutter = piece % 2 == 0});
}
END_TEST

/* ---- bounds ---- */

#define MANY 1000
static struct smtp_client_recipient many[MANY];
static const struct smtp_client_message to_many = {
    "eve@example.net", "", SMTP_RET_UNSET, SMTP_BODY_7BIT, false, 9, many, MANY, false};
static const struct smtp_client_message *const send_many[] = {&to_many, NULL};
static const struct script many_script = {
    .name = "many", .messages = send_many, .contents = short_contents};

static void say(struct bench *bench, const char *text)
{
    struct buffer said;
    buffer_init(&said, 1000000);
    buffer_append_text(&said, text);
    hear(bench, &said, SIZE_MAX);
    buffer_free(&said);
}

static size_t count_lines(struct bench *bench)
{
    size_t lines = 0;
    for (size_t i = 0; i < bench->wire.length; i++)
        lines += bench->wire.data[i] == '\n';
    buffer_clear(&bench->wire);
    return lines;
}

START_TEST(keeps_few_commands_unanswered)
{
    for (size_t i = 0; i < MANY; i++)
        many[i] = (struct smtp_client_recipient){"ann@example.test", "", 0};
    struct bench bench;
    bench_open(&bench, &many_script);
    say(&bench, "220 hop.test\r\n");
    count_lines(&bench);
    say(&bench, "250-hop.test\r\n250 PIPELINING\r\n");
    size_t unanswered = count_lines(&bench);
    size_t commands = unanswered;
    while (unanswered > 0 && commands < 1 + MANY) {
        ck_assert_uint_le(unanswered, 128);
        say(&bench, "250 Ok\r\n");
        unanswered--;
        size_t lines = count_lines(&bench);
        unanswered += lines;
        commands += lines;
    }
    ck_assert_uint_eq(commands, 1 + MANY);
    bench_close(&bench);
}
END_TEST

START_TEST(gives_up_on_endless_lines_and_replies)
{
    struct bench bench;
    char line[SMTP_CLIENT_LINE_MAXIMUM + 1];
    memset(line, '2', sizeof line);

    bench_open(&bench, &many_script);
    ck_assert_uint_eq(smtp_client_input(bench.client, line, SMTP_CLIENT_LINE_MAXIMUM - 1), 0);
    ck_assert(!bench.ended);
    ck_assert_uint_eq(smtp_client_input(bench.client, line, SMTP_CLIENT_LINE_MAXIMUM),
                      SMTP_CLIENT_LINE_MAXIMUM);
    ck_assert(bench.ended);
    bench_close(&bench);

    bench_open(&bench, &many_script);
    for (int i = 0; i < 100; i++) {
        ck_assert(!bench.ended);
        say(&bench, "220-and so on\r\n");
    }
    say(&bench, "220-and so on\r\n");
    ck_assert(bench.ended);
    bench_close(&bench);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("client");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, follows_scripts, 0, (int)(sizeof scripts / sizeof *scripts));
    tcase_add_test(tests, keeps_few_commands_unanswered);
    tcase_add_test(tests, gives_up_on_endless_lines_and_replies);
    Suite *suite = suite_create("smtp client");
    suite_add_tcase(suite, tests);
    return suite;
}
