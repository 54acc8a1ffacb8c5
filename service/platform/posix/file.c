#include "platform/file.h"

#include "base/memory.h"
#include "platform/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600
#define READ_SIZE 65536

struct file {
    int descriptor;
    char *path; /* for messages */
};

struct file_lock {
    int descriptor;
};

char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    size_t size = length + 1 + strlen(name) + 1;
    char *path = memory_allocate(size, 1);
    bool separated = length > 0 && folder[length - 1] == '/';
    snprintf(path, size, "%s%s%s", folder, separated || length == 0 ? "" : "/", name);
    return path;
}

char *path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return memory_copy_text(".");
    char *parent = memory_copy_text(path);
    parent[slash == path ? 1 : slash - path] = '\0';
    return parent;
}

bool file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

static bool read_all(int descriptor, const char *path, struct buffer *contents, struct error *error)
{
    for (;;) {
        size_t room = contents->maximum - contents->length;
        char end;
        /* With the buffer full one more byte tells whether the file is larger. */
        char *to = room == 0 ? &end : buffer_reserve(contents, room < READ_SIZE ? room : READ_SIZE);
        ssize_t got = read(descriptor, to, room == 0 ? 1 : room < READ_SIZE ? room : READ_SIZE);
        if (got == 0)
            return true;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return system_error_set(error, errno, "%s cannot be read", path);
        if (room == 0)
            return error_set(error, EFBIG, "%s is larger than %zu bytes.", path, contents->maximum);
        buffer_extend(contents, (size_t)got);
    }
}

bool file_read(const char *path, struct buffer *contents, struct error *error)
{
    buffer_clear(contents);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return system_error_set(error, errno, "%s cannot be opened", path);
    bool done = read_all(descriptor, path, contents, error);
    close(descriptor);
    return done;
}

static struct file *file_open(const char *path, int flags, struct error *error)
{
    int descriptor = open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (descriptor < 0) {
        system_error_set(error, errno, "%s cannot be made", path);
        return NULL;
    }
    struct file *file = memory_allocate(1, sizeof(*file));
    file->descriptor = descriptor;
    file->path = memory_copy_text(path);
    return file;
}

struct file *file_create(const char *path, struct error *error)
{
    return file_open(path, O_EXCL, error);
}

struct file *file_append(const char *path, struct error *error)
{
    return file_open(path, O_APPEND, error);
}

bool file_write(struct file *file, const void *data, size_t length, struct error *error)
{
    const char *next = data;
    while (length > 0) {
        ssize_t written = write(file->descriptor, next, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return system_error_set(error, errno, "%s cannot be written", file->path);
        next += written;
        length -= (size_t)written;
    }
    return true;
}

bool file_sync_and_close(struct file *file, struct error *error)
{
    bool synced = fsync(file->descriptor) == 0;
    if (!synced)
        system_error_set(error, errno, "%s cannot be brought to the disk", file->path);
    file_close(file);
    return synced;
}

void file_close(struct file *file)
{
    close(file->descriptor);
    memory_free(file->path);
    memory_free(file);
}

/* Some file systems have no way to sync a folder (EINVAL): then there is nothing to wait for. */
static bool sync_folder_of(const char *path, struct error *error)
{
    char *folder = path_parent(path);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && (fsync(descriptor) == 0 || errno == EINVAL);
    if (!synced)
        system_error_set(error, errno, "The folder %s cannot be brought to the disk", folder);
    if (descriptor >= 0)
        close(descriptor);
    memory_free(folder);
    return synced;
}

bool file_rename(const char *from, const char *to, struct error *error)
{
    if (rename(from, to) != 0)
        return system_error_set(error, errno, "%s cannot be renamed to %s", from, to);
    return sync_folder_of(to, error);
}

bool file_delete(const char *path, struct error *error)
{
    if (unlink(path) != 0)
        return system_error_set(error, errno, "%s cannot be deleted", path);
    return true;
}

bool file_size(const char *path, uint64_t *bytes, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return system_error_set(error, errno, "The size of %s cannot be found out", path);
    *bytes = (uint64_t)status.st_size;
    return true;
}

struct file_lock *file_lock(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (descriptor < 0) {
        system_error_set(error, errno, "%s cannot be opened", path);
        return NULL;
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            error_set(error, errno, "%s is held by another running Gatepost.", path);
        else
            system_error_set(error, errno, "%s cannot be locked", path);
        close(descriptor);
        return NULL;
    }
    struct file_lock *lock = memory_allocate(1, sizeof(*lock));
    lock->descriptor = descriptor;
    return lock;
}

/* The file stays: to delete it would let two programs lock two files of one name. */
void file_unlock(struct file_lock *lock)
{
    if (lock == NULL)
        return;
    close(lock->descriptor);
    memory_free(lock);
}
