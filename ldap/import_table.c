#include "ldap/import.h"

struct collection {
    struct address_table *table;
    struct directory_import_result *result;
    struct error *error;
};

static void note_bad(struct collection *collection, struct view address, size_t line,
                     const struct error *reason)
{
    struct directory_import_result *result = collection->result;
    char shown[ADDRESS_SHOWN_SIZE];
    if (result->bad++ == 0)
        error_set(&result->first_bad, 0, "Line %zu: \"%s\" is not a mail address: %s", line,
                  address_show(address, shown), reason->text);
}

static bool collect(void *user, struct view address, struct view display_name, size_t line)
{
    struct collection *collection = user;
    char stored[ADDRESS_STORED_SIZE], name[DISPLAY_NAME_MAXIMUM + 1];
    struct directory_key key;
    struct error reason;

    address = view_trim(address);
    if (!directory_key_make(address, &key, &reason)) {
        note_bad(collection, address, line, &reason);
        return true;
    }
    struct address_record record = {.address = address_stored_form(address, &key, stored),
                                    .display_name = address_clean_display_name(display_name, name)};
    return address_table_put(collection->table, &key, &record) != ADDRESS_TABLE_FULL ||
           error_set(collection->error, 0, "Line %zu: the file holds more than %d addresses.", line,
                     ADDRESS_TABLE_MAXIMUM);
}

static void count_skipped(void *user)
{
    struct collection *collection = user;
    collection->result->skipped++;
}

struct address_table *import_table(struct view contents, struct directory_import_result *result,
                                   struct error *error)
{
    struct collection collection = {address_table_create(0), result, error};
    struct import_sink sink = {collect, count_skipped, &collection};
    bool good = import_read(contents, &sink, error);
    if (good && address_table_count(collection.table) == 0)
        good = error_set(error, 0, "The file holds no mail address.%s%s",
                         result->bad > 0 ? " " : "", result->bad > 0 ? result->first_bad.text : "");
    if (good)
        return collection.table;
    address_table_destroy(collection.table);
    return NULL;
}
