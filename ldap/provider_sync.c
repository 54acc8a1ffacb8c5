/*
 * OpenLDAP and other servers with content synchronization (RFC 4533), refreshAndPersist: the server tells what
 * has changed since the cookie, then goes on telling as it happens. In a present phase it names everything that
 * is there, so what it did not name is gone; in a delete phase it names what is gone.
 */
#include "ldap/provider.h"

#include "base/memory.h"
#include "ldap/sync_message.h"

#define COOKIE 'S'

/* A refresh from a cookie that tells so many entries, and half of what is known, may not have gone by the cookie: a
 * server that cannot read it sends everything without saying so, and then nothing tells what is gone. */
#define SUSPICIOUS_LEAST 20

struct sync_run {
    int id; /* of the search */
    struct buffer cookie;
    bool refreshing;
    bool from_nothing;   /* no cookie was sent: what the refresh tells is everything */
    bool present_phase;  /* one came to its end */
    size_t told;         /* entries, in this refresh */
    struct error failed; /* why the feed did not take something */
};

static struct sync_run *state_of(struct provider_run *run)
{
    if (run->state == NULL) {
        struct sync_run *sync = memory_allocate(1, sizeof *sync);
        buffer_init(&sync->cookie, STORE_COOKIE_MAXIMUM);
        sync->id = -1;
        run->state = sync;
    }
    return run->state;
}

static void abandon(struct provider_run *run)
{
    struct sync_run *sync = state_of(run);
    if (sync->id >= 0 && !directory_connection_is_broken(run->connection))
        ldap_abandon_ext(directory_connection_handle(run->connection), sync->id, NULL, NULL);
    sync->id = -1;
}

static bool fail(struct provider_run *run, struct error *error)
{
    return error_set(error, 0, "%s: the server's synchronization answer cannot be read.",
                     directory_connection_server(run->connection));
}

static bool start(struct provider_run *run, struct error *error)
{
    struct sync_run *sync = state_of(run);
    LDAP *handle = directory_connection_handle(run->connection);
    const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM];
    entry_attributes(&run->settings->rules, attributes);
    LDAPControl *control = sync_request_control(handle, buffer_view(&sync->cookie));
    LDAPControl *controls[] = {control, NULL};
    if (control == NULL)
        return error_set(error, 0, "The synchronization control cannot be made.");
    int result =
        ldap_search_ext(handle, run->base, LDAP_SCOPE_SUBTREE, run->filter, (char **)attributes, 0,
                        controls, NULL, NULL, LDAP_NO_LIMIT, &sync->id);
    ldap_control_free(control);
    sync->refreshing = true;
    sync->from_nothing = sync->cookie.length == 0;
    sync->present_phase = false;
    sync->told = 0;
    return result == LDAP_SUCCESS ||
           directory_connection_fail(run->connection, result, "the synchronization did not begin",
                                     error);
}

/* Also what is no recipient is put, without addresses: the server will count on its being known. */
static bool put_entry(struct provider_run *run, LDAPMessage *message,
                      const struct object_uuid *uuid, struct error *error)
{
    const struct entry_rules *rules = &run->settings->rules;
    struct entry entry;
    bool good =
        entry_read(directory_connection_handle(run->connection), message, rules, &entry, error);
    if (good) {
        entry.object.uuid = *uuid;
        if (!entry_is_recipient(&entry, rules)) {
            object_free(&entry.object);
            object_init(&entry.object);
            entry.object.uuid = *uuid;
        }
        good = feed_put(run->feed, &entry.object, error);
    }
    entry_free(&entry);
    return good;
}

static bool take_entry(struct provider_run *run, LDAPMessage *message, struct error *error)
{
    struct sync_run *sync = state_of(run);
    struct sync_entry told;
    if (!sync_parse_entry(directory_connection_handle(run->connection), message, &told,
                          &sync->cookie))
        return fail(run, error);
    sync->told++;
    switch (told.state) {
    case SYNC_ADD:
    case SYNC_MODIFY:
        return put_entry(run, message, &told.uuid, error);
    case SYNC_PRESENT:
        return feed_see(run->feed, &told.uuid, error);
    case SYNC_DELETE:
        break;
    }
    return feed_remove(run->feed, &told.uuid, error);
}

