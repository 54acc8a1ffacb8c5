/*
 * The directory without the service around it: directory_driver SETTINGS.json DATABASE. Reads one command a line,
 * answers each with one line of JSON:
 *
 *   status | find ADDRESS | dump | count | sync | full | believe | add ADDRESS | remove ADDRESS
 *   ask ADDRESS     at a server, through the pool
 *   flood NUMBER    so many made-up addresses at once; answers what was answered, and how long it took
 *
 * Ends with its input. Events go to stderr.
 */
#include "base/event.h"
#include "base/hash.h"
#include "ldap/directory_private.h"
#include "ldap/lookup.h"
#include "ldap/source.h"
#include "platform/clock.h"
#include "platform/socket.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_SIZE    2048
#define LIST_MAXIMUM 16

struct driver {
    struct directory *directory;
    struct directory_reader *reader;
    struct watchdog *watchdog;
    struct source *source;
    struct source_settings settings;
    struct lookup *lookup;
    struct lookup_settings lookup_settings;
    struct server_address servers[LIST_MAXIMUM];
    const char *domains[LIST_MAXIMUM];
    struct event_sink events;
    char identity[2048];
};

static const char *text_of(const json_t *settings, const char *name, const char *otherwise)
{
    const json_t *value = json_object_get(settings, name);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

static uint32_t number_of(const json_t *settings, const char *name, uint32_t otherwise)
{
    const json_t *value = json_object_get(settings, name);
    return json_is_integer(value) ? (uint32_t)json_integer_value(value) : otherwise;
}

/* The position of the text among the choices, which end with NULL. */
static int choice_of(const json_t *settings, const char *name, const char *const *choices)
{
    const char *text = text_of(settings, name, choices[0]);
    for (int i = 0; choices[i] != NULL; i++)
        if (strcmp(text, choices[i]) == 0)
            return i;
    fprintf(stderr, "no %s \"%s\"\n", name, text);
    exit(2);
}

static void read_lists(struct driver *driver, const json_t *settings)
{
    const json_t *servers = json_object_get(settings, "servers");
    const json_t *domains = json_object_get(settings, "domains");
    size_t count = json_array_size(servers);
    for (size_t i = 0; i < count && i < LIST_MAXIMUM; i++) {
        const json_t *server = json_array_get(servers, i);
        driver->servers[i].host = text_of(server, "host", "");
        driver->servers[i].port = (uint16_t)number_of(server, "port", 0);
        driver->settings.servers.count = i + 1;
    }
    count = json_array_size(domains);
    for (size_t i = 0; i < count && i < LIST_MAXIMUM; i++) {
        driver->domains[i] = json_string_value(json_array_get(domains, i));
        driver->settings.feed.domain_count = i + 1;
    }
}

static void read_settings(struct driver *driver, const json_t *settings)
{
    static const char *const kinds[] = {"automatic", "active-directory", "usn",
                                        "sync",      "search",           NULL};
    static const char *const securities[] = {"ldaps", "starttls", "plain", NULL};
    static const char *const attributes[] = {"proxyAddresses", "mail", NULL};
    driver->settings = (struct source_settings){
        .kind = (enum source_kind)choice_of(settings, "kind", kinds),
        .servers = {.list = driver->servers,
                    .domain = text_of(settings, "domain", ""),
                    .dns_servers = text_of(settings, "dns_servers", ""),
                    .ca_file = text_of(settings, "ca_file", ""),
                    .connection = {.security = (enum connection_security)choice_of(
                                       settings, "security", securities),
                                   .account = text_of(settings, "account", ""),
                                   .password = text_of(settings, "password", ""),
                                   .connect_ms = number_of(settings, "connect_ms", 3000),
                                   .answer_ms = number_of(settings, "answer_ms", 3000)}},
        .provider = {.base = text_of(settings, "base", ""),
                     .filter = text_of(settings, "filter", ""),
                     .rules = {.address_attributes = attributes,
                               .include_disabled =
                                   json_is_true(json_object_get(settings, "disabled"))},
                     .page_size = number_of(settings, "page_size", 1000),
                     .pass_ms = number_of(settings, "pass_ms", 60000)},
        .feed = {.name = text_of(settings, "name", "test"),
                 .identity = driver->identity,
                 .domains = driver->domains,
                 .limits = {number_of(settings, "removed_percent", 50),
                            number_of(settings, "removed_least", 20)}},
        .poll_ms = number_of(settings, "poll_ms", 500),
        .full_ms = number_of(settings, "full_ms", 3600000),
        .full_blind_ms = number_of(settings, "full_blind_ms", 600000),
        .retry_least_ms = number_of(settings, "retry_least_ms", 200),
        .retry_most_ms = number_of(settings, "retry_most_ms", 1000),
        .refused_ms = number_of(settings, "refused_ms", 1000),
        .stale_ms = number_of(settings, "stale_ms", 3000),
        .events = &driver->events,
    };
    read_lists(driver, settings);
    snprintf(driver->identity, sizeof driver->identity, "%d %s %s", driver->settings.kind,
             driver->settings.provider.base, driver->settings.provider.filter);
}

static void read_lookup_settings(struct driver *driver, const json_t *settings)
{
    driver->lookup_settings = (struct lookup_settings){
        .threads = number_of(settings, "lookup_threads", 2),
        .deadline_ms = number_of(settings, "lookup_deadline_ms", 1000),
        .keep_ms = number_of(settings, "lookup_keep_ms", 30000),
        .keep_most = number_of(settings, "lookup_keep_most", 1000),
        .waiting_most = number_of(settings, "lookup_waiting_most", 1000),
        .rate = number_of(settings, "lookup_rate", 10),
        .burst = number_of(settings, "lookup_burst", 20),
    };
}

static void report(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    char text[1000];
    (void)user;
    event_format(id, inserts, count, text, sizeof text);
    fprintf(stderr, "%d %s\n", (int)id, text);
    fflush(stderr);
}

static void answer(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(value);
}

static json_t *text_value(struct view text)
{
    return json_stringn(text.data == NULL ? "" : text.data, text.length);
}

static json_t *show_status(struct driver *driver)
{
    struct source_status status;
    source_get_status(driver->source, &status);
    return json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:s, s:s, s:s, s:i, s:i, s:I}", "state",
                     source_state_name(status.state), "connected", status.connected,
                     "misses_deletions", status.misses_deletions, "objects",
                     (json_int_t)status.objects, "read", (json_int_t)status.read, "age_ms",
                     (json_int_t)status.age_ms, "server", status.server, "provider",
                     status.provider, "error", status.error.text, "code", status.error.code,
                     "failures", (int)status.failures, "updates", (json_int_t)status.updates);
}

