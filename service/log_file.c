#include "log_file.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/thread.h"

#include <stdio.h>
#include <string.h>

#define LINE_SIZE 1100 /* time and the longest line */

struct log_file {
    char *path;
    char *older_path;
    uint64_t maximum_bytes;
    bool to_console;

    struct lock *lock; /* for all below */
    struct file *file; /* NULL: none, or it cannot be written */
    uint64_t bytes;
};

static void open_file(struct log_file *log, struct error *error)
{
    log->bytes = 0;
    log->file = file_append(log->path, error);
    if (log->file != NULL)
        file_size(log->path, &log->bytes, NULL);
}

static void begin_new_file(struct log_file *log)
{
    file_close(log->file);
    file_rename(log->path, log->older_path, NULL);
    open_file(log, NULL);
}

static void write_line(void *user, enum log_level level, const char *line)
{
    struct log_file *log = user;
    char time[CLOCK_UTC_SIZE];
    char text[LINE_SIZE];
    (void)level; /* the line begins with it */
    clock_format_utc(clock_unix_ms(), time);
    int length = snprintf(text, sizeof(text), "%s %s\n", time, line);
    size_t bytes = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;

    if (log->to_console)
        fputs(text, stderr);
    lock_acquire(log->lock);
    if (log->file != NULL && log->bytes + bytes > log->maximum_bytes)
        begin_new_file(log);
    if (log->file != NULL && file_write(log->file, text, bytes, NULL))
        log->bytes += bytes;
    lock_release(log->lock);
}

struct log_file *log_file_open(const char *path, uint64_t maximum_bytes, bool to_console,
                               enum log_level level, struct error *error)
{
    struct log_file *log = memory_allocate(1, sizeof(*log));
    log->maximum_bytes = maximum_bytes;
    log->to_console = to_console;
    log->lock = lock_create();
    error_set(error, 0, "%s", "");
    if (path != NULL) {
        size_t size = strlen(path) + sizeof(".1");
        log->path = memory_copy_text(path);
        log->older_path = memory_allocate(1, size);
        snprintf(log->older_path, size, "%s.1", path);
        open_file(log, error);
    }
    log_set_sink(&(struct log_sink){write_line, log}, level);
    return log;
}

void log_file_close(struct log_file *log)
{
    log_set_sink(&(struct log_sink){NULL, NULL}, LOG_ERROR);
    if (log->file != NULL)
        file_close(log->file);
    lock_destroy(log->lock);
    memory_free(log->path);
    memory_free(log->older_path);
    memory_free(log);
}