static bool take_uuid(void *user, const struct sync_info *info, const struct object_uuid *uuid)
{
    struct provider_run *run = user;
    struct sync_run *sync = state_of(run);
    return info->refresh_deletes ? feed_remove(run->feed, uuid, &sync->failed)
                                 : feed_see(run->feed, uuid, &sync->failed);
}

static bool take_info(struct provider_run *run, LDAPMessage *message, struct error *error)
{
    struct sync_run *sync = state_of(run);
    struct sync_info info;
    sync->failed.text[0] = '\0';
    if (!sync_parse_info(directory_connection_handle(run->connection), message, &info,
                         &sync->cookie, take_uuid, run))
        return sync->failed.text[0] != '\0'
                   ? error_set(error, sync->failed.code, "%s", sync->failed.text)
                   : fail(run, error);
    sync->present_phase |= info.kind == SYNC_REFRESH_PRESENT;
    if (info.refresh_done)
        sync->refreshing = false;
    return true;
}

/* The server ended what should go on. */
static bool take_end(struct provider_run *run, LDAPMessage *message, struct error *error)
{
    int result = LDAP_OTHER;
    state_of(run)->id = -1;
    ldap_parse_result(directory_connection_handle(run->connection), message, &result, NULL, NULL,
                      NULL, NULL, 0);
    return directory_connection_fail(run->connection, result,
                                     "the server ended the synchronization", error);
}

/* One message. *came: false when there was none within wait_ms. */
static bool step(struct provider_run *run, uint32_t wait_ms, bool must_come, bool *came,
                 struct error *error)
{
    LDAPMessage *message;
    bool good;
    int kind = directory_connection_receive(run->connection, state_of(run)->id, wait_ms, must_come,
                                            &message, error);
    *came = kind > 0;
    switch (kind) {
    case LDAP_RES_SEARCH_ENTRY:
        good = take_entry(run, message, error);
        break;
    case LDAP_RES_INTERMEDIATE:
        good = take_info(run, message, error);
        break;
    case LDAP_RES_SEARCH_RESULT:
        good = take_end(run, message, error);
        break;
    default:
        good = kind >= 0;
    }
    ldap_msgfree(message);
    return good;
}

static bool refresh(struct provider_run *run, struct error *error)
{
    struct sync_run *sync = state_of(run);
    bool came, good = feed_begin(run->feed, error) && start(run, error);
    while (good && sync->refreshing)
        good = step(run, run->settings->pass_ms, true, &came, error);
    return good && provider_commit(run, COOKIE, buffer_view(&sync->cookie),
                                   sync->from_nothing || sync->present_phase, error);
}

static bool is_suspicious(struct provider_run *run)
{
    const struct sync_run *sync = state_of(run);
    struct feed_count count;
    feed_count(run->feed, &count);
    return !sync->from_nothing && !sync->present_phase && sync->told >= SUSPICIOUS_LEAST &&
           sync->told >= count.objects / 2;
}

static bool update(struct provider_run *run, bool full, struct error *error)
{
    struct sync_run *sync = state_of(run);
    struct error reason;
    abandon(run);
    buffer_clear(&sync->cookie);
    if (!full && !provider_cookie(run, COOKIE, &sync->cookie, error))
        return false;
    bool good = refresh(run, &reason) && !is_suspicious(run);
    /* The cookie is not trusted any more; but a connection that broke says nothing about it. */
    if (!good && !sync->from_nothing && !directory_connection_is_broken(run->connection)) {
        abandon(run);
        buffer_clear(&sync->cookie);
        good = refresh(run, &reason);
    }
    return good || error_set(error, reason.code, "%s", reason.text);
}

static bool wait_for_changes(struct provider_run *run, uint32_t wait_ms, struct error *error)
{
    struct sync_run *sync = state_of(run);
    bool came, any = false;
    if (sync->id < 0)
        return error_set(error, 0, "The synchronization has ended.");
    do {
        if (!step(run, any ? 0 : wait_ms, false, &came, error))
            return false;
        any |= came;
    } while (came);
    return !any || provider_commit(run, COOKIE, buffer_view(&sync->cookie), false, error);
}

static void end(struct provider_run *run)
{
    struct sync_run *sync = run->state;
    if (sync == NULL)
        return;
    abandon(run);
    buffer_free(&sync->cookie);
    memory_free(sync);
    run->state = NULL;
}

const struct provider provider_sync = {
    .name = "refreshAndPersist", .update = update, .wait = wait_for_changes, .end = end};
