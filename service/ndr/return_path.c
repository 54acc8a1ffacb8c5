#include "ndr/return_path.h"

#define NAME_LENGTH (sizeof RETURN_PATH_NAME - 1)

static struct view release_held(struct return_path_filter *filter)
{
    struct view held = view_of(filter->held, filter->matched);
    filter->matched = 0;
    return held;
}

/* At the start of a line. Returns what turns out to be no part of the name. */
static struct view match_name(struct return_path_filter *filter, struct view *piece)
{
    while (!view_is_empty(*piece)) {
        char byte = piece->data[0];
        if (ascii_lower(byte) != RETURN_PATH_NAME[filter->matched]) {
            bool line_ends = filter->matched == 0 && (byte == '\r' || byte == '\n');
            filter->state = line_ends ? RETURN_PATH_BODY : RETURN_PATH_KEEP;
            return release_held(filter);
        }
        filter->held[filter->matched++] = byte;
        *piece = view_from(*piece, 1);
        if (filter->matched == NAME_LENGTH) {
            filter->matched = 0;
            filter->state = RETURN_PATH_DROP;
            return VIEW_NONE;
        }
    }
    return VIEW_NONE;
}

/* The rest of the line, its end included, or of the piece. *ended: the line's end is in it. */
static struct view take_line(struct view *piece, bool *ended)
{
    size_t end = view_find(*piece, '\n');
    *ended = end < piece->length;
    struct view line = view_first(*piece, *ended ? end + 1 : end);
    *piece = view_from(*piece, line.length);
    return line;
}

bool return_path_filter(struct return_path_filter *filter, struct view *piece, struct view *keep)
{
    bool ended;
    while (!view_is_empty(*piece)) {
        *keep = VIEW_NONE;
        switch (filter->state) {
        case RETURN_PATH_NAME_BEGINS:
            *keep = match_name(filter, piece);
            break;
        case RETURN_PATH_KEEP:
            *keep = take_line(piece, &ended);
            if (ended)
                filter->state = RETURN_PATH_NAME_BEGINS;
            break;
        case RETURN_PATH_DROP:
            take_line(piece, &ended);
            if (ended)
                filter->state = RETURN_PATH_DROP_END;
            break;
        case RETURN_PATH_DROP_END:
            if (piece->data[0] == ' ' || piece->data[0] == '\t')
                filter->state = RETURN_PATH_DROP;
            else
                filter->state = RETURN_PATH_NAME_BEGINS;
            break;
        case RETURN_PATH_BODY:
            *keep = *piece;
            *piece = VIEW_NONE;
            break;
        }
        if (!view_is_empty(*keep))
            return true;
    }
    return false;
}

struct view return_path_filter_end(struct return_path_filter *filter)
{
    return release_held(filter);
}
