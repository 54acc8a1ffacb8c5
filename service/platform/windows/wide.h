/*
 * Inside the platform room: between UTF-8, which the program speaks, and UTF-16, which Windows speaks.
 * What is not valid becomes U+FFFD. The caller frees results with memory_free(). Any thread.
 */
#ifndef GATEPOST_PLATFORM_WINDOWS_WIDE_H
#define GATEPOST_PLATFORM_WINDOWS_WIDE_H

#include <stddef.h>
#include <wchar.h>

wchar_t *wide_from_text(const char *text);
char *text_from_wide(const wchar_t *wide);

/* Cut at size - 1 bytes. */
void text_copy_wide(const wchar_t *wide, char *text, size_t size);

/* The full path in the \\?\ form, which knows no limit of 260 characters. */
wchar_t *wide_path(const char *path);

#endif
