/*
 * Secrets at rest, such as the password of a directory account: sealed, they can be opened on this computer only,
 * and only together with the file "secret.key" of the data folder, which is made at the first seal. A copy of the
 * settings alone gives nothing away.
 *
 * Windows seals with the Data Protection API of the computer, with the file as its additional entropy; other
 * systems with AES-256-GCM, whose key is the file. Any thread, but the first seal in a folder is made by one.
 */
#ifndef GATEPOST_PLATFORM_SECRET_H
#define GATEPOST_PLATFORM_SECRET_H

#include "base/buffer.h"
#include "base/error.h"

/* Bytes of a secret, and characters of what it is sealed into. */
#define SECRET_MAXIMUM        1024
#define SECRET_SEALED_MAXIMUM 4096

/* Appends text without blanks or line ends. The same secret gives another text each time. */
bool secret_seal(const char *folder, struct view secret, struct buffer *sealed,
                 struct error *error);

/* Appends the secret. */
bool secret_unseal(const char *folder, struct view sealed, struct buffer *secret,
                   struct error *error);

#endif
