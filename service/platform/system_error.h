/*
 * Inside the platform room: the system's reason for a failure as a sentence. Any thread.
 */
#ifndef GATEPOST_PLATFORM_SYSTEM_ERROR_H
#define GATEPOST_PLATFORM_SYSTEM_ERROR_H

#include "base/error.h"

/* Fills error with "WHAT: the system's reason." and the code: errno on the host, GetLastError() or
 * WSAGetLastError() on Windows. What is too long is cut, the reason is kept. Returns false always. */
bool system_error_set(struct error *error, int code, const char *format, ...)
    FORMAT_LIKE_PRINTF(3, 4);

#endif
