#include "ldap/search.h"

#include "base/memory.h"

#include <stdio.h>

/* The control that says "this is a domain controller" (MS-ADTS 3.1.1.3.2.5). */
#define CAPABILITY_ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"
#define CONTROL_DIRSYNC             "1.2.840.113556.1.4.841"

static bool fail(struct directory_connection *connection, int result, const struct search *search,
                 struct error *error)
{
    char what[200];
    snprintf(what, sizeof what, "the search below \"%.150s\" failed", search->base);
    return directory_connection_fail(connection, result, what, error);
}

/* Takes the message. */
static bool take_end(struct directory_connection *connection, const struct search *search,
                     LDAPMessage *message, struct search_end *end, struct error *error)
{
    int parsed = ldap_parse_result(directory_connection_handle(connection), message, &end->result,
                                   NULL, NULL, NULL, &end->controls, 1);
    if (parsed != LDAP_SUCCESS)
        end->result = parsed;
    return end->result == LDAP_SUCCESS || fail(connection, end->result, search, error);
}

/* One message of the search: *done at its end. */
static bool step(struct directory_connection *connection, const struct search *search, int id,
                 search_entry *each, void *user, struct search_end *end, bool *done,
                 struct error *error)
{
    LDAPMessage *message;
    bool good = true;
    switch (directory_connection_receive(connection, id, search->wait_ms, true, &message, error)) {
    case LDAP_RES_SEARCH_ENTRY:
        good = each(user, message, error);
        break;
    case LDAP_RES_SEARCH_RESULT:
        *done = true;
        return take_end(connection, search, message, end, error);
    case LDAP_RES_SEARCH_REFERENCE:
    case LDAP_RES_INTERMEDIATE:
        /* Other servers are not asked: what is wanted from them is configured. */
        break;
    default:
        good = false;
    }
    ldap_msgfree(message);
    return good;
}

bool search_run(struct directory_connection *connection, const struct search *search,
                search_entry *each, void *user, struct search_end *end, struct error *error)
{
    LDAP *handle = directory_connection_handle(connection);
    int id;
    *end = (struct search_end){.result = -1};
    int result = ldap_search_ext(handle, search->base, search->scope, search->filter,
                                 (char **)search->attributes, 0, search->controls, NULL, NULL,
                                 LDAP_NO_LIMIT, &id);
    if (result != LDAP_SUCCESS)
        return fail(connection, result, search, error);
    bool done = false, good = true;
    while (good && !done)
        good = step(connection, search, id, each, user, end, &done, error);
    if (!done && !directory_connection_is_broken(connection))
        ldap_abandon_ext(handle, id, NULL, NULL);
    return good;
}

/* The controls of the search and one more behind them. The caller frees the array alone. */
static LDAPControl **add_control(LDAPControl *const *controls, LDAPControl *control)
{
    size_t count = 0;
    while (controls != NULL && controls[count] != NULL)
        count++;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted
    LDAPControl **all = memory_allocate(count + 2, sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = controls[i];
    all[count] = control;
    return all;
}

/* The cookie for the next page, empty at the end. False when the server's control cannot be read; a server that
 * sends none has sent everything. */
static bool take_page(LDAP *handle, const struct search_end *end, struct berval *cookie)
{
    ber_int_t estimate;
    LDAPControl *control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, end->controls, NULL);
    ber_memfree(cookie->bv_val);
    *cookie = (struct berval){0};
    return control == NULL ||
           ldap_parse_pageresponse_control(handle, control, &estimate, cookie) == LDAP_SUCCESS;
}

static bool run_page(struct directory_connection *connection, const struct search *search,
                     unsigned page_size, search_entry *each, void *user, struct berval *cookie,
                     struct error *error)
{
    LDAP *handle = directory_connection_handle(connection);
    struct search page = *search;
    struct search_end end;
    LDAPControl *control = NULL;
    int result = ldap_create_page_control(handle, (ber_int_t)page_size, cookie, 0, &control);
    if (result != LDAP_SUCCESS)
        return fail(connection, result, search, error);
    page.controls = add_control(search->controls, control);
    bool good =
        search_run(connection, &page, each, user, &end, error) &&
        (take_page(handle, &end, cookie) || fail(connection, LDAP_DECODING_ERROR, search, error));
    ldap_controls_free(end.controls);
    ldap_control_free(control);
    memory_free(page.controls);
    return good;
}

