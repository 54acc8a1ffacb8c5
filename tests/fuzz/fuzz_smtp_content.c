/* rooms: smtp base */
/* Message content from strangers, cut by the input itself. Whole or in pieces it must come out the same, with CRLF
 * line ends only; DATA must end exactly where a plain search finds CRLF.CRLF. */
#include "base/buffer.h"
#include "smtp/content.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define LINE_MAXIMUM 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *user, const char *data, size_t length)
{
    assert(length > 0);
    assert(buffer_append(user, data, length));
}

struct result {
    struct buffer output;
    size_t taken;
    bool ended;
    enum smtp_content_fault fault;
};

/* cuts: lengths of the pieces, used over and over; none for the whole. */
static void read_content(bool is_data, bool convert, struct view text, struct view cuts,
                         struct result *result)
{
    struct smtp_content_reader reader = {
        .dot_stuffed = is_data,
        .convert_bare_line_ends = convert,
        .line_maximum = LINE_MAXIMUM,
        .emit = take,
        .user = &result->output,
    };
    size_t at = 0;
    *result = (struct result){0};
    buffer_init(&result->output, 2 * text.length + 2);
    smtp_content_begin(&reader);
    for (size_t i = 0; at < text.length && !result->ended; i++) {
        size_t length = text.length - at;
        if (cuts.length > 0 && (unsigned char)cuts.data[i % cuts.length] + 1u < length)
            length = (unsigned char)cuts.data[i % cuts.length] + 1u;
        size_t taken = smtp_content_read(&reader, text.data + at, length, &result->ended);
        assert(result->ended ? taken > 0 && taken <= length : taken == length);
        at += taken;
    }
    if (!is_data)
        smtp_content_finish(&reader);
    result->taken = at;
    result->fault = reader.fault;
}

static void check_lines(struct view output, bool is_complete)
{
    for (size_t i = 0; i < output.length; i++) {
        char byte = output.data[i];
        assert(byte != '\0');
        if (byte == '\r')
            assert(i + 1 < output.length && output.data[i + 1] == '\n');
        if (byte == '\n')
            assert(i > 0 && output.data[i - 1] == '\r');
    }
    if (is_complete && output.length > 0)
        assert(output.data[output.length - 1] == '\n');
}

/* The end of DATA as RFC 5321 says it, found without a state machine. */
static size_t find_end(struct view text)
{
    if (text.length >= 3 && memcmp(text.data, ".\r\n", 3) == 0)
        return 3;
    for (size_t i = 0; i + 5 <= text.length; i++)
        if (memcmp(text.data + i, "\r\n.\r\n", 5) == 0)
            return i + 5;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size < 2u + data[1] % 8u)
        return 0;
    bool is_data = (data[0] & 1) != 0;
    bool convert = (data[0] & 2) != 0;
    struct view cuts = view_of((const char *)data + 2, data[1] % 8u);
    struct view text = view_from(view_of((const char *)data, size), 2 + cuts.length);
    struct result whole, pieces;

    read_content(is_data, convert, text, VIEW_NONE, &whole);
    read_content(is_data, convert, text, cuts, &pieces);
    assert(whole.ended == pieces.ended && whole.taken == pieces.taken);
    assert(whole.fault == pieces.fault);
    assert(whole.fault != SMTP_CONTENT_BARE_LINE_END || !convert);
    if (is_data) {
        size_t end = find_end(text);
        assert(whole.ended == (end > 0));
        assert(!whole.ended || whole.taken == end);
    }
    check_lines(buffer_view(&pieces.output),
                whole.fault == SMTP_CONTENT_GOOD && (whole.ended || !is_data));
    assert(view_equal(buffer_view(&whole.output), buffer_view(&pieces.output)));
    buffer_free(&whole.output);
    buffer_free(&pieces.output);
    return 0;
}
