/*
 * Recipient lists that administrators send in parts, because a request line is bounded and a list may be large. A few
 * at a time; one that nobody continues is forgotten. Any thread.
 */
#ifndef GATEPOST_RECIPIENT_IMPORT_H
#define GATEPOST_RECIPIENT_IMPORT_H

#include "base/buffer.h"
#include "base/error.h"

struct recipient_imports;

struct recipient_imports *recipient_imports_create(void);
void recipient_imports_destroy(struct recipient_imports *imports);

/* Begins one and returns its number, 1 or more; 0 when too many are under way. who: nobody else may continue it. */
uint32_t recipient_imports_begin(struct recipient_imports *imports, const char *who);

/* Adds a part in base64. False: there is no such import, the part is not base64, or the whole is too large. */
bool recipient_imports_add(struct recipient_imports *imports, uint32_t number, const char *who,
                           struct view base64, struct error *error);

/* Ends it and hands over what was sent: the caller frees it with buffer_free(). */
bool recipient_imports_take(struct recipient_imports *imports, uint32_t number, const char *who,
                            struct buffer *contents, struct error *error);

#endif
