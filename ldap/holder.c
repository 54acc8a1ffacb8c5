#include "ldap/directory_private.h"

static bool find_in_list(struct directory *directory, const struct directory_key *key, bool *found,
                         struct directory_holder *holder, struct error *error)
{
    struct address_record record;
    char address[ADDRESS_STORED_SIZE], display_name[DISPLAY_NAME_MAXIMUM + 1];
    if (!local_list_find(directory->list, key, found, &record, address, display_name, error))
        return false;
    if (!*found)
        return true;
    *holder = (struct directory_holder){.source = directory->name_of_source[0]};
    view_copy_text(record.display_name, holder->display_name, sizeof holder->display_name);
    return true;
}

static bool find_in_store(struct directory *directory, const struct directory_key *key, bool *found,
                          struct directory_holder *holder, struct error *error)
{
    struct store_holder stored;
    if (!store_find_holder(directory->store, key, found, &stored, error))
        return false;
    if (!*found)
        return true;
    *holder = (struct directory_holder){.source = directory->name_of_source[stored.record.source],
                                        .restricted = stored.record.restricted};
    view_copy_text(stored.record.display_name, holder->display_name, sizeof holder->display_name);
    view_copy_text(view_of_text(stored.primary), holder->primary, sizeof holder->primary);
    return true;
}

bool directory_find_holder(struct directory *directory, struct view address, bool *found,
                           struct directory_holder *holder, struct error *error)
{
    struct directory_key key;
    *found = false;
    if (!directory_key_make(address, &key, NULL))
        return true;
    lock_acquire(directory->lock);
    bool good = find_in_list(directory, &key, found, holder, error) &&
                (*found || find_in_store(directory, &key, found, holder, error));
    lock_release(directory->lock);
    return good;
}
