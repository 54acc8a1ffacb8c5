/* rooms: smtp base */
/* The reader of message content, with every input cut at every place. */
#include "base/buffer.h"
#include "smtp/content.h"
#include "unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* A view as initializer of static data. */
#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

enum { DATA = 1, CONVERT = 2 };

/* taken: how much of the input belongs to the message, -1 for all of it without an end. Lines may have ten
 * bytes. */
static const struct {
    int how;
    struct view input;
    struct view output;
    int taken;
    enum smtp_content_fault fault;
} cases[] = {
    {DATA, BYTES(".\r\n"), BYTES(""), 3, SMTP_CONTENT_GOOD},
    {DATA, BYTES("a\r\n.\r\n"), BYTES("a\r\n"), 6, SMTP_CONTENT_GOOD},
    {DATA, BYTES("a\r\n.\r\nQUIT\r\n"), BYTES("a\r\n"), 6, SMTP_CONTENT_GOOD},
    {DATA, BYTES("a\r\nb\r\n\r\nc\r\n.\r\n"), BYTES("a\r\nb\r\n\r\nc\r\n"), 14, SMTP_CONTENT_GOOD},
    {DATA, BYTES("..\r\n...\r\n.x\r\n.\r\n"), BYTES(".\r\n..\r\nx\r\n"), 16, SMTP_CONTENT_GOOD},
    {DATA, BYTES("a.\r\n.b.\r\n.\r\n"), BYTES("a.\r\nb.\r\n"), 12, SMTP_CONTENT_GOOD},
    {DATA, BYTES("a\r\n"), BYTES("a\r\n"), -1, SMTP_CONTENT_GOOD},
    {DATA, BYTES("\x80\xFF\r\n.\r\n"), BYTES("\x80\xFF\r\n"), 7, SMTP_CONTENT_GOOD},

    /* None of these is an end. */
    {DATA, BYTES("a\n.\n"), BYTES("a"), -1, SMTP_CONTENT_BARE_LINE_END},
    {DATA, BYTES("a\n.\r\n"), BYTES("a"), -1, SMTP_CONTENT_BARE_LINE_END},
    {DATA, BYTES("a\r\n.\n"), BYTES("a\r\n"), -1, SMTP_CONTENT_BARE_LINE_END},
    {DATA, BYTES("a\r\n.\r"), BYTES("a\r\n"), -1, SMTP_CONTENT_GOOD},
    {DATA, BYTES("a\r\n.\r\r\n"), BYTES("a\r\n"), -1, SMTP_CONTENT_BARE_LINE_END},
    {DATA, BYTES("a\r.\r\n"), BYTES("a"), -1, SMTP_CONTENT_BARE_LINE_END},
    {DATA, BYTES("a\r\r\n.\r\n"), BYTES("a"), 7, SMTP_CONTENT_BARE_LINE_END},
    {DATA, BYTES("\n.\r\n"), BYTES(""), -1, SMTP_CONTENT_BARE_LINE_END},
    {DATA, BYTES("a\n\r\n.\r\n"), BYTES("a"), 7, SMTP_CONTENT_BARE_LINE_END},

    /* Converted, they are text. */
    {DATA | CONVERT, BYTES("a\n.\nb\r\n.\r\n"), BYTES("a\r\n.\r\nb\r\n"), 10, SMTP_CONTENT_GOOD},
    {DATA | CONVERT, BYTES("a\n.\r\nb\r\n.\r\n"), BYTES("a\r\n.\r\nb\r\n"), 11, SMTP_CONTENT_GOOD},
    {DATA | CONVERT, BYTES("a\r.\r\n.\r\n"), BYTES("a\r\n.\r\n"), 8, SMTP_CONTENT_GOOD},
    {DATA | CONVERT, BYTES("a\r\r\n.\r\n"), BYTES("a\r\n\r\n"), 7, SMTP_CONTENT_GOOD},
    {DATA | CONVERT, BYTES("\r\n.\n.\r\n"), BYTES("\r\n\r\n.\r\n"), -1, SMTP_CONTENT_GOOD},
    {DATA | CONVERT, BYTES(".\rx\r\n.\r\n"), BYTES("\r\nx\r\n"), 8, SMTP_CONTENT_GOOD},
    {DATA | CONVERT, BYTES("1234567\n12345678\r12\r\n.\r\n"),
     BYTES("1234567\r\n12345678\r\n12\r\n"), 24, SMTP_CONTENT_GOOD},

    {DATA, BYTES("a\0b\r\n.\r\n"), BYTES("a"), 8, SMTP_CONTENT_NUL},
    {DATA | CONVERT, BYTES("\0\r\n.\r\n"), BYTES(""), 6, SMTP_CONTENT_NUL},
    {DATA, BYTES("12345678\r\n.\r\n"), BYTES("12345678\r\n"), 13, SMTP_CONTENT_GOOD},
    {DATA, BYTES(".12345678\r\n.\r\n"), BYTES("12345678\r\n"), 14, SMTP_CONTENT_GOOD},
    {DATA, BYTES("123456789\r\n.\r\n"), BYTES("12345678"), 14, SMTP_CONTENT_LONG_LINE},
    {DATA, BYTES("1\r\n123456789\r\n.\r\n"), BYTES("1\r\n12345678"), 17, SMTP_CONTENT_LONG_LINE},

    {0, BYTES(""), BYTES(""), -1, SMTP_CONTENT_GOOD},
    {0, BYTES(".\r\n.\r\n..\r\n"), BYTES(".\r\n.\r\n..\r\n"), -1, SMTP_CONTENT_GOOD},
    {0, BYTES("a"), BYTES("a\r\n"), -1, SMTP_CONTENT_GOOD},
    {0, BYTES("a\r\nb"), BYTES("a\r\nb\r\n"), -1, SMTP_CONTENT_GOOD},
    {0, BYTES("a\r"), BYTES("a"), -1, SMTP_CONTENT_BARE_LINE_END},
    {0, BYTES("a\nb\r\n"), BYTES("a"), -1, SMTP_CONTENT_BARE_LINE_END},
    {CONVERT, BYTES("a\r"), BYTES("a\r\n"), -1, SMTP_CONTENT_GOOD},
    {CONVERT, BYTES("a\n"), BYTES("a\r\n"), -1, SMTP_CONTENT_GOOD},
    {CONVERT, BYTES("\n"), BYTES("\r\n"), -1, SMTP_CONTENT_GOOD},
    {0, BYTES("a\0"), BYTES("a"), -1, SMTP_CONTENT_NUL},
    {0, BYTES("123456789"), BYTES("12345678"), -1, SMTP_CONTENT_LONG_LINE},
};

