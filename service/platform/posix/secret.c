#include "platform/secret_system.h"

#include "platform/clock.h"

#include <openssl/evp.h>

/* NIST SP 800-38D: a nonce drawn for each secret, and a tag, both beside it. */
#define NONCE_SIZE 12
#define TAG_SIZE   16

/* AES-GCM gives as many bytes as it takes. */
static bool encrypt(EVP_CIPHER_CTX *context, const unsigned char *key, struct view secret,
                    unsigned char *nonce, unsigned char *tag, unsigned char *bytes)
{
    int length;
    return EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           EVP_EncryptUpdate(context, bytes, &length, (const unsigned char *)secret.data,
                             (int)secret.length) == 1 &&
           EVP_EncryptFinal_ex(context, bytes + length, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1;
}

bool secret_lock(const unsigned char key[SECRET_KEY_SIZE], struct view secret,
                 struct buffer *locked, struct error *error)
{
    size_t length = NONCE_SIZE + TAG_SIZE + secret.length;
    unsigned char *nonce = (unsigned char *)buffer_reserve(locked, length);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = nonce != NULL && context != NULL;
    if (good) {
        random_bytes(nonce, NONCE_SIZE);
        good =
            encrypt(context, key, secret, nonce, nonce + NONCE_SIZE, nonce + NONCE_SIZE + TAG_SIZE);
    }
    EVP_CIPHER_CTX_free(context);
    if (good)
        buffer_extend(locked, length);
    return good || error_set(error, 0, "The secret cannot be sealed.");
}

static bool decrypt(EVP_CIPHER_CTX *context, const unsigned char *key, struct view locked,
                    unsigned char *bytes)
{
    const unsigned char *nonce = (const unsigned char *)locked.data;
    unsigned char tag[TAG_SIZE];
    size_t head = NONCE_SIZE + TAG_SIZE;
    int length;
    memcpy(tag, nonce + NONCE_SIZE, TAG_SIZE);
    return EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
           EVP_DecryptUpdate(context, bytes, &length, nonce + head, (int)(locked.length - head)) ==
               1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
           EVP_DecryptFinal_ex(context, bytes + length, &length) == 1;
}

bool secret_unlock(const unsigned char key[SECRET_KEY_SIZE], struct view locked,
                   struct buffer *secret, struct error *error)
{
    if (locked.length < NONCE_SIZE + TAG_SIZE)
        return error_set(error, 0, "It is damaged.");
    size_t length = locked.length - NONCE_SIZE - TAG_SIZE;
    unsigned char *bytes = (unsigned char *)buffer_reserve(secret, length + 1);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = bytes != NULL && context != NULL && decrypt(context, key, locked, bytes);
    EVP_CIPHER_CTX_free(context);
    if (good)
        buffer_extend(secret, length);
    return good || error_set(error, 0, "It was sealed with another key.");
}
