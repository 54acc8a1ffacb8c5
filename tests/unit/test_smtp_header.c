/* rooms: smtp base */
/* The scanner of header sections, dates and the Received field. */
#include "base/buffer.h"
#include "smtp/header.h"
#include "smtp/trace.h"
#include "unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* output: NULL when it is the input. */
static const struct {
    bool complete;
    const char *input;
    const char *output;
    const char *message_id;
    const char *subject;
    const char *from;
    unsigned received_lines;
} cases[] = {
    {false, "", NULL, "", "", "", 0},
    {false, "\r\n", NULL, "", "", "", 0},
    {false, "A: b\r\n", NULL, "", "", "", 0},
    {false,
     "Received: one\r\n\tby two\r\nSubject: hello\r\nFrom: a@b\r\nMessage-ID: <1@x>\r\n\r\n"
     "Subject: body\r\nReceived: body\r\n",
     NULL, "<1@x>", "hello", "a@b", 1},
    {false, "SUBJECT:a\r\n  b\r\n\tc \r\nmessage-id:\r\n <2@x>\r\nFROM :\tx\r\n\r\n", NULL, "<2@x>",
     "a  b\tc", "x", 0},
    {false, "Subject: one\r\nSubject: two\r\n\r\n", NULL, "", "one", "", 0},
    {false, "Subject:\r\nSubject: two\r\n\r\n", NULL, "", "", "", 0},
    {false, "Subjects: x\r\nX-Subject: y\r\nReceived-SPF: pass\r\n\r\n", NULL, "", "", "", 0},
    {false, "Message-ID: text <3@x> comment\r\n\r\n", NULL, "<3@x>", "", "", 0},
    {false, "Message-ID: broken\r\n\r\n", NULL, "broken", "", "", 0},
    {false, "Message-ID: >x<\r\n\r\n", NULL, ">x<", "", "", 0},
    {false, "received: 1\r\nReceived : 2\r\nRECEIVED:3\r\n\r\n", NULL, "", "", "", 3},

    /* Not a field: the section ends before it. */
    {false, "no colon here\r\n", "\r\nno colon here\r\n", "", "", "", 0},
    {false, "A: b\r\nno colon\r\nSubject: c\r\n", "A: b\r\n\r\nno colon\r\nSubject: c\r\n", "", "",
     "", 0},
    {false, " begins with a blank: x\r\n", "\r\n begins with a blank: x\r\n", "", "", "", 0},
    {false, ": no name\r\n", "\r\n: no name\r\n", "", "", "", 0},
    {false, "two words: x\r\n", "\r\ntwo words: x\r\n", "", "", "", 0},
    {false, "na\xC3\xAFve: x\r\n", "\r\nna\xC3\xAFve: x\r\n", "", "", "", 0},
    {false, "name\r\n", "\r\nname\r\n", "", "", "", 0},

    /* For those whose mail is completed. */
    {true, "A: b\r\n\r\nc\r\n", "A: b\r\nDate: today\r\nMessage-ID: <new@x>\r\n\r\nc\r\n",
     "<new@x>", "", "", 0},
    {true, "Date: x\r\n\r\n", "Date: x\r\nMessage-ID: <new@x>\r\n\r\n", "<new@x>", "", "", 0},
    {true, "Message-ID: <old@x>\r\n\r\n", "Message-ID: <old@x>\r\nDate: today\r\n\r\n", "<old@x>",
     "", "", 0},
    {true, "date:x\r\nmessage-id:<old@x>\r\n\r\nb\r\n", NULL, "<old@x>", "", "", 0},
    {true, "A: b\r\n", "A: b\r\nDate: today\r\nMessage-ID: <new@x>\r\n", "<new@x>", "", "", 0},
    {true, "text\r\n", "Date: today\r\nMessage-ID: <new@x>\r\n\r\ntext\r\n", "<new@x>", "", "", 0},
    {true, "\r\ntext\r\n", "Date: today\r\nMessage-ID: <new@x>\r\n\r\ntext\r\n", "<new@x>", "", "",
     0},
    {true, "", "Date: today\r\nMessage-ID: <new@x>\r\n", "<new@x>", "", "", 0},
};

