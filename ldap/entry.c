#include "ldap/entry.h"

#include <string.h>

#define ACCOUNT_DISABLED 0x2u /* userAccountControl, ADS_UF_ACCOUNTDISABLE */

static const char *const known_attributes[] = {
    "objectGUID", "entryUUID", "isDeleted",          "displayName",
    "cn",         "name",      "userAccountControl", "msExchRequireAuthToSendTo",
};

void entry_attributes(const struct entry_rules *rules,
                      const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof known_attributes / sizeof known_attributes[0]; i++)
        attributes[count++] = known_attributes[i];
    for (size_t i = 0; rules->address_attributes[i] != NULL && count < ENTRY_ATTRIBUTES_MAXIMUM - 1;
         i++)
        attributes[count++] = rules->address_attributes[i];
    attributes[count] = NULL;
}

static int hexadecimal(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = ascii_lower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool entry_parse_uuid(struct view text, struct object_uuid *uuid)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.length; i++) {
        int value = hexadecimal(text.data[i]);
        if (text.data[i] == '-')
            continue;
        if (value < 0 || digits == (size_t)2 * UUID_SIZE)
            return false;
        unsigned char *byte = &uuid->bytes[digits / 2];
        *byte = (unsigned char)(digits % 2 == 0 ? value << 4 : *byte | value);
        digits++;
    }
    return digits == (size_t)2 * UUID_SIZE;
}

bool entry_range(struct view name, struct view *attribute, long *first, long *last)
{
    const struct view mark = VIEW(";range=");
    uint64_t from, to = 0;
    size_t option = view_find(name, ';');
    struct view rest = view_from(name, option);
    *attribute = view_first(name, option);
    if (!view_starts_with_nocase(rest, mark))
        return false;
    rest = view_from(rest, mark.length);
    size_t dash = view_find(rest, '-');
    struct view end = view_from(rest, dash + 1);
    bool is_last = view_equal(end, VIEW("*"));
    if (!view_to_uint64(view_first(rest, dash), &from) || (!is_last && !view_to_uint64(end, &to)) ||
        from > OBJECT_ADDRESSES_MAXIMUM || to > (uint64_t)2 * OBJECT_ADDRESSES_MAXIMUM)
        return false;
    *first = (long)from;
    *last = is_last ? -1 : (long)to;
    return true;
}

static struct view value_view(const struct berval *value)
{
    return view_of(value->bv_val, value->bv_val == NULL ? 0 : value->bv_len);
}

static bool is_one_of(const char *const *names, struct view name)
{
    for (; *names != NULL; names++)
        if (view_equal_nocase(name, view_of_text(*names)))
            return true;
    return false;
}

static bool take_addresses(const struct berval *values, struct entry *entry, struct error *error)
{
    for (; values->bv_val != NULL; values++)
        if (!object_add_address(&entry->object, value_view(values)))
            return error_set(error, 0, "an entry has more than %d addresses.",
                             OBJECT_ADDRESSES_MAXIMUM);
    return true;
}

static void take_uuid(struct view name, struct view value, struct entry *entry)
{
    if (view_equal_nocase(name, VIEW("entryUUID"))) {
        entry->has_uuid |= entry_parse_uuid(value, &entry->object.uuid);
    } else if (value.length == UUID_SIZE) {
        memcpy(entry->object.uuid.bytes, value.data, UUID_SIZE);
        entry->has_uuid = true;
    }
}

static bool is_disabled(struct view value)
{
    uint64_t flags;
    return view_to_uint64(value, &flags) && (flags & ACCOUNT_DISABLED) != 0;
}

static void take_display_name(struct directory_object *object, struct view value)
{
    object->display_name = address_clean_display_name(value, object->display_name_text);
}

/* values: none when bv_val of the first is NULL. */
static bool take_attribute(struct view name, const struct berval *values,
                           const struct entry_rules *rules, struct entry *entry,
                           struct error *error)
{
    struct view plain, first = value_view(values);
    long from, to;
    if (entry_range(name, &plain, &from, &to))
        entry->is_partial |= to >= 0 || from > 0;
    if (is_one_of(rules->address_attributes, plain) && !take_addresses(values, entry, error))
        return false;
    if (view_equal_nocase(plain, VIEW("objectGUID")) ||
        view_equal_nocase(plain, VIEW("entryUUID"))) {
        take_uuid(plain, first, entry);
    } else if (view_equal_nocase(plain, VIEW("isDeleted"))) {
        entry->is_deleted = view_equal_nocase(first, VIEW("TRUE"));
        entry->was_restored = values->bv_val == NULL;
    } else if (view_equal_nocase(plain, VIEW("userAccountControl"))) {
        entry->is_disabled = is_disabled(first);
    } else if (view_equal_nocase(plain, VIEW("msExchRequireAuthToSendTo"))) {
        entry->object.restricted = view_equal_nocase(first, VIEW("TRUE"));
    } else if (view_equal_nocase(plain, VIEW("displayName"))) {
        take_display_name(&entry->object, first);
    } else if ((view_equal_nocase(plain, VIEW("cn")) || view_equal_nocase(plain, VIEW("name"))) &&
               view_is_empty(entry->object.display_name)) {
        take_display_name(&entry->object, first);
    }
    return true;
}

/* One attribute after the other, until there is none. *more: whether there was one. */
static bool read_attribute(LDAP *handle, LDAPMessage *message, BerElement *ber,
                           const struct entry_rules *rules, struct entry *entry, bool *more,
                           struct error *error)
{
    static struct berval none = {.bv_val = NULL};
    struct berval name, *values = NULL;
    int result = ldap_get_attribute_ber(handle, message, ber, &name, &values);
    *more = result == LDAP_SUCCESS && name.bv_val != NULL;
    bool good = result == LDAP_SUCCESS || error_set(error, result, "an entry cannot be read.");
    if (*more)
        good =
            take_attribute(value_view(&name), values == NULL ? &none : values, rules, entry, error);
    ldap_memfree(values);
    return good;
}

bool entry_read(LDAP *handle, LDAPMessage *message, const struct entry_rules *rules,
                struct entry *entry, struct error *error)
{
    BerElement *ber = NULL;
    struct berval name;
    bool more = true;
    *entry = (struct entry){0};
    object_init(&entry->object);
    int result = ldap_get_dn_ber(handle, message, &ber, &name);
    bool good = result == LDAP_SUCCESS || error_set(error, result, "an entry cannot be read.");
    while (good && more)
        good = read_attribute(handle, message, ber, rules, entry, &more, error);
    ber_free(ber, 0);
    return good;
}

void entry_free(struct entry *entry)
{
    object_free(&entry->object);
}

bool entry_is_recipient(const struct entry *entry, const struct entry_rules *rules)
{
    return address_table_count(entry->object.addresses) > 0 && !entry->is_deleted &&
           (!entry->is_disabled || rules->include_disabled);
}
