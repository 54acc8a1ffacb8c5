/*
 * The messages of LDAP content synchronization (RFC 4533), read from BER. All of it is the server's word. Views
 * look into the message. Pure; any thread.
 */
#ifndef GATEPOST_LDAP_SYNC_MESSAGE_H
#define GATEPOST_LDAP_SYNC_MESSAGE_H

#include "base/buffer.h"
#include "ldap/object.h"

#include <ldap.h>

/* Both keep the search open when the refresh is over. cookie: empty for none. The caller frees the control with
 * ldap_control_free(); NULL when it cannot be made. */
LDAPControl *sync_request_control(LDAP *handle, struct view cookie);

enum sync_state { SYNC_PRESENT, SYNC_ADD, SYNC_MODIFY, SYNC_DELETE };

/* What comes with an entry (2.3). */
struct sync_entry {
    enum sync_state state;
    struct object_uuid uuid;
};

/* A cookie that comes with it replaces what is in *cookie. */
bool sync_parse_entry(LDAP *handle, LDAPMessage *message, struct sync_entry *entry,
                      struct buffer *cookie);

/* What comes between entries (2.5). */
enum sync_info_kind {
    SYNC_NEW_COOKIE,
    SYNC_REFRESH_DELETE,  /* a delete phase is over: what was not told is as it was */
    SYNC_REFRESH_PRESENT, /* a present phase is over: what was not told is gone */
    SYNC_ID_SET,
    SYNC_OTHER /* an intermediate response of another kind */
};

struct sync_info {
    enum sync_info_kind kind;
    bool refresh_done;    /* of SYNC_REFRESH_...: the refresh is over too */
    bool refresh_deletes; /* of SYNC_ID_SET: these are gone; otherwise they are present */
};

/* each: is called for the UUIDs of SYNC_ID_SET; false ends it. */
bool sync_parse_info(LDAP *handle, LDAPMessage *message, struct sync_info *info,
                     struct buffer *cookie,
                     bool (*each)(void *user, const struct sync_info *info,
                                  const struct object_uuid *uuid),
                     void *user);

#endif
