#include "ldap/object.h"

void object_init(struct directory_object *object)
{
    *object = (struct directory_object){.addresses = address_table_create(0)};
}

void object_free(struct directory_object *object)
{
    address_table_destroy(object->addresses);
    object->addresses = NULL;
}

/* The length of "TYPE" in "TYPE:address", 0 when the value has none. */
static size_t type_length(struct view value)
{
    for (size_t i = 0; i < value.length; i++) {
        char byte = ascii_lower(value.data[i]);
        if (byte == ':')
            return i;
        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')))
            break;
    }
    return 0;
}

bool object_add_address(struct directory_object *object, struct view value)
{
    char stored[ADDRESS_STORED_SIZE];
    struct directory_key key;
    struct view type = view_first(value, type_length(value));
    bool is_primary = view_equal(type, VIEW("SMTP"));
    if (type.length > 0) {
        if (!view_equal_nocase(type, VIEW("smtp")))
            return true;
        value = view_from(value, type.length + 1);
    }
    if (!directory_key_make(view_trim(value), &key, NULL))
        return true;
    struct address_record record = {.address = address_stored_form(view_trim(value), &key, stored)};
    address_table_put(object->addresses, &key, &record);
    if (is_primary && view_is_empty(object->primary)) {
        memcpy(object->primary_text, stored, record.address.length);
        object->primary = view_of(object->primary_text, record.address.length);
    }
    return address_table_count(object->addresses) <= OBJECT_ADDRESSES_MAXIMUM;
}