static void take(void *user, const char *data, size_t length)
{
    ck_assert_uint_gt(length, 0);
    ck_assert(buffer_append(user, data, length));
}

static void check_text(struct view view, const char *text)
{
    char copy[1200];
    view_copy_text(view, copy, sizeof copy);
    ck_assert_str_eq(copy, text);
}

static void check_case(int number, size_t first, size_t others)
{
    struct view rest = view_of_text(cases[number].input);
    const char *output = cases[number].output;
    struct arena *arena = arena_create(1024);
    struct smtp_content_facts facts = {0};
    struct buffer buffer;
    struct smtp_header_scanner scanner = {
        .arena = arena,
        .facts = &facts,
        .message_id = cases[number].complete ? "<new@x>" : NULL,
        .date = cases[number].complete ? "today" : NULL,
        .emit = take,
        .user = &buffer,
    };
    buffer_init(&buffer, 5000);
    buffer_append_text(&buffer, "");
    smtp_header_begin(&scanner);
    for (size_t size = first; rest.length > 0; size = others) {
        struct view piece = view_first(rest, size);
        smtp_header_scan(&scanner, piece.data, piece.length);
        rest = view_from(rest, piece.length);
    }
    smtp_header_finish(&scanner);
    ck_assert_str_eq(buffer.data, output != NULL ? output : cases[number].input);
    check_text(facts.message_id, cases[number].message_id);
    check_text(facts.subject, cases[number].subject);
    check_text(facts.from, cases[number].from);
    ck_assert_uint_eq(facts.received_lines, cases[number].received_lines);
    buffer_free(&buffer);
    arena_destroy(arena);
}

START_TEST(scans_whole)
{
    check_case(_i, 5000, 5000);
}
END_TEST

START_TEST(scans_cut_in_two)
{
    for (size_t cut = 1; cut < strlen(cases[_i].input); cut++)
        check_case(_i, cut, 5000);
}
END_TEST

START_TEST(scans_in_small_pieces)
{
    for (size_t size = 1; size <= 3; size++)
        check_case(_i, size, size);
}
END_TEST

/* One field: `name` bytes of name and `value` bytes of value behind a blank. */
static void scan_field(size_t name, size_t value, struct arena *arena,
                       struct smtp_content_facts *facts, struct buffer *output)
{
    struct smtp_header_scanner scanner = {
        .arena = arena,
        .facts = facts,
        .emit = take,
        .user = output,
    };
    char field[4000];
    memset(field, 'x', sizeof field);
    memcpy(field, "Subject", 7);
    memcpy(field + name, ": ", 2);
    memcpy(field + name + 2 + value, "\r\n", 2);
    smtp_header_begin(&scanner);
    smtp_header_scan(&scanner, field, name + value + 4);
    smtp_header_finish(&scanner);
    ck_assert_uint_ge(output->length, name + value + 4);
}

START_TEST(cuts_long_values)
{
    struct arena *arena = arena_create(1024);
    struct smtp_content_facts facts = {0};
    struct buffer output;
    buffer_init(&output, 5000);
    scan_field(7, 2000, arena, &facts, &output);
    ck_assert_uint_eq(facts.subject.length, SMTP_HEADER_VALUE_MAXIMUM - 1);
    ck_assert_uint_eq(output.length, 2011);
    buffer_free(&output);
    arena_destroy(arena);
}
END_TEST

START_TEST(limits_the_name)
{
    struct arena *arena = arena_create(1024);
    struct smtp_content_facts facts = {0};
    struct buffer output;
    buffer_init(&output, 5000);
    scan_field(SMTP_HEADER_NAME_MAXIMUM, 1, arena, &facts, &output);
    ck_assert_int_eq(output.data[0], 'S');
    buffer_clear(&output);
    scan_field(SMTP_HEADER_NAME_MAXIMUM + 1, 1, arena, &facts, &output);
    ck_assert_int_eq(output.data[0], '\r');
    buffer_free(&output);
    arena_destroy(arena);
}
END_TEST

