/*
 * The Badmail folder: a message that cannot be delivered, as an .eml file, and beside it a .txt
 * file that says why. Blocks; one thread at a time for one message.
 */
#ifndef GATEPOST_NDR_BADMAIL_H
#define GATEPOST_NDR_BADMAIL_H

#include "spool/spool.h"

struct badmail_recipient {
    uint32_t number;    /* as in the spool */
    bool expired;       /* it was tried for too long; else it was refused for good */
    const char *reason; /* the last reply of the next hop, or what else was in the way */
};

/* destination: where it was to go, for the reason file. Both files are whole and synced, or neither
 * is there. On success *path (not NULL) is that of the .eml file; the caller frees it. */
bool badmail_write(const char *folder, const struct spool_item *item, const char *destination,
                   const struct badmail_recipient *recipients, size_t count,
                   struct spool_reader *reader, char **path, struct error *error);

#endif
