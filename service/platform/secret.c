#include "platform/secret.h"

#include "base/base64.h"
#include "base/memory.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/secret_system.h"

#define KEY_FILE     "secret.key"
#define NEW_KEY_FILE "secret.key.new"

#define LOCKED_MAXIMUM (SECRET_SEALED_MAXIMUM / 4 * 3)

static bool read_key(const char *path, unsigned char key[SECRET_KEY_SIZE], struct error *error)
{
    struct buffer contents;
    buffer_init(&contents, SECRET_KEY_SIZE);
    bool good = file_read(path, &contents, error);
    if (good && contents.length != SECRET_KEY_SIZE)
        good = error_set(error, 0, "%s is not a key: it does not have %d bytes.", path,
                         SECRET_KEY_SIZE);
    if (good)
        memcpy(key, contents.data, SECRET_KEY_SIZE);
    buffer_free(&contents);
    return good;
}

static bool write_key(const char *path, const unsigned char key[SECRET_KEY_SIZE],
                      struct error *error)
{
    struct file *file = file_create(path, error);
    if (file == NULL)
        return false;
    if (file_write(file, key, SECRET_KEY_SIZE, error))
        return file_sync_and_close(file, error);
    file_close(file);
    return false;
}

/* On the disk whole before it has its name, or after a crash there would be half a key for ever. */
static bool make_key(const char *folder, const char *path, unsigned char key[SECRET_KEY_SIZE],
                     struct error *error)
{
    char *new_path = path_join(folder, NEW_KEY_FILE);
    random_bytes(key, SECRET_KEY_SIZE);
    if (file_exists(new_path))
        file_delete(new_path, NULL);
    bool good = write_key(new_path, key, error) && file_rename(new_path, path, error);
    memory_free(new_path);
    return good;
}

static bool get_key(const char *folder, bool make, unsigned char key[SECRET_KEY_SIZE],
                    struct error *error)
{
    char *path = path_join(folder, KEY_FILE);
    bool good = make && !file_exists(path) ? make_key(folder, path, key, error)
                                           : read_key(path, key, error);
    memory_free(path);
    return good;
}

static bool append_base64(struct view bytes, struct buffer *text, struct error *error)
{
    size_t length = BASE64_LENGTH(bytes.length);
    char *to = buffer_reserve(text, length + 1);
    if (to == NULL)
        return error_set(error, 0, "The secret is too long.");
    base64_encode(bytes, to);
    buffer_extend(text, length);
    return true;
}

bool secret_seal(const char *folder, struct view secret, struct buffer *sealed, struct error *error)
{
    unsigned char key[SECRET_KEY_SIZE];
    struct buffer locked;
    if (secret.length > SECRET_MAXIMUM)
        return error_set(error, 0, "The secret is longer than %d bytes.", SECRET_MAXIMUM);
    buffer_init(&locked, LOCKED_MAXIMUM);
    bool good = get_key(folder, true, key, error) && secret_lock(key, secret, &locked, error) &&
                append_base64(buffer_view(&locked), sealed, error);
    buffer_free(&locked);
    return good;
}

bool secret_unseal(const char *folder, struct view sealed, struct buffer *secret,
                   struct error *error)
{
    unsigned char key[SECRET_KEY_SIZE];
    char locked[LOCKED_MAXIMUM];
    size_t length;
    if (sealed.length > SECRET_SEALED_MAXIMUM || !base64_decode(sealed, locked, &length))
        return error_set(error, 0, "It is damaged.");
    return get_key(folder, false, key, error) &&
           secret_unlock(key, view_of(locked, length), secret, error);
}
