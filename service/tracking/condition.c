#include "tracking/condition.h"

#include "tracking/record.h"

static bool same_letter(char a, char b)
{
    return ascii_lower(a) == ascii_lower(b);
}

/* Of UTF-8; at least one byte, whatever it is. */
static size_t character_length(struct view text, size_t at)
{
    size_t length = 1;
    while (at + length < text.length && (text.data[at + length] & 0xc0) == 0x80)
        length++;
    return length;
}

bool tracking_wildcard_match(struct view pattern, struct view text)
{
    size_t p = 0;
    size_t t = 0;
    /* The last "*", and where its text ends so far. */
    size_t star = pattern.length;
    size_t star_end = 0;
    while (t < text.length) {
        if (p < pattern.length && pattern.data[p] == '*') {
            star = p++;
            star_end = t;
        } else if (p < pattern.length && pattern.data[p] == '?') {
            p++;
            t += character_length(text, t);
        } else if (p < pattern.length && same_letter(pattern.data[p], text.data[t])) {
            p++;
            t++;
        } else if (star < pattern.length) {
            p = star + 1;
            star_end += character_length(text, star_end);
            t = star_end;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.data[p] == '*')
        p++;
    return p == pattern.length;
}

bool tracking_has_wildcard(struct view pattern)
{
    return view_find(pattern, '*') < pattern.length || view_find(pattern, '?') < pattern.length;
}

bool tracking_contains(struct view text, struct view part)
{
    for (size_t at = 0; at + part.length <= text.length; at++)
        if (view_starts_with_nocase(view_from(text, at), part))
            return true;
    return false;
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool address_matches(const char *pattern, const char *address)
{
    return !is_given(pattern) ||
           tracking_wildcard_match(view_of_text(pattern), view_of_text(address));
}

bool tracking_condition_holds(const struct tracking_query *query, const struct tracking_row *row)
{
    const struct tracking_record *record = &row->record;
    if (query->events != 0 && (query->events >> record->event & 1) == 0)
        return false;
    if (query->message != 0 && query->message != record->message)
        return false;
    if (query->session != 0 && query->session != record->session)
        return false;
    if (is_given(query->message_id) &&
        !view_equal(tracking_bare_message_id(view_of_text(query->message_id)),
                    tracking_bare_message_id(view_of_text(record->message_id))))
        return false;
    if (is_given(query->client) &&
        !view_equal_nocase(view_of_text(query->client), view_of_text(record->client)))
        return false;
    return address_matches(query->sender, record->sender) &&
           address_matches(query->recipient, record->recipient) &&
           (!is_given(query->subject) ||
            tracking_contains(view_of_text(record->subject), view_of_text(query->subject)));
}
