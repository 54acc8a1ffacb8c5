/*
 * Lines of an LDIF file (RFC 2849): comments passed over, folded lines joined, base64 decoded on demand.
 * One thread at a time.
 */
#ifndef GATEPOST_LDAP_LDIF_H
#define GATEPOST_LDAP_LDIF_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct ldif_reader {
    size_t line; /* of the next physical line */
    struct view rest;
    struct buffer joined;
};

enum ldif_line { LDIF_ATTRIBUTE, LDIF_EMPTY, LDIF_END, LDIF_MALFORMED };

enum ldif_coding { LDIF_PLAIN, LDIF_BASE64, LDIF_URL };

struct ldif_attribute {
    struct view name;  /* without options: "mail" of "mail;lang-de" */
    struct view value; /* as coded; see ldif_value() */
    enum ldif_coding coding;
    size_t line;
};

/* The text must outlive the reader. */
void ldif_begin(struct ldif_reader *reader, struct view text);
void ldif_end(struct ldif_reader *reader);

/* The attribute is valid until the next call. error is filled for LDIF_MALFORMED. */
enum ldif_line ldif_next_line(struct ldif_reader *reader, struct ldif_attribute *attribute,
                              struct error *error);

/* A copy of the value in the arena, decoded. False for a value that stands elsewhere (URL) or is not
 * base64. */
bool ldif_value(const struct ldif_attribute *attribute, struct arena *arena, struct view *value,
                struct error *error);

#endif
