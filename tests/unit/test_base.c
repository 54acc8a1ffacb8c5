/* rooms: base */
/* The small pieces: views, buffers, arena, errors, verdicts, events, log. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/event.h"
#include "base/list.h"
#include "base/log.h"
#include "base/verdict.h"
#include "unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const struct {
    const char *text;
    size_t length;
    bool is_utf8;
} utf8_cases[] = {
    {"", 0, true},
    {"plain", 5, true},
    {"\xC3\xA4", 2, true},
    {"\xE2\x82\xAC", 3, true},
    {"\xF0\x9F\x93\xAC", 4, true},
    {"\xEF\xBF\xBF", 3, true},
    {"\xF4\x8F\xBF\xBF", 4, true},
    {"\x80", 1, false},             /* a continuation byte alone */
    {"\xC3", 1, false},             /* cut */
    {"\xE2\x82", 2, false},         /* cut */
    {"\xC0\xAF", 2, false},         /* overlong */
    {"\xC1\xBF", 2, false},         /* overlong */
    {"\xE0\x9F\xBF", 3, false},     /* overlong */
    {"\xF0\x8F\xBF\xBF", 4, false}, /* overlong */
    {"\xED\xA0\x80", 3, false},     /* surrogate */
    {"\xF4\x90\x80\x80", 4, false}, /* above U+10FFFF */
    {"\xF5\x80\x80\x80", 4, false},
    {"\xFF", 1, false},
    {"a\xC3(", 3, false},
    {"\xE2\x82(", 3, false},
};

START_TEST(knows_utf8)
{
    struct view text = view_of(utf8_cases[_i].text, utf8_cases[_i].length);
    ck_assert_int_eq(view_is_utf8(text), utf8_cases[_i].is_utf8);
}
END_TEST

static const struct {
    const char *text;
    bool is_number;
    uint64_t number;
} number_cases[] = {
    {"0", true, 0},
    {"007", true, 7},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"99999999999999999999", false, 0},
    {"", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1x", false, 0},
};

START_TEST(reads_numbers)
{
    uint64_t number = 42;
    ck_assert_int_eq(view_to_uint64(view_of_text(number_cases[_i].text), &number),
                     number_cases[_i].is_number);
    ck_assert_uint_eq(number, number_cases[_i].is_number ? number_cases[_i].number : 42);
}
END_TEST

START_TEST(splits_at_separators)
{
    struct view rest = VIEW("a,,bc,");
    struct view part;
    ck_assert(view_split(&rest, ',', &part) && view_equal(part, VIEW("a")));
    ck_assert(view_split(&rest, ',', &part) && view_is_empty(part));
    ck_assert(view_split(&rest, ',', &part) && view_equal(part, VIEW("bc")));
    ck_assert(view_split(&rest, ',', &part) && view_is_empty(part));
    ck_assert_ptr_null(rest.data);
    ck_assert(!view_split(&rest, ',', &part));
}
END_TEST

START_TEST(compares_and_cuts)
{
    ck_assert(view_equal_nocase(VIEW("EXAMPLE.Test"), VIEW("example.tEST")));
    ck_assert(!view_equal_nocase(VIEW("\xC3\x84"), VIEW("\xC3\xA4"))); /* ASCII only */
    ck_assert(!view_equal(VIEW("a"), VIEW("ab")));
    ck_assert(view_equal(VIEW_NONE, VIEW("")));
    ck_assert(view_starts_with_nocase(VIEW("FROM:<a>"), VIEW("from:")));
    ck_assert(!view_starts_with_nocase(VIEW("FRO"), VIEW("from:")));
    ck_assert(view_ends_with_nocase(VIEW("a.EXAMPLE"), VIEW(".example")));
    ck_assert(!view_ends_with_nocase(VIEW("e"), VIEW(".example")));
    ck_assert(view_equal(view_trim(VIEW(" \t a b\t ")), VIEW("a b")));
    ck_assert(view_is_empty(view_trim(VIEW(" \t"))));
    ck_assert(view_equal(view_from(VIEW("abc"), 2), VIEW("c")));
    ck_assert(view_is_empty(view_from(VIEW("abc"), 4)));
    ck_assert(view_equal(view_first(VIEW("abc"), 9), VIEW("abc")));
    ck_assert_uint_eq(view_find(VIEW("a@b@c"), '@'), 1);
    ck_assert_uint_eq(view_find_last(VIEW("a@b@c"), '@'), 3);
    ck_assert_uint_eq(view_find_last(VIEW("abc"), '@'), 3);
}
END_TEST

