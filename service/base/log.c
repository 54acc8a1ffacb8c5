#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 1024

static struct log_sink current_sink;
static enum log_level current_level;

void log_set_sink(const struct log_sink *sink, enum log_level level)
{
    current_sink = sink == NULL ? (struct log_sink){0} : *sink;
    current_level = level;
}

/* Text from the network must not start a line of its own or move the reader's cursor. */
static void replace_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void log_line(enum log_level level, ident id, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "information", "debug"};
    if (current_sink.write == NULL || level > current_level)
        return;

    char line[LINE_SIZE];
    char id_text[IDENT_TEXT_SIZE] = "-";
    if (id != 0)
        ident_format(id, id_text);
    int start = snprintf(line, sizeof line, "%s %s ", names[level], id_text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + start, sizeof line - (size_t)start, format, arguments);
    va_end(arguments);
    replace_controls(line);
    current_sink.write(current_sink.user, level, line);
}
