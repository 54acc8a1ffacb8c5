#include "directories_walk.h"

#include <stdarg.h>
#include <stdio.h>

#define SENTENCE_MAXIMUM 1024

void directory_walk_tell(const struct directory_walk *walk, const char *step,
                         enum directory_test_result result, const char *format, ...)
{
    char sentence[SENTENCE_MAXIMUM];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    walk->test->step(walk->test->user, step, result, sentence);
}

bool directory_walk_fail(const struct directory_walk *walk, const char *step,
                         const struct error *error)
{
    directory_walk_tell(walk, step, DIRECTORY_TEST_BAD, "%s", error->text);
    return false;
}

/* ---- before any server ---- */

static bool take_settings(struct directory_walk *walk)
{
    const struct settings_directory *from = walk->test->settings;
    struct error error = {0};
    if (!directory_settings_fill(&walk->settings, from, walk->test->data_folder, &error))
        return directory_walk_fail(walk, "password", &error);
    walk->connection_settings = walk->settings.source.servers.connection;
    if (from->security == SECURITY_PLAIN) {
        directory_walk_tell(
            walk, "security", DIRECTORY_TEST_DOUBTFUL,
            "The connection is not protected: whoever can listen on the network reads it.");
        return true;
    }
    walk->trust = tls_trust_create(from->ca_file, &error);
    if (walk->trust == NULL)
        return directory_walk_fail(walk, "certificate authority", &error);
    walk->connection_settings.trust = walk->trust;
    directory_walk_tell(walk, "certificate authority", DIRECTORY_TEST_GOOD, "Trusted is %s%s.",
                        from->ca_file[0] == '\0' ? "what this computer trusts"
                                                 : "the authority in ",
                        from->ca_file);
    return true;
}

static size_t list_servers(struct directory_walk *walk,
                           struct resolved_server servers[RESOLVED_MAXIMUM])
{
    const struct servers_settings *settings = &walk->settings.source.servers;
    char name[HOST_NAME_SIZE + 32];
    struct error error;
    size_t count = 0;
    for (; count < settings->count && count < RESOLVED_MAXIMUM; count++) {
        view_copy_text(view_of_text(settings->list[count].host), servers[count].host,
                       sizeof servers[count].host);
        servers[count].port = settings->list[count].port;
    }
    if (count > 0)
        return count;
    if (settings->domain[0] == '\0') {
        directory_walk_tell(walk, "servers", DIRECTORY_TEST_BAD,
                            "Neither servers nor an Active Directory domain are set.");
        return 0;
    }
    snprintf(name, sizeof name, "_ldap._tcp.dc._msdcs.%s", settings->domain);
    count = resolve_servers(walk->resolver, name, walk->connection_settings.connect_ms,
                            watch_cancelled(walk->test->watch), servers, &error);
    if (count == 0)
        directory_walk_fail(walk, "servers", &error);
    else
        directory_walk_tell(walk, "servers", DIRECTORY_TEST_GOOD,
                            "DNS names %zu servers of the domain %s.", count, settings->domain);
    for (size_t i = 0; settings->connection.security == CONNECTION_LDAPS && i < count; i++)
        servers[i].port = 0;
    return count;
}

/* ---- one server ---- */

/* What was reached says what was passed. */
static void tell_reached(const struct directory_walk *walk, const char *server,
                         enum connection_step reached, const struct error *error)
{
    static const char *const steps[] = {[CONNECTION_NAME] = "name",
                                        [CONNECTION_TCP] = "connect",
                                        [CONNECTION_TLS] = "certificate",
                                        [CONNECTION_BIND] = "account"};
    static const char *const passed[] = {[CONNECTION_NAME] = "The name has an address",
                                         [CONNECTION_TCP] = "The server takes connections",
                                         [CONNECTION_TLS] = "The certificate is trusted",
                                         [CONNECTION_BIND] = "The server takes the account"};
    bool plain = walk->settings.source.servers.connection.security == CONNECTION_PLAIN;
    for (int step = CONNECTION_NAME; step < CONNECTION_READY && step <= (int)reached; step++) {
        if (step == (int)reached)
            directory_walk_fail(walk, steps[step], error);
        else if (step != CONNECTION_TLS || !plain)
            directory_walk_tell(walk, steps[step], DIRECTORY_TEST_GOOD, "%s: %s.", server,
                                passed[step]);
    }
}

static bool try_server(struct directory_walk *walk, const struct resolved_server *server)
{
    enum connection_step reached;
    struct error error = {0};
    struct directory_connection *connection =
        directory_connection_create(&walk->connection_settings, walk->resolver, walk->test->watch);
    directory_connection_open(connection, server->host, server->port, &reached, &error);
    tell_reached(walk, directory_connection_server(connection), reached, &error);
    directory_connection_destroy(connection);
    return reached == CONNECTION_READY;
}

static bool connect_again(struct directory_walk *walk, const struct resolved_server *server)
{
    enum connection_step reached;
    struct error error = {0};
    walk->connection =
        directory_connection_create(&walk->connection_settings, walk->resolver, walk->test->watch);
    return directory_connection_open(walk->connection, server->host, server->port, &reached,
                                     &error) ||
           directory_walk_fail(walk, "connect", &error);
}

/* Every one of them, since the others are needed on the day when the first one is away; then on with the first
 * that is good. */
static bool reach_servers(struct directory_walk *walk)
{
    struct resolved_server servers[RESOLVED_MAXIMUM];
    const struct resolved_server *good = NULL;
    size_t count = list_servers(walk, servers);
    for (size_t i = 0; i < count && !atomic_load(watch_cancelled(walk->test->watch)); i++)
        if (try_server(walk, &servers[i]) && good == NULL)
            good = &servers[i];
    return good != NULL && connect_again(walk, good);
}

static bool take_resolver(struct directory_walk *walk)
{
    struct error error = {0};
    walk->resolver = resolver_create(walk->settings.source.servers.dns_servers, &error);
    return walk->resolver != NULL || directory_walk_fail(walk, "name", &error);
}

void directory_test_run(const struct directory_test *test)
{
    struct directory_walk walk = {.test = test};
    if (take_settings(&walk) && take_resolver(&walk) && reach_servers(&walk))
        directory_walk_entries(&walk);
    directory_connection_destroy(walk.connection);
    resolver_destroy(walk.resolver);
    tls_trust_destroy(walk.trust);
    directory_settings_free(&walk.settings);
}
