/*
 * What directory servers told, in directory.db: for each directory its objects with their addresses, the cookie
 * from which its changes are asked for, and whether it was ever read to its end. An address that several
 * objects hold stays until the last of them is gone.
 *
 * Changes are made inside a transaction of the database, which the caller begins and ends. One thread at a
 * time.
 */
#ifndef GATEPOST_LDAP_STORE_H
#define GATEPOST_LDAP_STORE_H

#include "base/buffer.h"
#include "ldap/database.h"
#include "ldap/object.h"

/* The most bytes of a cookie that are kept. */
#define STORE_COOKIE_MAXIMUM 65536

struct store;

/* The database outlives the store. */
struct store *store_create(struct database *database, struct error *error);
void store_destroy(struct store *store);

struct store_source {
    unsigned number;  /* 1 to ADDRESS_SOURCES - 1; kept for as long as the name exists */
    bool filled;      /* was read to its end once, and everything since was applied */
    int64_t as_of_ms; /* when the last change was applied, Unix time; 0 for never */
};

/* The directory of that name; it is entered when it is new. With another identity than before its cookie is
 * forgotten and it counts as never filled, but what is known stays until it has been read again. */
bool store_open_source(struct store *store, const char *name, const char *identity,
                       struct store_source *source, struct error *error);

/* Forgets the directories that are not among `names`, with their objects. */
bool store_keep_sources(struct store *store, const char *const *names, size_t count,
                        struct error *error);

/* Adds all addresses that are not in the table yet, so that of several holders the first counts: the one of
 * the lowest source number, then of the lowest object. False also when the table is full. */
bool store_load(struct store *store, struct address_table *table, struct error *error);

/* Appends to *cookie, whose maximum is at least STORE_COOKIE_MAXIMUM; nothing when there is none. */
bool store_cookie(struct store *store, unsigned source, struct buffer *cookie, struct error *error);

/* Addresses that come, go, or change in what is known of them are added to `touched`. */
bool store_put(struct store *store, unsigned source, const struct directory_object *object,
               struct address_table *touched, struct error *error);
bool store_remove(struct store *store, unsigned source, const struct object_uuid *uuid,
                  struct address_table *touched, struct error *error);

/* Marks as seen in this pass what store_put() did not; *known: whether there is such an object. */
bool store_see(struct store *store, unsigned source, const struct object_uuid *uuid, bool *known,
               struct error *error);

/* A pass begins: nothing is seen yet. Outside of a transaction. */
bool store_forget_seen(struct store *store, unsigned source, struct error *error);

/* Objects of the source, and those of them that were not seen in this pass. */
bool store_count(struct store *store, unsigned source, size_t *objects, size_t *unseen,
                 struct error *error);
bool store_remove_unseen(struct store *store, unsigned source, struct address_table *touched,
                         struct error *error);

/* The changes of this transaction reach as far as the cookie (may be empty). filled: as in struct
 * store_source. */
bool store_set_state(struct store *store, unsigned source, struct view cookie, bool filled,
                     int64_t as_of_ms, struct error *error);

/* Who holds an address. The views look into the buffers. */
struct store_holder {
    struct address_record record;
    struct object_uuid uuid;
    char address[ADDRESS_STORED_SIZE];
    char display_name[DISPLAY_NAME_MAXIMUM + 1];
    char primary[ADDRESS_STORED_SIZE + 1]; /* the first address of the object */
};

bool store_find_holder(struct store *store, const struct directory_key *key, bool *found,
                       struct store_holder *holder, struct error *error);

#endif
