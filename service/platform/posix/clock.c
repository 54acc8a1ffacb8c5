#include "platform/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t nanoseconds(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_unix_ms(void)
{
    return nanoseconds(CLOCK_REALTIME) / 1000000;
}

int64_t clock_unix_us(void)
{
    return nanoseconds(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return nanoseconds(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_monotonic_ns(void)
{
    return nanoseconds(CLOCK_MONOTONIC);
}

int clock_utc_offset_minutes(int64_t unix_seconds)
{
    time_t moment = (time_t)unix_seconds;
    struct tm local;
    if (localtime_r(&moment, &local) == NULL)
        return 0;
    return (int)(local.tm_gmtoff / 60);
}

void random_bytes(void *data, size_t length)
{
    unsigned char *next = data;
    while (length > 0) {
        ssize_t got = getrandom(next, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fputs("gatepost: the system has no random numbers\n", stderr);
            abort();
        }
        next += got;
        length -= (size_t)got;
    }
}
