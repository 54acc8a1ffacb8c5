#include "directories_walk.h"

#include <stdio.h>

/* How much of a distinguished name is shown. */
#define DN_SHOWN 200

#define ADDRESS_FILTER_SIZE 8192

/* What a search has found. */
struct found {
    struct directory_walk *walk;
    const struct entry_rules *rules;
    size_t entries;
    size_t recipients;
    size_t addresses;
    char example[ADDRESS_STORED_SIZE + 1]; /* an address of the first recipient */
    char dn[DN_SHOWN];                     /* of the first entry */
    bool is_disabled;                      /* the first entry */
    bool is_restricted;
};

static void note_first(struct found *found, LDAPMessage *message, const struct entry *entry)
{
    char *dn = ldap_get_dn(directory_connection_handle(found->walk->connection), message);
    view_copy_text(view_of_text(dn), found->dn, sizeof found->dn);
    ldap_memfree(dn);
    found->is_disabled = entry->is_disabled;
    found->is_restricted = entry->object.restricted;
}

static void note_recipient(struct found *found, const struct entry *entry)
{
    struct address_record record;
    size_t position = 0;
    if (found->recipients++ == 0 && address_table_next(entry->object.addresses, &position, &record))
        view_copy_text(record.address, found->example, sizeof found->example);
    found->addresses += address_table_count(entry->object.addresses);
}

static bool take_entry(void *user, LDAPMessage *message, struct error *error)
{
    struct found *found = user;
    struct entry entry;
    bool good = entry_read(directory_connection_handle(found->walk->connection), message,
                           found->rules, &entry, error);
    if (good && found->entries++ == 0)
        note_first(found, message, &entry);
    if (good && entry_is_recipient(&entry, found->rules))
        note_recipient(found, &entry);
    entry_free(&entry);
    return good;
}

static bool look(struct directory_walk *walk, const struct provider_run *run, const char *base,
                 int scope, const char *filter, struct found *found, struct error *error)
{
    const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM];
    *found = (struct found){.walk = walk, .rules = &run->settings->rules};
    entry_attributes(found->rules, attributes);
    struct search search = {.base = base,
                            .scope = scope,
                            .filter = filter,
                            .attributes = attributes,
                            .wait_ms = run->settings->pass_ms};
    struct search_end end = {.controls = NULL};
    bool good = run->root.has_paging
                    ? search_run_paged(walk->connection, &search, run->settings->page_size,
                                       take_entry, found, error)
                    : search_run(walk->connection, &search, take_entry, found, &end, error);
    ldap_controls_free(end.controls);
    return good;
}

/* ---- the server and the rights of the account ---- */

static void tell_server(const struct directory_walk *walk, const struct provider_run *run)
{
    const char *server = directory_connection_server(walk->connection);
    const char *what = "an LDAP server that is read from beginning to end each time";
    if (run->root.is_active_directory)
        what = "Active Directory";
    else if (run->root.has_sync)
        what = "an LDAP server that sends changes as they come (RFC 4533)";
    directory_walk_tell(walk, "server", DIRECTORY_TEST_GOOD, "%s is %s.", server, what);
    if (!run->root.is_synchronized)
        directory_walk_tell(
            walk, "server", DIRECTORY_TEST_DOUBTFUL,
            "%s has not finished its own replication: some recipients may be missing.", server);
}

/* Whether the server gives its change feed to the account: asked about nothing at all. */
static bool may_replicate(const struct directory_walk *walk, struct provider_run *run)
{
    static const char *const attributes[] = {"objectGUID", NULL};
    LDAP *handle = directory_connection_handle(walk->connection);
    LDAPControl *controls[] = {NULL, NULL};
    struct berval none = {.bv_val = (char[]){""}};
    struct search_end end = {.controls = NULL};
    struct found found = {.walk = (struct directory_walk *)walk, .rules = &run->settings->rules};
    struct error ignored;
    if (ldap_create_dirsync_control(handle, 0, 1000, &none, &controls[0]) != LDAP_SUCCESS)
        return false;
    struct search search = {.base = provider_naming_context(run),
                            .scope = LDAP_SCOPE_SUBTREE,
                            .filter = "(!(objectClass=*))",
                            .attributes = attributes,
                            .controls = controls,
                            .wait_ms = run->settings->pass_ms};
    bool may = search_run(walk->connection, &search, take_entry, &found, &end, &ignored);
    ldap_controls_free(end.controls);
    ldap_control_free(controls[0]);
    return may;
}

static bool tell_rights(struct directory_walk *walk, struct provider_run *run)
{
    struct error error = {0};
    bool sees;
    if (!run->root.is_active_directory)
        return true;
    if (!provider_sees_deletions(run, &sees, &error))
        return directory_walk_fail(walk, "rights", &error);
    if (sees)
        directory_walk_tell(walk, "rights", DIRECTORY_TEST_GOOD,
                            "The account sees what was deleted.");
    else
        directory_walk_tell(walk, "rights", DIRECTORY_TEST_DOUBTFUL,
                            "The account may not see deleted objects: a deleted recipient is "
                            "refused only after the "
                            "next full pass. Give it the rights List Contents and Read Property on "
                            "the container CN=Deleted Objects "
                            "(dsacls, see README).");
    if (may_replicate(walk, run))
        directory_walk_tell(walk, "rights", DIRECTORY_TEST_GOOD,
                            "The account has the right Replicating Directory Changes.");
    else
        directory_walk_tell(walk, "rights", DIRECTORY_TEST_DOUBTFUL,
                            "The account has not the right Replicating Directory Changes: changes "
                            "are asked for in a "
                            "way that shows only what it may read.");
    return !directory_connection_is_broken(walk->connection);
}

