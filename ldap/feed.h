/*
 * How what a directory server tells gets into the directory: a provider feeds it, in passes. What was fed is
 * written at feed_commit(), with the cookie that it reaches up to, in one transaction; only a long pass is
 * written in parts before that, without the cookie, so that after a crash it is simply told again. All of it
 * may be told twice.
 *
 * Each directory has one feed, used by one thread.
 */
#ifndef GATEPOST_LDAP_FEED_H
#define GATEPOST_LDAP_FEED_H

#include "ldap/directory.h"
#include "ldap/object.h"
#include "ldap/store.h"

struct feed;

/* What a pass to the end may remove at once, of the objects that are known: more is believed only when an
 * administrator says so, because a server from whose account a right was taken shows the same. */
struct feed_limits {
    unsigned removed_percent; /* 100: never in doubt */
    unsigned removed_least;   /* objects that may go whatever the percentage */
};

/* The directory `name` among the sources. identity: what its objects depend on, see store.h. domains: addresses
 * of other domains are left out; none: all are taken. */
struct feed_settings {
    const char *name;
    const char *identity;
    const char *const *domains;
    size_t domain_count;
    struct feed_limits limits;
};

/* The settings must outlive the feed. NULL when the file cannot be used or there are too many sources. */
struct feed *feed_create(struct directory *directory, const struct feed_settings *settings,
                         struct store_source *source, struct error *error);

/* The directory goes on serving what it has of this source. */
void feed_destroy(struct feed *feed);

/* Appends to *cookie: nothing when the next pass must be to the end. */
bool feed_cookie(struct feed *feed, struct buffer *cookie, struct error *error);

/* Begins a pass: nothing is seen yet, and what was fed and not committed is forgotten. */
bool feed_begin(struct feed *feed, struct error *error);

/* The object as it is now. Takes what the object holds. */
bool feed_put(struct feed *feed, struct directory_object *object, struct error *error);

/* It is there, as it was. An object that was never fed fails the pass at the commit: what is known does not go
 * with the cookie, which has to be forgotten. */
bool feed_see(struct feed *feed, const struct object_uuid *uuid, struct error *error);
bool feed_remove(struct feed *feed, const struct object_uuid *uuid, struct error *error);

/* Writes what was fed since the last commit. complete: the pass is at its end, and what was neither put nor seen
 * in it is gone. believe: however many that are. cookie: empty when there is none. */
bool feed_commit(struct feed *feed, struct view cookie, bool complete, bool believe,
                 struct error *error);

/* Forgets the cookie: the next pass is to the end. */
bool feed_forget_cookie(struct feed *feed, struct error *error);

struct feed_count {
    size_t objects; /* known now */
    size_t fed;     /* in this pass */
};
void feed_count(const struct feed *feed, struct feed_count *count); /* any thread */

#endif
