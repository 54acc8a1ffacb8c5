/* rooms: ldap platform base */
/* Any file at all as an import: it is read or refused, and what was read can be found. */
#include "ldap/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is kept must be an address again, and the one that it was. */
static void check(const struct address_table *table, const struct address_record *record)
{
    struct address_record found;
    struct directory_key key;
    if (!directory_key_make(record->address, &key, NULL) ||
        !address_table_find(table, &key, &found) || found.address.data != record->address.data ||
        !view_is_utf8(record->display_name))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct directory_import_result result = {0};
    struct address_record record;
    struct error error;
    struct address_table *table = import_table(view_of((const char *)data, size), &result, &error);
    if (table == NULL)
        return 0;
    for (size_t position = 0; address_table_next(table, &position, &record);)
        check(table, &record);
    address_table_destroy(table);
    return 0;
}
