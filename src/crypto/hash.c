/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes over libcrypto: see hash.h. */
#include "crypto/hash.h"
#include "crypto/evp.h"

static const struct {
    enum hash_id id;
    enum evp_md_slot slot;
    uint8_t len;
} hashes[] = {
    {HASH_MD5,    EVP_SLOT_MD5,    16},
    {HASH_SHA1,   EVP_SLOT_SHA1,   20},
    {HASH_SHA256, EVP_SLOT_SHA256, 32},
    {HASH_SHA384, EVP_SLOT_SHA384, 48},
    {HASH_SHA512, EVP_SLOT_SHA512, 64},
};

size_t hash_len(enum hash_id id)
{
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        if (hashes[i].id == id)
            return hashes[i].len;
    }
    return 0;
}

void hash_digest(enum hash_id id, const struct span *parts, size_t n, uint8_t *out)
{
    const EVP_MD *md = NULL;
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        if (hashes[i].id == id)
            md = evp_md(hashes[i].slot);
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!md || !ctx || !EVP_DigestInit_ex2(ctx, md, NULL))
        evp_panic("hash");
    for (size_t i = 0; i < n; i++) {
        if (!EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len))
            evp_panic("hash");
    }
    if (!EVP_DigestFinal_ex(ctx, out, NULL))
        evp_panic("hash");
    EVP_MD_CTX_free(ctx);
}
