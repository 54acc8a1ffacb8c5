/*
 * What a directory server knows of one recipient: a user, group, contact or folder with its addresses. Known by
 * a name that no rename and no move changes: objectGUID (Active Directory) or entryUUID (RFC 4530).
 */
#ifndef GATEPOST_LDAP_OBJECT_H
#define GATEPOST_LDAP_OBJECT_H

#include "ldap/table.h"

#define UUID_SIZE 16

struct object_uuid {
    unsigned char bytes[UUID_SIZE];
};

/* More addresses than this has no honest object. */
#define OBJECT_ADDRESSES_MAXIMUM 20000

struct directory_object {
    struct object_uuid uuid;
    struct address_table *addresses; /* stored forms, each once */
    struct view primary;             /* one of them, empty when none is the primary one */
    struct view display_name;        /* cleaned */
    bool restricted;
    char primary_text[ADDRESS_STORED_SIZE];
    char display_name_text[DISPLAY_NAME_MAXIMUM + 1];
};

/* Without addresses; the owner calls object_free(). */
void object_init(struct directory_object *object);
void object_free(struct directory_object *object);

/* A value of an attribute that holds addresses: "smtp:user@domain" and "SMTP:user@domain" (the primary one) as
 * in proxyAddresses, or an address alone as in mail. Values of other types ("X400:...") and what is no mail
 * address are left out. False when there are too many. */
bool object_add_address(struct directory_object *object, struct view value);

#endif