static json_t *show_find(struct driver *driver, const char *address)
{
    static const char *const answers[] = {"present", "absent", "unknown"};
    struct directory_entry entry;
    enum directory_answer found = directory_find(driver->reader, view_of_text(address), &entry);
    json_t *value = json_pack("{s:s}", "answer", answers[found]);
    if (found == DIRECTORY_PRESENT) {
        json_object_set_new(value, "address", text_value(entry.address));
        json_object_set_new(value, "display_name", text_value(entry.display_name));
        json_object_set_new(value, "source", json_string(entry.source));
        json_object_set_new(value, "restricted", json_boolean(entry.restricted));
    }
    return value;
}

static void dump_record(void *user, const struct address_record *record)
{
    json_array_append_new(user, text_value(record->address));
}

static json_t *show_dump(struct driver *driver)
{
    json_t *list = json_array();
    lock_acquire(driver->directory->lock);
    replica_each(driver->directory->replica, dump_record, list);
    lock_release(driver->directory->lock);
    return list;
}

static json_t *change_list(struct driver *driver, const char *address, bool add)
{
    struct error error = {0};
    enum directory_change change =
        add ? directory_add(driver->directory, view_of_text(address), VIEW_NONE, &error)
            : directory_remove(driver->directory, view_of_text(address), &error);
    return json_pack("{s:i, s:s}", "change", (int)change, "error", error.text);
}

/* Answers that are waited for. */
struct answers {
    struct lock *lock;
    struct condition *changed;
    unsigned missing;
    unsigned count[3]; /* by enum directory_answer */
};

static void take_answer(void *user, enum directory_answer found)
{
    struct answers *answers = user;
    lock_acquire(answers->lock);
    answers->count[found]++;
    answers->missing--;
    condition_signal(answers->changed);
    lock_release(answers->lock);
}

