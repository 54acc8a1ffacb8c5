/*
 * Marks functions that take a format and its arguments as printf() does, so that the compiler checks
 * them. MinGW has two kinds of printf() with different rules (%zu, %llu) and names the one it uses.
 */
#ifndef GATEPOST_BASE_FORMAT_H
#define GATEPOST_BASE_FORMAT_H

#include <stdio.h>

#ifdef __MINGW_PRINTF_FORMAT
#define FORMAT_LIKE_PRINTF(format_position, first_argument)                                        \
    __attribute__((format(__MINGW_PRINTF_FORMAT, format_position, first_argument)))
#else
#define FORMAT_LIKE_PRINTF(format_position, first_argument)                                        \
    __attribute__((format(printf, format_position, first_argument)))
#endif

#endif
