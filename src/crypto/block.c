/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128 in ECB through EVP: see block.h. */
#include "crypto/block.h"
#include "crypto/evp.h"

/* The context is the object: there is nothing else to keep. */
static EVP_CIPHER_CTX *context(struct block_cipher *b)
{
    return (EVP_CIPHER_CTX *)b;
}

struct block_cipher *block_cipher_new(const uint8_t key[16])
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (!c || EVP_EncryptInit_ex2(c, evp_cipher("AES-128-ECB"), key, NULL, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(c, 0) != 1)
        evp_panic("AES-128-ECB");
    return (struct block_cipher *)c;
}

void block_cipher_free(struct block_cipher *b)
{
    EVP_CIPHER_CTX_free(context(b));
}

void block_cipher_encrypt(struct block_cipher *b, uint8_t *data, size_t blocks)
{
    int len = 0;
    if (EVP_EncryptUpdate(context(b), data, &len, data, (int)(blocks * 16)) != 1 ||
        (size_t)len != blocks * 16)
        evp_panic("AES-128-ECB");
}
