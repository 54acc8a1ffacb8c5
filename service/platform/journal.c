#include "platform/journal.h"

#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/thread.h"

#define LINE_SIZE   4096
#define SYMBOL_SIZE 64

struct journal {
    struct lock *lock;
    struct file *file; /* NULL when it could not be opened again */
    uint64_t size;
    uint64_t maximum;
    char *path;
    char *old_path;
};

static const char *const severity_names[] = {
    [EVENT_INFORMATION] = "Information",
    [EVENT_WARNING] = "Warning",
    [EVENT_ERROR] = "Error",
};

static bool open_file(struct journal *journal, struct error *error)
{
    journal->size = 0;
    journal->file = file_append(journal->path, error);
    return journal->file != NULL && file_size(journal->path, &journal->size, error);
}

struct journal *journal_open(const char *path, uint64_t maximum, struct error *error)
{
    struct journal *journal = memory_allocate(1, sizeof(*journal));
    size_t size = strlen(path) + sizeof ".1";
    journal->lock = lock_create();
    journal->maximum = maximum;
    journal->path = memory_copy_text(path);
    journal->old_path = memory_allocate(size, 1);
    snprintf(journal->old_path, size, "%s.1", path);
    if (open_file(journal, error))
        return journal;
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->file != NULL)
        file_close(journal->file);
    lock_destroy(journal->lock);
    memory_free(journal->path);
    memory_free(journal->old_path);
    memory_free(journal);
}

/* LISTEN_FAILED becomes ListenFailed. */
static void format_symbol(const char *symbol, char name[SYMBOL_SIZE])
{
    size_t length = 0;
    bool first = true;
    for (; *symbol != '\0' && length < SYMBOL_SIZE - 1; symbol++) {
        if (*symbol != '_')
            name[length++] = first ? *symbol : ascii_lower(*symbol);
        first = *symbol == '_';
    }
    name[length] = '\0';
}

/* One line whatever a peer or the system has put into an insert. */
static size_t format_line(const struct event_description *event, const char *const *inserts,
                          size_t count, char line[LINE_SIZE])
{
    char time[CLOCK_UTC_SIZE];
    char symbol[SYMBOL_SIZE];
    clock_format_utc(clock_unix_ms(), time);
    format_symbol(event->symbol, symbol);
    size_t length = (size_t)snprintf(line, LINE_SIZE - 1, "%s %d %s %s: ", time, (int)event->id,
                                     severity_names[event->severity], symbol);
    event_format(event->id, inserts, count, line + length, LINE_SIZE - 1 - length);
    length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    line[length++] = '\n';
    return length;
}

static void make_room(struct journal *journal, size_t length)
{
    if (journal->file != NULL && journal->size > 0 && journal->size + length > journal->maximum) {
        file_close(journal->file);
        journal->file = NULL;
        file_rename(journal->path, journal->old_path, NULL);
    }
    if (journal->file == NULL)
        open_file(journal, NULL);
}

void journal_write(struct journal *journal, const struct event_description *event,
                   const char *const *inserts, size_t count)
{
    char line[LINE_SIZE];
    size_t length = format_line(event, inserts, count, line);
    lock_acquire(journal->lock);
    make_room(journal, length);
    if (journal->file != NULL && file_write(journal->file, line, length, NULL))
        journal->size += length;
    lock_release(journal->lock);
}
