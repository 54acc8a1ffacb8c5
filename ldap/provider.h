/*
 * Providers: the ways to keep the recipients of one directory in step. Which one is used depends on what the
 * server can do and the account may do; all of them feed the same feed.
 *
 * A provider works on one connection and on the thread that owns it. What it remembers between connections is
 * the cookie in the feed; the first byte of a cookie says whose it is, and a cookie of another provider counts
 * as none.
 */
#ifndef GATEPOST_LDAP_PROVIDER_H
#define GATEPOST_LDAP_PROVIDER_H

#include "ldap/feed.h"
#include "ldap/search.h"

struct provider_settings {
    const char *base;   /* empty: what the server names as its own */
    const char *filter; /* empty: whatever has one of the address attributes */
    struct entry_rules rules;
    unsigned page_size;
    uint32_t pass_ms; /* for the next entry of a search that goes through everything */
};

#define PROVIDER_BASE_SIZE   512
#define PROVIDER_FILTER_SIZE 2048

/* One connection's work. */
struct provider_run {
    struct directory_connection *connection;
    const struct provider_settings *settings;
    struct feed *feed;
    struct root_dse root;
    char base[PROVIDER_BASE_SIZE];
    char filter[PROVIDER_FILTER_SIZE];
    bool believe;          /* an administrator said that what is missing is gone */
    bool misses_deletions; /* set by a provider: what is deleted is seen by full passes only */
    void *state;           /* the provider's own */
};

struct provider {
    const char *name; /* for a person */

    /* Brings the feed up to date, from the cookie, or from the beginning when there is none or full is set. */
    bool (*update)(struct provider_run *run, bool full, struct error *error);

    /* Waits for changes and applies them, at most wait_ms. NULL: there is nothing to wait for, and update() has to
     * be called again. */
    bool (*wait)(struct provider_run *run, uint32_t wait_ms, struct error *error);

    /* Frees the state; NULL when there is none. */
    void (*end)(struct provider_run *run);
};

extern const struct provider provider_search;  /* any LDAP v3 server: everything, each time */
extern const struct provider provider_sync;    /* RFC 4533: OpenLDAP and others */
extern const struct provider provider_dirsync; /* Active Directory, MS-ADTS 3.1.1.3.4.1.3 */
extern const struct provider provider_usn;     /* Active Directory, by uSNChanged */

/* Fills the run for a connection that is open. False when the server has no base to search. */
bool provider_prepare(struct provider_run *run, struct directory_connection *connection,
                      const struct provider_settings *settings, struct feed *feed,
                      struct error *error);

/* For providers. */

/* The cookie without its first byte, when that is `kind`; otherwise empty. */
bool provider_cookie(struct provider_run *run, char kind, struct buffer *cookie,
                     struct error *error);

/* As feed_commit(), with `kind` before the cookie. */
bool provider_commit(struct provider_run *run, char kind, struct view cookie, bool complete,
                     struct error *error);

/* Objects that have to be looked at, bounded: beyond it everything is looked at. */
struct uuid_list {
    struct object_uuid *uuids;
    size_t count;
    bool overflow;
};

#define UUID_LIST_MAXIMUM 10000

void uuid_list_add(struct uuid_list *list, const struct object_uuid *uuid);
void uuid_list_free(struct uuid_list *list);

/* Feeds everything that the filter selects: a pass, to its end. */
bool provider_read_all(struct provider_run *run, struct error *error);

/* Looks at each object as it is now: puts it, or removes it when the filter does not select it any more. */
bool provider_read_objects(struct provider_run *run, const struct uuid_list *list,
                           struct error *error);

/* Whether the account sees what was deleted (Active Directory). */
bool provider_sees_deletions(struct provider_run *run, bool *sees, struct error *error);

/* The whole of the naming context that holds the base. */
const char *provider_naming_context(const struct provider_run *run);

/* "the account may see deleted objects too", critical (MS-ADTS 3.1.1.3.4.1.14). */
extern LDAPControl provider_show_deleted;

#endif
