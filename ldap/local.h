/*
 * The local list in directory.db: which addresses an administrator entered or imported. One
 * thread at a time. Errors name the file.
 */
#ifndef GATEPOST_LDAP_LOCAL_H
#define GATEPOST_LDAP_LOCAL_H

#include "ldap/database.h"
#include "ldap/table.h"

struct local_list;

/* The database outlives the list. NULL when it cannot be used. */
struct local_list *local_list_create(struct database *database, struct error *error);
void local_list_destroy(struct local_list *list);

/* Everything that is stored; the caller owns the table. *ever_filled: whether there was an address in the
 * list at any time. NULL when it cannot be read. */
struct address_table *local_list_load(struct local_list *list, bool *ever_filled,
                                      struct error *error);

/* *found: whether the list has the address. record->address and display_name look into the buffers. */
bool local_list_find(struct local_list *list, const struct directory_key *key, bool *found,
                     struct address_record *record, char address[ADDRESS_STORED_SIZE],
                     char display_name[DISPLAY_NAME_MAXIMUM + 1], struct error *error);

/* One transaction: stored whole when it returns true, otherwise not at all. */
bool local_list_store(struct local_list *list, const struct address_table *changes,
                      struct error *error);

#endif
