/*
 * Active Directory's own change feed (MS-ADTS 3.1.1.3.4.1.3). The server tells which objects have changed, with
 * only those attributes that did; so each is read again, and what it is now counts. Only the first answer, to an
 * empty cookie, is complete by itself: it is the pass to the end, unless there is a filter or a base that
 * DirSync cannot apply.
 */
#include "ldap/provider.h"

#define COOKIE 'D'

/* Without the right "Replicating Directory Changes": what the account may read anyway. */
#define OBJECT_SECURITY 1

#define ATTRIBUTES_BYTES 10485760 /* asked for at once; servers have their own, lower limit */

/* More rounds than this has no honest feed. */
#define ROUNDS_MAXIMUM 100000

struct round {
    struct provider_run *run;
    bool is_first;            /* the cookie was empty: entries are whole */
    bool takes_entries;       /* and they are what is wanted */
    struct uuid_list changed; /* to be read again */
};

static bool take_object(struct round *round, struct entry *entry, struct error *error)
{
    struct provider_run *run = round->run;
    if (entry->is_deleted)
        return feed_remove(run->feed, &entry->object.uuid, error);
    if (!round->is_first || entry->is_partial)
        uuid_list_add(&round->changed, &entry->object.uuid);
    else if (round->takes_entries && entry_is_recipient(entry, &run->settings->rules))
        return feed_put(run->feed, &entry->object, error);
    return true;
}

static bool take_entry(void *user, LDAPMessage *message, struct error *error)
{
    struct round *round = user;
    struct provider_run *run = round->run;
    struct entry entry;
    bool good = entry_read(directory_connection_handle(run->connection), message,
                           &run->settings->rules, &entry, error);
    if (good && entry.has_uuid)
        good = take_object(round, &entry, error);
    entry_free(&entry);
    return good;
}

/* The cookie for the next round, in place of the one before. */
static bool take_control(LDAP *handle, const struct search_end *end, struct buffer *cookie,
                         int *again, struct error *error)
{
    struct berval next = {.bv_val = NULL};
    LDAPControl *control = ldap_control_find(LDAP_CONTROL_X_DIRSYNC, end->controls, NULL);
    *again = 0;
    if (control == NULL ||
        ldap_parse_dirsync_control(handle, control, again, &next) != LDAP_SUCCESS)
        return error_set(error, 0, "The server's DirSync answer cannot be read.");
    buffer_clear(cookie);
    bool good = (next.bv_len > 0 && buffer_append(cookie, next.bv_val, next.bv_len)) ||
                error_set(error, 0, "The server's DirSync cookie is empty or too large.");
    ber_memfree(next.bv_val);
    return good;
}

/* *result: the server's code. */
static bool ask(struct round *round, int flags, struct buffer *cookie, int *again, int *result,
                struct error *error)
{
    struct provider_run *run = round->run;
    LDAP *handle = directory_connection_handle(run->connection);
    const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM];
    char none[] = "";
    struct berval sent = {.bv_val = cookie->length > 0 ? cookie->data : none,
                          .bv_len = cookie->length};
    LDAPControl *controls[] = {NULL, NULL};
    struct search_end end = {.result = -1};
    /* No filter on addresses: what loses its last one has to be told of too. The name is among the attributes, so
     * what is moved, perhaps out of the base, is told of. */
    entry_attributes(&run->settings->rules, attributes);
    struct search search = {.base = provider_naming_context(run),
                            .scope = LDAP_SCOPE_SUBTREE,
                            .filter = "(objectClass=*)",
                            .attributes = attributes,
                            .controls = controls,
                            .wait_ms = run->settings->pass_ms};
    *result = ldap_create_dirsync_control(handle, flags, ATTRIBUTES_BYTES, &sent, &controls[0]);
    if (*result != LDAP_SUCCESS)
        return error_set(error, *result, "The DirSync control cannot be made.");
    bool good = search_run(run->connection, &search, take_entry, round, &end, error);
    *result = end.result;
    good = good && take_control(handle, &end, cookie, again, error);
    ldap_controls_free(end.controls);
    ldap_control_free(controls[0]);
    return good;
}

/* All rounds from the cookie on; with the right first, then without it. */
static bool ask_all(struct round *round, struct buffer *cookie, int *result, struct error *error)
{
    int again = 1, flags = 0;
    for (int rounds = 0; again != 0; rounds++) {
        if (rounds == ROUNDS_MAXIMUM)
            return error_set(error, 0, "The server's DirSync answer does not end.");
        bool good = ask(round, flags, cookie, &again, result, error);
        if (!good && *result == LDAP_INSUFFICIENT_ACCESS && flags == 0) {
            flags = OBJECT_SECURITY;
            again = 1;
        } else if (!good) {
            return false;
        }
    }
    return true;
}

static bool has_own_scope(const struct provider_run *run)
{
    return run->settings->filter[0] != '\0' ||
           provider_naming_context(run) != run->root.naming_context ||
           !view_equal_nocase(view_of_text(run->base), view_of_text(run->root.naming_context));
}

static bool read_everything(struct provider_run *run, struct buffer *cookie, struct error *error)
{
    struct round round = {.run = run, .is_first = true, .takes_entries = !has_own_scope(run)};
    int result;
    buffer_clear(cookie);
    bool good = feed_begin(run->feed, error) && ask_all(&round, cookie, &result, error);
    if (good && !round.takes_entries)
        good = provider_read_all(run, error);
    else if (good && round.changed.overflow)
        good = error_set(error, 0, "%d entries have more values than the server sends at once.",
                         UUID_LIST_MAXIMUM);
    else
        good = good && provider_read_objects(run, &round.changed, error);
    uuid_list_free(&round.changed);
    return good && provider_commit(run, COOKIE, buffer_view(cookie), true, error);
}

/* *refused: the server does not take the cookie. */
static bool read_changes(struct provider_run *run, struct buffer *cookie, bool *refused,
                         struct error *error)
{
    struct round round = {.run = run};
    int result = LDAP_SUCCESS;
    bool good = feed_begin(run->feed, error) && ask_all(&round, cookie, &result, error);
    bool overflow = round.changed.overflow;
    *refused = !good && (result == LDAP_UNAVAILABLE_CRITICAL_EXTENSION ||
                         result == LDAP_PROTOCOL_ERROR || result == LDAP_UNWILLING_TO_PERFORM);
    good = good && (overflow ? provider_read_all(run, error)
                             : provider_read_objects(run, &round.changed, error));
    uuid_list_free(&round.changed);
    return good && provider_commit(run, COOKIE, buffer_view(cookie), overflow, error);
}

static bool update(struct provider_run *run, bool full, struct error *error)
{
    struct buffer cookie;
    bool refused = false, sees_deletions, good;
    if (!provider_sees_deletions(run, &sees_deletions, error))
        return false;
    run->misses_deletions = !sees_deletions;
    buffer_init(&cookie, STORE_COOKIE_MAXIMUM);
    if (full)
        good = read_everything(run, &cookie, error);
    else if ((good = provider_cookie(run, COOKIE, &cookie, error)) && cookie.length > 0)
        good = read_changes(run, &cookie, &refused, error) ||
               (refused && read_everything(run, &cookie, error));
    else
        good = good && read_everything(run, &cookie, error);
    buffer_free(&cookie);
    return good;
}

const struct provider provider_dirsync = {.name = "DirSync", .update = update};
