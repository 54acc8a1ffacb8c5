#include "delivery/retry.h"

#define MS_PER_SECOND 1000
#define MS_PER_MINUTE (60 * MS_PER_SECOND)

int64_t retry_interval_ms(const struct settings_retry *retry, uint32_t attempts)
{
    if (attempts <= retry->glitch_count)
        return retry->glitch_interval * MS_PER_SECOND;
    switch (attempts - retry->glitch_count) {
    case 1:
        return retry->first * MS_PER_MINUTE;
    case 2:
        return retry->second * MS_PER_MINUTE;
    case 3:
        return retry->third * MS_PER_MINUTE;
    default:
        return retry->subsequent * MS_PER_MINUTE;
    }
}

int64_t retry_expiry_ms(const struct settings_retry *retry, bool local, int64_t received_ms)
{
    return received_ms + (local ? retry->local_expiration : retry->expiration) * MS_PER_MINUTE;
}

int64_t retry_next_ms(const struct settings_retry *retry, uint32_t attempts, int64_t now_ms,
                      int64_t expiry_ms)
{
    int64_t next_ms = now_ms + retry_interval_ms(retry, attempts);
    return next_ms < expiry_ms ? next_ms : expiry_ms;
}
