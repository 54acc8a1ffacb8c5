/* Which certificate authorities this computer trusts. Any thread. */
#ifndef GATEPOST_PLATFORM_CERTIFICATES_H
#define GATEPOST_PLATFORM_CERTIFICATES_H

#include <stddef.h>

/* Calls back for each root certificate (X.509, DER) that the system keeps in a store of its own; for none where
 * it keeps them in files that OpenSSL finds by itself. */
void certificates_each_root(void (*each)(void *user, const void *der, size_t length), void *user);

#endif
