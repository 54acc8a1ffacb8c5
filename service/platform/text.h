/*
 * Program arguments, console input and output in UTF-8 on every system. Any thread.
 */
#ifndef GATEPOST_PLATFORM_TEXT_H
#define GATEPOST_PLATFORM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* In: main()'s own. Out: the same as UTF-8 (Windows: from the wide command line). The caller does not free;
 * once, at the start. */
void program_arguments(int *count, char ***arguments);

/* Console in UTF-8, binary standard streams (no CRLF translation: --json output is exact). Once. */
void console_prepare(void);

/* Asks on the console for a line that is not shown while it is typed; line gets it without its end. False when
 * standard input is no console, or at its end, or the line is longer than size - 1 bytes. */
bool console_read_hidden(const char *prompt, char *line, size_t size);

/* The user who runs this process: "DOMAIN\\user" or "user"; cut at size - 1. */
void user_name(char *name, size_t size);

/* This computer's fully qualified name, or its plain one; cut at size - 1. */
void computer_name(char *name, size_t size);

#endif