static void take(void *user, const char *data, size_t length)
{
    ck_assert_uint_gt(length, 0);
    ck_assert(buffer_append(user, data, length));
}

struct result {
    struct buffer output;
    size_t taken;
    bool ended;
    enum smtp_content_fault fault;
};

/* Reads a case in pieces: one of `first` bytes, then pieces of `others`. */
static void read_case(int number, size_t first, size_t others, struct result *result)
{
    struct view rest = cases[number].input;
    struct smtp_content_reader reader = {
        .dot_stuffed = (cases[number].how & DATA) != 0,
        .convert_bare_line_ends = (cases[number].how & CONVERT) != 0,
        .line_maximum = 10,
        .emit = take,
        .user = &result->output,
    };
    buffer_init(&result->output, 1000);
    buffer_append_text(&result->output, "");
    result->taken = 0;
    result->ended = false;
    smtp_content_begin(&reader);
    for (size_t size = first; rest.length > 0 && !result->ended; size = others) {
        /* A copy of its own, so that AddressSanitizer sees what is read beyond. */
        size_t length = view_first(rest, size).length;
        char *piece = malloc(length);
        memcpy(piece, rest.data, length);
        size_t taken = smtp_content_read(&reader, piece, length, &result->ended);
        free(piece);
        ck_assert(taken == length || result->ended);
        result->taken += taken;
        rest = view_from(rest, taken);
    }
    if (!reader.dot_stuffed)
        smtp_content_finish(&reader);
    result->fault = reader.fault;
}

static void check_case(int number, size_t first, size_t others)
{
    struct result result;
    read_case(number, first, others, &result);
    ck_assert_int_eq(result.fault, cases[number].fault);
    ck_assert_int_eq(result.ended, cases[number].taken >= 0);
    if (result.ended)
        ck_assert_uint_eq(result.taken, (size_t)cases[number].taken);
    ck_assert_str_eq(result.output.data, cases[number].output.data);
    buffer_free(&result.output);
}

START_TEST(reads_whole)
{
    check_case(_i, 1000, 1000);
}
END_TEST

START_TEST(reads_cut_in_two)
{
    for (size_t cut = 1; cut < cases[_i].input.length; cut++)
        check_case(_i, cut, 1000);
}
END_TEST

START_TEST(reads_in_small_pieces)
{
    for (size_t size = 1; size <= 4; size++)
        for (size_t first = 1; first <= size; first++)
            check_case(_i, first, size);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("content");
    tcase_add_loop_test(tests, reads_whole, 0, COUNT(cases));
    tcase_add_loop_test(tests, reads_cut_in_two, 0, COUNT(cases));
    tcase_add_loop_test(tests, reads_in_small_pieces, 0, COUNT(cases));
    Suite *suite = suite_create("smtp content");
    suite_add_tcase(suite, tests);
    return suite;
}
