#include "ldap/import.h"

#include "base/memory.h"
#include "ldap/address.h"
#include "ldap/ldif.h"

#define ARENA_BLOCK 4096

struct found {
    struct view address;
    size_t line;
};

/* Where in the file we are. Answers of ldapsearch hold records that are no entries: "search: 2" with the
 * result of the search, and "ref: ldap://..." for what it did not look at. */
enum place { BETWEEN_RECORDS, IN_ENTRY, IN_OTHER_RECORD };

struct ldif_import {
    enum place place;
    struct arena *arena; /* of the entry */
    struct found *found;
    size_t count;
    size_t capacity;
    struct view display_name;
    struct view common_name;
    const struct import_sink *sink;
};

static bool is_named(const struct ldif_attribute *attribute, const char *name)
{
    return view_equal_nocase(attribute->name, view_of_text(name));
}

static void append_found(struct ldif_import *import, struct view address, size_t line)
{
    if (import->count == import->capacity) {
        import->capacity = import->capacity * 2 + 8;
        import->found = memory_resize(import->found, import->capacity, sizeof *import->found);
    }
    import->found[import->count++] = (struct found){address, line};
}

/* The name may stand behind the addresses, so they are handed over when the entry is complete. */
static bool end_entry(struct ldif_import *import)
{
    const struct import_sink *sink = import->sink;
    struct view name =
        view_is_empty(import->display_name) ? import->common_name : import->display_name;
    bool wanted = true;
    if (import->count == 0)
        sink->skipped(sink->user);
    for (size_t i = 0; i < import->count && wanted; i++)
        wanted = sink->address(sink->user, import->found[i].address, name, import->found[i].line);
    import->count = 0;
    import->display_name = import->common_name = VIEW_NONE;
    arena_reset(import->arena);
    return wanted;
}

static bool begin_record(struct ldif_import *import, const struct ldif_attribute *attribute,
                         struct error *error)
{
    if (is_named(attribute, "dn"))
        import->place = IN_ENTRY;
    else if (is_named(attribute, "search") || is_named(attribute, "ref"))
        import->place = IN_OTHER_RECORD;
    else if (!is_named(attribute, "version"))
        return error_set(error, 0, "Line %zu: an entry must begin with \"dn:\".", attribute->line);
    return true;
}

/* A part of the directory must not be taken for the whole. */
static bool check_search_result(const struct ldif_attribute *attribute, struct error *error)
{
    char shown[ADDRESS_SHOWN_SIZE];
    if (!is_named(attribute, "result") || view_equal(attribute->value, VIEW("0")) ||
        view_starts_with_nocase(attribute->value, VIEW("0 ")))
        return true;
    return error_set(
        error, 0, "Line %zu: the search that wrote this file did not come to its end (result: %s).",
        attribute->line, address_show(attribute->value, shown));
}

static bool check_change_type(struct view type, size_t line, struct error *error)
{
    char shown[ADDRESS_SHOWN_SIZE];
    return view_equal_nocase(type, VIEW("add")) ||
           error_set(error, 0,
                     "Line %zu: this is a change of an entry (changetype: %s). Only entries and "
                     "additions can be imported.",
                     line, address_show(type, shown));
}

static bool read_attribute(struct ldif_import *import, const struct ldif_attribute *attribute,
                           struct error *error)
{
    bool is_proxy = is_named(attribute, "proxyAddresses");
    bool is_mail = is_named(attribute, "mail");
    bool is_display_name = is_named(attribute, "displayName");
    bool is_common_name = is_named(attribute, "cn");
    bool is_change_type = is_named(attribute, "changetype");
    struct view value;

    if (!is_proxy && !is_mail && !is_display_name && !is_common_name && !is_change_type)
        return true;
    if (!ldif_value(attribute, import->arena, &value, error))
        return false;
    if (is_change_type)
        return check_change_type(value, attribute->line, error);
    if (is_display_name)
        import->display_name = value;
    else if (is_common_name)
        import->common_name = value;
    else if (view_starts_with_nocase(value, VIEW("smtp:")))
        append_found(import, view_from(value, 5), attribute->line);
    else if (is_mail && !view_is_empty(value))
        append_found(import, value, attribute->line);
    return true;
}

static bool read_line(struct ldif_import *import, const struct ldif_attribute *attribute,
                      struct error *error)
{
    switch (import->place) {
    case IN_ENTRY:
        return read_attribute(import, attribute, error);
    case IN_OTHER_RECORD:
        return check_search_result(attribute, error);
    case BETWEEN_RECORDS:
    default:
        return begin_record(import, attribute, error);
    }
}

static bool end_record(struct ldif_import *import)
{
    bool was_entry = import->place == IN_ENTRY;
    import->place = BETWEEN_RECORDS;
    return !was_entry || end_entry(import);
}

static bool read_lines(struct ldif_import *import, struct ldif_reader *reader, struct error *error)
{
    for (;;) {
        struct ldif_attribute attribute;
        enum ldif_line kind = ldif_next_line(reader, &attribute, error);
        if (kind == LDIF_MALFORMED)
            return false;
        if (kind == LDIF_ATTRIBUTE) {
            if (!read_line(import, &attribute, error))
                return false;
        } else if (!end_record(import)) {
            return false;
        }
        if (kind == LDIF_END)
            return true;
    }
}

bool import_read_ldif(struct view text, const struct import_sink *sink, struct error *error)
{
    struct ldif_import import = {.sink = sink, .arena = arena_create(ARENA_BLOCK)};
    struct ldif_reader reader;
    ldif_begin(&reader, text);
    bool good = read_lines(&import, &reader, error);
    ldif_end(&reader);
    memory_free(import.found);
    arena_destroy(import.arena);
    return good;
}
