/* SPDX-License-Identifier: Apache-2.0 */
/* The protection of one direction of an IKE SA: AEAD (RFC 5282), or encryption and then a MAC over
 * aad | iv | ciphertext (RFC 7296 section 3.14). Contexts are kept from message to message; those of a
 * direction that is never used are never made. NULL and GMAC are refused: an IKE SA must encrypt [RFC7296#5].
 */
#include "crypto/cipher.h"
#include "base/arena.h"
#include "crypto/alg.h"
#include "crypto/mac.h"
#include "crypto/sym.h"
#include <stdlib.h>

struct cipher {
    const struct alg *encr, *integ;
    uint16_t key_bits;
    struct secret key;  /* for making the contexts */
    struct sym *way[2]; /* open, seal */
    struct mac *mac;    /* NULL for AEAD */
};

static bool combination_find(uint16_t encr, uint16_t key_bits, uint16_t integ, const struct alg **e,
                             const struct alg **i)
{
    *e = alg_find(TRANSFORM_ENCR, encr);
    *i = alg_find(TRANSFORM_INTEG, integ);
    if (!*e || !*i || encr == ENCR_NULL || encr == ENCR_NULL_AES_GMAC || !sym_key_len(*e, key_bits))
        return false;
    return (*e)->is_aead == (integ == INTEG_NONE);
}

bool cipher_key_lens(uint16_t encr, uint16_t key_bits, uint16_t integ, size_t *encr_len, size_t *integ_len)
{
    const struct alg *e, *i;
    if (!combination_find(encr, key_bits, integ, &e, &i))
        return false;
    *encr_len = sym_key_len(e, key_bits);
    *integ_len = i->key_len;
    return true;
}

static struct sym *way_of(struct cipher *c, bool is_seal)
{
    if (!c->way[is_seal])
        c->way[is_seal] = sym_new(c->encr, c->key_bits, secret_view(&c->key), is_seal);
    return c->way[is_seal];
}

struct cipher *cipher_new(uint16_t encr, uint16_t key_bits, uint16_t integ, struct span encr_key,
                          struct span integ_key)
{
    const struct alg *e, *i;
    if (!combination_find(encr, key_bits, integ, &e, &i) || encr_key.len != sym_key_len(e, key_bits) ||
        integ_key.len != i->key_len)
        return NULL;
    struct cipher *c = mem_new(sizeof(*c));
    *c = (struct cipher){.encr = e, .integ = i, .key_bits = key_bits, .key = secret_copy(encr_key)};
    if (!e->is_aead)
        c->mac = mac_new(mac_of_integ(integ), integ_key);
    /* this OpenSSL may lack either (MD5 and 3DES under a FIPS policy): say so now, not at the first message
     */
    if ((e->is_aead || c->mac) && way_of(c, true))
        return c;
    cipher_free(c);
    return NULL;
}

void cipher_free(struct cipher *c)
{
    if (!c)
        return;
    secret_free(&c->key);
    sym_free(c->way[0]);
    sym_free(c->way[1]);
    mac_free(c->mac);
    free(c);
}

size_t cipher_iv_len(const struct cipher *c)
{
    return c->encr->iv;
}

size_t cipher_block(const struct cipher *c)
{
    return c->encr->block;
}

size_t cipher_icv_len(const struct cipher *c)
{
    return c->encr->is_aead ? c->encr->icv : c->integ->icv;
}

static void mac_message(struct cipher *c, struct span aad, const uint8_t *iv, const uint8_t *data, size_t len,
                        uint8_t full[MAC_MAX_LEN])
{
    const struct span parts[] = {aad, span_of(iv, c->encr->iv), span_of(data, len)};
    mac_run(c->mac, parts, ARRAY_LEN(parts), full);
}

bool cipher_seal(struct cipher *c, struct span aad, const uint8_t *iv, uint8_t *data, size_t len,
                 uint8_t *icv)
{
    struct sym *s = way_of(c, true);
    if (!s || len == 0 || len % c->encr->block != 0) /* [RFC7296#3.14] there is a pad length at least */
        return false;
    sym_seal(s, aad, iv, data, len, icv);
    if (c->mac) {
        uint8_t full[MAC_MAX_LEN];
        mac_message(c, aad, iv, data, len, full);
        memcpy(icv, full, c->integ->icv);
    }
    return true;
}

bool cipher_open(struct cipher *c, struct span aad, const uint8_t *iv, uint8_t *data, size_t len,
                 const uint8_t *icv)
{
    struct sym *s = way_of(c, false);
    if (!s || len == 0 || len % c->encr->block != 0) /* [RFC7296#3.14] there is a pad length at least */
        return false;
    if (c->mac) {
        uint8_t full[MAC_MAX_LEN];
        mac_message(c, aad, iv, data, len, full);
        if (!secret_equal(span_of(full, c->integ->icv), span_of(icv, c->integ->icv)))
            return false;
    }
    return sym_open(s, aad, iv, data, len, icv);
}
