/*
 * Active Directory by update sequence numbers, where the account may not use DirSync: whatever changed has a
 * higher uSNChanged than before. The numbers are each server's own, so the cookie holds whose they are: the
 * server's entry and its invocationId, which is another after a restore. With another server everything is read
 * again.
 */
#include "ldap/provider.h"

#include <inttypes.h>
#include <stdio.h>

#define COOKIE 'U'

/* As text: invocationId in hexadecimal, a blank, the number, a blank, dsServiceName. */
#define COOKIE_SIZE 640

struct position {
    char invocation[2 * UUID_SIZE + 1];
    uint64_t usn;
};

struct invocation_reader {
    struct provider_run *run;
    char *invocation;
};

static bool take_invocation(void *user, LDAPMessage *message, struct error *error)
{
    struct invocation_reader *reader = user;
    LDAP *handle = directory_connection_handle(reader->run->connection);
    struct berval **values = ldap_get_values_len(handle, message, "invocationId");
    (void)error;
    if (values != NULL && values[0] != NULL && values[0]->bv_len == UUID_SIZE)
        for (size_t i = 0; i < UUID_SIZE; i++)
            snprintf(reader->invocation + 2 * i, 3, "%02x", (unsigned char)values[0]->bv_val[i]);
    ldap_value_free_len(values);
    return true;
}

/* Where the server stands now. */
static bool read_position(struct provider_run *run, struct position *position, struct error *error)
{
    static const char *const attributes[] = {"invocationId", NULL};
    struct invocation_reader reader = {run, position->invocation};
    struct search_end end;
    *position = (struct position){.usn = 0};
    if (!search_root(run->connection, &run->root, error))
        return false;
    struct search search = {.base = run->root.service,
                            .scope = LDAP_SCOPE_BASE,
                            .filter = "(objectClass=*)",
                            .attributes = attributes,
                            .wait_ms = directory_connection_settings(run->connection)->answer_ms};
    bool good = search_run(run->connection, &search, take_invocation, &reader, &end, error);
    ldap_controls_free(end.controls);
    position->usn = run->root.highest_usn;
    if (good && (position->invocation[0] == '\0' || position->usn == 0))
        return error_set(error, 0,
                         "%s: the server does not tell its invocationId or highestCommittedUSN.",
                         directory_connection_server(run->connection));
    return good;
}

static size_t format_cookie(const struct provider_run *run, const struct position *position,
                            char text[COOKIE_SIZE])
{
    return (size_t)snprintf(text, COOKIE_SIZE, "%s %" PRIu64 " %s", position->invocation,
                            position->usn, run->root.service);
}

/* The number from which changes are asked for. False when the cookie is of another server, or there is none. */
static bool parse_cookie(const struct provider_run *run, struct view cookie,
                         const struct position *now, uint64_t *usn)
{
    struct view invocation, number;
    return view_split(&cookie, ' ', &invocation) && view_split(&cookie, ' ', &number) &&
           view_equal(invocation, view_of_text(now->invocation)) &&
           view_equal(cookie, view_of_text(run->root.service)) && view_to_uint64(number, usn) &&
           *usn <= now->usn;
}

struct collector {
    struct provider_run *run;
    struct uuid_list changed;
};

static bool collect(void *user, LDAPMessage *message, struct error *error)
{
    struct collector *collector = user;
    struct provider_run *run = collector->run;
    struct entry entry;
    bool good = entry_read(directory_connection_handle(run->connection), message,
                           &run->settings->rules, &entry, error);
    if (good && entry.has_uuid && entry.is_deleted)
        good = feed_remove(run->feed, &entry.object.uuid, error);
    else if (good && entry.has_uuid)
        uuid_list_add(&collector->changed, &entry.object.uuid);
    entry_free(&entry);
    return good;
}

static bool collect_changes(struct collector *collector, uint64_t since, struct error *error)
{
    static const char *const attributes[] = {"objectGUID", "isDeleted", NULL};
    struct provider_run *run = collector->run;
    LDAPControl *controls[] = {&provider_show_deleted, NULL};
    char filter[64];
    snprintf(filter, sizeof filter, "(uSNChanged>=%" PRIu64 ")", since + 1);
    struct search search = {.base = provider_naming_context(run),
                            .scope = LDAP_SCOPE_SUBTREE,
                            .filter = filter,
                            .attributes = attributes,
                            .controls = controls,
                            .wait_ms = run->settings->pass_ms};
    return search_run_paged(run->connection, &search, run->settings->page_size, collect, collector,
                            error);
}

static bool read_everything(struct provider_run *run, struct view cookie, struct error *error)
{
    return feed_begin(run->feed, error) && provider_read_all(run, error) &&
           provider_commit(run, COOKIE, cookie, true, error);
}

static bool read_changes(struct provider_run *run, uint64_t since, struct view cookie,
                         struct error *error)
{
    struct collector collector = {.run = run};
    bool good = feed_begin(run->feed, error) && collect_changes(&collector, since, error);
    if (good && collector.changed.overflow)
        good = read_everything(run, cookie, error);
    else
        good = good && provider_read_objects(run, &collector.changed, error) &&
               provider_commit(run, COOKIE, cookie, false, error);
    uuid_list_free(&collector.changed);
    return good;
}

static bool update(struct provider_run *run, bool full, struct error *error)
{
    struct position now;
    char text[COOKIE_SIZE];
    struct buffer cookie;
    uint64_t since;
    bool sees_deletions;
    if (!read_position(run, &now, error) || !provider_sees_deletions(run, &sees_deletions, error))
        return false;
    run->misses_deletions = !sees_deletions;
    struct view reached = view_of(text, format_cookie(run, &now, text));
    buffer_init(&cookie, STORE_COOKIE_MAXIMUM);
    bool good = provider_cookie(run, COOKIE, &cookie, error);
    if (good && (full || !parse_cookie(run, buffer_view(&cookie), &now, &since)))
        good = read_everything(run, reached, error);
    else if (good && since < now.usn)
        good = read_changes(run, since, reached, error);
    buffer_free(&cookie);
    return good;
}

const struct provider provider_usn = {.name = "uSNChanged", .update = update};
