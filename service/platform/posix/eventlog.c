#include "platform/eventlog.h"

#include "base/memory.h"
#include "platform/journal.h"

/* The host has no event log: the journal is all there is. */
struct event_log {
    struct journal *journal;
};

struct event_log *event_log_open(const char *journal_path, uint64_t journal_bytes,
                                 struct error *error)
{
    struct event_log *log = memory_allocate(1, sizeof(*log));
    if (journal_path != NULL) {
        log->journal = journal_open(journal_path, journal_bytes, error);
        if (log->journal == NULL) {
            memory_free(log);
            return NULL;
        }
    }
    return log;
}

void event_log_close(struct event_log *log)
{
    journal_close(log->journal);
    memory_free(log);
}

static void report(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    struct event_log *log = user;
    const struct event_description *event = event_describe(id);
    if (event != NULL && log->journal != NULL)
        journal_write(log->journal, event, inserts, count);
}

struct event_sink event_log_sink(struct event_log *log)
{
    return (struct event_sink){report, log};
}