START_TEST(cuts_text_between_characters)
{
    char text[4];
    ck_assert(view_copy_text(VIEW("abc"), text, sizeof text));
    ck_assert_str_eq(text, "abc");
    ck_assert(!view_copy_text(VIEW("ab\xC3\xA4"), text, sizeof text));
    ck_assert_str_eq(text, "ab");
    ck_assert(!view_copy_text(VIEW("\xF0\x9F\x93\xAC"), text, sizeof text));
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(buffer_keeps_its_maximum)
{
    struct buffer buffer;
    buffer_init(&buffer, 300);
    char block[300] = {0};
    ck_assert(buffer_append_text(&buffer, "0123456789"));
    ck_assert(buffer_append(&buffer, block, 290));
    ck_assert(!buffer_append(&buffer, block, 1));
    ck_assert(!buffer_append_format(&buffer, "%d", 1));
    ck_assert_ptr_null(buffer_reserve(&buffer, 1));
    ck_assert_ptr_null(buffer_reserve(&buffer, SIZE_MAX));
    ck_assert_uint_eq(buffer.length, 300);
    ck_assert_uint_le(buffer.capacity, 301);
    ck_assert_int_eq(buffer.data[300], 0);

    buffer_consume(&buffer, 4);
    ck_assert_uint_eq(buffer.length, 296);
    ck_assert(view_equal(view_first(buffer_view(&buffer), 6), VIEW("456789")));
    ck_assert(buffer_append_format(&buffer, "%s%d", "ab", 12));
    ck_assert_str_eq(buffer.data + 296, "ab12");

    buffer_shrink(&buffer, 1000);
    ck_assert_ptr_nonnull(buffer.data);
    buffer_shrink(&buffer, 10);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.maximum, 300);
    buffer_free(&buffer);
}
END_TEST

START_TEST(buffer_grows)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000000);
    for (int i = 0; i < 100000; i++)
        ck_assert(buffer_append_format(&buffer, "%06d", i));
    ck_assert_uint_eq(buffer.length, 600000);
    ck_assert(view_equal(view_from(buffer_view(&buffer), 599994), VIEW("099999")));
    buffer_consume(&buffer, 600000);
    ck_assert_str_eq(buffer.data, "");
    buffer_free(&buffer);
}
END_TEST

START_TEST(arena_gives_zeroed_aligned_memory)
{
    struct arena *arena = arena_create(256);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 2000; size += 7) {
            char *memory = arena_allocate(arena, size);
            ck_assert_uint_eq((uintptr_t)memory % sizeof(void *), 0);
            for (size_t i = 0; i < size; i++)
                ck_assert_int_eq(memory[i], 0);
            memset(memory, 0xAA, size);
        }
        arena_reset(arena);
    }
    arena_destroy(arena);
}
END_TEST

START_TEST(arena_copies)
{
    struct arena *arena = arena_create(256);
    char original[] = "text";
    struct view copy = arena_copy_view(arena, view_of_text(original));
    const char *formatted = arena_format(arena, "%s-%d", original, 7);
    original[0] = 'n';
    for (int i = 0; i < 100; i++)
        arena_copy_text(arena, VIEW("something else"));
    ck_assert(view_equal(copy, VIEW("text")));
    ck_assert_int_eq(copy.data[4], '\0');
    ck_assert_str_eq(formatted, "text-7");
    arena_destroy(arena);
}
END_TEST

START_TEST(error_carries_a_sentence)
{
    struct error error;
    ck_assert(!error_set(&error, 5, "disk %s", "full"));
    ck_assert(!error_prefix(&error, "writing %d", 3));
    ck_assert_str_eq(error.text, "writing 3: disk full");
    ck_assert_int_eq(error.code, 5);
    ck_assert(!error_set(&error, 6, "again: %s", error.text));
    ck_assert_str_eq(error.text, "again: writing 3: disk full");
    ck_assert(!error_set(NULL, 0, "nobody asks"));

    for (int i = 0; i < 100; i++)
        error_prefix(&error, "\xC3\xA4\xC3\xA4\xC3\xA4");
    ck_assert_uint_lt(strlen(error.text), sizeof error.text);
    ck_assert(view_is_utf8(view_of_text(error.text)));
}
END_TEST

START_TEST(verdict_kind_follows_code)
{
    struct verdict verdict;
    verdict_pass(&verdict, "listed");
    ck_assert_int_eq(verdict.kind, VERDICT_PASS);
    ck_assert_int_eq(verdict.code, 250);
    verdict_set(&verdict, "unknown", 550, "5.1.1", "%s unknown", "User");
    ck_assert_int_eq(verdict.kind, VERDICT_REFUSE);
    ck_assert_str_eq(verdict.enhanced, "5.1.1");
    ck_assert_str_eq(verdict.text, "User unknown");
    ck_assert_str_eq(verdict.rule, "unknown");
    ck_assert(!verdict.hang_up);
    verdict_set(&verdict, "away", 451, "4.3.0", "Later");
    ck_assert_int_eq(verdict.kind, VERDICT_NOT_NOW);
}
END_TEST

