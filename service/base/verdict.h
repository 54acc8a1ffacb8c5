/*
 * The answer to "may this pass?": yes, no, or not now. Made by the policy rooms and by the spool,
 * spoken by the SMTP session, kept by tracking. A plain value; copy it freely.
 */
#ifndef GATEPOST_BASE_VERDICT_H
#define GATEPOST_BASE_VERDICT_H

#include "base/format.h"
#include "base/view.h"

enum verdict_kind {
    VERDICT_PASS,
    VERDICT_REFUSE, /* 5xx: no, and asking again will not help */
    VERDICT_NOT_NOW /* 4xx: cannot be said or done at present */
};

struct verdict {
    enum verdict_kind kind;
    int code;          /* SMTP reply code; 250 for a pass */
    char enhanced[12]; /* RFC 3463, "5.1.1"; empty where the reply has none */
    char text[200];    /* reply text without codes, one line, printable */
    const char *rule;  /* static name of the rule that decided, for tracking: "recipient-unknown" */
    uint32_t delay_ms; /* hold the reply this long (tarpit); 0 = at once */
    bool hang_up;      /* close the connection after the reply */
};

void verdict_pass(struct verdict *verdict, const char *rule);

/* kind follows from code: 4xx not now, 5xx refuse. rule must be a string that lives for ever. */
void verdict_set(struct verdict *verdict, const char *rule, int code, const char *enhanced,
                 const char *format, ...) FORMAT_LIKE_PRINTF(5, 6);

#endif
