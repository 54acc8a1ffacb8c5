/*
 * Searches on one connection, whole or not at all: whatever ends one before its own end is a failure, so that a
 * part is never taken for the whole. One thread.
 */
#ifndef GATEPOST_LDAP_SEARCH_H
#define GATEPOST_LDAP_SEARCH_H

#include "ldap/connection.h"
#include "ldap/entry.h"

struct search {
    const char *base;
    int scope; /* LDAP_SCOPE_... */
    const char *filter;
    const char *const *attributes; /* NULL at the end; NULL alone for all */
    LDAPControl **controls;        /* may be NULL */
    uint32_t wait_ms;              /* for the next entry; a large search may begin slowly */
};

/* Is given each entry; false ends the search, with its own error. */
typedef bool search_entry(void *user, LDAPMessage *entry, struct error *error);

/* The end of a search. */
struct search_end {
    int result;             /* LDAP result code, or -1 when none came */
    LDAPControl **controls; /* freed with ldap_controls_free() by the caller */
};

/* False unless the server said "success". end is filled either way. */
bool search_run(struct directory_connection *connection, const struct search *search,
                search_entry *each, void *user, struct search_end *end, struct error *error);

/* In pages (RFC 2696), when the server can. */
bool search_run_paged(struct directory_connection *connection, const struct search *search,
                      unsigned page_size, search_entry *each, void *user, struct error *error);

/* The one entry of a search of which there is at most one. *found: whether there was. The caller frees the
 * entry with entry_free() when it was found. Attributes that came as a range are read to their end. */
bool search_object(struct directory_connection *connection, const struct search *search,
                   const struct entry_rules *rules, bool *found, struct entry *entry,
                   struct error *error);

/* What a server says of itself. */
struct root_dse {
    bool is_active_directory;
    bool has_paging;
    bool has_dirsync;
    bool has_sync;            /* RFC 4533 */
    bool is_synchronized;     /* false only when an Active Directory server says so */
    char naming_context[512]; /* the default one, or the first; empty when there is none */
    char service[512];        /* dsServiceName */
    uint64_t highest_usn;
};

bool search_root(struct directory_connection *connection, struct root_dse *root,
                 struct error *error);

/* The first value of one attribute as text, cut at size - 1; empty when there is none. */
void search_value(LDAP *handle, LDAPMessage *entry, const char *attribute, char *text, size_t size);

/* "\xx" for every byte, for a value in a filter. text: 3 * length + 1. */
void search_escape(const void *bytes, size_t length, char *text);

#endif