/* ---- base and entries ---- */

static bool tell_base(struct directory_walk *walk, const struct provider_run *run)
{
    struct found found;
    struct error error = {0};
    if (!look(walk, run, run->base, LDAP_SCOPE_BASE, "(objectClass=*)", &found, &error))
        return directory_walk_fail(walk, "base", &error);
    if (found.entries > 0)
        directory_walk_tell(walk, "base", DIRECTORY_TEST_GOOD, "%s is there.", run->base);
    else
        directory_walk_tell(walk, "base", DIRECTORY_TEST_BAD,
                            "%s is not there, or the account may not see it.", run->base);
    return found.entries > 0;
}

static bool tell_entries(struct directory_walk *walk, const struct provider_run *run)
{
    struct found found;
    struct error error = {0};
    if (!look(walk, run, run->base, LDAP_SCOPE_SUBTREE, run->filter, &found, &error))
        return directory_walk_fail(walk, "entries", &error);
    if (found.recipients > 0)
        directory_walk_tell(
            walk, "entries", DIRECTORY_TEST_GOOD,
            "%zu entries, %zu of them recipients with %zu addresses, one of them %s.",
            found.entries, found.recipients, found.addresses, found.example);
    else
        directory_walk_tell(
            walk, "entries", DIRECTORY_TEST_BAD,
            "%zu entries below %s match %s, and none has an address. See the base, the "
            "filter, the attributes, and what the account may read.",
            found.entries, run->base, run->filter);
    return true;
}

/* ---- one address ---- */

/* "(|(mail=ADDRESS)(mail=smtp:ADDRESS)...)" */
static bool make_address_filter(const struct provider_run *run, const char *address,
                                struct buffer *filter)
{
    char escaped[3 * DIRECTORY_KEY_SIZE + 1];
    size_t length = strlen(address);
    if (length > DIRECTORY_KEY_SIZE)
        return false;
    search_escape(address, length, escaped);
    bool good = buffer_append_text(filter, "(|");
    for (const char *const *name = run->settings->rules.address_attributes; *name != NULL; name++)
        good = good &&
               buffer_append_format(filter, "(%s=%s)(%s=smtp:%s)", *name, escaped, *name, escaped);
    return good && buffer_append_text(filter, ")");
}

static void tell_found(const struct directory_walk *walk, const struct found *found)
{
    const char *address = walk->test->address;
    if (found->recipients > 0)
        directory_walk_tell(
            walk, "address", DIRECTORY_TEST_GOOD, "%s is %s%s.", address, found->dn,
            found->is_restricted ? ", which takes mail from authenticated senders only" : "");
    else
        directory_walk_tell(
            walk, "address", DIRECTORY_TEST_BAD, "%s is %s, which is %s.", address, found->dn,
            found->is_disabled ? "disabled, and include_disabled is not set" : "no recipient");
}

/* Among the recipients; if it is not there, in all that there is, because then the settings leave it out. */
static void tell_address(struct directory_walk *walk, const struct provider_run *run)
{
    struct found found;
    struct error error = {0};
    struct buffer address, filter;
    const char *sought = walk->test->address;
    buffer_init(&address, ADDRESS_FILTER_SIZE);
    buffer_init(&filter, 2 * ADDRESS_FILTER_SIZE);
    bool good = (make_address_filter(run, sought, &address) &&
                 buffer_append_format(&filter, "(&%s%s)", run->filter, address.data)) ||
                error_set(&error, 0, "%s is too long for an address.", sought);
    good = good && look(walk, run, run->base, LDAP_SCOPE_SUBTREE, filter.data, &found, &error);
    if (good && found.entries > 0) {
        tell_found(walk, &found);
    } else if (good && (good = look(walk, run, provider_naming_context(run), LDAP_SCOPE_SUBTREE,
                                    address.data, &found, &error))) {
        if (found.entries > 0)
            directory_walk_tell(walk, "address", DIRECTORY_TEST_BAD,
                                "%s is %s, which the base or the filter leaves out.", sought,
                                found.dn);
        else
            directory_walk_tell(walk, "address", DIRECTORY_TEST_BAD,
                                "No entry that the account may read has the address %s.", sought);
    }
    if (!good)
        directory_walk_fail(walk, "address", &error);
    buffer_free(&filter);
    buffer_free(&address);
}

void directory_walk_entries(struct directory_walk *walk)
{
    struct provider_run run;
    struct error error = {0};
    if (!provider_prepare(&run, walk->connection, &walk->settings.source.provider, NULL, &error)) {
        directory_walk_fail(walk, "server", &error);
        return;
    }
    tell_server(walk, &run);
    if (tell_rights(walk, &run) && tell_base(walk, &run) && tell_entries(walk, &run) &&
        walk->test->address != NULL)
        tell_address(walk, &run);
}
