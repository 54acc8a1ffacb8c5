/* rooms: ldap platform base */
/* Which addresses are found in files as other programs write them. */
#include "base/buffer.h"
#include "ldap/import.h"
#include "unit.h"

/* What came out, one line each: "line address|display name", "skipped", and at the end "error: ...". */
static struct buffer outcome;

static bool note_address(void *user, struct view address, struct view display_name, size_t line)
{
    (void)user;
    return buffer_append_format(&outcome, "%zu %.*s|%.*s\n", line, (int)address.length,
                                address.data, (int)display_name.length, display_name.data);
}

static void note_skipped(void *user)
{
    (void)user;
    buffer_append_text(&outcome, "skipped\n");
}

static const char *read_text(struct view contents)
{
    struct import_sink sink = {note_address, note_skipped, NULL};
    struct error error = {0};
    buffer_clear(&outcome);
    buffer_append_text(&outcome, "");
    if (!import_read(contents, &sink, &error))
        buffer_append_format(&outcome, "error: %s\n", error.text);
    return outcome.data;
}

static const struct {
    const char *file;
    const char *outcome;
} files[] = {
    /* CSV with and without titles. */
    {"", ""},
    {"\r\n\n\r", ""},
    {"a@x.test", "1 a@x.test|\n"},
    {"a@x.test\nb@x.test\r\nc@x.test\rd@x.test\r\n",
     "1 a@x.test|\n2 b@x.test|\n3 c@x.test|\n4 d@x.test|\n"},
    {"a@x.test,Anna\n\n b@x.test ,Bert\n", "1 a@x.test|Anna\n3 b@x.test|Bert\n"},
    {"Mail,Name\na@x.test,Anna\n", "2 a@x.test|Anna\n"},
    {"Display Name;E-Mail Address\nAnna;a@x.test\n;b@x.test\n", "2 a@x.test|Anna\n3 b@x.test|\n"},
    {"id\temail\tdisplayName\n1\ta@x.test\tAnna\n", "2 a@x.test|Anna\n"},
    {"who,what\na@x.test,Anna\n", "2 a@x.test|\n"},
    {"mail\na@x.test\n\"\"\nnobody\n", "2 a@x.test|\nskipped\n4 nobody|\n"},
    {"name,mail\nAnna\nBert,b@x.test\n", "skipped\n3 b@x.test|Bert\n"},
    {"sep=;\nmail;name\na@x.test;Anna, A\n", "3 a@x.test|Anna, A\n"},
    {"sep=|\nmail|name\na@x.test|Anna\n", "3 a@x.test|Anna\n"},
    {"#TYPE Selected.User\r\n\"Name\",\"PrimarySmtpAddress\"\r\n\"Anna\",\"a@x.test\"\r\n",
     "3 a@x.test|Anna\n"},
    /* Quotes. */
    {"mail,name\n\"a@x.test\",\"Anna \"\"A\"\" Ax\"\n", "2 a@x.test|Anna \"A\" Ax\n"},
    {"mail,name\n\"a@x.test\",\"An\r\nna\"\nb@x.test,\n", "2 a@x.test|An\r\nna\n4 b@x.test|\n"},
    {"mail\n\"\"\"John Smith\"\"@x.test\"\n", "2 \"John Smith\"@x.test|\n"},
    {"mail\na@x.test\n\"b@x.test",
     "2 a@x.test|\nerror: Line 3: a quote opens here and is never closed.\n"},
    {"mail\n\"a@x.test\"b\n", "error: Line 2: there is text behind a closing quote.\n"},
    /* Several addresses in one field, as Exchange, PowerShell and csvde write them. */
    {"mail,proxyAddresses\na@x.test,SMTP:A@x.test;smtp:b@x.test;X400:c=US\\;a= "
     "\\;p=Org\\;;sip:c@x.test\n",
     "2 a@x.test|\n2 A@x.test|\n2 b@x.test|\n"},
    {"EmailAddresses\n\"SMTP:a@x.test,smtp:\"\"b c\"\"@x.test d@x.test,EUM:7\"\n",
     "2 a@x.test|\n2 \"b c\"@x.test|\n2 d@x.test|\n"},
    {"proxyAddresses\nX500:/o=Org/cn=a@x.test\n", "skipped\n"},
    {"mail\nSMTP:a@x.test\n", "2 a@x.test|\n"},
    /* LDIF. */
    {"dn: cn=a\nmail: a@x.test\n", "2 a@x.test|\n"},
    {"\xEF\xBB\xBFversion: 1\r\n\r\nDN: cn=a\r\nMail: a@x.test\r\ncn: Anna\r\n\r\n",
     "4 a@x.test|Anna\n"},
    {"version: 1\ndn: cn=a\nmail: a@x.test\n", "3 a@x.test|\n"},
    {"# who\n#  and where\n x\n\ndn: cn=a\ncn: Anna\n# in between\n  still\nmail: "
     "a@x.test\ndisplayName: Anna A\n",
     "9 a@x.test|Anna A\n"},
    {"dn: cn=a\nproxyAddresses: SMTP:a@x.test\nproxyAddresses: smtp:b@x.test\n"
     "proxyAddresses: X400:c=US\nproxyAddresses: c@x.test\nmail: a@x.test\n",
     "2 a@x.test|\n3 b@x.test|\n6 a@x.test|\n"},
    {"dn: cn=a\nmail;lang-de: a@x.test\ndisplayName;lang-de: Anna\n", "2 a@x.test|Anna\n"},
    {"dn: cn=a\nmail: a@x\n .te\n st\ncn: An\n na\n", "2 a@x.test|Anna\n"},
    {"dn: cn=a\nmail:: YUB4LnRlc3Q=\ndisplayName:: SsO8cmdlbg==\n", "2 a@x.test|J\xC3\xBCrgen\n"},
    {"dn: cn=a\nmail:: YUB4\n LnRlc3Q=\n", "2 a@x.test|\n"},
    {"dn:: Y249w6Q=\njpegPhoto:: /9j/broken\nmail: a@x.test\n\ndn: ou=x\nou: x\n",
     "3 a@x.test|\nskipped\n"},
    {"dn: cn=a\nmail:: YUB4L\n", "error: Line 2: the value is not base64.\n"},
    {"dn: cn=a\nmail:: YUB*LnRlc3Q=\n", "error: Line 2: the value is not base64.\n"},
    {"dn: cn=a\nmail:< file:///etc/passwd\n",
     "error: Line 2: the value stands in another file, which is not read.\n"},
    {"dn: cn=a\nchangetype: add\nmail: a@x.test\n", "3 a@x.test|\n"},
    {"dn: cn=a\nmail: a@x.test\n\ndn: cn=b\nchangetype: modify\nadd: mail\nmail: b@x.test\n-\n",
     "2 a@x.test|\nerror: Line 5: this is a change of an entry (changetype: modify). Only entries "
     "and "
     "additions can be imported.\n"},
    {"dn: cn=a\nchangetype:: ZGVsZXRl\n", "error: Line 2: this is a change of an entry "
                                          "(changetype: delete). Only entries and additions can "
                                          "be imported.\n"},
    {"dn: cn=a\nmail a@x.test\n", "error: Line 2: this is no \"attribute: value\".\n"},
    {"dn: cn=a\n\nmail: a@x.test\n", "skipped\nerror: Line 3: an entry must begin with \"dn:\".\n"},
    {"version: 1\nmail: a@x.test\n", "error: Line 2: an entry must begin with \"dn:\".\n"},
    /* Answers of ldapsearch. */
    {"# extended LDIF\n#\n\ndn: cn=a\nmail: a@x.test\n\nref: ldap://other.test/\n\n# search "
     "result\n"
     "search: 2\nresult: 0 Success\n\n# numEntries: 1\n",
     "5 a@x.test|\n"},
    {"dn: cn=a\nmail: a@x.test\n\nsearch: 2\nresult: 4 Size limit exceeded\n",
     "2 a@x.test|\nerror: Line 5: the search that wrote this file did not come to its end (result: "
     "4 Size "
     "limit exceeded).\n"},
};

