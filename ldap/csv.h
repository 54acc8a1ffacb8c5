/*
 * Rows of a CSV file (RFC 4180), separated by comma, semicolon or tab, which is found out. Lines end with CRLF, LF or CR. One thread at a time.
 */
#ifndef GATEPOST_LDAP_CSV_H
#define GATEPOST_LDAP_CSV_H

#include "base/arena.h"
#include "base/error.h"

struct csv_reader {
    struct view *fields; /* of the row that was read last; valid until the next */
    size_t count;
    size_t row_line; /* where that row begins */

    size_t capacity;
    struct view rest;
    size_t line;
    char separator;
    struct arena *arena; /* for fields in which doubled quotes were undone */
};

/* Takes the separator from a first line "sep=;", as Excel writes it, or else the one that the first line
 * holds most of. A line "#TYPE ..." of PowerShell's Export-Csv is passed over. The text must outlive the
 * reader. */
void csv_begin(struct csv_reader *reader, struct view text);
void csv_end(struct csv_reader *reader);

/* Skips empty lines. False at the end, and when the file is malformed: then *malformed is set. */
bool csv_next_row(struct csv_reader *reader, bool *malformed, struct error *error);

#endif
