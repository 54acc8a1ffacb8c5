#include "ldap/provider.h"

#include "base/memory.h"

#include <stdio.h>

static char show_deleted_oid[] = "1.2.840.113556.1.4.417";
LDAPControl provider_show_deleted = {.ldctl_oid = show_deleted_oid, .ldctl_iscritical = 1};

static bool make_filter(struct provider_run *run, struct error *error)
{
    const char *const *attributes = run->settings->rules.address_attributes;
    struct buffer filter;
    buffer_init(&filter, PROVIDER_FILTER_SIZE - 1);
    bool good = true;
    if (run->settings->filter[0] != '\0') {
        good = buffer_append_text(&filter, run->settings->filter);
    } else {
        good = buffer_append_text(&filter, "(|");
        for (; good && *attributes != NULL; attributes++)
            good = buffer_append_format(&filter, "(%s=*)", *attributes);
        good = good && buffer_append_text(&filter, ")");
    }
    if (good)
        memcpy(run->filter, filter.data, filter.length + 1);
    buffer_free(&filter);
    return good ||
           error_set(error, 0, "The filter is longer than %d bytes.", PROVIDER_FILTER_SIZE - 1);
}

bool provider_prepare(struct provider_run *run, struct directory_connection *connection,
                      const struct provider_settings *settings, struct feed *feed,
                      struct error *error)
{
    *run = (struct provider_run){.connection = connection, .settings = settings, .feed = feed};
    if (!search_root(connection, &run->root, error))
        return false;
    const char *base = settings->base[0] != '\0' ? settings->base : run->root.naming_context;
    if (base[0] == '\0')
        return error_set(error, 0, "%s: the server does not name its base. Enter one.",
                         directory_connection_server(connection));
    if (!view_copy_text(view_of_text(base), run->base, sizeof run->base))
        return error_set(error, 0, "The base is longer than %d bytes.", PROVIDER_BASE_SIZE - 1);
    return make_filter(run, error);
}

bool provider_cookie(struct provider_run *run, char kind, struct buffer *cookie,
                     struct error *error)
{
    if (!feed_cookie(run->feed, cookie, error))
        return false;
    if (cookie->length > 0 && cookie->data[0] == kind)
        buffer_consume(cookie, 1);
    else
        buffer_clear(cookie);
    return true;
}

bool provider_commit(struct provider_run *run, char kind, struct view cookie, bool complete,
                     struct error *error)
{
    struct buffer marked;
    buffer_init(&marked, STORE_COOKIE_MAXIMUM);
    bool good =
        (buffer_append(&marked, &kind, 1) && buffer_append_view(&marked, cookie)) ||
        error_set(error, 0, "The server's cookie is larger than %d bytes.", STORE_COOKIE_MAXIMUM);
    good = good && feed_commit(run->feed, buffer_view(&marked), complete, run->believe, error);
    buffer_free(&marked);
    return good;
}

void uuid_list_add(struct uuid_list *list, const struct object_uuid *uuid)
{
    if (list->uuids == NULL)
        list->uuids = memory_allocate(UUID_LIST_MAXIMUM, sizeof *list->uuids);
    if (list->count == UUID_LIST_MAXIMUM)
        list->overflow = true;
    else
        list->uuids[list->count++] = *uuid;
}

void uuid_list_free(struct uuid_list *list)
{
    memory_free(list->uuids);
    *list = (struct uuid_list){0};
}

struct pass {
    struct provider_run *run;
    struct uuid_list partial; /* entries of which only a part came */
};

static bool take_entry(void *user, LDAPMessage *message, struct error *error)
{
    struct pass *pass = user;
    struct provider_run *run = pass->run;
    const struct entry_rules *rules = &run->settings->rules;
    struct entry entry;
    bool good =
        entry_read(directory_connection_handle(run->connection), message, rules, &entry, error);
    if (good && !entry.has_uuid)
        good = error_set(
            error, 0,
            "%s: entries have neither objectGUID nor entryUUID, or the account may not read it.",
            directory_connection_server(run->connection));
    if (good && entry.is_partial)
        uuid_list_add(&pass->partial, &entry.object.uuid);
    else if (good && entry_is_recipient(&entry, rules))
        good = feed_put(run->feed, &entry.object, error);
    entry_free(&entry);
    return good;
}

