/*
 * A SQLite VFS before the system's own in which the k-th change of a file fails, or is the last thing
 * that ever happens. Changes are writes, syncs and truncations. One in a process at a time.
 */
#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include <stdbool.h>

enum fault {
    FAULT_NONE,
    FAULT_IO_ERROR,   /* the k-th change and all later ones fail */
    FAULT_DISK_FULL,  /* writes only */
    FAULT_SYNC_ERROR, /* syncs only */
    FAULT_KILL,     /* the process ends before the k-th change: what was written is in the files */
    FAULT_POWER_CUT /* the same, and what was not synced is in the files no more */
};

/* Becomes the default VFS with the first call; the count starts anew with each. k: from 1. */
void fault_vfs_set(enum fault fault, int k);

/* Changes since fault_vfs_set(). */
int fault_vfs_changes(void);

#endif
