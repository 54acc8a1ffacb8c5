#include "platform/clock.h"

#include <stdio.h>

#define MS_A_DAY       INT64_C(86400000)
#define DAYS_400_YEARS 146097
#define DAYS_TO_1970   719468 /* since 1 March of the year 0 */

/* The calendar of Gregory repeats after 400 years; with March first the leap day is the last of its
 * year. Not gmtime(), whose thread-safe kinds differ between the systems. */
static void civil_date(int64_t days, int *year, int *month, int *day)
{
    int64_t since = days + DAYS_TO_1970;
    int64_t era = (since >= 0 ? since : since - (DAYS_400_YEARS - 1)) / DAYS_400_YEARS;
    int of_era = (int)(since - era * DAYS_400_YEARS);
    int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int from_march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int)(era * 400) + year_of_era + (*month <= 2);
}

void clock_format_utc(int64_t unix_ms, char text[CLOCK_UTC_SIZE])
{
    int64_t days = unix_ms / MS_A_DAY;
    int64_t of_day = unix_ms % MS_A_DAY;
    int year, month, day;
    if (of_day < 0) {
        of_day += MS_A_DAY;
        days--;
    }
    civil_date(days, &year, &month, &day);
    int second = (int)(of_day / 1000);
    snprintf(text, CLOCK_UTC_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
             second / 3600, second / 60 % 60, second % 60, (int)(of_day % 1000));
}