bool search_run_paged(struct directory_connection *connection, const struct search *search,
                      unsigned page_size, search_entry *each, void *user, struct error *error)
{
    struct berval cookie = {.bv_val = NULL};
    bool good;
    do
        good = run_page(connection, search, page_size, each, user, &cookie, error);
    while (good && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
    return good;
}

/* The entry of search_object() on its way. */
struct single {
    struct directory_connection *connection;
    const struct entry_rules *rules;
    struct entry *entry;
    size_t count;
    char attribute[64]; /* the one that came as a range, empty when none did */
    long next;          /* the value to go on with */
};

/* Which attribute has to be asked for again, and from where. */
static void note_range(struct single *single, LDAP *handle, LDAPMessage *message)
{
    BerElement *ber = NULL;
    single->attribute[0] = '\0';
    for (char *name = ldap_first_attribute(handle, message, &ber); name != NULL;
         name = ldap_next_attribute(handle, message, ber)) {
        struct view plain;
        long first, last;
        if (entry_range(view_of_text(name), &plain, &first, &last) && last >= single->next) {
            view_copy_text(plain, single->attribute, sizeof single->attribute);
            single->next = last + 1;
        }
        ldap_memfree(name);
    }
    ber_free(ber, 0);
}

static bool take_single(void *user, LDAPMessage *message, struct error *error)
{
    struct single *single = user;
    LDAP *handle = directory_connection_handle(single->connection);
    if (single->count++ > 0)
        return error_set(error, 0, "%s: there are several entries where there can be one.",
                         directory_connection_server(single->connection));
    note_range(single, handle, message);
    return entry_read(handle, message, single->rules, single->entry, error);
}

/* The values of a further range, for the entry that is there already. */
static bool take_more(void *user, LDAPMessage *message, struct error *error)
{
    struct single *single = user;
    LDAP *handle = directory_connection_handle(single->connection);
    struct entry more;
    note_range(single, handle, message);
    bool good = entry_read(handle, message, single->rules, &more, error);
    struct address_record record;
    for (size_t position = 0;
         good && address_table_next(more.object.addresses, &position, &record);)
        good =
            object_add_address(&single->entry->object, record.address) ||
            error_set(error, 0, "an entry has more than %d addresses.", OBJECT_ADDRESSES_MAXIMUM);
    entry_free(&more);
    return good;
}

static bool read_ranges(struct single *single, const struct search *search, struct error *error)
{
    while (single->attribute[0] != '\0') {
        char range[100];
        const char *attributes[] = {range, NULL};
        struct search more = *search;
        struct search_end end;
        snprintf(range, sizeof range, "%s;range=%ld-*", single->attribute, single->next);
        more.attributes = attributes;
        single->attribute[0] = '\0';
        bool good = search_run(single->connection, &more, take_more, single, &end, error);
        ldap_controls_free(end.controls);
        if (!good)
            return false;
    }
    return true;
}

bool search_object(struct directory_connection *connection, const struct search *search,
                   const struct entry_rules *rules, bool *found, struct entry *entry,
                   struct error *error)
{
    struct single single = {connection, rules, entry, 0, "", 0};
    struct search_end end;
    bool good = search_run(connection, search, take_single, &single, &end, error) &&
                read_ranges(&single, search, error);
    ldap_controls_free(end.controls);
    *found = good && single.count > 0;
    if (!good && single.count > 0)
        entry_free(entry);
    return good;
}

void search_value(LDAP *handle, LDAPMessage *entry, const char *attribute, char *text, size_t size)
{
    struct berval **values = ldap_get_values_len(handle, entry, attribute);
    text[0] = '\0';
    if (values != NULL && values[0] != NULL)
        view_copy_text(view_of(values[0]->bv_val, values[0]->bv_len), text, size);
    ldap_value_free_len(values);
}

static bool has_value(LDAP *handle, LDAPMessage *entry, const char *attribute, const char *value)
{
    struct berval **values = ldap_get_values_len(handle, entry, attribute);
    bool found = false;
    for (size_t i = 0; values != NULL && values[i] != NULL && !found; i++)
        found =
            view_equal_nocase(view_of(values[i]->bv_val, values[i]->bv_len), view_of_text(value));
    ldap_value_free_len(values);
    return found;
}

struct root_reader {
    LDAP *handle;
    struct root_dse *root;
};

static bool take_root(void *user, LDAPMessage *entry, struct error *error)
{
    struct root_reader *reader = user;
    struct root_dse *root = reader->root;
    LDAP *handle = reader->handle;
    char text[32];
    (void)error;
    root->is_active_directory =
        has_value(handle, entry, "supportedCapabilities", CAPABILITY_ACTIVE_DIRECTORY);
    root->has_paging = has_value(handle, entry, "supportedControl", LDAP_CONTROL_PAGEDRESULTS);
    root->has_dirsync = has_value(handle, entry, "supportedControl", CONTROL_DIRSYNC);
    root->has_sync = has_value(handle, entry, "supportedControl", LDAP_CONTROL_SYNC);
    root->is_synchronized = !has_value(handle, entry, "isSynchronized", "FALSE");
    search_value(handle, entry, "defaultNamingContext", root->naming_context,
                 sizeof root->naming_context);
    if (root->naming_context[0] == '\0')
        search_value(handle, entry, "namingContexts", root->naming_context,
                     sizeof root->naming_context);
    search_value(handle, entry, "dsServiceName", root->service, sizeof root->service);
    search_value(handle, entry, "highestCommittedUSN", text, sizeof text);
    if (!view_to_uint64(view_of_text(text), &root->highest_usn))
        root->highest_usn = 0;
    return true;
}

bool search_root(struct directory_connection *connection, struct root_dse *root,
                 struct error *error)
{
    static const char *const attributes[] = {
        "supportedCapabilities", "supportedControl", "isSynchronized",      "defaultNamingContext",
        "namingContexts",        "dsServiceName",    "highestCommittedUSN", NULL};
    struct root_reader reader = {directory_connection_handle(connection), root};
    struct search search = {.base = "",
                            .scope = LDAP_SCOPE_BASE,
                            .filter = "(objectClass=*)",
                            .attributes = attributes,
                            .wait_ms = directory_connection_settings(connection)->answer_ms};
    struct search_end end;
    *root = (struct root_dse){0};
    bool good = search_run(connection, &search, take_root, &reader, &end, error);
    ldap_controls_free(end.controls);
    return good;
}

void search_escape(const void *bytes, size_t length, char *text)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++)
        snprintf(text + 3 * i, 4, "\\%02x", byte[i]);
    text[3 * length] = '\0';
}
