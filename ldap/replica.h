/*
 * The addresses of one directory, in memory. A provider fills it: whole generations, or sets of changes.
 *
 * A large table that never changes (the base) and a small one with what was added and removed since (the
 * delta; it is asked first) are one version. A change makes a new version: a few thousand records at most
 * are copied, the base is shared. When the delta has grown, both are merged into a new base.
 *
 * Look-ups take no lock. A reader writes into its own slot which version it is about to read, and looks
 * whether that is still the current one; if not it starts again. Whoever changes the replica makes the new
 * version current and then waits until no slot names the old one, and only then frees it. These accesses
 * are sequentially consistent, so there is one order of them: when the reader found its version still
 * current, its slot was written before the change, so the one who changes sees it and waits until the
 * reader has cleared the slot, with release. A reader holds a version for the time of one look-up only,
 * well below a millisecond; what it returns is copied into the reader.
 *
 * Changes come from one thread at a time. Readers are made and destroyed by any thread, each is used by
 * one thread at a time.
 */
#ifndef GATEPOST_LDAP_REPLICA_H
#define GATEPOST_LDAP_REPLICA_H

#include "ldap/table.h"

struct replica;
struct replica_reader;

/* Empty, and nothing is known about any address until the first generation is there. source_names: for
 * struct directory_entry, ADDRESS_SOURCES of them; must live as long as the replica. */
struct replica *replica_create(const char *const *source_names);

/* Its readers must be gone. */
void replica_destroy(struct replica *replica);

/* A whole new generation. Takes the table, which must hold no record that says "removed". */
void replica_replace(struct replica *replica, struct address_table *generation);

/* Adds, replaces and removes what `changes` says, all at once for the readers. Takes the table. On an
 * empty replica the changes are the first generation. There must be room: replica_count() and the changes
 * together at most ADDRESS_TABLE_MAXIMUM. */
void replica_apply(struct replica *replica, struct address_table *changes);

struct replica_reader *replica_reader_create(struct replica *replica);
void replica_reader_destroy(struct replica_reader *reader);

/* entry may be NULL; it is valid until the reader's next call. */
enum directory_answer replica_find(struct replica_reader *reader, const struct directory_key *key,
                                   struct directory_entry *entry);

/* For the thread that makes the changes: every record, in no order, views into the replica. */
void replica_each(const struct replica *replica,
                  void (*each)(void *user, const struct address_record *record), void *user);

/* Any thread. */
size_t replica_count(const struct replica *replica);
size_t replica_memory(const struct replica *replica);

#endif
