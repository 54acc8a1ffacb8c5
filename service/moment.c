#include "moment.h"

#define SECONDS_OF_DAY 86400
#define US_OF_SECOND   1000000

/* Cuts exactly `count` digits off the front. */
static bool take_number(struct view *text, size_t count, int *number)
{
    *number = 0;
    if (text->length < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text->data[i] < '0' || text->data[i] > '9')
            return false;
        *number = *number * 10 + (text->data[i] - '0');
    }
    *text = view_from(*text, count);
    return true;
}

static bool take_mark(struct view *text, char mark)
{
    if (view_is_empty(*text) || text->data[0] != mark)
        return false;
    *text = view_from(*text, 1);
    return true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t days_since_1970(int year, int month, int day)
{
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400;
    const int64_t days_before_1970 = 719162;
    for (int i = 1; i < month; i++)
        days += days_of_month(year, i);
    return days + day - 1 - days_before_1970;
}

static bool take_date(struct view *text, int64_t *seconds)
{
    int year;
    int month;
    int day;
    if (!take_number(text, 4, &year) || !take_mark(text, '-') || !take_number(text, 2, &month) ||
        !take_mark(text, '-') || !take_number(text, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    *seconds = days_since_1970(year, month, day) * SECONDS_OF_DAY;
    return true;
}

static bool take_time(struct view *text, int64_t *seconds)
{
    int hour;
    int minute;
    int second;
    if (!take_number(text, 2, &hour) || !take_mark(text, ':') || !take_number(text, 2, &minute) ||
        !take_mark(text, ':') || !take_number(text, 2, &second))
        return false;
    *seconds += hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* ".25": what comes behind the sixth digit is passed over. */
static bool take_fraction(struct view *text, int64_t *us)
{
    int64_t unit = US_OF_SECOND / 10;
    int digit;
    *us = 0;
    if (!take_mark(text, '.'))
        return true;
    if (!take_number(text, 1, &digit))
        return false;
    do {
        *us += digit * unit;
        unit /= 10;
    } while (take_number(text, 1, &digit));
    return true;
}

bool moment_parse(struct view text, int64_t *unix_us)
{
    int64_t seconds;
    int64_t us;
    if (!take_date(&text, &seconds) || !take_mark(&text, 'T') || !take_time(&text, &seconds) ||
        !take_fraction(&text, &us) || !take_mark(&text, 'Z'))
        return false;
    *unix_us = seconds * US_OF_SECOND + us;
    return view_is_empty(text);
}
