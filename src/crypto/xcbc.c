/* SPDX-License-Identifier: Apache-2.0 */
/* AES-XCBC-MAC (RFC 3566 section 4) on libcrypto's AES-CBC, since libcrypto lacks it: CBC-MAC under K1, whose
 * last block is XORed with K2 when it is whole and with K3 when it had to be padded. */
#include "base/arena.h"
#include "crypto/evp.h"
#include "crypto/mac.h"
#include <stdlib.h>

struct xcbc {
    EVP_CIPHER_CTX *cbc; /* under K1 */
    uint8_t k2[16], k3[16];
};

/* K1, K2, K3: the key's encryptions of 0x01.., 0x02.., 0x03.. */
static void subkeys(const uint8_t key[16], uint8_t k[3][16])
{
    EVP_CIPHER_CTX *ecb = EVP_CIPHER_CTX_new();
    int len;
    for (int i = 0; i < 3; i++)
        memset(k[i], i + 1, 16);
    if (!ecb || !EVP_EncryptInit_ex2(ecb, evp_cipher("AES-128-ECB"), key, NULL, NULL) ||
        !EVP_EncryptUpdate(ecb, k[0], &len, k[0], 48))
        evp_panic("AES");
    EVP_CIPHER_CTX_free(ecb);
}

struct xcbc *xcbc_new(const uint8_t key[16])
{
    struct xcbc *x = mem_new(sizeof(*x));
    uint8_t k[3][16];
    subkeys(key, k);
    memcpy(x->k2, k[1], 16);
    memcpy(x->k3, k[2], 16);
    x->cbc = EVP_CIPHER_CTX_new();
    if (!x->cbc || !EVP_EncryptInit_ex2(x->cbc, evp_cipher("AES-128-CBC"), k[0], NULL, NULL))
        evp_panic("AES");
    secret_wipe(k, sizeof(k));
    return x;
}

void xcbc_free(struct xcbc *x)
{
    if (!x)
        return;
    EVP_CIPHER_CTX_free(x->cbc);
    secret_wipe(x, sizeof(*x));
    free(x);
}

static void chain(struct xcbc *x, const uint8_t *in, size_t len, uint8_t last[16])
{
    uint8_t scratch[512];
    int done;
    while (len > 0) {
        size_t take = len < sizeof(scratch) ? len : sizeof(scratch);
        if (!EVP_EncryptUpdate(x->cbc, scratch, &done, in, (int)take))
            evp_panic("AES");
        memcpy(last, scratch + take - 16, 16);
        in += take;
        len -= take;
    }
}

void xcbc_run(struct xcbc *x, const struct span *parts, size_t n, uint8_t out[16])
{
    static const uint8_t zero[16];
    uint8_t held[16]; /* the last block seen: held back, as it may be the message's last */
    size_t have = 0;
    if (!EVP_EncryptInit_ex2(x->cbc, NULL, NULL, zero, NULL))
        evp_panic("AES");
    for (size_t i = 0; i < n; i++) {
        struct span p = parts[i];
        while (p.len > 0) {
            if (have == 16) {
                chain(x, held, 16, out);
                have = 0;
            }
            /* whole blocks straight from the input, but always one byte or more stays for held */
            size_t direct = have == 0 ? (p.len - 1) / 16 * 16 : 0;
            chain(x, p.ptr, direct, out);
            p = span_of(p.ptr + direct, p.len - direct);
            size_t take = p.len < 16 - have ? p.len : 16 - have;
            memcpy(held + have, p.ptr, take);
            have += take;
            p = span_of(p.ptr + take, p.len - take);
        }
    }
    const uint8_t *k = have == 16 ? x->k2 : x->k3;
    if (have < 16) {
        held[have] = 0x80;
        memset(held + have + 1, 0, 15 - have);
    }
    for (int i = 0; i < 16; i++)
        held[i] ^= k[i];
    chain(x, held, 16, out);
}
