/*
 * Reading recipients out of a file that an administrator exported somewhere: CSV or LDIF. The readers
 * hand over each address as it stands in the file; import_table() judges and collects. Pure; any thread.
 */
#ifndef GATEPOST_LDAP_IMPORT_H
#define GATEPOST_LDAP_IMPORT_H

#include "ldap/table.h"

struct import_sink {
    /* line: where it stands in the file. The views are valid during the call. False ends the reading; the
     * sink has filled its own error then. */
    bool (*address)(void *user, struct view address, struct view display_name, size_t line);

    /* A row or an entry that holds no address. */
    void (*skipped)(void *user);
    void *user;
};

/* Tells the format by the content, converts UTF-16 with a byte order mark. False when the file cannot be
 * read to its end: error names the line. Some addresses may have been handed over by then. */
bool import_read(struct view contents, const struct import_sink *sink, struct error *error);

/* UTF-8 without a byte order mark. */
bool import_read_csv(struct view text, const struct import_sink *sink, struct error *error);
bool import_read_ldif(struct view text, const struct import_sink *sink, struct error *error);

/* What the file lists, as a table that the caller owns; fills skipped, bad and first_bad of the result.
 * NULL when the file cannot be read to its end, or holds no address at all. */
struct address_table *import_table(struct view contents, struct directory_import_result *result,
                                   struct error *error);

#endif