bool provider_read_all(struct provider_run *run, struct error *error)
{
    const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM];
    struct pass pass = {.run = run};
    struct search search = {.base = run->base,
                            .scope = LDAP_SCOPE_SUBTREE,
                            .filter = run->filter,
                            .attributes = attributes,
                            .wait_ms = run->settings->pass_ms};
    struct search_end end = {.controls = NULL};
    entry_attributes(&run->settings->rules, attributes);
    bool good = run->root.has_paging
                    ? search_run_paged(run->connection, &search, run->settings->page_size,
                                       take_entry, &pass, error)
                    : search_run(run->connection, &search, take_entry, &pass, &end, error);
    ldap_controls_free(end.controls);
    if (good && pass.partial.overflow)
        good = error_set(error, 0,
                         "%s: more than %d entries have more values than the server sends at once.",
                         directory_connection_server(run->connection), UUID_LIST_MAXIMUM);
    good = good && provider_read_objects(run, &pass.partial, error);
    uuid_list_free(&pass.partial);
    return good;
}

static bool read_object(struct provider_run *run, const struct object_uuid *uuid,
                        const struct search *search, struct error *error)
{
    const struct entry_rules *rules = &run->settings->rules;
    struct entry entry;
    bool found;
    if (!search_object(run->connection, search, rules, &found, &entry, error))
        return false;
    if (!found)
        return feed_remove(run->feed, uuid, error);
    entry.object.uuid = *uuid;
    bool good = entry_is_recipient(&entry, rules) ? feed_put(run->feed, &entry.object, error)
                                                  : feed_remove(run->feed, uuid, error);
    entry_free(&entry);
    return good;
}

/* entryUUID is written with dashes, objectGUID byte for byte. */
static void make_object_filter(const struct provider_run *run, const struct object_uuid *uuid,
                               char *filter, size_t size)
{
    const unsigned char *b = uuid->bytes;
    char escaped[3 * UUID_SIZE + 1];
    search_escape(uuid->bytes, UUID_SIZE, escaped);
    if (run->root.is_active_directory)
        snprintf(filter, size, "(&(objectGUID=%s)%s)", escaped, run->filter);
    else
        snprintf(
            filter, size,
            "(&(entryUUID=%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x)%s)",
            b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
            b[14], b[15], run->filter);
}

bool provider_read_objects(struct provider_run *run, const struct uuid_list *list,
                           struct error *error)
{
    const char *attributes[ENTRY_ATTRIBUTES_MAXIMUM];
    char filter[PROVIDER_FILTER_SIZE + 100];
    struct search search = {.base = run->base,
                            .scope = LDAP_SCOPE_SUBTREE,
                            .filter = filter,
                            .attributes = attributes,
                            .wait_ms = run->settings->pass_ms};
    entry_attributes(&run->settings->rules, attributes);
    for (size_t i = 0; i < list->count; i++) {
        make_object_filter(run, &list->uuids[i], filter, sizeof filter);
        if (!read_object(run, &list->uuids[i], &search, error))
            return false;
    }
    return true;
}

const char *provider_naming_context(const struct provider_run *run)
{
    struct view base = view_of_text(run->base), context = view_of_text(run->root.naming_context);
    return !view_is_empty(context) && view_ends_with_nocase(base, context)
               ? run->root.naming_context
               : run->base;
}

/* Some servers name the container to everybody, with nothing in it. */
struct look {
    LDAP *handle;
    bool *sees;
};

static bool look_at_container(void *user, LDAPMessage *message, struct error *error)
{
    const struct look *look = user;
    struct berval **values = ldap_get_values_len(look->handle, message, "objectGUID");
    (void)error;
    *look->sees = values != NULL;
    ldap_value_free_len(values);
    return true;
}

bool provider_sees_deletions(struct provider_run *run, bool *sees, struct error *error)
{
    static const char *const attributes[] = {"objectGUID", NULL};
    LDAPControl *controls[] = {&provider_show_deleted, NULL};
    char base[PROVIDER_BASE_SIZE + 64];
    struct search search = {.base = base,
                            .scope = LDAP_SCOPE_BASE,
                            .filter = "(objectClass=*)",
                            .attributes = attributes,
                            .controls = controls,
                            .wait_ms = directory_connection_settings(run->connection)->answer_ms};
    struct look look = {directory_connection_handle(run->connection), sees};
    struct search_end end;
    *sees = false;
    /* The container of deleted objects by its well-known GUID (MS-ADTS 6.1.1.4). */
    snprintf(base, sizeof base, "<WKGUID=18E2EA80684F11D2B9AA00C04F79F805,%s>",
             provider_naming_context(run));
    bool good = search_run(run->connection, &search, look_at_container, &look, &end, error) ||
                end.result == LDAP_NO_SUCH_OBJECT || end.result == LDAP_INSUFFICIENT_ACCESS;
    ldap_controls_free(end.controls);
    return good;
}
