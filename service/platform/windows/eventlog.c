#include "platform/eventlog.h"

#include "base/memory.h"
#include "platform/journal.h"
#include "platform/windows/event_message.h"
#include "platform/windows/wide.h"

#include <windows.h>

struct event_log {
    HANDLE source; /* NULL when the system's log is not to be had */
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
    log->source = RegisterEventSourceW(NULL, L"Gatepost");
    return log;
}

void event_log_close(struct event_log *log)
{
    if (log->source != NULL)
        DeregisterEventSource(log->source);
    journal_close(log->journal);
    memory_free(log);
}

static void report_to_system(HANDLE source, const struct event_description *event,
                             const char *const *inserts, size_t count)
{
    static const WORD types[] = {
        [EVENT_INFORMATION] = EVENTLOG_INFORMATION_TYPE,
        [EVENT_WARNING] = EVENTLOG_WARNING_TYPE,
        [EVENT_ERROR] = EVENTLOG_ERROR_TYPE,
    };
    wchar_t *texts[EVENT_INSERTS_MAXIMUM];
    for (size_t i = 0; i < count; i++)
        texts[i] = wide_from_text(inserts[i]);
    ReportEventW(source, types[event->severity], event_category_number(event->category),
                 event_message_id(event), NULL, (WORD)count, 0, (const wchar_t **)texts, NULL);
    for (size_t i = 0; i < count; i++)
        memory_free(texts[i]);
}

static void report(void *user, enum event_id id, const char *const *inserts, size_t count)
{
    struct event_log *log = user;
    const struct event_description *event = event_describe(id);
    if (event == NULL)
        return;
    if (log->journal != NULL)
        journal_write(log->journal, event, inserts, count);
    if (log->source != NULL)
        report_to_system(log->source, event, inserts, count);
}

struct event_sink event_log_sink(struct event_log *log)
{
    return (struct event_sink){report, log};
}