START_TEST(reads_files)
{
    ck_assert_str_eq(read_text(view_of_text(files[_i].file)), files[_i].outcome);
}
END_TEST

#define READ(literal) read_text(VIEW(literal))

START_TEST(reads_utf16)
{
    ck_assert_str_eq(READ("\xFF\xFE"
                          "a\0@\0x\0,\0J\0\xFC\0\xAC\x20\x3D\xD8\x00\xDE\n\0"),
                     "1 a@x|J\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\n");
    ck_assert_str_eq(READ("\xFE\xFF"
                          "\0a\0@\0x\0,\0J\0\xFC\x20\xAC\xD8\x3D\xDE\x00"),
                     "1 a@x|J\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\n");
    ck_assert_str_eq(READ("\xFF\xFE"
                          "d\0n\0:\0x\0\n\0m\0a\0i\0l\0:\0a\0@\0x\0"),
                     "2 a@x|\n");
}
END_TEST

START_TEST(refuses_what_is_no_text)
{
    static const char broken[] = "error: The file begins as UTF-16 and is not well-formed.\n";
    ck_assert_str_eq(READ("\xFF\xFE"
                          "a\0@"),
                     broken);
    ck_assert_str_eq(READ("\xFF\xFE"
                          "\x3D\xD8"
                          "a\0"),
                     broken);
    ck_assert_str_eq(READ("\xFF\xFE"
                          "\x00\xDE"),
                     broken);
    ck_assert_str_eq(READ("\xFF\xFE"
                          "\x3D\xD8"),
                     broken);
    ck_assert_ptr_nonnull(strstr(READ("a\0@\0x\0"), "error: The file is not text"));
    ck_assert_ptr_nonnull(strstr(READ("\xFF\xFE"
                                      "a\0\0\0"),
                                 "error: The file is not text"));
}
END_TEST

