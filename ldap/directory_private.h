/* Inside the room: what a directory is made of, for those that change it. */
#ifndef GATEPOST_LDAP_DIRECTORY_PRIVATE_H
#define GATEPOST_LDAP_DIRECTORY_PRIVATE_H

#include "ldap/directory.h"
#include "ldap/local.h"
#include "ldap/replica.h"
#include "ldap/store.h"
#include "platform/thread.h"

#include <stdatomic.h>

/* Bit 0 stands for the local list, bit N for the directory with source number N. */
#define LOCAL_LIST_BIT 1u

struct directory {
    struct lock *lock; /* guards the file and whoever changes the replica */
    struct database *database;
    struct local_list *list;
    struct store *store;
    struct replica *replica;
    struct directory_reader *own_reader; /* for questions under the lock */
    uint32_t load_ms;

    char names[ADDRESS_SOURCES][DIRECTORY_NAME_SIZE]; /* a name is written before its bit is set */
    const char *name_of_source[ADDRESS_SOURCES];
    atomic_uint attached; /* which directories there are, one bit each */
    atomic_uint filled;   /* which lists have been read to their end once */
};

/* The lock is held. What the addresses in `touched` are now, after the file was changed: who holds them, the
 * local list first, or nobody. Takes the table. False when the file cannot be read; the replica is as it was
 * then. */
bool directory_refresh(struct directory *directory, struct address_table *touched,
                       struct error *error);

#endif
