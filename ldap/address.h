/*
 * What the directory keeps of a recipient: the address as it is stored and the display name. How
 * addresses are compared stands in directory.h (struct directory_key). Pure; any thread.
 */
#ifndef GATEPOST_LDAP_ADDRESS_H
#define GATEPOST_LDAP_ADDRESS_H

#include "ldap/directory.h"

/* Room for an address as it is stored, without a NUL. */
#define ADDRESS_STORED_SIZE DIRECTORY_KEY_SIZE

/* Local part as given, domain folded. key: of the same address. The view looks into `text`. */
struct view address_stored_form(struct view address, const struct directory_key *key,
                                char text[ADDRESS_STORED_SIZE]);

/* Whether the stored address has this key. */
bool address_matches(struct view stored, const struct directory_key *key);

/* Longest display name that is kept, bytes. */
#define DISPLAY_NAME_MAXIMUM 255

/* One line, trimmed, cut to what is kept; empty when it is not UTF-8 (a name in another encoding is not
 * worth refusing its address). The view looks into `text`. */
struct view address_clean_display_name(struct view name, char text[DISPLAY_NAME_MAXIMUM + 1]);

/* For messages about addresses that may hold anything: cut, and control bytes and whatever is not UTF-8
 * replaced by "?". Returns `text`. */
#define ADDRESS_SHOWN_SIZE 100
const char *address_show(struct view address, char text[ADDRESS_SHOWN_SIZE]);

#endif
