#include "cli/output.h"

#include "admin/json_append.h"
#include "base/memory.h"
#include "cli/time.h"

#define GAP "  " /* between columns */

#define JSON_INDENTATION 2

struct character_range {
    uint32_t first, last;
};

/* Of the many ranges of Unicode those that a mail administrator will meet. */
static const struct character_range combining[] = {
    {0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
static const struct character_range wide[] = {
    {0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

static bool is_in(uint32_t character, const struct character_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

/* Reads one character of well-formed UTF-8; a byte that is none counts as one. */
static uint32_t take_character(struct view *text)
{
    unsigned char first = (unsigned char)text->data[0];
    size_t length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t character = length == 1 ? first : first & (0x7FU >> length);
    for (size_t i = 1; i < length && i < text->length; i++)
        character = character << 6 | ((unsigned char)text->data[i] & 0x3F);
    *text = view_from(*text, length);
    return character;
}

static size_t width_of(uint32_t character)
{
    if (is_in(character, combining, sizeof combining / sizeof combining[0]))
        return 0;
    return is_in(character, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
}

size_t cli_width(struct view text)
{
    size_t width = 0;
    while (!view_is_empty(text))
        width += width_of(take_character(&text));
    return width;
}

/* C0, DEL and C1. */
static bool is_control(uint32_t character)
{
    return character < ' ' || (character >= 0x7F && character < 0xA0);
}

static void append_shown(struct buffer *out, struct view text, size_t widest)
{
    bool cut = widest != 0 && cli_width(text) > widest;
    size_t width = 0;
    while (!view_is_empty(text)) {
        struct view rest = text;
        uint32_t character = take_character(&rest);
        width += width_of(character);
        if (cut && width > widest - 1)
            break;
        if (is_control(character))
            buffer_append_text(out, "?");
        else
            buffer_append(out, text.data, text.length - rest.length);
        text = rest;
    }
    if (cut)
        buffer_append_text(out, "…");
}

/* The first member that says something; NULL when none does. */
static const json_t *find_member(const json_t *row, const char *members)
{
    struct view rest = view_of_text(members);
    struct view name;
    while (view_split(&rest, '|', &name)) {
        const json_t *value = json_object_getn(row, name.data, name.length);
        bool empty = json_is_string(value) && json_string_length(value) == 0;
        if (value != NULL && !json_is_null(value) && !empty)
            return value;
    }
    return NULL;
}

void cli_append_cell(struct buffer *out, const json_t *row, const struct cli_column *column)
{
    char local[CLI_TIME_SIZE];
    int64_t time;
    const json_t *value = find_member(row, column->members);
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        if (column->show == CLI_SHOW_TIME && cli_time_given(text, 0, &time))
            text = cli_time_local(time, local);
        append_shown(out, view_of_text(text), column->widest);
    } else if (json_is_integer(value)) {
        buffer_append_format(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        buffer_append_text(out, json_is_true(value) ? "yes" : "no");
    }
}

static void append_blanks(struct buffer *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_append_text(out, " ");
}

/* One line; cells[i] is the text of columns[i]. The last column is not filled up. */
static void append_line(struct buffer *out, const struct cli_column *columns, const size_t *widths,
                        const struct view *cells)
{
    for (size_t i = 0; columns[i].heading != NULL; i++) {
        size_t blanks = widths[i] - cli_width(cells[i]);
        bool last = columns[i + 1].heading == NULL;
        if (columns[i].show == CLI_SHOW_NUMBER)
            append_blanks(out, blanks);
        buffer_append_view(out, cells[i]);
        if (columns[i].show != CLI_SHOW_NUMBER && !last)
            append_blanks(out, blanks);
        if (!last)
            buffer_append_text(out, GAP);
    }
    while (out->length > 0 && out->data[out->length - 1] == ' ')
        out->length--;
    buffer_append_text(out, "\n");
}

/* All cells of a table, line after line: the texts in one buffer, where each ends in a list. */
struct cells {
    struct buffer text;
    size_t *ends;
};

static struct view cell_at(const struct cells *cells, size_t number)
{
    size_t start = number == 0 ? 0 : cells->ends[number - 1];
    return view_of(cells->text.data + start, cells->ends[number] - start);
}

static void fill_cells(struct cells *cells, size_t *widths, const json_t *rows,
                       const struct cli_column *columns, size_t columns_count)
{
    size_t lines = json_array_size(rows) + 1;
    for (size_t number = 0; number < lines * columns_count; number++) {
        size_t line = number / columns_count, column = number % columns_count;
        if (line == 0)
            buffer_append_text(&cells->text, columns[column].heading);
        else
            cli_append_cell(&cells->text, json_array_get(rows, line - 1), &columns[column]);
        cells->ends[number] = cells->text.length;
        size_t width = cli_width(cell_at(cells, number));
        widths[column] = width > widths[column] ? width : widths[column];
    }
}

void cli_append_table(struct buffer *out, const json_t *rows, const struct cli_column *columns)
{
    size_t columns_count = 0;
    while (columns[columns_count].heading != NULL)
        columns_count++;
    size_t lines = json_array_size(rows) + 1;
    if (lines == 1)
        return;

    struct cells cells = {.ends = memory_allocate(lines * columns_count, sizeof *cells.ends)};
    size_t *widths = memory_allocate(columns_count, sizeof *widths);
    struct view *line = memory_allocate(columns_count, sizeof *line);
    buffer_init(&cells.text, CLI_OUTPUT_MAXIMUM);
    fill_cells(&cells, widths, rows, columns, columns_count);
    for (size_t i = 0; i < lines; i++) {
        for (size_t j = 0; j < columns_count; j++)
            line[j] = cell_at(&cells, i * columns_count + j);
        append_line(out, columns, widths, line);
    }
    buffer_free(&cells.text);
    memory_free(cells.ends);
    memory_free(widths);
    memory_free(line);
}

void cli_append_json(struct buffer *out, const json_t *value)
{
    json_append(out, value, JSON_INDENT(JSON_INDENTATION) | JSON_ENCODE_ANY);
    buffer_append_text(out, "\n");
}
