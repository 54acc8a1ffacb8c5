#include "directories_private.h"

#include "base/memory.h"
#include "config/settings_check.h"

#define ARENA_BLOCK      4096
#define SECOND_MS        1000u
#define MINUTE_MS        60000u
#define PASSWORD_MAXIMUM 1024

static const enum connection_security securities[] = {
    [SECURITY_LDAPS] = CONNECTION_LDAPS,
    [SECURITY_STARTTLS] = CONNECTION_STARTTLS,
    [SECURITY_PLAIN] = CONNECTION_PLAIN,
};

static const enum source_kind kinds[] = {
    [DIRECTORY_AUTOMATIC] = SOURCE_AUTOMATIC,
    [DIRECTORY_ACTIVE_DIRECTORY] = SOURCE_ACTIVE_DIRECTORY,
    [DIRECTORY_USN] = SOURCE_USN,
    [DIRECTORY_OPENLDAP] = SOURCE_SYNC,
    [DIRECTORY_SEARCH] = SOURCE_SEARCH,
};

static const struct server_address *server_list(struct arena *arena,
                                                const struct settings_directory *from)
{
    struct server_address *list = arena_allocate(arena, from->servers_count * sizeof *list);
    for (size_t i = 0; i < from->servers_count; i++) {
        struct view host;
        settings_split_server(view_of_text(from->servers[i]), &host, &list[i].port);
        list[i].host = arena_copy_text(arena, host);
    }
    return list;
}

static const char *join(struct arena *arena, const char *const *texts, size_t count)
{
    const char *joined = "";
    for (size_t i = 0; i < count; i++)
        joined = arena_format(arena, "%s%s%s", joined, i == 0 ? "" : ",", texts[i]);
    return joined;
}

static const char *const *address_attributes(struct arena *arena,
                                             const struct settings_directory *from)
{
    static const char *const usual[] = {"proxyAddresses", "mail", NULL};
    if (from->attributes_count == 0)
        return usual;
    const char **attributes =
        arena_allocate(arena, (from->attributes_count + 1) * sizeof *attributes);
    for (size_t i = 0; i < from->attributes_count; i++)
        attributes[i] = from->attributes[i];
    attributes[from->attributes_count] = NULL;
    return attributes;
}

/* What decides which entries are recipients, and which of their addresses count. */
static const char *identity(struct arena *arena, const struct settings_directory *from)
{
    return arena_format(arena, "%s\n%s\n%s\n%s\n%s\n%d", from->active_directory_domain, from->base,
                        from->filter, join(arena, from->attributes, from->attributes_count),
                        join(arena, from->domains, from->domains_count), from->include_disabled);
}

static const char *open_password(struct arena *arena, const struct settings_directory *from,
                                 const char *data_folder, struct error *error)
{
    struct buffer password;
    if (from->password[0] == '\0')
        return "";
    buffer_init(&password, PASSWORD_MAXIMUM);
    const char *opened = settings_unseal(from->password, data_folder, &password, error)
                             ? arena_copy_text(arena, buffer_view(&password))
                             : NULL;
    buffer_free(&password);
    if (opened == NULL)
        error_prefix(error, "The password cannot be opened and has to be entered again");
    return opened;
}

static struct servers_settings
servers_of(struct arena *arena, const struct settings_directory *from, const char *password)
{
    return (struct servers_settings){
        .list = server_list(arena, from),
        .count = from->servers_count,
        .domain = from->active_directory_domain,
        .dns_servers = join(arena, from->dns_servers, from->dns_servers_count),
        .ca_file = from->ca_file,
        .connection = {.security = securities[from->security],
                       .account = from->account,
                       .password = password,
                       .connect_ms = (uint32_t)from->connect_timeout * SECOND_MS,
                       .answer_ms = (uint32_t)from->answer_timeout * SECOND_MS},
    };
}

static struct lookup_settings lookup_of(const struct settings_directory *from)
{
    return (struct lookup_settings){
        .threads = (unsigned)from->lookup_connections,
        .deadline_ms = (uint32_t)from->lookup_deadline * SECOND_MS,
        .keep_ms = (uint32_t)from->lookup_keep * SECOND_MS,
        .keep_most = (unsigned)from->lookup_remembered,
        .waiting_most = (unsigned)from->lookup_waiting,
        .rate = (unsigned)from->lookups_per_second,
        .burst = (unsigned)from->lookup_burst,
    };
}

static void fill_times(const struct settings_directory *from, struct source_settings *to)
{
    bool only_searches = from->kind == DIRECTORY_SEARCH;
    uint32_t search_ms = (uint32_t)from->search_interval * MINUTE_MS;
    to->poll_ms = only_searches ? search_ms : (uint32_t)from->poll_interval * SECOND_MS;
    to->stale_ms = (uint32_t)from->stale_after * SECOND_MS;
    if (only_searches && to->stale_ms < 2 * search_ms)
        to->stale_ms = 2 * search_ms;
    to->full_ms = (uint32_t)from->full_interval * MINUTE_MS;
    to->full_blind_ms = (uint32_t)from->full_interval_blind * MINUTE_MS;
    to->retry_least_ms = (uint32_t)from->retry_first * SECOND_MS;
    to->retry_most_ms = (uint32_t)from->retry_most * SECOND_MS;
    to->refused_ms = (uint32_t)from->refused_pause * SECOND_MS;
}

bool directory_settings_fill(struct directory_settings *settings,
                             const struct settings_directory *from, const char *data_folder,
                             struct error *error)
{
    struct arena *arena = arena_create(ARENA_BLOCK);
    struct source_settings *to = &settings->source;
    const char *password = open_password(arena, from, data_folder, error);
    *settings = (struct directory_settings){
        .arena = arena,
        .lookup = lookup_of(from),
        .ask_ms = (uint32_t)from->ask_after * SECOND_MS,
        .source = {.kind = kinds[from->kind],
                   .servers = servers_of(arena, from, password == NULL ? "" : password),
                   .provider = {.base = from->base,
                                .filter = from->filter,
                                .rules = {.address_attributes = address_attributes(arena, from),
                                          .include_disabled = from->include_disabled},
                                .page_size = (unsigned)from->page_size,
                                .pass_ms = (uint32_t)from->search_timeout * SECOND_MS},
                   .feed = {.name = from->name,
                            .identity = identity(arena, from),
                            .domains = from->domains,
                            .domain_count = from->domains_count,
                            .limits = {.removed_percent = (unsigned)from->removed_percent,
                                       .removed_least = (unsigned)from->removed_least}}}};
    fill_times(from, to);
    /* What is stale cannot be the last word, whatever is set. */
    if (settings->ask_ms > to->stale_ms)
        settings->ask_ms = to->stale_ms;
    return password != NULL;
}

void directory_settings_free(struct directory_settings *settings)
{
    arena_destroy(settings->arena);
}
