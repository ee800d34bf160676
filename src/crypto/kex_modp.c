/* SPDX-License-Identifier: Apache-2.0 */
/* Diffie-Hellman in the MODP groups (RFC 2409, RFC 3526): generator 2, safe primes. Exponentiation is
 * libcrypto's constant-time one. Values are big-endian, as long as the prime (RFC 7296 section 3.4). */
#include "crypto/evp.h"
#include "crypto/kex_group.h"
#include "crypto/random.h"

/* out = base^exponent mod p, for 1 < base < p - 1 [RFC6989#2.1]. */
static bool power(const struct kex_group *g, const BIGNUM *base, const uint8_t *exponent, uint8_t *out)
{
    BIGNUM *p = g->prime(NULL), *e = BN_secure_new(), *r = BN_secure_new(), *top = p ? BN_dup(p) : NULL;
    BN_CTX *ctx = BN_CTX_secure_new();
    if (!p || !e || !r || !top || !ctx || !BN_sub_word(top, 1))
        evp_panic("big number");
    bool done = false;
    if (!BN_is_zero(base) && !BN_is_one(base) && BN_cmp(base, top) < 0) {
        if (!BN_bin2bn(exponent, g->private_len, e))
            evp_panic("big number");
        BN_set_flags(e, BN_FLG_CONSTTIME);
        if (!BN_mod_exp_mont_consttime(r, base, e, p, ctx, NULL) || BN_bn2binpad(r, out, g->public_len) < 0)
            evp_panic("modular exponentiation");
        done = true;
    }
    BN_clear_free(e);
    BN_clear_free(r);
    BN_free(p);
    BN_free(top);
    BN_CTX_free(ctx);
    return done;
}

static bool generate(const struct kex_group *g, uint8_t *private_key, uint8_t *public_key)
{
    BIGNUM *two = BN_new();
    if (!two || !BN_set_word(two, 2))
        evp_panic("big number");
    crypto_random(private_key, g->private_len);
    private_key[0] |= 0x80; /* so that the time depends on the group alone */
    bool done = power(g, two, private_key, public_key);
    BN_free(two);
    return done;
}

static bool derive(const struct kex_group *g, const uint8_t *private_key, const uint8_t *peer,
                   uint8_t *shared)
{
    BIGNUM *y = BN_bin2bn(peer, g->public_len, NULL);
    if (!y)
        evp_panic("big number");
    bool done = power(g, y, private_key, shared);
    BN_free(y);
    return done;
}

const struct kex_family kex_modp = {.generate = generate, .derive = derive};
