/*
 * A set of addresses with their display names, packed: the records lie one behind another in one block,
 * and an index of 8 bytes a slot finds them by keyed hash. Built by one thread; a table that is no longer
 * changed may be read by any number. Also the form of a set of changes: there a record can say "removed".
 */
#ifndef GATEPOST_LDAP_TABLE_H
#define GATEPOST_LDAP_TABLE_H

#include "ldap/address.h"

/* So that offsets of 32 bits reach every record, were all of them of the greatest length. */
#define ADDRESS_TABLE_MAXIMUM 5000000

/* The local list and the directories whose addresses one table can tell apart. */
#define ADDRESS_SOURCES 16

struct address_record {
    struct view address;      /* in stored form */
    struct view display_name; /* cleaned */
    bool removed;             /* in a set of changes: this address goes away */
    bool restricted;          /* anonymous senders are refused: msExchRequireAuthToSendTo */
    uint8_t source;           /* who told of it, below ADDRESS_SOURCES; 0 is the local list */
};

struct address_table;

/* expected: records there will be, 0 when unknown. */
struct address_table *address_table_create(size_t expected);
void address_table_destroy(struct address_table *table);

enum address_table_put { ADDRESS_TABLE_ADDED, ADDRESS_TABLE_PRESENT, ADDRESS_TABLE_FULL };

/* Copies the record; an address that is there already keeps its first record. key: of the same address. */
enum address_table_put address_table_put(struct address_table *table,
                                         const struct directory_key *key,
                                         const struct address_record *record);

/* Adds the records of `from` whose addresses are neither in `table` nor in `hidden` (may be NULL), those
 * that say "removed" only if with_removed. There must be room. */
void address_table_merge(struct address_table *table, const struct address_table *from,
                         const struct address_table *hidden, bool with_removed);

/* Gives back the memory that was taken in advance. */
void address_table_trim(struct address_table *table);

/* Views into the table; record may be NULL. */
bool address_table_find(const struct address_table *table, const struct directory_key *key,
                        struct address_record *record);

/* In the order in which they were put; *position starts at 0. False at the end. */
bool address_table_next(const struct address_table *table, size_t *position,
                        struct address_record *record);

size_t address_table_count(const struct address_table *table);
size_t address_table_memory(const struct address_table *table);

#endif
