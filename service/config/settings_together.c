#include "config/settings_json.h"

#include "base/ip.h"
#include "base/memory.h"

#include <inttypes.h>

/* A listening address with what is needed to compare it and to name it. */
struct listening {
    const struct settings_listen_address *address;
    size_t server, position;
    bool all; /* both families */
    struct ip_address ip;
};

static struct listening listening_of(const struct settings_virtual_server *servers, size_t server,
                                     size_t position)
{
    struct listening made = {&servers[server].addresses[position], server, position, false, {0}};
    made.all = !ip_parse(view_of_text(made.address->address), &made.ip);
    return made;
}

static bool is_any(const struct ip_address *ip)
{
    static const struct ip_address any_v4 = {.is_v6 = false}, any_v6 = {.is_v6 = true};
    return ip_equal(ip, &any_v4) || ip_equal(ip, &any_v6);
}

/* The system gives a port of one address to one listener, and then not to another one of all addresses. */
static bool collide(const struct listening *a, const struct listening *b)
{
    if (a->address->port != b->address->port)
        return false;
    if (a->all || b->all)
        return true;
    if (a->ip.is_v6 != b->ip.is_v6)
        return false;
    return is_any(&a->ip) || is_any(&b->ip) || ip_equal(&a->ip, &b->ip);
}

static bool addresses_differ(const struct settings_settings *values, struct error *error)
{
    size_t total = 0, count = 0;
    for (size_t i = 0; i < values->virtual_servers_count; i++)
        total += values->virtual_servers[i].addresses_count;

    struct listening *all = memory_allocate(total, sizeof *all);
    const struct listening *taken = NULL;
    for (size_t i = 0; i < values->virtual_servers_count && taken == NULL; i++)
        for (size_t j = 0; j < values->virtual_servers[i].addresses_count && taken == NULL; j++) {
            all[count] = listening_of(values->virtual_servers, i, j);
            for (size_t k = 0; k < count && taken == NULL; k++)
                if (collide(&all[k], &all[count]))
                    taken = &all[k];
            count++;
        }
    if (taken != NULL) {
        const struct listening *last = &all[count - 1];
        error_set(error, 0,
                  "virtual_servers[%zu].addresses[%zu]: port %" PRId64
                  " of %s is taken by virtual_servers[%zu].addresses[%zu], which is %s.",
                  last->server, last->position, last->address->port, last->address->address,
                  taken->server, taken->position, taken->address->address);
    }
    memory_free(all);
    return taken == NULL;
}

static bool sizes_fit(const struct settings_settings *values, struct error *error)
{
    for (size_t i = 0; i < values->virtual_servers_count; i++) {
        const struct settings_virtual_server *server = &values->virtual_servers[i];
        if (server->session_size != 0 && server->session_size < server->message_size)
            return error_set(error, 0,
                             "virtual_servers[%zu].session_size: %" PRId64
                             " is less than the message_size, %" PRId64 ".",
                             i, server->session_size, server->message_size);
    }
    return true;
}

static bool domains_have_hosts(const struct settings_settings *values, struct error *error)
{
    for (size_t i = 0; i < values->accepted_domains_count; i++) {
        const struct settings_accepted_domain *domain = &values->accepted_domains[i];
        if (domain->deliver_to == DELIVER_TO_HOST && domain->host[0] == '\0')
            return error_set(
                error, 0, "accepted_domains[%zu].host: must not be empty when deliver_to is host.",
                i);
        if (domain->recipients == RECIPIENTS_BY_CALLOUT && domain->deliver_to != DELIVER_TO_HOST)
            return error_set(
                error, 0,
                "accepted_domains[%zu].deliver_to: must be host when recipients is call-out.", i);
    }
    return true;
}

static bool connections_fit(const struct settings_outbound *outbound, struct error *error)
{
    return outbound->connections_per_destination <= outbound->connections ||
           error_set(error, 0,
                     "outbound.connections_per_destination: %" PRId64
                     " is more than outbound.connections, %" PRId64 ".",
                     outbound->connections_per_destination, outbound->connections);
}

static bool directory_is_whole(const struct settings_directory *directory, size_t index,
                               struct error *error)
{
    bool has_account = directory->account[0] != '\0', has_password = directory->password[0] != '\0';
    if (directory->servers_count == 0 && directory->active_directory_domain[0] == '\0')
        return error_set(
            error, 0,
            "directories[%zu].servers: name a server, or an Active Directory domain in "
            "directories[%zu].active_directory_domain.",
            index, index);
    if (has_account && !has_password)
        return error_set(
            error, 0,
            "directories[%zu].password: must not be empty when there is an account. It may "
            "be while directories[%zu].enabled is false.",
            index, index);
    if (has_password && !has_account)
        return error_set(error, 0,
                         "directories[%zu].account: must not be empty when there is a password.",
                         index);
    if (has_password && directory->security == SECURITY_PLAIN && !directory->allow_plain_password)
        return error_set(
            error, 0,
            "directories[%zu].security: plain would show the password to whoever listens "
            "on the network. Use ldaps or starttls, or set "
            "directories[%zu].allow_plain_password.",
            index, index);
    return true;
}

static bool directory_times_fit(const struct settings_directory *directory, size_t index,
                                struct error *error)
{
    if (directory->stale_after < 2 * directory->poll_interval)
        return error_set(error, 0,
                         "directories[%zu].stale_after: %" PRId64
                         " is less than twice the poll_interval, %" PRId64 ".",
                         index, directory->stale_after, directory->poll_interval);
    return directory->retry_first <= directory->retry_most ||
           error_set(error, 0,
                     "directories[%zu].retry_first: %" PRId64
                     " is more than the retry_most, %" PRId64 ".",
                     index, directory->retry_first, directory->retry_most);
}

/* One that is not used may be half entered. */
static bool directories_are_whole(const struct settings_settings *values, struct error *error)
{
    for (size_t i = 0; i < values->directories_count; i++) {
        const struct settings_directory *directory = &values->directories[i];
        if (directory->enabled &&
            (!directory_is_whole(directory, i, error) || !directory_times_fit(directory, i, error)))
            return false;
    }
    return true;
}

bool settings_check_together(const struct settings_settings *values, struct error *error)
{
    return addresses_differ(values, error) && sizes_fit(values, error) &&
           domains_have_hosts(values, error) && connections_fit(&values->outbound, error) &&
           directories_are_whole(values, error);
}
