/*
 * What verbs print: JSON for programs, tables for persons. Texts of strangers (subjects, addresses) are in
 * it, so control characters, which would steer the terminal, are replaced.
 */
#ifndef GATEPOST_CLI_OUTPUT_H
#define GATEPOST_CLI_OUTPUT_H

#include "base/buffer.h"

#include <jansson.h>

#define CLI_OUTPUT_MAXIMUM ((size_t)1024 * 1024 * 1024)

enum cli_show {
    CLI_SHOW_TEXT,
    CLI_SHOW_NUMBER, /* to the right */
    CLI_SHOW_TIME,   /* RFC 3339 to local time */
    CLI_SHOW_YES_NO,
};

/* members: of the object in a row, the first of "reply|reason" that is not empty. */
struct cli_column {
    const char *heading;
    const char *members;
    enum cli_show show;
    size_t widest; /* what is wider is cut; 0: never */
};

/* A table with a heading, or nothing for an empty list. columns end with one without heading. */
void cli_append_table(struct buffer *out, const json_t *rows, const struct cli_column *columns);

/* One value as a cell of a table shows it. */
void cli_append_cell(struct buffer *out, const json_t *row, const struct cli_column *column);

/* Columns that a text takes on the screen, roughly: wide characters take two, combining ones none. */
size_t cli_width(struct view text);

/* The value with its line end, indented. */
void cli_append_json(struct buffer *out, const json_t *value);

#endif