static json_t *wait_for_answers(struct driver *driver, struct answers *answers, int64_t begin)
{
    struct lookup_count count;
    lock_acquire(answers->lock);
    while (answers->missing > 0)
        condition_wait(answers->changed, answers->lock);
    lock_release(answers->lock);
    condition_destroy(answers->changed);
    lock_destroy(answers->lock);
    lookup_count(driver->lookup, &count);
    return json_pack("{s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "present",
                     (int)answers->count[DIRECTORY_PRESENT], "absent",
                     (int)answers->count[DIRECTORY_ABSENT], "unknown",
                     (int)answers->count[DIRECTORY_UNKNOWN], "ms",
                     (json_int_t)(clock_monotonic_ms() - begin), "asked", (json_int_t)count.asked,
                     "merged", (json_int_t)count.merged, "remembered", (json_int_t)count.remembered,
                     "limited", (json_int_t)count.limited, "failed", (json_int_t)count.failed);
}

static json_t *ask_all(struct driver *driver, const char *address, unsigned questions)
{
    struct answers answers = {
        .lock = lock_create(), .changed = condition_create(), .missing = questions};
    int64_t begin = clock_monotonic_ms();
    for (unsigned i = 0; i < questions; i++) {
        char made_up[64];
        struct directory_key key = {.length = 0};
        snprintf(made_up, sizeof made_up, "made-up-%u@example.test", i);
        directory_key_make(view_of_text(address != NULL ? address : made_up), &key, NULL);
        lookup_ask(driver->lookup, &key, take_answer, &answers);
    }
    return wait_for_answers(driver, &answers, begin);
}

static json_t *execute(struct driver *driver, char *line)
{
    char *argument = strchr(line, ' ');
    if (argument != NULL)
        *argument++ = '\0';
    if (strcmp(line, "status") == 0)
        return show_status(driver);
    if (strcmp(line, "dump") == 0)
        return show_dump(driver);
    if (strcmp(line, "count") == 0)
        return json_integer((json_int_t)directory_count(driver->directory));
    if (argument != NULL && strcmp(line, "find") == 0)
        return show_find(driver, argument);
    if (argument != NULL && (strcmp(line, "add") == 0 || strcmp(line, "remove") == 0))
        return change_list(driver, argument, line[0] == 'a');
    if (argument != NULL && strcmp(line, "ask") == 0)
        return ask_all(driver, argument, 1);
    if (argument != NULL && strcmp(line, "flood") == 0)
        return ask_all(driver, NULL, (unsigned)strtoul(argument, NULL, 10));
    if (strcmp(line, "sync") != 0 && strcmp(line, "full") != 0 && strcmp(line, "believe") != 0)
        return json_pack("{s:s}", "error", "no such command");
    source_synchronize(driver->source, line[0] != 's', line[0] == 'b');
    return json_true();
}

static bool start(struct driver *driver, const char *database, struct error *error)
{
    directory_connection_prepare();
    driver->watchdog = watchdog_create();
    driver->directory = directory_open_local(database, error);
    if (driver->directory == NULL)
        return false;
    driver->reader = directory_reader_create(driver->directory);
    driver->source = source_start(driver->directory, &driver->settings, driver->watchdog, error);
    if (driver->source == NULL)
        return false;
    driver->lookup =
        lookup_start(&driver->settings, &driver->lookup_settings, driver->watchdog, error);
    return driver->lookup != NULL;
}

static void stop(struct driver *driver)
{
    lookup_stop(driver->lookup);
    source_stop(driver->source);
    directory_reader_destroy(driver->reader);
    directory_close(driver->directory);
    watchdog_destroy(driver->watchdog);
}

int main(int argc, char **argv)
{
    struct driver driver = {.events = {report, NULL}};
    struct error error = {0};
    json_error_t position;
    char line[LINE_SIZE];
    json_t *settings = argc == 3 ? json_load_file(argv[1], 0, &position) : NULL;
    if (settings == NULL) {
        fprintf(stderr, "usage: directory_driver SETTINGS.json DATABASE\n");
        return 2;
    }
    uint64_t random[2];
    random_bytes(random, sizeof random);
    hash_key_set(random[0], random[1]);
    if (!socket_system_start(&error))
        return 1;
    read_settings(&driver, settings);
    read_lookup_settings(&driver, settings);
    bool started = start(&driver, argv[2], &error);
    answer(json_pack("{s:b, s:s}", "started", started, "error", error.text));
    while (started && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        answer(execute(&driver, line));
    }
    stop(&driver);
    json_decref(settings);
    return started ? 0 : 1;
}
