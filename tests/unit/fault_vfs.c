#include "fault_vfs.h"

#include "base/memory.h"
#include "platform/thread.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* What stood in the file before a write that was not synced yet. */
struct undo {
    struct undo *next;
    sqlite3_int64 offset;
    sqlite3_int64 file_size;
    int length; /* of bytes that were there */
    char bytes[];
};

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
    struct undo *undo;  /* the latest first */
    struct fault_file *next;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim;
static struct lock *lock; /* for all that follows */
static enum fault current;
static int fault_at;
static int changes;
static struct fault_file *open_files;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->real;
}

/* ---- power cut ---- */

static void forget(struct fault_file *file)
{
    while (file->undo != NULL) {
        struct undo *undo = file->undo;
        file->undo = undo->next;
        memory_free(undo);
    }
}

static void remember(struct fault_file *file, sqlite3_int64 offset, sqlite3_int64 length)
{
    sqlite3_int64 size = 0;
    file->real->pMethods->xFileSize(file->real, &size);
    sqlite3_int64 there = size <= offset ? 0 : size - offset < length ? size - offset : length;
    struct undo *undo = memory_allocate(1, sizeof *undo + (size_t)there);
    undo->offset = offset;
    undo->file_size = size;
    undo->length = (int)there;
    if (there > 0)
        file->real->pMethods->xRead(file->real, undo->bytes, undo->length, offset);
    undo->next = file->undo;
    file->undo = undo;
}

static void take_back(struct fault_file *file)
{
    const sqlite3_io_methods *real = file->real->pMethods;
    for (struct undo *undo = file->undo; undo != NULL; undo = undo->next) {
        if (undo->length > 0)
            real->xWrite(file->real, undo->bytes, undo->length, undo->offset);
        real->xTruncate(file->real, undo->file_size);
    }
}

/* Counts a change and tells what becomes of it. */
static int next_change(bool is_sync)
{
    changes++;
    if (current == FAULT_NONE || changes < fault_at)
        return SQLITE_OK;
    switch (current) {
    case FAULT_IO_ERROR:
        return is_sync ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
    case FAULT_DISK_FULL:
        return is_sync ? SQLITE_OK : SQLITE_FULL;
    case FAULT_SYNC_ERROR:
        return is_sync ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    case FAULT_POWER_CUT:
        for (struct fault_file *file = open_files; file != NULL; file = file->next)
            take_back(file);
        _Exit(0);
    default:
        _Exit(0);
    }
}

/* ---- methods that change files ---- */

static int shim_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
    lock_acquire(lock);
    int result = next_change(false);
    if (result == SQLITE_OK && current == FAULT_POWER_CUT)
        remember((struct fault_file *)file, offset, length);
    if (result == SQLITE_OK)
        result = real_of(file)->pMethods->xWrite(real_of(file), data, length, offset);
    lock_release(lock);
    return result;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    lock_acquire(lock);
    int result = next_change(false);
    sqlite3_int64 old_size = 0;
    real_of(file)->pMethods->xFileSize(real_of(file), &old_size);
    if (result == SQLITE_OK && current == FAULT_POWER_CUT && old_size > size)
        remember((struct fault_file *)file, size, old_size - size);
    if (result == SQLITE_OK)
        result = real_of(file)->pMethods->xTruncate(real_of(file), size);
    lock_release(lock);
    return result;
}

/* The system's sync itself is left out: no test pulls the plug for real. */
static int shim_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    lock_acquire(lock);
    int result = next_change(true);
    if (result == SQLITE_OK)
        forget((struct fault_file *)file);
    lock_release(lock);
    return result;
}

static int shim_close(sqlite3_file *file)
{
    struct fault_file *closed = (struct fault_file *)file;
    lock_acquire(lock);
    forget(closed);
    for (struct fault_file **place = &open_files; *place != NULL; place = &(*place)->next)
        if (*place == closed) {
            *place = closed->next;
            break;
        }
    lock_release(lock);
    return closed->real->pMethods->xClose(closed->real);
}

/* ---- methods that are passed on ---- */

static int shim_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), data, length, offset);
}

static int shim_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int shim_check_reserved_lock(sqlite3_file *file, int *is_reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_reserved);
}

static int shim_file_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int shim_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int shim_device_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shim_shm_unmap(sqlite3_file *file, int delete_file)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_file);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_reserved_lock,
    .xFileControl = shim_file_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_device_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                     int *flags_out)
{
    struct fault_file *opened = (struct fault_file *)file;
    (void)vfs;
    *opened = (struct fault_file){.real = (sqlite3_file *)(opened + 1)};
    int result = real_vfs->xOpen(real_vfs, name, opened->real, flags, flags_out);
    if (result != SQLITE_OK)
        return result;
    opened->base.pMethods = &methods;
    lock_acquire(lock);
    opened->next = open_files;
    open_files = opened;
    lock_release(lock);
    return SQLITE_OK;
}

void fault_vfs_set(enum fault fault, int k)
{
    if (real_vfs == NULL) {
        lock = lock_create();
        real_vfs = sqlite3_vfs_find(NULL);
        shim = *real_vfs;
        shim.zName = "fault";
        shim.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
        shim.xOpen = shim_open;
        sqlite3_vfs_register(&shim, 1);
    }
    lock_acquire(lock);
    current = fault;
    fault_at = k;
    changes = 0;
    lock_release(lock);
}

int fault_vfs_changes(void)
{
    lock_acquire(lock);
    int count = changes;
    lock_release(lock);
    return count;
}
