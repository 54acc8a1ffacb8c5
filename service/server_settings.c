#include "server_private.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <stdio.h>

#define MEGABYTE             (UINT64_C(1) << 20)
#define TRACKING_QUEUE       100000 /* records that may wait for the disk */
#define ADDRESS_LIST_MAXIMUM 1000   /* bytes of addresses in one event */

void server_fill_tracking_options(const struct server *server,
                                  const struct settings_settings *settings,
                                  struct tracking_options *options)
{
    *options = (struct tracking_options){
        .keep_days = (uint32_t)settings->tracking.keep,
        .subjects = settings->tracking.subjects,
        .refusals_per_minute = (uint32_t)settings->tracking.refusals_per_minute,
        .sources_per_minute = (uint32_t)settings->tracking.sources_per_minute,
        .queue_records = TRACKING_QUEUE,
        .events = &server->events,
    };
}

void server_fill_spool_options(const struct server *server,
                               const struct settings_settings *settings,
                               struct spool_options *options)
{
    *options = (struct spool_options){
        .minimum_free_bytes = (uint64_t)settings->store.minimum_free * MEGABYTE,
        .body_memory_bytes = (uint64_t)settings->store.body_memory * MEGABYTE,
        .group_messages = (uint32_t)settings->store.group_messages,
        .events = &server->events,
    };
}

/* ---- a warning that belongs to what is in force ---- */

static void list_unfiltered(const struct settings_virtual_server *server, struct buffer *list)
{
    for (size_t i = 0; i < server->addresses_count; i++) {
        const struct settings_listen_address *address = &server->addresses[i];
        if (address->apply_recipient_filter)
            continue;
        buffer_append_format(list, "%s%s (%s, port %" PRId64 ")", list->length == 0 ? "" : ", ",
                             server->name, address->address, address->port);
    }
}

static void warn_about_filter(struct server *server, const struct settings_settings *settings)
{
    struct buffer list;
    if (!settings->recipient_filter.refuse_unknown)
        return;
    buffer_init(&list, ADDRESS_LIST_MAXIMUM);
    for (size_t i = 0; i < settings->virtual_servers_count; i++) {
        if (settings->virtual_servers[i].start)
            list_unfiltered(&settings->virtual_servers[i], &list);
    }
    if (list.length > 0)
        event_report(&server->events, EVENT_FILTER_NOT_APPLIED, list.data, NULL);
    buffer_free(&list);
}

/* ---- into force ---- */

static void swap_policy(struct server *server, struct policy *policy)
{
    lock_acquire(server->lock);
    struct policy *old = server->policy;
    server->policy = policy;
    lock_release(server->lock);
    if (old != NULL)
        policy_release(old);
}

static void apply_callout(struct server *server, const struct settings_settings *settings)
{
    struct callout_rules rules;
    callout_rules_of(&settings->callout, &rules);
    callout_apply(server->callout, &rules, settings->accepted_domains,
                  settings->accepted_domains_count);
}

bool server_apply(struct server *server, const struct settings_snapshot *snapshot,
                  struct error *error)
{
    const struct settings_settings *settings = &snapshot->values;
    struct tracking_options tracking;
    struct spool_options spool;
    struct policy *policy = policy_create(snapshot);
    server_fill_tracking_options(server, settings, &tracking);
    server_fill_spool_options(server, settings, &spool);
    tracking_set_options(server->tracking, &tracking);
    spool_set_options(server->spool, &spool);
    directories_apply(server->directories, snapshot);
    delivery_set_settings(server->delivery, snapshot);
    apply_callout(server, settings);
    bool all_listen = reception_apply(server->reception, policy, error);
    swap_policy(server, policy);
    warn_about_filter(server, settings);
    return all_listen;
}

/* What cannot be bound has made its event; the rest is in force. */
static void settings_changed(void *user, const struct settings_snapshot *snapshot, const char *who,
                             const char *summary)
{
    struct server *server = user;
    struct error ignored;
    char revision[24];
    snprintf(revision, sizeof(revision), "%" PRId64, snapshot->revision);
    lock_acquire(server->applying);
    server_apply(server, snapshot, &ignored);
    lock_release(server->applying);
    event_report(&server->events, EVENT_SETTINGS_CHANGED, revision, who, summary, NULL);
}

void server_watch_settings(struct server *server)
{
    settings_store_on_change(server->settings, settings_changed, server);
}

/* The newest is asked for only when no other revision can overtake it. */
void server_apply_newest(struct server *server)
{
    struct error ignored;
    lock_acquire(server->applying);
    const struct settings_snapshot *snapshot = settings_store_current(server->settings);
    server_apply(server, snapshot, &ignored);
    settings_release(snapshot);
    lock_release(server->applying);
}
