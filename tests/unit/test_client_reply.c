/* rooms: smtp base */
/* Replies of a next hop: what is kept of them, and what is none. */
#include "unit.h"

#include "smtp/client_features.h"
#include "smtp/client_reply.h"

struct reply_case {
    const char *lines[4];
    enum client_reply_status status; /* of the last line */
    int code;
    const char *enhanced;
    const char *text;
};

static const struct reply_case reply_cases[] = {
    {{"250 Ok"}, CLIENT_REPLY_COMPLETE, 250, "", "250 Ok"},
    {{"250"}, CLIENT_REPLY_COMPLETE, 250, "", "250"},
    {{"250 "}, CLIENT_REPLY_COMPLETE, 250, "", "250"},
    {{"550 5.1.1 User unknown"}, CLIENT_REPLY_COMPLETE, 550, "5.1.1", "550 5.1.1 User unknown"},
    {{"550 5.1.1"}, CLIENT_REPLY_COMPLETE, 550, "5.1.1", "550 5.1.1"},
    {{"550-5.7.1 Blocked", "550-5.7.1 see", "550 5.7.1 <http://example.test/>"},
     CLIENT_REPLY_COMPLETE,
     550,
     "5.7.1",
     "550 5.7.1 Blocked see <http://example.test/>"},
    {{"550-", "550 5.1.1 x"}, CLIENT_REPLY_COMPLETE, 550, "", "550 x"},
    {{"550 4.1.1 of another class"}, CLIENT_REPLY_COMPLETE, 550, "", "550 4.1.1 of another class"},
    {{"250 2.0.0.1 no enhanced code"},
     CLIENT_REPLY_COMPLETE,
     250,
     "",
     "250 2.0.0.1 no enhanced code"},
    {{"250 2.1000.0 no"}, CLIENT_REPLY_COMPLETE, 250, "", "250 2.1000.0 no"},
    {{"250 2.100.100 yes"}, CLIENT_REPLY_COMPLETE, 250, "2.100.100", "250 2.100.100 yes"},
    {{"250 2..1 no"}, CLIENT_REPLY_COMPLETE, 250, "", "250 2..1 no"},
    {{"250 2.1. no"}, CLIENT_REPLY_COMPLETE, 250, "", "250 2.1. no"},
    {{"250 a\tb\x1b[1m"}, CLIENT_REPLY_COMPLETE, 250, "", "250 a b [1m"},
    {{"250 gr\xC3\xBC\xC3\x9F"}, CLIENT_REPLY_COMPLETE, 250, "", "250 gr\xC3\xBC\xC3\x9F"},
    {{"250 gr\xFC\xDF"}, CLIENT_REPLY_COMPLETE, 250, "", "250 gr??"},
    {{"250-more"}, CLIENT_REPLY_MORE, 250, "", "250 more"},
    {{"250-one", "251 two"}, CLIENT_REPLY_MALFORMED, 250, "", "250 one"},
    {{"150 no such class"}, CLIENT_REPLY_MALFORMED, 0, "", ""},
    {{"650 no such class"}, CLIENT_REPLY_MALFORMED, 0, "", ""},
    {{"25 Ok"}, CLIENT_REPLY_MALFORMED, 0, "", ""},
    {{"2500 Ok"}, CLIENT_REPLY_MALFORMED, 0, "", ""},
    {{"25O Ok"}, CLIENT_REPLY_MALFORMED, 0, "", ""},
    {{"250\tOk"}, CLIENT_REPLY_MALFORMED, 0, "", ""},
    {{" 250 Ok"}, CLIENT_REPLY_MALFORMED, 0, "", ""},
    {{""}, CLIENT_REPLY_MALFORMED, 0, "", ""},
};

START_TEST(reads_replies)
{
    const struct reply_case *test = &reply_cases[_i];
    struct client_reply_reader reader = {0};
    enum client_reply_status status = CLIENT_REPLY_MORE;
    for (size_t i = 0; i < 4 && test->lines[i] != NULL; i++)
        status = client_reply_read_line(&reader, view_of_text(test->lines[i]));
    ck_assert_int_eq(status, test->status);
    ck_assert_int_eq(reader.reply.code, test->code);
    ck_assert_str_eq(reader.reply.enhanced, test->enhanced);
    ck_assert_str_eq(reader.reply.text, test->text);
}
END_TEST

START_TEST(cuts_long_text_between_characters)
{
    /* Two-byte characters, one byte further to the right each time. */
    for (size_t shift = 0; shift < 2; shift++) {
        char line[1000] = "550-x";
        for (size_t i = 4 + shift; i + 2 < sizeof line; i += 2)
            memcpy(line + i, "\xC3\xBC", 2);
        struct client_reply_reader reader = {0};
        ck_assert_int_eq(client_reply_read_line(&reader, view_of_text(line)), CLIENT_REPLY_MORE);
        ck_assert_int_eq(client_reply_read_line(&reader, VIEW("550 and more")),
                         CLIENT_REPLY_COMPLETE);
        ck_assert(view_is_utf8(view_of_text(reader.reply.text)));
        ck_assert_uint_ge(strlen(reader.reply.text), SMTP_CLIENT_REPLY_TEXT_SIZE - 2);
    }
}
END_TEST

START_TEST(reads_features)
{
    struct client_features features = {0};
    client_features_add(&features, VIEW("pipelining"));
    client_features_add(&features, VIEW("SIZE 10240000"));
    client_features_add(&features, VIEW("8BITMIME"));
    client_features_add(&features, VIEW("XPIPELINING"));
    ck_assert(features.pipelining && features.size && features.eight_bit_mime);
    ck_assert(!features.dsn && !features.smtputf8 && !features.chunking &&
              !features.enhanced_status_codes);
    ck_assert_uint_eq(features.size_limit, 10240000);

    client_features_add(&features, VIEW("DSN"));
    client_features_add(&features, VIEW("SMTPUTF8"));
    client_features_add(&features, VIEW("CHUNKING"));
    client_features_add(&features, VIEW("ENHANCEDSTATUSCODES"));
    ck_assert(features.dsn && features.smtputf8 && features.chunking &&
              features.enhanced_status_codes);

    /* A limit that is none. */
    client_features_add(&features, VIEW("SIZE 99999999999999999999999"));
    ck_assert_uint_eq(features.size_limit, 0);
}
END_TEST

static const struct {
    const char *address;
    bool sendable;
} paths[] = {
    {"", true},
    {"ann@example.test", true},
    {"\"ann smith\"@example.test", true},
    {"\"ann\\\" <smith>\"@example.test", true},
    {"j\xC3\xB6rg@example.test", true},
    {"ann@example.test> SIZE=1", false},
    {"ann smith@example.test", false},
    {"<ann@example.test", false},
    {"\"ann@example.test", false},
    {"\"ann\r\nRSET\"@example.test", false},
    {"ann\x7F@example.test", false},
};

START_TEST(knows_paths_that_break_a_command)
{
    ck_assert_int_eq(client_is_sendable_path(paths[_i].address), paths[_i].sendable);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("reply");
    tcase_add_loop_test(tests, reads_replies, 0, (int)(sizeof reply_cases / sizeof *reply_cases));
    tcase_add_test(tests, cuts_long_text_between_characters);
    tcase_add_test(tests, reads_features);
    tcase_add_loop_test(tests, knows_paths_that_break_a_command, 0,
                        (int)(sizeof paths / sizeof *paths));
    Suite *suite = suite_create("smtp client replies");
    suite_add_tcase(suite, tests);
    return suite;
}
