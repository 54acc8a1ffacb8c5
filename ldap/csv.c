#include "ldap/csv.h"

#include "base/memory.h"

#define ARENA_BLOCK 4096

static bool is_line_end(char byte)
{
    return byte == '\r' || byte == '\n';
}

static struct view first_line(struct view text)
{
    size_t end = 0;
    while (end < text.length && !is_line_end(text.data[end]))
        end++;
    return view_first(text, end);
}

static size_t count_unquoted(struct view line, char wanted)
{
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.length; i++) {
        if (line.data[i] == '"')
            quoted = !quoted;
        else if (!quoted && line.data[i] == wanted)
            count++;
    }
    return count;
}

static char most_frequent_separator(struct view line)
{
    static const char separators[] = {',', ';', '\t'};
    char best = separators[0];
    for (size_t i = 1; i < sizeof separators; i++)
        if (count_unquoted(line, separators[i]) > count_unquoted(line, best))
            best = separators[i];
    return best;
}

/* Moves behind one line end; a CRLF is one. */
static void skip_line_end(struct csv_reader *reader)
{
    bool is_pair =
        reader->rest.length > 1 && reader->rest.data[0] == '\r' && reader->rest.data[1] == '\n';
    reader->rest = view_from(reader->rest, is_pair ? 2 : 1);
    reader->line++;
}

static void skip_first_line(struct csv_reader *reader)
{
    reader->rest = view_from(reader->rest, first_line(reader->rest).length);
    if (!view_is_empty(reader->rest))
        skip_line_end(reader);
}

void csv_begin(struct csv_reader *reader, struct view text)
{
    *reader = (struct csv_reader){.rest = text, .line = 1, .arena = arena_create(ARENA_BLOCK)};
    if (view_starts_with_nocase(text, VIEW("#TYPE ")))
        skip_first_line(reader);
    struct view line = first_line(reader->rest);
    reader->separator = most_frequent_separator(line);
    if (line.length == 5 && view_starts_with_nocase(line, VIEW("sep="))) {
        reader->separator = line.data[4];
        skip_first_line(reader);
    }
}

void csv_end(struct csv_reader *reader)
{
    memory_free(reader->fields);
    arena_destroy(reader->arena);
}

static bool at_line_end(const struct csv_reader *reader)
{
    return view_is_empty(reader->rest) || is_line_end(reader->rest.data[0]);
}

static struct view undo_doubled_quotes(struct csv_reader *reader, struct view field)
{
    char *plain = arena_allocate(reader->arena, field.length);
    size_t length = 0;
    for (size_t i = 0; i < field.length; i++) {
        plain[length++] = field.data[i];
        if (field.data[i] == '"')
            i++;
    }
    return view_of(plain, length);
}

/* rest begins with the opening quote. */
static bool read_quoted(struct csv_reader *reader, struct view *field, struct error *error)
{
    size_t begin_line = reader->line;
    struct view text = view_from(reader->rest, 1);
    bool doubled = false;
    size_t i = 0;
    for (; i < text.length; i++) {
        bool ends_line =
            text.data[i] == '\n' ||
            (text.data[i] == '\r' && !(i + 1 < text.length && text.data[i + 1] == '\n'));
        reader->line += ends_line;
        if (text.data[i] != '"')
            continue;
        if (i + 1 == text.length || text.data[i + 1] != '"')
            break;
        doubled = true;
        i++;
    }
    if (i == text.length)
        return error_set(error, 0, "Line %zu: a quote opens here and is never closed.", begin_line);
    *field = view_first(text, i);
    reader->rest = view_from(text, i + 1);
    if (doubled)
        *field = undo_doubled_quotes(reader, *field);
    if (!at_line_end(reader) && reader->rest.data[0] != reader->separator)
        return error_set(error, 0, "Line %zu: there is text behind a closing quote.", reader->line);
    return true;
}

static bool read_field(struct csv_reader *reader, struct view *field, struct error *error)
{
    if (!view_is_empty(reader->rest) && reader->rest.data[0] == '"')
        return read_quoted(reader, field, error);
    size_t end = 0;
    while (end < reader->rest.length && reader->rest.data[end] != reader->separator &&
           !is_line_end(reader->rest.data[end]))
        end++;
    *field = view_first(reader->rest, end);
    reader->rest = view_from(reader->rest, end);
    return true;
}

static void append_field(struct csv_reader *reader, struct view field)
{
    if (reader->count == reader->capacity) {
        reader->capacity = reader->capacity * 2 + 8;
        reader->fields = memory_resize(reader->fields, reader->capacity, sizeof *reader->fields);
    }
    reader->fields[reader->count++] = field;
}

bool csv_next_row(struct csv_reader *reader, bool *malformed, struct error *error)
{
    arena_reset(reader->arena);
    reader->count = 0;
    while (!view_is_empty(reader->rest) && at_line_end(reader))
        skip_line_end(reader);
    if (view_is_empty(reader->rest))
        return false;
    reader->row_line = reader->line;
    for (;;) {
        struct view field = VIEW_NONE;
        if (!read_field(reader, &field, error)) {
            *malformed = true;
            return false;
        }
        append_field(reader, field);
        if (at_line_end(reader))
            return true;
        reader->rest = view_from(reader->rest, 1);
    }
}
