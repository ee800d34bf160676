/* SPDX-License-Identifier: Apache-2.0 */
/* Making private keys: RSA with the exponent 65537, ECDSA over NIST's curves, Ed25519 and Ed448. OpenSSL
 * draws the randomness, from the source that random.h names. See pkey.h. Not here: RSA of safe primes,
 * brainpool curves, which nobody asked for. */
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

/* Below is weak, above takes minutes and no peer wants it. */
enum { RSA_MAKE_MIN = 1024, RSA_MAKE_MAX = 8192, RSA_MAKE_USUAL = 2048, CURVE_USUAL = 384 };

static const struct curve_row {
    unsigned bits;
    const char *name;
} curves[] = {
    {256, "P-256"},
    {384, "P-384"},
    {521, "P-521"},
};

static const char *curve_of(unsigned bits)
{
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (curves[i].bits == bits)
            return curves[i].name;
    }
    return NULL;
}

static EVP_PKEY *make(const char *type, unsigned rsa_bits, const char *curve)
{
    EVP_PKEY *evp = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    bool is_ok = ctx && EVP_PKEY_keygen_init(ctx) > 0 &&
                 (!rsa_bits || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)rsa_bits) > 0) &&
                 (!curve || EVP_PKEY_CTX_set_group_name(ctx, curve) > 0) && EVP_PKEY_generate(ctx, &evp) > 0;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return is_ok ? evp : NULL;
}

struct pkey *pkey_generate(enum pkey_type type, unsigned size, struct diag *d)
{
    EVP_PKEY *evp = NULL;
    const char *curve = NULL;
    switch (type) {
    case PKEY_RSA:
        size = size ? size : RSA_MAKE_USUAL;
        if (size < RSA_MAKE_MIN || size > RSA_MAKE_MAX) {
            diag_set(d, FAIL_USAGE, "no RSA key of %u bits is made", size);
            diag_expected(d, "%d to %d bits", RSA_MAKE_MIN, RSA_MAKE_MAX);
            return NULL;
        }
        evp = make("RSA", size, NULL);
        break;
    case PKEY_ECDSA:
        curve = curve_of(size ? size : CURVE_USUAL);
        if (!curve) {
            diag_set(d, FAIL_USAGE, "no ECDSA key of %u bits is made", size);
            diag_expected(d, "256, 384 or 521 bits");
            return NULL;
        }
        evp = make("EC", 0, curve);
        break;
    case PKEY_ED25519:
        evp = make("ED25519", 0, NULL);
        break;
    case PKEY_ED448:
        evp = make("ED448", 0, NULL);
        break;
    }
    if (!evp) {
        diag_set(d, FAIL_GENERIC, "OpenSSL makes no such key");
        return NULL;
    }
    return pkey_wrap_take(evp, true, span_of(NULL, 0), d);
}
