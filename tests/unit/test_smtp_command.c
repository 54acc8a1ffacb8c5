/* rooms: smtp base */
/* The arguments of MAIL, RCPT, BDAT and EHLO; replies. */
#include "smtp/command.h"
#include "smtp/parameter.h"
#include "smtp/reply.h"
#include "unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

#define HUNDRED                                                                                    \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "123456789"

/* code: of the refusal, 0 when the argument is good. */
static const struct {
    const char *argument;
    int code;
    const char *sender;
    enum smtp_body body;
    bool smtputf8;
    enum smtp_ret ret;
    const char *envid;
    uint64_t size;
} mails[] = {
    {"FROM:<a@b>", 0, "a@b", SMTP_BODY_7BIT, false, SMTP_RET_UNSET, "", 0},
    {"from:<>", 0, "", SMTP_BODY_7BIT, false, SMTP_RET_UNSET, "", 0},
    {"FROM: <a@b>", 0, "a@b", SMTP_BODY_7BIT, false, SMTP_RET_UNSET, "", 0},
    {"FROM:a@b SIZE=7", 0, "a@b", SMTP_BODY_7BIT, false, SMTP_RET_UNSET, "", 7},
    {"FROM:<a@b> SIZE=0", 0, "a@b", SMTP_BODY_7BIT, false, SMTP_RET_UNSET, "", 0},
    {"FROM:<a@b>  body=8bitmime  ret=full ", 0, "a@b", SMTP_BODY_8BITMIME, false, SMTP_RET_FULL, "",
     0},
    {"FROM:<a@b> BODY=7BIT RET=HDRS ENVID=x+2By", 0, "a@b", SMTP_BODY_7BIT, false, SMTP_RET_HDRS,
     "x+2By", 0},
    {"FROM:<\xC3\xB6@b> SMTPUTF8", 0, "\xC3\xB6@b", SMTP_BODY_7BIT, true, SMTP_RET_UNSET, "", 0},
    {"FROM:<a@b> ENVID=" HUNDRED, 0, "a@b", SMTP_BODY_7BIT, false, SMTP_RET_UNSET, HUNDRED, 0},
    {"FROM:<a@b> SIZE=18446744073709551615", 0, "a@b", SMTP_BODY_7BIT, false, SMTP_RET_UNSET, "",
     UINT64_MAX},

    {"", 501, "", 0, 0, 0, "", 0},
    {"FROM", 501, "", 0, 0, 0, "", 0},
    {"FROM:", 501, "", 0, 0, 0, "", 0},
    {"FROM <a@b>", 501, "", 0, 0, 0, "", 0},
    {"TO:<a@b>", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b>x", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b>\tSIZE=1", 501, "", 0, 0, 0, "", 0},
    {"FROM:<" HUNDRED HUNDRED HUNDRED "@b>", 501, "", 0, 0, 0, "", 0},
    {"FROM:<\xC3\xB6@b>", 553, "", 0, 0, 0, "", 0},
    {"FROM:<\xC3@b> SMTPUTF8", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> SMTPUTF8=1", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> SIZE", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> SIZE=", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> SIZE=-1", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> SIZE=99999999999999999999", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> SIZE=000000000000000000001", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> SIZE=1 SIZE=1", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> BODY=BINARYMIME", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> BODY", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> RET=SOME", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> ENVID=", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> ENVID=a+0D", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> ENVID=1" HUNDRED, 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> AUTH=<>", 555, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> NOTIFY=NEVER", 555, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> =x", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> -X=x", 501, "", 0, 0, 0, "", 0},
    {"FROM:<a@b> X\xC3\xB6=x", 501, "", 0, 0, 0, "", 0},
};

static void check_text(struct view view, const char *text)
{
    char copy[600];
    view_copy_text(view, copy, sizeof copy);
    ck_assert_str_eq(copy, text);
}

START_TEST(reads_mail)
{
    struct smtp_envelope envelope = {0};
    struct verdict refusal = {0};
    bool is_good = smtp_parse_mail(view_of_text(mails[_i].argument), &envelope, &refusal);
    ck_assert_int_eq(refusal.code, mails[_i].code);
    ck_assert_int_eq(is_good, mails[_i].code == 0);
    if (!is_good)
        return;
    check_text(envelope.reverse_path.text, mails[_i].sender);
    ck_assert_int_eq(envelope.body, mails[_i].body);
    ck_assert_int_eq(envelope.smtputf8, mails[_i].smtputf8);
    ck_assert_int_eq(envelope.ret, mails[_i].ret);
    check_text(envelope.envid, mails[_i].envid);
    ck_assert_uint_eq(envelope.declared_size, mails[_i].size);
}
END_TEST

static const struct {
    const char *argument;
    bool smtputf8;
    int code;
    const char *recipient;
    unsigned notify;
    const char *orcpt;
} rcpts[] = {
    {"TO:<a@b>", false, 0, "a@b", 0, ""},
    {"to:a@b", false, 0, "a@b", 0, ""},
    {"TO:<postmaster>", false, 0, "postmaster", 0, ""},
    {"TO:<@relay.test:a@b>", false, 0, "a@b", 0, ""},
    {"TO:<a@b> NOTIFY=NEVER", false, 0, "a@b", SMTP_NOTIFY_NEVER, ""},
    {"TO:<a@b> NOTIFY=success,Failure,DELAY", false, 0, "a@b",
     SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY, ""},
    {"TO:<a@b> ORCPT=rfc822;a+40b", false, 0, "a@b", 0, "rfc822;a+40b"},
    {"TO:<a@b> ORCPT=utf-8;\xC3\xB6@b", true, 0, "a@b", 0, "utf-8;\xC3\xB6@b"},
    {"TO:<\xC3\xB6@b>", true, 0, "\xC3\xB6@b", 0, ""},

    {"FROM:<a@b>", false, 501, "", 0, ""},
    {"TO:<>", false, 501, "", 0, ""},
    {"TO:<\xC3\xB6@b>", false, 553, "", 0, ""},
    {"TO:<a@b> NOTIFY", false, 501, "", 0, ""},
    {"TO:<a@b> NOTIFY=", false, 501, "", 0, ""},
    {"TO:<a@b> NOTIFY=SUCCESS,", false, 501, "", 0, ""},
    {"TO:<a@b> NOTIFY=NEVER,SUCCESS", false, 501, "", 0, ""},
    {"TO:<a@b> NOTIFY=ALWAYS", false, 501, "", 0, ""},
    {"TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", false, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=a@b", false, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=;a@b", false, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=rfc822;", false, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=rfc@822;a", false, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=rfc822;a=b", false, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=rfc822;\xC3\xB6@b", false, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=utf-8;\xC3@b", true, 501, "", 0, ""},
    {"TO:<a@b> ORCPT=rfc822;" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED, false, 501, "", 0, ""},
    {"TO:<a@b> SIZE=1", false, 555, "", 0, ""},
};

START_TEST(reads_rcpt)
{
    struct smtp_recipient recipient = {0};
    struct verdict refusal = {0};
    bool is_good =
        smtp_parse_rcpt(view_of_text(rcpts[_i].argument), rcpts[_i].smtputf8, &recipient, &refusal);
    ck_assert_int_eq(refusal.code, rcpts[_i].code);
    ck_assert_int_eq(is_good, rcpts[_i].code == 0);
    if (!is_good)
        return;
    check_text(recipient.address.text, rcpts[_i].recipient);
    ck_assert_uint_eq(recipient.notify, rcpts[_i].notify);
    check_text(recipient.orcpt, rcpts[_i].orcpt);
}
END_TEST

static const struct {
    const char *text;
    bool is_xtext;
} xtexts[] = {
    {"", true},     {"abc", true},   {"a+2Bb", true}, {"+20", true},  {"+7E", true},
    {"a b", false}, {"a=b", false},  {"+", false},    {"+2", false},  {"+2b", false},
    {"+G0", false}, {"+0A", false},  {"+7F", false},  {"+C3", false}, {"\xC3", false},
    {"x+2", false}, {"\x7F", false},
};

START_TEST(knows_xtext)
{
    ck_assert_int_eq(smtp_is_xtext(view_of_text(xtexts[_i].text)), xtexts[_i].is_xtext);
}
END_TEST

static const struct {
    const char *argument;
    bool is_good;
    uint64_t size;
    bool is_last;
} bdats[] = {
    {"0", true, 0, false},         {"86 LAST", true, 86, true},
    {"86  last", true, 86, true},  {"18446744073709551615", true, UINT64_MAX, false},
    {"", false, 0, false},         {"LAST", false, 0, false},
    {"-1", false, 0, false},       {"1.5", false, 0, false},
    {"86LAST", false, 0, false},   {"86 LAST LAST", false, 0, false},
    {"86 FIRST", false, 0, false}, {"18446744073709551616", false, 0, false},
};

START_TEST(reads_bdat)
{
    uint64_t size;
    bool is_last;
    ck_assert_int_eq(smtp_parse_bdat(view_of_text(bdats[_i].argument), &size, &is_last),
                     bdats[_i].is_good);
    if (!bdats[_i].is_good)
        return;
    ck_assert_uint_eq(size, bdats[_i].size);
    ck_assert_int_eq(is_last, bdats[_i].is_last);
}
END_TEST

START_TEST(knows_helo_names)
{
    char longest[256];
    memset(longest, 'a', sizeof longest);
    ck_assert(smtp_is_helo_name(VIEW("mail.example.org")));
    ck_assert(smtp_is_helo_name(VIEW("[IPv6:2001:db8::1]")));
    ck_assert(smtp_is_helo_name(VIEW("MY_PC")));
    ck_assert(smtp_is_helo_name(view_of(longest, 255)));
    ck_assert(!smtp_is_helo_name(view_of(longest, 256)));
    ck_assert(!smtp_is_helo_name(VIEW("")));
    ck_assert(!smtp_is_helo_name(VIEW("a b")));
    ck_assert(!smtp_is_helo_name(VIEW("a(b")));
    ck_assert(!smtp_is_helo_name(VIEW("a;b")));
    ck_assert(!smtp_is_helo_name(VIEW("a\0b")));
    ck_assert(!smtp_is_helo_name(VIEW("\xC3\xB6")));
}
END_TEST

START_TEST(splits_verb_and_argument)
{
    struct view argument;
    check_text(smtp_command_verb(VIEW("MAIL  FROM:<a@b> \t"), &argument), "MAIL");
    check_text(argument, "FROM:<a@b>");
    check_text(smtp_command_verb(VIEW("QUIT"), &argument), "QUIT");
    check_text(argument, "");
    check_text(smtp_command_verb(VIEW(""), &argument), "");
}
END_TEST

START_TEST(builds_replies)
{
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    smtp_reply_begin(&reply, 250, true, "");
    smtp_reply_add_text(&reply, "one");
    smtp_reply_end(&reply);
    smtp_reply_begin(&reply, 452, false, "4.3.1");
    smtp_reply_add(&reply, VIEW("two\r\n250 three\0 "));
    smtp_reply_add_number(&reply, 0);
    smtp_reply_add_number(&reply, UINT64_MAX);
    smtp_reply_end(&reply);
    check_text(view_of(reply.text, reply.length),
               "250-one\r\n452 4.3.1 two??250 three? 018446744073709551615\r\n");
}
END_TEST

START_TEST(reply_lines_have_a_maximum)
{
    struct smtp_reply reply;
    char text[1000];
    memset(text, 'x', sizeof text);
    smtp_reply_init(&reply);
    for (size_t line = 1; line <= 2; line++) {
        smtp_reply_begin(&reply, 250, true, "");
        smtp_reply_add(&reply, view_of(text, sizeof text));
        smtp_reply_add(&reply, VIEW("cut off"));
        smtp_reply_end(&reply);
        ck_assert_uint_eq(reply.length, line * 512);
        ck_assert_int_eq(memcmp(reply.text + reply.length - 3, "x\r\n", 3), 0);
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("command");
    tcase_add_loop_test(tests, reads_mail, 0, COUNT(mails));
    tcase_add_loop_test(tests, reads_rcpt, 0, COUNT(rcpts));
    tcase_add_loop_test(tests, knows_xtext, 0, COUNT(xtexts));
    tcase_add_loop_test(tests, reads_bdat, 0, COUNT(bdats));
    tcase_add_test(tests, knows_helo_names);
    tcase_add_test(tests, splits_verb_and_argument);
    tcase_add_test(tests, builds_replies);
    tcase_add_test(tests, reply_lines_have_a_maximum);
    Suite *suite = suite_create("smtp command");
    suite_add_tcase(suite, tests);
    return suite;
}
