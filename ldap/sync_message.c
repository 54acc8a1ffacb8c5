#include "ldap/sync_message.h"

#include <string.h>

#define REFRESH_AND_PERSIST 3

LDAPControl *sync_request_control(LDAP *handle, struct view cookie)
{
    LDAPControl *control = NULL;
    struct berval value = {.bv_val = NULL};
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    bool good =
        ber != NULL && ber_printf(ber, "{e", REFRESH_AND_PERSIST) != -1 &&
        (cookie.length == 0 || ber_printf(ber, "o", cookie.data, (ber_len_t)cookie.length) != -1) &&
        ber_printf(ber, "}") != -1 && ber_flatten2(ber, &value, 0) != -1;
    if (good && ldap_control_create(LDAP_CONTROL_SYNC, 1, &value, 1, &control) != LDAP_SUCCESS)
        control = NULL;
    (void)handle;
    ber_free(ber, 1);
    return control;
}

static bool take_uuid(const struct berval *value, struct object_uuid *uuid)
{
    if (value->bv_len != UUID_SIZE)
        return false;
    memcpy(uuid->bytes, value->bv_val, UUID_SIZE);
    return true;
}

static bool take_cookie(const struct berval *value, struct buffer *cookie)
{
    buffer_clear(cookie);
    return buffer_append(cookie, value->bv_val, value->bv_len);
}

/* The cookie, where one may stand. */
static bool scan_cookie(BerElement *ber, struct buffer *cookie)
{
    struct berval value;
    ber_len_t length;
    if (ber_peek_tag(ber, &length) != LDAP_TAG_SYNC_COOKIE)
        return true;
    return ber_scanf(ber, "m", &value) != LBER_ERROR && take_cookie(&value, cookie);
}

/* The truth value, where one may stand; otherwise it stays what it is. */
static bool scan_switch(BerElement *ber, bool *on)
{
    ber_int_t value;
    ber_len_t length;
    if (ber_peek_tag(ber, &length) != LBER_BOOLEAN)
        return true;
    if (ber_scanf(ber, "b", &value) == LBER_ERROR)
        return false;
    *on = value != 0;
    return true;
}

/* liblber takes what does not fit into its element for the end of it. */
static bool is_at_end(BerElement *ber)
{
    ber_len_t left = 1;
    return ber_get_option(ber, LBER_OPT_REMAINING_BYTES, &left) == LBER_OPT_SUCCESS && left == 0;
}

static bool scan_entry(struct berval *value, struct sync_entry *entry, struct buffer *cookie)
{
    ber_int_t state;
    struct berval uuid;
    BerElement *ber = ber_init(value);
    bool good = ber != NULL && ber_scanf(ber, "{em", &state, &uuid) != LBER_ERROR &&
                state >= SYNC_PRESENT && state <= SYNC_DELETE && take_uuid(&uuid, &entry->uuid) &&
                scan_cookie(ber, cookie) && is_at_end(ber);
    if (good)
        entry->state = (enum sync_state)state;
    ber_free(ber, 1);
    return good;
}

bool sync_parse_entry(LDAP *handle, LDAPMessage *message, struct sync_entry *entry,
                      struct buffer *cookie)
{
    LDAPControl **controls = NULL;
    if (ldap_get_entry_controls(handle, message, &controls) != LDAP_SUCCESS)
        return false;
    LDAPControl *control = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
    bool good = control != NULL && scan_entry(&control->ldctl_value, entry, cookie);
    ldap_controls_free(controls);
    return good;
}

struct uuid_sink {
    bool (*each)(void *user, const struct sync_info *info, const struct object_uuid *uuid);
    void *user;
};

static bool scan_uuids(BerElement *ber, const struct sync_info *info, const struct uuid_sink *sink)
{
    ber_len_t length;
    char *end;
    for (ber_tag_t tag = ber_first_element(ber, &length, &end); tag != LBER_DEFAULT;
         tag = ber_next_element(ber, &length, end)) {
        struct berval value;
        struct object_uuid uuid;
        if (ber_scanf(ber, "m", &value) == LBER_ERROR || !take_uuid(&value, &uuid) ||
            !sink->each(sink->user, info, &uuid))
            return false;
    }
    return true;
}

static bool scan_info(BerElement *ber, struct sync_info *info, struct buffer *cookie,
                      const struct uuid_sink *sink)
{
    struct berval value;
    ber_len_t length;
    switch (ber_peek_tag(ber, &length)) {
    case LDAP_TAG_SYNC_NEW_COOKIE:
        info->kind = SYNC_NEW_COOKIE;
        return ber_scanf(ber, "m", &value) != LBER_ERROR && take_cookie(&value, cookie);
    case LDAP_TAG_SYNC_REFRESH_DELETE:
        info->kind = SYNC_REFRESH_DELETE;
        break;
    case LDAP_TAG_SYNC_REFRESH_PRESENT:
        info->kind = SYNC_REFRESH_PRESENT;
        break;
    case LDAP_TAG_SYNC_ID_SET:
        info->kind = SYNC_ID_SET;
        return ber_scanf(ber, "{") != LBER_ERROR && scan_cookie(ber, cookie) &&
               scan_switch(ber, &info->refresh_deletes) && scan_uuids(ber, info, sink);
    default:
        return false;
    }
    info->refresh_done = true; /* unless it says otherwise */
    return ber_scanf(ber, "{") != LBER_ERROR && scan_cookie(ber, cookie) &&
           scan_switch(ber, &info->refresh_done);
}

bool sync_parse_info(LDAP *handle, LDAPMessage *message, struct sync_info *info,
                     struct buffer *cookie,
                     bool (*each)(void *user, const struct sync_info *info,
                                  const struct object_uuid *uuid),
                     void *user)
{
    const struct uuid_sink sink = {each, user};
    char *oid = NULL;
    struct berval *value = NULL;
    *info = (struct sync_info){.kind = SYNC_OTHER};
    bool good = ldap_parse_intermediate(handle, message, &oid, &value, NULL, 0) == LDAP_SUCCESS;
    if (good && oid != NULL && strcmp(oid, LDAP_SYNC_INFO) == 0) {
        BerElement *ber = value == NULL ? NULL : ber_init(value);
        good = ber != NULL && scan_info(ber, info, cookie, &sink) && is_at_end(ber);
        ber_free(ber, 1);
    }
    ber_bvfree(value);
    ldap_memfree(oid);
    return good;
}
