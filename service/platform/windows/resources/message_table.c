/*
 * A program of the build, for the machine that builds: writes the message table of base/events.def in the
 * language of windmc to standard output. First the categories, 1 and on, then the events; the numbers are
 * those of event_message.h.
 */
#include "platform/windows/event_message.h"

#include <stdio.h>
#include <stdlib.h>

static const struct event_description events[] = {
#define EVENT(symbol, number, severity, category, text)                                            \
    {EVENT_##symbol, severity, #symbol, category, text},
#include "base/events.def"
#undef EVENT
};

static void check(int good, const char *symbol, const char *complaint)
{
    if (good)
        return;
    fprintf(stderr, "events.def: %s: %s\n", symbol, complaint);
    exit(EXIT_FAILURE);
}

/* windmc takes a full stop on a line of its own for the end, and "!" behind an insert for a format. */
static void check_text(const char *symbol, const char *text)
{
    check(strpbrk(text, "\r\n") == NULL, symbol, "the text must be one line");
    for (const char *insert = text; (insert = strchr(insert, '%')) != NULL; insert += 2) {
        check(insert[1] >= '1' && insert[1] <= '9', symbol, "only %1 to %9 may stand in a text");
        check(insert[2] != '!', symbol, "\"!\" must not follow an insert");
    }
}

/* %0 ends the text without the line end that would follow. */
static void write_message(unsigned number, const char *severity, const char *symbol,
                          const char *text)
{
    printf(
        "MessageId=%u\nSeverity=%s\nFacility=None\nSymbolicName=%s\nLanguage=English\n%s%%0\n.\n\n",
        number, severity, symbol, text);
}

int main(void)
{
    static const char *const categories[EVENT_CATEGORIES] = EVENT_CATEGORY_NAMES;
    static const char *const severities[] = {
        [EVENT_INFORMATION] = "Informational",
        [EVENT_WARNING] = "Warning",
        [EVENT_ERROR] = "Error",
    };
    puts("SeverityNames=(Success=0x0 Informational=0x1 Warning=0x2 Error=0x3)");
    puts("FacilityNames=(None=0x0)");
    puts("LanguageNames=(English=0x409:MSG00409)\n");
    for (unsigned i = 0; i < EVENT_CATEGORIES; i++) {
        char symbol[32];
        snprintf(symbol, sizeof symbol, "CATEGORY_%u", i + 1);
        write_message(i + 1, "Success", symbol, categories[i]);
    }
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        const struct event_description *event = &events[i];
        check(event_category_number(event->category) != 0, event->symbol,
              "event_message.h does not know the category");
        check_text(event->symbol, event->text);
        write_message((unsigned)event->id, severities[event->severity], event->symbol, event->text);
    }
    return EXIT_SUCCESS;
}
