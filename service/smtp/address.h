/*
 * Paths of RFC 5321 4.1.2 and 6531 3.3: `<local@domain>`, source routes dropped, quoted local parts,
 * address literals, internationalised parts. Pure; any thread.
 */
#ifndef GATEPOST_SMTP_ADDRESS_H
#define GATEPOST_SMTP_ADDRESS_H

#include "smtp/envelope.h"

enum smtp_path_error {
    SMTP_PATH_OK,
    SMTP_PATH_SYNTAX,    /* 501 5.1.3 / 5.1.7 */
    SMTP_PATH_TOO_LONG,  /* domain over 255 or path over 256 bytes; a local part may pass the 64 of
                              RFC 5321 4.5.3.1.1, for the return addresses of mailing lists do */
    SMTP_PATH_NEEDS_UTF8 /* not ASCII and SMTPUTF8 was not asked: 553 5.6.7 */
};

#define SMTP_DOMAIN_MAXIMUM 255
#define SMTP_PATH_MAXIMUM   256 /* with the angle brackets (RFC 5321 4.5.3.1.3) */

/* Reads `<...>` from the start of *text and, when it is well-formed, leaves *text behind it. Views in *address point into the
 * text. allow_null: `<>` is well-formed (MAIL). `<postmaster>` without domain is well-formed. */
enum smtp_path_error smtp_parse_path(struct view *text, bool allow_null, bool smtputf8,
                                     struct smtp_address *address);

/* The same rules for an address without brackets, as settings and imports hold it. */
enum smtp_path_error smtp_parse_mailbox(struct view text, bool smtputf8,
                                        struct smtp_address *address);

/* A domain by RFC 5321 4.1.2 (letters, digits, hyphens, dots; UTF-8 labels when smtputf8), no literal. */
bool smtp_is_domain(struct view text, bool smtputf8);

#endif
