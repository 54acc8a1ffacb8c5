#include "platform/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include <bcrypt.h>

/* From 1601-01-01, where Windows begins to count, to 1970-01-01; in units of 100 ns. */
#define UNIX_EPOCH       INT64_C(116444736000000000)
#define UNITS_A_SECOND   INT64_C(10000000)
#define NANOS_A_SECOND   INT64_C(1000000000)
#define RANDOM_AT_A_TIME 0x40000000u

static int64_t units_of(const FILETIME *time)
{
    return (int64_t)((uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime);
}

static int64_t unix_units(void)
{
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return units_of(&now) - UNIX_EPOCH;
}

int64_t clock_unix_ms(void)
{
    return unix_units() / 10000;
}

int64_t clock_unix_us(void)
{
    return unix_units() / 10;
}

int64_t clock_monotonic_ns(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    /* In two parts: count * 10^9 would overflow within an hour. */
    int64_t seconds = count.QuadPart / frequency.QuadPart;
    int64_t rest = count.QuadPart % frequency.QuadPart;
    return seconds * NANOS_A_SECOND + rest * NANOS_A_SECOND / frequency.QuadPart;
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

int clock_utc_offset_minutes(int64_t unix_seconds)
{
    int64_t units = unix_seconds * UNITS_A_SECOND + UNIX_EPOCH;
    FILETIME utc_time = {(DWORD)units, (DWORD)(units >> 32)}, local_time;
    SYSTEMTIME utc, local;
    /* With the rules of that year, which FileTimeToLocalFileTime() does not look at. */
    if (!FileTimeToSystemTime(&utc_time, &utc) ||
        !SystemTimeToTzSpecificLocalTime(NULL, &utc, &local) ||
        !SystemTimeToFileTime(&local, &local_time))
        return 0;
    int64_t whole_ms = units / 10000 * 10000;
    return (int)((units_of(&local_time) - whole_ms) / (60 * UNITS_A_SECOND));
}

void random_bytes(void *data, size_t length)
{
    unsigned char *next = data;
    while (length > 0) {
        ULONG part = length < RANDOM_AT_A_TIME ? (ULONG)length : RANDOM_AT_A_TIME;
        if (BCryptGenRandom(NULL, next, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0) {
            fputs("gatepost: the system has no random numbers\n", stderr);
            abort();
        }
        next += part;
        length -= part;
    }
}
