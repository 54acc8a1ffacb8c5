#include "cli/time.h"

#include "base/view.h"
#include "platform/clock.h"

#define MS_OF_DAY    INT64_C(86400000)
#define MS_OF_HOUR   INT64_C(3600000)
#define MS_OF_MINUTE INT64_C(60000)
#define MS_OF_SECOND INT64_C(1000)

#define YEAR_MINIMUM 1970

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* From 1970-01-01 to the first day of a year. */
static int64_t days_before_year(int64_t year)
{
    int64_t before = year - 1;
    return before * 365 + before / 4 - before / 100 + before / 400 - 719162;
}

static int64_t days_before(int64_t year, int64_t month, int64_t day)
{
    int64_t days = days_before_year(year) + day - 1;
    for (int64_t earlier = 1; earlier < month; earlier++)
        days += days_of_month(year, earlier);
    return days;
}

/* Exactly `digits` digits from the start of *rest. */
static bool take_digits(struct view *rest, size_t digits, int64_t *number)
{
    uint64_t value;
    if (rest->length < digits || !view_to_uint64(view_first(*rest, digits), &value))
        return false;
    *number = (int64_t)value;
    *rest = view_from(*rest, digits);
    return true;
}

static bool take_byte(struct view *rest, char byte)
{
    if (view_is_empty(*rest) || rest->data[0] != byte)
        return false;
    *rest = view_from(*rest, 1);
    return true;
}

static bool take_date(struct view *rest, int64_t *unix_ms)
{
    int64_t year, month, day;
    if (!take_digits(rest, 4, &year) || !take_byte(rest, '-') || !take_digits(rest, 2, &month) ||
        !take_byte(rest, '-') || !take_digits(rest, 2, &day))
        return false;
    if (year < YEAR_MINIMUM || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month))
        return false;
    *unix_ms = days_before(year, month, day) * MS_OF_DAY;
    return true;
}

/* Digits behind the point of a second; those behind the third do not count. */
static int64_t take_fraction(struct view *rest)
{
    int64_t milliseconds = 0;
    int64_t digit;
    for (int64_t worth = 100; take_digits(rest, 1, &digit); worth /= 10)
        milliseconds += digit * worth;
    return milliseconds;
}

static bool take_time_of_day(struct view *rest, int64_t *unix_ms)
{
    int64_t hour, minute, second = 0;
    if (!take_digits(rest, 2, &hour) || !take_byte(rest, ':') || !take_digits(rest, 2, &minute))
        return false;
    if (take_byte(rest, ':') && !take_digits(rest, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *unix_ms += hour * MS_OF_HOUR + minute * MS_OF_MINUTE + second * MS_OF_SECOND;
    if (take_byte(rest, '.'))
        *unix_ms += take_fraction(rest);
    return true;
}

/* "Z" or "+01:00"; local time when nothing is left. */
static bool take_zone(struct view *rest, int64_t *unix_ms)
{
    int64_t hours, minutes;
    if (view_is_empty(*rest)) {
        /* The offset of the moment itself, found from the one that is near. */
        int64_t offset = clock_utc_offset_minutes(*unix_ms / MS_OF_SECOND);
        int64_t guess = *unix_ms - offset * MS_OF_MINUTE;
        *unix_ms -= clock_utc_offset_minutes(guess / MS_OF_SECOND) * MS_OF_MINUTE;
        return true;
    }
    if (take_byte(rest, 'Z'))
        return true;
    bool ahead = take_byte(rest, '+');
    if ((!ahead && !take_byte(rest, '-')) || !take_digits(rest, 2, &hours) ||
        !take_byte(rest, ':') || !take_digits(rest, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    int64_t offset = hours * MS_OF_HOUR + minutes * MS_OF_MINUTE;
    *unix_ms += ahead ? -offset : offset;
    return true;
}

/* "30m". */
static bool read_ago(struct view text, int64_t now_ms, int64_t *unix_ms)
{
    static const struct {
        char unit;
        int64_t milliseconds;
    } units[] = {{'s', MS_OF_SECOND}, {'m', MS_OF_MINUTE}, {'h', MS_OF_HOUR}, {'d', MS_OF_DAY}};
    uint64_t number;
    if (view_is_empty(text) || !view_to_uint64(view_first(text, text.length - 1), &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text.data[text.length - 1] == units[i].unit &&
            number <= (uint64_t)(now_ms / units[i].milliseconds)) {
            *unix_ms = now_ms - (int64_t)number * units[i].milliseconds;
            return true;
        }
    return false;
}

bool cli_time_given(const char *text, int64_t now_ms, int64_t *unix_ms)
{
    struct view rest = view_of_text(text);
    if (read_ago(rest, now_ms, unix_ms))
        return true;
    if (!take_date(&rest, unix_ms))
        return false;
    bool has_time = take_byte(&rest, 'T') || take_byte(&rest, ' ');
    if (has_time && !take_time_of_day(&rest, unix_ms))
        return false;
    return take_zone(&rest, unix_ms) && view_is_empty(rest);
}

const char *cli_time_local(int64_t unix_ms, char text[CLI_TIME_SIZE])
{
    int64_t offset_ms = clock_utc_offset_minutes(unix_ms / MS_OF_SECOND) * MS_OF_MINUTE;
    clock_format_utc(unix_ms + offset_ms, text);
    *strchr(text, 'T') = ' ';
    *strchr(text, '.') = '\0';
    return text;
}
