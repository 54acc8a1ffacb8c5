#include "smtp/trace.h"

#include <stdio.h>

#define SECONDS_PER_DAY 86400
#define GREATEST_TIME   INT64_C(253402300799) /* the end of the year 9999 */

struct date {
    int64_t year;
    int month; /* 1..12 */
    int day;
};

/* The proleptic Gregorian calendar by eras of 400 years, which always have 146097 days. Years are taken
 * to begin in March, so that the leap day is the last of its year. */
static struct date date_of_days(int64_t days_since_1970)
{
    int64_t days = days_since_1970 + 719468; /* since 0000-03-01 */
    int64_t era = days / 146097;
    int64_t day_of_era = days % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    struct date date;
    date.day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    date.month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    date.year = era * 400 + year_of_era + (date.month <= 2 ? 1 : 0);
    return date;
}

void smtp_format_date(int64_t time, char text[SMTP_DATE_SIZE])
{
    static const char *const weekdays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (time < 0)
        time = 0;
    if (time > GREATEST_TIME)
        time = GREATEST_TIME;
    int64_t days = time / SECONDS_PER_DAY;
    int seconds = (int)(time % SECONDS_PER_DAY);
    struct date date = date_of_days(days);
    snprintf(text, SMTP_DATE_SIZE, "%s, %d %s %04d %02d:%02d:%02d +0000", weekdays[days % 7],
             date.day, months[date.month - 1], (int)date.year, seconds / 3600, seconds / 60 % 60,
             seconds % 60);
}

const char *smtp_protocol_keyword(const struct smtp_trace *trace)
{
    static const char *const keywords[2][2][2] = {
        {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
        {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}},
    };
    if (!trace->extended)
        return "SMTP";
    return keywords[trace->smtputf8][trace->tls != NULL][trace->authenticated];
}

size_t smtp_format_received(const struct smtp_trace *trace, char text[SMTP_RECEIVED_SIZE])
{
    char date[SMTP_DATE_SIZE];
    bool is_v6 = strchr(trace->peer_address, ':') != NULL;
    bool has_tls = trace->tls != NULL;
    bool has_recipient = !view_is_empty(trace->recipient);

    smtp_format_date(trace->time, date);
    int length = snprintf(
        text, SMTP_RECEIVED_SIZE,
        "Received: from %s ([%s%s])\r\n\tby %s (%s) with %s%s%s%s\r\n\tid %s%s%.*s%s; %s\r\n",
        trace->helo, is_v6 ? "IPv6:" : "", trace->peer_address, trace->host_name, trace->software,
        smtp_protocol_keyword(trace), has_tls ? " (" : "", has_tls ? trace->tls : "",
        has_tls ? ")" : "", trace->message, has_recipient ? " for <" : "",
        (int)trace->recipient.length, has_recipient ? trace->recipient.data : "",
        has_recipient ? ">" : "", date);
    return length < 0 || length >= SMTP_RECEIVED_SIZE ? 0 : (size_t)length;
}
