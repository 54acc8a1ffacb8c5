#include "platform/secret_system.h"

#include "platform/system_error.h"

#include <windows.h>

#include <wincrypt.h>

/* Of the computer, not of a user: the service and an administrator's command line open each other's. */
#define FLAGS (CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN)

static DATA_BLOB blob_of(const void *data, size_t length)
{
    return (DATA_BLOB){.cbData = (DWORD)length, .pbData = (BYTE *)data};
}

/* Takes what the system has allocated. */
static bool append_blob(struct buffer *to, DATA_BLOB *blob, struct error *error)
{
    bool appended = buffer_append(to, blob->pbData, blob->cbData);
    SecureZeroMemory(blob->pbData, blob->cbData);
    LocalFree(blob->pbData);
    return appended || error_set(error, 0, "The secret is too long.");
}

bool secret_lock(const unsigned char key[SECRET_KEY_SIZE], struct view secret,
                 struct buffer *locked, struct error *error)
{
    DATA_BLOB in = blob_of(secret.data, secret.length), entropy = blob_of(key, SECRET_KEY_SIZE);
    DATA_BLOB out = {0};
    if (!CryptProtectData(&in, NULL, &entropy, NULL, NULL, FLAGS, &out))
        return system_error_set(error, (int)GetLastError(), "The secret cannot be sealed");
    return append_blob(locked, &out, error);
}

bool secret_unlock(const unsigned char key[SECRET_KEY_SIZE], struct view locked,
                   struct buffer *secret, struct error *error)
{
    DATA_BLOB in = blob_of(locked.data, locked.length), entropy = blob_of(key, SECRET_KEY_SIZE);
    DATA_BLOB out = {0};
    if (!CryptUnprotectData(&in, NULL, &entropy, NULL, NULL, FLAGS, &out))
        return system_error_set(error, (int)GetLastError(), "It was sealed on another computer");
    return append_blob(secret, &out, error);
}
