/*
 * An entry that a server sent, read into a directory object. All of it is the server's word: bounded, checked,
 * never trusted to be text. Pure; any thread.
 */
#ifndef GATEPOST_LDAP_ENTRY_H
#define GATEPOST_LDAP_ENTRY_H

#include "base/error.h"
#include "ldap/object.h"

#include <ldap.h>

#define ENTRY_ATTRIBUTES_MAXIMUM 24

/* What makes an entry a recipient. */
struct entry_rules {
    const char *const *address_attributes; /* NULL at the end */
    bool include_disabled;                 /* accounts that are disabled keep their mail */
};

/* The attributes that have to be asked for, NULL at the end; they look into the rules. */
void entry_attributes(const struct entry_rules *rules,
                      const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM]);

struct entry {
    struct directory_object object;
    bool has_uuid;
    bool is_deleted;   /* isDeleted: TRUE */
    bool was_restored; /* isDeleted without a value: some of the rest may not have been told */
    bool is_disabled;  /* userAccountControl says so */
    bool is_partial;   /* an attribute came as a range: the rest has to be asked for */
};

/* False when it is not what LDAP allows, or larger than an entry may be: error says so. The caller frees the
 * entry either way with entry_free(). */
bool entry_read(LDAP *handle, LDAPMessage *message, const struct entry_rules *rules,
                struct entry *entry, struct error *error);
void entry_free(struct entry *entry);

/* Whether mail is taken for it: it has addresses, exists, and is not disabled. */
bool entry_is_recipient(const struct entry *entry, const struct entry_rules *rules);

/* "ATTRIBUTE;range=FIRST-LAST" (MS-ADTS 3.1.1.3.1.3.3). False when the name has no range. *last: -1 for "*". */
bool entry_range(struct view name, struct view *attribute, long *first, long *last);

/* The text form of RFC 4122, as entryUUID has it. */
bool entry_parse_uuid(struct view text, struct object_uuid *uuid);

#endif
