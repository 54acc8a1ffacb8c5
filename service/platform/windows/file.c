#include "platform/file.h"

#include "base/memory.h"
#include "platform/system_error.h"
#include "platform/windows/wide.h"

#include <windows.h>

#define READ_SIZE  65536
#define WRITE_SIZE 0x40000000u /* at a time */

struct file {
    HANDLE handle;
    char *path; /* for messages */
};

struct file_lock {
    HANDLE handle;
};

static bool is_separator(char letter)
{
    return letter == '\\' || letter == '/';
}

char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    size_t size = length + 1 + strlen(name) + 1;
    char *path = memory_allocate(size, 1);
    bool separated = length == 0 || is_separator(folder[length - 1]);
    snprintf(path, size, "%s%s%s", folder, separated ? "" : "\\", name);
    return path;
}

char *path_parent(const char *path)
{
    size_t length = strlen(path);
    while (length > 0 && !is_separator(path[length - 1]))
        length--;
    if (length == 0)
        return memory_copy_text(".");
    char *parent = memory_copy_text(path);
    /* Of "C:\" and "\" the separator is a part. */
    bool is_root = length == 1 || path[length - 2] == ':';
    parent[is_root ? length : length - 1] = '\0';
    return parent;
}

bool file_exists(const char *path)
{
    wchar_t *wide = wide_path(path);
    DWORD attributes = GetFileAttributesW(wide);
    memory_free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

static HANDLE open_handle(const char *path, DWORD access, DWORD share, DWORD how)
{
    wchar_t *wide = wide_path(path);
    HANDLE handle = CreateFileW(wide, access, share, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD reason = GetLastError();
    memory_free(wide);
    SetLastError(reason);
    return handle;
}

static bool read_all(HANDLE handle, const char *path, struct buffer *contents, struct error *error)
{
    for (;;) {
        size_t room = contents->maximum - contents->length;
        DWORD wanted = room == 0 ? 1 : room < READ_SIZE ? (DWORD)room : READ_SIZE;
        DWORD got;
        char end;
        /* With the buffer full one more byte tells whether the file is larger. */
        char *to = room == 0 ? &end : buffer_reserve(contents, wanted);
        if (!ReadFile(handle, to, wanted, &got, NULL))
            return system_error_set(error, (int)GetLastError(), "%s cannot be read", path);
        if (got == 0)
            return true;
        if (room == 0)
            return error_set(error, ERROR_FILE_TOO_LARGE, "%s is larger than %zu bytes.", path,
                             contents->maximum);
        buffer_extend(contents, got);
    }
}

bool file_read(const char *path, struct buffer *contents, struct error *error)
{
    buffer_clear(contents);
    HANDLE handle = open_handle(
        path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, OPEN_EXISTING);
    if (handle == INVALID_HANDLE_VALUE)
        return system_error_set(error, (int)GetLastError(), "%s cannot be opened", path);
    bool done = read_all(handle, path, contents, error);
    CloseHandle(handle);
    return done;
}

static struct file *file_of(HANDLE handle, const char *path, struct error *error)
{
    if (handle == INVALID_HANDLE_VALUE) {
        system_error_set(error, (int)GetLastError(), "%s cannot be made", path);
        return NULL;
    }
    struct file *file = memory_allocate(1, sizeof(*file));
    file->handle = handle;
    file->path = memory_copy_text(path);
    return file;
}

struct file *file_create(const char *path, struct error *error)
{
    return file_of(open_handle(path, GENERIC_WRITE, FILE_SHARE_READ, CREATE_NEW), path, error);
}

struct file *file_append(const char *path, struct error *error)
{
    return file_of(open_handle(path, FILE_APPEND_DATA | SYNCHRONIZE,
                               FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, OPEN_ALWAYS),
                   path, error);
}

bool file_write(struct file *file, const void *data, size_t length, struct error *error)
{
    const char *next = data;
    while (length > 0) {
        DWORD part = length < WRITE_SIZE ? (DWORD)length : WRITE_SIZE;
        DWORD written;
        if (!WriteFile(file->handle, next, part, &written, NULL))
            return system_error_set(error, (int)GetLastError(), "%s cannot be written", file->path);
        next += written;
        length -= written;
    }
    return true;
}

bool file_sync_and_close(struct file *file, struct error *error)
{
    bool synced = FlushFileBuffers(file->handle) != 0;
    if (!synced)
        system_error_set(error, (int)GetLastError(), "%s cannot be brought to the disk",
                         file->path);
    file_close(file);
    return synced;
}

void file_close(struct file *file)
{
    CloseHandle(file->handle);
    memory_free(file->path);
    memory_free(file);
}

bool file_rename(const char *from, const char *to, struct error *error)
{
    wchar_t *wide_from = wide_path(from);
    wchar_t *wide_to = wide_path(to);
    bool moved =
        MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0;
    DWORD reason = GetLastError();
    memory_free(wide_from);
    memory_free(wide_to);
    return moved || system_error_set(error, (int)reason, "%s cannot be renamed to %s", from, to);
}

bool file_delete(const char *path, struct error *error)
{
    wchar_t *wide = wide_path(path);
    bool deleted = DeleteFileW(wide) != 0;
    DWORD reason = GetLastError();
    memory_free(wide);
    return deleted || system_error_set(error, (int)reason, "%s cannot be deleted", path);
}

bool file_size(const char *path, uint64_t *bytes, struct error *error)
{
    WIN32_FILE_ATTRIBUTE_DATA data;
    wchar_t *wide = wide_path(path);
    bool known = GetFileAttributesExW(wide, GetFileExInfoStandard, &data) != 0;
    DWORD reason = GetLastError();
    memory_free(wide);
    if (!known)
        return system_error_set(error, (int)reason, "The size of %s cannot be found out", path);
    *bytes = (uint64_t)data.nFileSizeHigh << 32 | data.nFileSizeLow;
    return true;
}

struct file_lock *file_lock(const char *path, struct error *error)
{
    HANDLE handle = open_handle(path, GENERIC_READ | GENERIC_WRITE,
                                FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_ALWAYS);
    if (handle == INVALID_HANDLE_VALUE) {
        system_error_set(error, (int)GetLastError(), "%s cannot be opened", path);
        return NULL;
    }
    OVERLAPPED first_byte = {0};
    if (!LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
                    &first_byte)) {
        DWORD reason = GetLastError();
        if (reason == ERROR_LOCK_VIOLATION || reason == ERROR_IO_PENDING)
            error_set(error, (int)reason, "%s is held by another running Gatepost.", path);
        else
            system_error_set(error, (int)reason, "%s cannot be locked", path);
        CloseHandle(handle);
        return NULL;
    }
    struct file_lock *lock = memory_allocate(1, sizeof(*lock));
    lock->handle = handle;
    return lock;
}

/* The file stays, as on the other systems. */
void file_unlock(struct file_lock *lock)
{
    if (lock == NULL)
        return;
    CloseHandle(lock->handle);
    memory_free(lock);
}
