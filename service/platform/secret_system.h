/* Inside the room: what the systems do for secret.h. */
#ifndef GATEPOST_PLATFORM_SECRET_SYSTEM_H
#define GATEPOST_PLATFORM_SECRET_SYSTEM_H

#include "platform/secret.h"

/* Bytes of the key file. */
#define SECRET_KEY_SIZE 32

/* Bytes in, bytes appended. unlock fails for what was changed, or sealed with another key or elsewhere. */
bool secret_lock(const unsigned char key[SECRET_KEY_SIZE], struct view secret,
                 struct buffer *locked, struct error *error);
bool secret_unlock(const unsigned char key[SECRET_KEY_SIZE], struct view locked,
                   struct buffer *secret, struct error *error);

#endif
