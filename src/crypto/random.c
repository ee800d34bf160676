/* SPDX-License-Identifier: Apache-2.0 */
/* The one source of randomness: OpenSSL's DRBG, or what a test put in its place. The seeded source is the
 * ChaCha20 key stream under a key made of the seed; libcrypto draws from it too, so that signatures repeat.
 * It is process-wide state without a lock, so for tests with one thread only. See random.h. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method(): the only way to seed all of libcrypto */
#include "crypto/random.h"
#include "base/secret.h"
#include "crypto/evp.h"
#include <openssl/rand.h>

static crypto_random_fn *source;
static void *source_ctx;
static EVP_CIPHER_CTX *stream;

void crypto_random(void *out, size_t len)
{
    if (source) {
        source(source_ctx, out, len);
        return;
    }
    uint8_t *at = out;
    while (len > 0) {
        int chunk = len > (1 << 20) ? 1 << 20 : (int)len;
        if (RAND_bytes(at, chunk) != 1)
            evp_panic("random generator");
        at += chunk;
        len -= (size_t)chunk;
    }
}

static int libcrypto_bytes(unsigned char *out, int len)
{
    crypto_random(out, (size_t)len);
    return 1;
}

static int libcrypto_status(void)
{
    return 1;
}

static const RAND_METHOD libcrypto_method = {
    .bytes = libcrypto_bytes,
    .pseudorand = libcrypto_bytes,
    .status = libcrypto_status,
};

void crypto_random_set_source(crypto_random_fn *fn, void *ctx)
{
    source = fn;
    source_ctx = ctx;
    RAND_set_rand_method(NULL);
    EVP_CIPHER_CTX_free(stream);
    stream = NULL;
}

static void seeded(void *ctx, void *out, size_t len)
{
    uint8_t *at = out;
    memset(out, 0, len);
    while (len > 0) {
        int chunk = len > (1 << 20) ? 1 << 20 : (int)len, done = 0;
        if (!EVP_EncryptUpdate(ctx, at, &done, at, chunk))
            evp_panic("seeded random source");
        at += chunk;
        len -= (size_t)chunk;
    }
}

void crypto_random_seed(uint64_t seed)
{
    uint8_t key[32] = "keyway seeded random source", iv[16] = {0};
    for (int i = 0; i < 8; i++)
        iv[8 + i] = (uint8_t)(seed >> (8 * i)); /* the nonce; the counter in front starts at 0 */
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx || !EVP_EncryptInit_ex2(ctx, evp_cipher("ChaCha20"), key, iv, NULL))
        evp_panic("seeded random source");
    crypto_random_set_source(seeded, ctx);
    stream = ctx;
    RAND_set_rand_method(&libcrypto_method);
}
