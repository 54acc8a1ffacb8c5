#include "platform/file.h"

#include "base/memory.h"
#include "platform/system_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FOLDER_MODE 0700

bool folder_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool folder_create(const char *path, struct error *error)
{
    char *plain = memory_copy_text(path);
    for (size_t length = strlen(plain); length > 1 && plain[length - 1] == '/'; length--)
        plain[length - 1] = '\0';
    bool made = folder_exists(plain) || mkdir(plain, FOLDER_MODE) == 0;
    if (!made && errno == ENOENT) {
        char *parent = path_parent(plain);
        if (!folder_create(parent, error)) {
            memory_free(parent);
            memory_free(plain);
            return false;
        }
        memory_free(parent);
        made = mkdir(plain, FOLDER_MODE) == 0;
    }
    int reason = errno;
    memory_free(plain);
    /* Somebody else may have made it meanwhile. */
    if (made || (reason == EEXIST && folder_exists(path)))
        return true;
    return system_error_set(error, reason, "The folder %s cannot be made", path);
}

bool folder_protect(const char *path, struct error *error)
{
    struct stat status;
    if (!folder_create(path, error))
        return false;
    if (stat(path, &status) != 0)
        return system_error_set(error, errno, "The folder %s cannot be read", path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return error_set(error, EPERM, "The folder %s belongs to another user.", path);
    if (chmod(path, FOLDER_MODE) != 0)
        return system_error_set(error, errno, "The access to %s cannot be set", path);
    return true;
}

bool disk_free_bytes(const char *path, uint64_t *bytes, struct error *error)
{
    struct statvfs disk;
    if (statvfs(path, &disk) != 0)
        return system_error_set(error, errno, "The free space at %s cannot be found out", path);
    *bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return true;
}

static bool is_folder_entry(DIR *folder, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(folder), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

bool folder_each(const char *path, void (*each)(void *user, const char *name, bool is_folder),
                 void *user, struct error *error)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return system_error_set(error, errno, "The folder %s cannot be opened", path);
    struct dirent *entry;
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(user, entry->d_name, is_folder_entry(folder, entry));
    }
    int reason = errno;
    closedir(folder);
    if (reason != 0)
        return system_error_set(error, reason, "The folder %s cannot be read", path);
    return true;
}

char *default_data_folder(void)
{
    return memory_copy_text("/var/lib/gatepost");
}

char *program_folder(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    return path_parent(path);
}