static bool stop_at_once(void *user, struct view address, struct view display_name, size_t line)
{
    size_t *calls = user;
    (void)address;
    (void)display_name;
    (void)line;
    ++*calls;
    return false;
}

START_TEST(stops_when_told)
{
    size_t calls = 0;
    struct error error;
    struct import_sink sink = {stop_at_once, note_skipped, &calls};
    ck_assert(!import_read(VIEW("a@x\nb@x\n"), &sink, &error));
    ck_assert(!import_read(VIEW("proxyAddresses\na@x;b@x\n"), &sink, &error));
    ck_assert(!import_read(VIEW("dn: a\nmail: a@x\nmail: b@x\n"), &sink, &error));
    ck_assert_uint_eq(calls, 3);
}
END_TEST

/* Rows and values of any length, columns of any number. */
START_TEST(reads_long_things)
{
    struct buffer file;
    buffer_init(&file, 1 << 20);
    for (int i = 0; i < 2000; i++)
        buffer_append_text(&file, "column,");
    buffer_append_text(&file, "mail\n");
    for (int i = 0; i < 2000; i++)
        buffer_append_text(&file, "\"some \"\"value\"\"\",");
    buffer_append_text(&file, "a@x.test\n");
    ck_assert_str_eq(read_text(buffer_view(&file)), "2 a@x.test|\n");

    buffer_clear(&file);
    buffer_append_text(&file, "dn: cn=a\njpegPhoto::");
    for (int i = 0; i < 5000; i++)
        buffer_append_text(&file, " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    buffer_append_text(&file, "mail: a@x.test\n");
    ck_assert_str_eq(read_text(buffer_view(&file)), "5002 a@x.test|\n");
    buffer_free(&file);
}
END_TEST

static void begin(void)
{
    buffer_init(&outcome, 1 << 16);
}

static void end(void)
{
    buffer_free(&outcome);
}

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("import");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, reads_files, 0, sizeof files / sizeof files[0]);
    tcase_add_test(tests, reads_utf16);
    tcase_add_test(tests, refuses_what_is_no_text);
    tcase_add_test(tests, stops_when_told);
    tcase_add_test(tests, reads_long_things);
    Suite *suite = suite_create("directory_import");
    suite_add_tcase(suite, tests);
    return suite;
}
