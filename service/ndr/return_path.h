/*
 * Takes the Return-Path fields out of a message on its way to a file: whoever makes the final
 * delivery removes those that came with it and writes its own (RFC 5321 4.4). Pure; room-private.
 */
#ifndef GATEPOST_NDR_RETURN_PATH_H
#define GATEPOST_NDR_RETURN_PATH_H

#include "base/view.h"

#define RETURN_PATH_NAME "return-path:"

struct return_path_filter {
    enum {
        RETURN_PATH_NAME_BEGINS, /* at the start of a line, `matched` bytes of the name were seen */
        RETURN_PATH_KEEP,        /* inside another field */
        RETURN_PATH_DROP,        /* inside the field, until a line that does not continue it */
        RETURN_PATH_DROP_END,    /* behind a line end of the field */
        RETURN_PATH_BODY
    } state;
    size_t matched;
    char held[sizeof RETURN_PATH_NAME]; /* the bytes that matched, as they were written */
};

/* A filter that is zero-filled stands at the start of a message. Cuts what is to be kept next off
 * the front of *piece; false when the piece is used up. The view lives until the next call. */
bool return_path_filter(struct return_path_filter *filter, struct view *piece, struct view *keep);

/* What is still held at the end of the message. */
struct view return_path_filter_end(struct return_path_filter *filter);

#endif