struct reported {
    enum event_id id;
    size_t count;
    char first[20];
};

static void take_report(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    struct reported *reported = user;
    reported->id = id;
    reported->count = count;
    view_copy_text(view_of_text(count > 0 ? inserts[0] : ""), reported->first,
                   sizeof reported->first);
}

START_TEST(reports_events)
{
    struct reported reported = {0};
    struct event_sink sink = {take_report, &reported};
    event_report(&sink, EVENT_LISTENING, "Default", "192.0.2.1:25", NULL);
    ck_assert_int_eq(reported.id, EVENT_LISTENING);
    ck_assert_uint_eq(reported.count, 2);
    ck_assert_str_eq(reported.first, "Default");
    event_report(NULL, EVENT_LISTENING, "nobody", NULL);
}
END_TEST

START_TEST(formats_events)
{
    const char *const inserts[] = {"Default", "192.0.2.1:25"};
    char text[64];
    size_t length = event_format(EVENT_LISTENING, inserts, 2, text, sizeof text);
    ck_assert_str_eq(text, "Virtual server \"Default\" listens on 192.0.2.1:25.");
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_uint_eq(event_format(EVENT_LISTENING, inserts, 2, text, 10), length);
    ck_assert_str_eq(text, "Virtual s");
    event_format(EVENT_LISTENING, inserts, 1, text, sizeof text);
    ck_assert_str_eq(text, "Virtual server \"Default\" listens on .");
    ck_assert_ptr_null(event_describe((enum event_id)9999));
    ck_assert_str_eq(event_describe(EVENT_LISTENING)->symbol, "LISTENING");
}
END_TEST

static char last_line[1100];

static void take_line(void *user, enum log_level level, const char *line)
{
    (void)user;
    (void)level;
    view_copy_text(view_of_text(line), last_line, sizeof last_line);
}

START_TEST(log_lines_stay_lines)
{
    struct log_sink sink = {.write = take_line};
    log_set_sink(&sink, LOG_INFORMATION);
    log_line(LOG_WARNING, 33, "said %s", "a\r\nb\x1B[2J");
    ck_assert_str_eq(last_line, "warning 0000000000011 said a??b?[2J");
    log_line(LOG_DEBUG, 0, "not this");
    log_line(LOG_INFORMATION, 0, "%01500d", 1);
    ck_assert_uint_lt(strlen(last_line), sizeof last_line - 1);
    ck_assert(view_starts_with_nocase(view_of_text(last_line), VIEW("information - 000")));
    log_set_sink(NULL, LOG_ERROR);
    log_line(LOG_ERROR, 0, "to nobody");
}
END_TEST

struct member {
    int number;
    struct list link;
};

START_TEST(list_keeps_order)
{
    struct list list;
    struct member members[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    list_init(&list);
    ck_assert(list_is_empty(&list));
    for (int i = 0; i < 3; i++)
        list_append(&list, &members[i].link);
    list_remove(&members[1].link);
    ck_assert_int_eq(LIST_MEMBER(list.next, struct member, link)->number, 0);
    ck_assert_int_eq(LIST_MEMBER(list.previous, struct member, link)->number, 2);
    ck_assert(list_is_empty(&members[1].link));
    list_remove(&members[0].link);
    list_remove(&members[2].link);
    ck_assert(list_is_empty(&list));
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("base");
    tcase_add_loop_test(tests, knows_utf8, 0, COUNT(utf8_cases));
    tcase_add_loop_test(tests, reads_numbers, 0, COUNT(number_cases));
    tcase_add_test(tests, splits_at_separators);
    tcase_add_test(tests, compares_and_cuts);
    tcase_add_test(tests, cuts_text_between_characters);
    tcase_add_test(tests, buffer_keeps_its_maximum);
    tcase_add_test(tests, buffer_grows);
    tcase_add_test(tests, arena_gives_zeroed_aligned_memory);
    tcase_add_test(tests, arena_copies);
    tcase_add_test(tests, error_carries_a_sentence);
    tcase_add_test(tests, verdict_kind_follows_code);
    tcase_add_test(tests, reports_events);
    tcase_add_test(tests, formats_events);
    tcase_add_test(tests, log_lines_stay_lines);
    tcase_add_test(tests, list_keeps_order);
    Suite *suite = suite_create("base");
    suite_add_tcase(suite, tests);
    return suite;
}
