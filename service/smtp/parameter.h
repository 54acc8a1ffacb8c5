/*
 * The `KEYWORD=value` words behind the path of MAIL and RCPT (RFC 5321 4.1.2, esmtp-param). Part of
 * command.c. Pure; any thread.
 */
#ifndef GATEPOST_SMTP_PARAMETER_H
#define GATEPOST_SMTP_PARAMETER_H

#include "base/verdict.h"
#include "smtp/envelope.h"

/* 555 for an unknown keyword, 501 for a value that is not well-formed or a keyword given twice. */
bool smtp_parse_mail_parameters(struct view text, struct smtp_envelope *envelope,
                                struct verdict *refusal);
bool smtp_parse_rcpt_parameters(struct view text, struct smtp_recipient *recipient,
                                struct verdict *refusal);

/* RFC 3461 4; what it stands for must be printable, for it ends up in the header of a report. */
bool smtp_is_xtext(struct view text);

#endif