static const struct {
    int64_t time;
    const char *text;
} dates[] = {
    {0, "Thu, 1 Jan 1970 00:00:00 +0000"},
    {-5, "Thu, 1 Jan 1970 00:00:00 +0000"},
    {951782399, "Mon, 28 Feb 2000 23:59:59 +0000"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 +0000"},
    {951868800, "Wed, 1 Mar 2000 00:00:00 +0000"},
    {1763982180, "Mon, 24 Nov 2025 11:03:00 +0000"},
    {1735689599, "Tue, 31 Dec 2024 23:59:59 +0000"},
    {2147483648, "Tue, 19 Jan 2038 03:14:08 +0000"},
    {4107542400, "Mon, 1 Mar 2100 00:00:00 +0000"}, /* 2100 has no leap day */
    {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000"},
};

START_TEST(writes_dates)
{
    char text[SMTP_DATE_SIZE];
    smtp_format_date(dates[_i].time, text);
    ck_assert_str_eq(text, dates[_i].text);
}
END_TEST

START_TEST(names_the_protocol)
{
    struct smtp_trace trace = {.extended = false, .tls = "x", .authenticated = true};
    ck_assert_str_eq(smtp_protocol_keyword(&trace), "SMTP");
    trace.extended = true;
    ck_assert_str_eq(smtp_protocol_keyword(&trace), "ESMTPSA");
    trace.smtputf8 = true;
    ck_assert_str_eq(smtp_protocol_keyword(&trace), "UTF8SMTPSA");
    trace.authenticated = false;
    ck_assert_str_eq(smtp_protocol_keyword(&trace), "UTF8SMTPS");
    trace.tls = NULL;
    ck_assert_str_eq(smtp_protocol_keyword(&trace), "UTF8SMTP");
    trace.authenticated = true;
    ck_assert_str_eq(smtp_protocol_keyword(&trace), "UTF8SMTPA");
    trace.smtputf8 = false;
    ck_assert_str_eq(smtp_protocol_keyword(&trace), "ESMTPA");
}
END_TEST

/* The longest that each part can be. */
START_TEST(received_field_always_fits)
{
    char name[256], address[255], tls[128], text[SMTP_RECEIVED_SIZE];
    memset(name, 'n', sizeof name - 1);
    memset(address, 'a', sizeof address - 1);
    memset(tls, 't', sizeof tls - 1);
    name[sizeof name - 1] = address[sizeof address - 1] = tls[sizeof tls - 1] = '\0';
    struct smtp_trace trace = {
        .helo = name,
        .peer_address = "2001:db81:ffff:ffff:ffff:ffff:ffff:ffff",
        .host_name = name,
        .software = "Gatepost",
        .tls = tls,
        .extended = true,
        .authenticated = true,
        .smtputf8 = true,
        .message = "0000000000001",
        .recipient = view_of_text(address),
        .time = INT64_MAX,
    };
    size_t length = smtp_format_received(&trace, text);
    ck_assert_uint_gt(length, 255 + 255 + 254 + 127);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_str_eq(text + length - 10, "59 +0000\r\n");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *header = tcase_create("header");
    tcase_add_loop_test(header, scans_whole, 0, COUNT(cases));
    tcase_add_loop_test(header, scans_cut_in_two, 0, COUNT(cases));
    tcase_add_loop_test(header, scans_in_small_pieces, 0, COUNT(cases));
    tcase_add_test(header, cuts_long_values);
    tcase_add_test(header, limits_the_name);
    TCase *trace = tcase_create("trace");
    tcase_add_loop_test(trace, writes_dates, 0, COUNT(dates));
    tcase_add_test(trace, names_the_protocol);
    tcase_add_test(trace, received_field_always_fits);
    Suite *suite = suite_create("smtp header");
    suite_add_tcase(suite, header);
    suite_add_tcase(suite, trace);
    return suite;
}
