#include "ldap/import.h"

#include "base/memory.h"
#include "ldap/csv.h"

enum column { COLUMN_OTHER, COLUMN_ADDRESS, COLUMN_ADDRESSES, COLUMN_DISPLAY_NAME };

/* In lower case and without what is no letter, so that "E-Mail Address" is found too. */
static const struct {
    const char *name;
    enum column column;
} known_columns[] = {
    {"address", COLUMN_ADDRESS},
    {"mail", COLUMN_ADDRESS},
    {"email", COLUMN_ADDRESS},
    {"emailaddress", COLUMN_ADDRESS},
    {"primarysmtpaddress", COLUMN_ADDRESS},
    {"proxyaddresses", COLUMN_ADDRESSES},
    {"emailaddresses", COLUMN_ADDRESSES},
    {"displayname", COLUMN_DISPLAY_NAME},
    {"name", COLUMN_DISPLAY_NAME},
};

struct csv_import {
    struct csv_reader reader;
    enum column *columns;
    size_t column_count;
    const struct import_sink *sink;
};

static enum column column_of(struct view title)
{
    char name[32];
    size_t length = 0;
    for (size_t i = 0; i < title.length && length + 1 < sizeof name; i++) {
        char letter = ascii_lower(title.data[i]);
        if (letter >= 'a' && letter <= 'z')
            name[length++] = letter;
    }
    name[length] = '\0';
    for (size_t i = 0; i < sizeof known_columns / sizeof known_columns[0]; i++)
        if (strcmp(known_columns[i].name, name) == 0)
            return known_columns[i].column;
    return COLUMN_OTHER;
}

static void set_columns(struct csv_import *import, size_t count)
{
    import->columns = memory_allocate(count, sizeof *import->columns);
    import->column_count = count;
}

/* Without titles: the address, then the display name. */
static void assume_columns(struct csv_import *import)
{
    set_columns(import, 2);
    import->columns[0] = COLUMN_ADDRESS;
    import->columns[1] = COLUMN_DISPLAY_NAME;
}

/* Whether the first row has titles. Where none is known but no field looks like an address either, the
 * first column is taken for the addresses. */
static bool read_titles(struct csv_import *import)
{
    const struct csv_reader *reader = &import->reader;
    bool has_address_column = false, has_at = false;
    set_columns(import, reader->count);
    for (size_t i = 0; i < reader->count; i++) {
        import->columns[i] = column_of(reader->fields[i]);
        has_address_column |=
            import->columns[i] == COLUMN_ADDRESS || import->columns[i] == COLUMN_ADDRESSES;
        has_at |= view_find(reader->fields[i], '@') < reader->fields[i].length;
    }
    if (!has_address_column)
        import->columns[0] = COLUMN_ADDRESS;
    return has_address_column || !has_at;
}

/* Cuts one of several values off: they stand between semicolons, commas or blanks. */
static struct view next_value(struct view *values)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < values->length; i++) {
        char byte = values->data[i];
        if (byte == '"')
            quoted = !quoted;
        else if (!quoted && strchr(";, \t\r\n", byte) != NULL)
            break;
    }
    struct view value = view_first(*values, i);
    *values = view_from(*values, i + 1);
    return value;
}

/* Addresses as Exchange writes them: "SMTP:info@example.test". Other kinds, as "X400:", are passed over;
 * without a kind it is an address when there is an @ in it. */
static bool next_address(struct view *values, struct view *address)
{
    while (!view_is_empty(*values)) {
        struct view value = next_value(values);
        size_t at = view_find(value, '@');
        bool is_smtp = view_starts_with_nocase(value, VIEW("smtp:"));
        *address = view_from(value, is_smtp ? 5 : 0);
        if (is_smtp || (at < value.length && view_find(value, ':') > at))
            return true;
    }
    return false;
}

static struct view display_name_of_row(const struct csv_import *import)
{
    for (size_t i = 0; i < import->column_count && i < import->reader.count; i++)
        if (import->columns[i] == COLUMN_DISPLAY_NAME)
            return import->reader.fields[i];
    return VIEW_NONE;
}

/* False when the sink wants no more. */
static bool read_field(const struct csv_import *import, size_t column, struct view name, bool *any)
{
    const struct import_sink *sink = import->sink;
    struct view values = view_trim(import->reader.fields[column]);
    struct view address = values;
    size_t line = import->reader.row_line;

    if (import->columns[column] == COLUMN_ADDRESS && !view_is_empty(values)) {
        *any = true;
        if (view_starts_with_nocase(values, VIEW("smtp:")))
            address = view_from(values, 5);
        return sink->address(sink->user, address, name, line);
    }
    if (import->columns[column] != COLUMN_ADDRESSES)
        return true;
    while (next_address(&values, &address)) {
        *any = true;
        if (!sink->address(sink->user, address, name, line))
            return false;
    }
    return true;
}

static bool read_row(const struct csv_import *import)
{
    struct view name = display_name_of_row(import);
    bool any = false;
    for (size_t i = 0; i < import->column_count && i < import->reader.count; i++)
        if (!read_field(import, i, name, &any))
            return false;
    if (!any)
        import->sink->skipped(import->sink->user);
    return true;
}

static bool read_rows(struct csv_import *import, struct error *error)
{
    struct csv_reader *reader = &import->reader;
    bool malformed = false;
    bool there = csv_next_row(reader, &malformed, error);
    if (there && read_titles(import)) {
        there = csv_next_row(reader, &malformed, error);
    } else if (there) {
        memory_free(import->columns);
        assume_columns(import);
    }
    for (; there; there = csv_next_row(reader, &malformed, error))
        if (!read_row(import))
            return false;
    return !malformed;
}

bool import_read_csv(struct view text, const struct import_sink *sink, struct error *error)
{
    struct csv_import import = {.sink = sink};
    csv_begin(&import.reader, text);
    bool good = read_rows(&import, error);
    csv_end(&import.reader);
    memory_free(import.columns);
    return good;
}
