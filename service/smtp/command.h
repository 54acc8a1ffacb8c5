/*
 * The arguments of SMTP commands (RFC 5321 4.1.1) and the parameters of the extensions (1870, 3461,
 * 6152, 6531). What is returned points into the text that was given. Where false is returned, *refusal
 * is the reply. Pure; any thread.
 */
#ifndef GATEPOST_SMTP_COMMAND_H
#define GATEPOST_SMTP_COMMAND_H

#include "base/verdict.h"
#include "smtp/envelope.h"

/* The first word of a command line, and the rest without blanks at its ends. */
struct view smtp_command_verb(struct view line, struct view *argument);

/* "FROM:<path> parameters". Sets reverse_path, body, smtputf8, ret, envid and declared_size. */
bool smtp_parse_mail(struct view argument, struct smtp_envelope *envelope, struct verdict *refusal);

/* "TO:<path> parameters". smtputf8: what MAIL asked for. */
bool smtp_parse_rcpt(struct view argument, bool smtputf8, struct smtp_recipient *recipient,
                     struct verdict *refusal);

/* "size" or "size LAST" (RFC 3030). */
bool smtp_parse_bdat(struct view argument, uint64_t *size, bool *last);

/* The argument of HELO and EHLO: what a domain or an address literal is made of, an underscore too, at
 * most 255 bytes. Nothing in it can be mistaken for something else in a Received header. */
bool smtp_is_helo_name(struct view text);

#endif
