/*
 * Files and folders. Paths are UTF-8 on every system and may hold either separator on Windows. Every
 * call that fails fills error (may be NULL) with the path and the system's reason. Any thread.
 */
#ifndef GATEPOST_PLATFORM_FILE_H
#define GATEPOST_PLATFORM_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/* Joins with the system's separator; the caller frees the result with memory_free(). */
char *path_join(const char *folder, const char *name);

/* The folder that holds `path`, "." when it names none; the caller frees it. */
char *path_parent(const char *path);

bool file_exists(const char *path);
bool folder_exists(const char *path);

/* Makes the folder and those above it. A folder that is made gets access for SYSTEM and Administrators
 * (Windows) or the owner (0700) only; one that is there is left as it is. */
bool folder_create(const char *path, struct error *error);

/* For the data folder, at installation: makes it, or gives one that is there the same access, unless an
 * administrator has set an access of his own (one that does not inherit). Fails when it belongs to
 * somebody who is no administrator: he may have left files in it. */
bool folder_protect(const char *path, struct error *error);

/* Reads a whole file, at most buffer->maximum bytes, in place of what the buffer holds. */
bool file_read(const char *path, struct buffer *contents, struct error *error);

/* An open file that is being written. */
struct file;

/* Makes a new file that must not exist yet. */
struct file *file_create(const char *path, struct error *error);

/* Opens a file to write at its end and makes it when it is not there. */
struct file *file_append(const char *path, struct error *error);
bool file_write(struct file *file, const void *data, size_t length, struct error *error);

/* Pushes what was written to the disk, then closes. The handle is gone either way. */
bool file_sync_and_close(struct file *file, struct error *error);
void file_close(struct file *file);

/* Replaces `to` when it is there; the folder entry is synced too where the system can. */
bool file_rename(const char *from, const char *to, struct error *error);
bool file_delete(const char *path, struct error *error);
bool file_size(const char *path, uint64_t *bytes, struct error *error);

/* Bytes that this process may still write on the disk that holds `path`. */
bool disk_free_bytes(const char *path, uint64_t *bytes, struct error *error);

/* Holds `path` locked for this process until the program ends or file_unlock(): two services on one data
 * folder would ruin each other. NULL when somebody else holds it. */
struct file_lock;
struct file_lock *file_lock(const char *path, struct error *error);
void file_unlock(struct file_lock *lock);

/* Calls back for each name in the folder, without "." and "..", in no order. */
bool folder_each(const char *path, void (*each)(void *user, const char *name, bool is_folder),
                 void *user, struct error *error);

/* %ProgramData%\Gatepost, or /var/lib/gatepost on the host. The caller frees it. */
char *default_data_folder(void);

/* The folder of the running program. The caller frees it. */
char *program_folder(void);

#endif
