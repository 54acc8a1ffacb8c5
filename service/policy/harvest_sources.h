/*
 * Sources that asked for unknown recipients: how many within the window, and whether they are held off. A source is
 * an IPv4 address or an IPv6 network of 64 bits, which one customer has whole. Their number is bounded: for a new
 * one the source that has been quiet for longest is forgotten, and one that is held off only when all are, since
 * each of those has cost its owner many questions. Any thread; the lock is one of several, by source.
 *
 * Times are monotonic milliseconds, all of one clock.
 */
#ifndef GATEPOST_POLICY_HARVEST_SOURCES_H
#define GATEPOST_POLICY_HARVEST_SOURCES_H

#include "base/ip.h"
#include "config/settings.h"

struct harvest_sources;

struct harvest_sources *harvest_sources_create(void);
void harvest_sources_destroy(struct harvest_sources *sources);

/* The client has asked for one more unknown recipient. True when it is held off, now or still; *is_news when it was
 * not before. */
bool harvest_sources_count(struct harvest_sources *sources, const struct settings_harvest *limits,
                           const struct ip_address *client, int64_t now_ms, bool *is_news);

/* Whether the client is held off; counts that it came. */
bool harvest_sources_hold(struct harvest_sources *sources, const struct ip_address *client,
                          int64_t now_ms);

/* Forgets what is known of the client's source. False when it was not held off. */
bool harvest_sources_forget(struct harvest_sources *sources, const struct ip_address *client,
                            int64_t now_ms);
size_t harvest_sources_forget_all(struct harvest_sources *sources);

#define HARVEST_SOURCE_TEXT_SIZE (IP_TEXT_SIZE + 4)

struct harvest_source {
    char text[HARVEST_SOURCE_TEXT_SIZE]; /* "192.0.2.1", "2001:db8::/64" */
    uint32_t unknown;                    /* recipients within the window, when it was held off */
    uint32_t turned_away;                /* connections and recipients since */
    int64_t since_ms;
    int64_t until_ms;
};

/* Calls back for each source that is held off, in no order, under a lock. */
void harvest_sources_each(struct harvest_sources *sources, int64_t now_ms,
                          void (*each)(void *user, const struct harvest_source *source),
                          void *user);

/* How many are remembered; how many are held off. */
size_t harvest_sources_remembered(struct harvest_sources *sources);
size_t harvest_sources_held(struct harvest_sources *sources, int64_t now_ms);

#endif
