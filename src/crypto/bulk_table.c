/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine serves which cipher, key length and MAC: THE table that bulk_key_new() goes by and that
 * `keyway status --algorithms` prints. A cipher with a MAC of its own choice is served by the engines that
 * serve both. What a machine lacks (the library, the instructions) is found out by making a key. */
#include "base/arena.h"
#include "crypto/bulk_engine.h"
#include "crypto/sym.h"

/* ipsec-mb, openssl: NULL serves it, a text says why not. */
#define ENCR(i, bits, ...)                                                                                   \
    {                                                                                                        \
        .type = TRANSFORM_ENCR, .id = (i), .key_bits = (bits), .lacks = { __VA_ARGS__ }                      \
    }
#define AES(i) ENCR(i, 128, NULL, NULL), ENCR(i, 192, NULL, NULL), ENCR(i, 256, NULL, NULL)
#define CCM(i) ENCR(i, 128, NULL, NULL), ENCR(i, 192, no_ccm192, NULL), ENCR(i, 256, NULL, NULL)
#define INTEG(i)                                                                                             \
    {                                                                                                        \
        .type = TRANSFORM_INTEG, .id = (i)                                                                   \
    }
#define no_ccm192 "it refuses CCM with 192-bit keys"

static const struct bulk_row rows[] = {
    AES(ENCR_AES_GCM_16),
    AES(ENCR_AES_GCM_12),
    AES(ENCR_AES_GCM_8),
    ENCR(ENCR_CHACHA20_POLY1305, 256, NULL, NULL),
    AES(ENCR_AES_CBC),
    AES(ENCR_AES_CTR),
    CCM(ENCR_AES_CCM_16),
    CCM(ENCR_AES_CCM_12),
    CCM(ENCR_AES_CCM_8),
    AES(ENCR_NULL_AES_GMAC),
    ENCR(ENCR_3DES, 192, NULL, NULL),
    ENCR(ENCR_NULL, 0, NULL, NULL),
    INTEG(INTEG_HMAC_SHA2_256_128),
    INTEG(INTEG_HMAC_SHA2_384_192),
    INTEG(INTEG_HMAC_SHA2_512_256),
    INTEG(INTEG_HMAC_SHA1_96),
    INTEG(INTEG_AES_XCBC_96),
    INTEG(INTEG_AES_CMAC_96),
    INTEG(INTEG_HMAC_MD5_96),
    INTEG(INTEG_HMAC_SHA2_256_96),
};

const struct bulk_row *bulk_row_at(size_t index)
{
    return index < ARRAY_LEN(rows) ? &rows[index] : NULL;
}

static bool has_row(size_t engine, enum transform_type type, uint16_t id, uint16_t key_bits)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type == type && rows[i].id == id && rows[i].key_bits == key_bits)
            return !rows[i].lacks[engine];
    }
    return false;
}

bool bulk_table_serves(size_t engine, const struct bulk_key *k)
{
    return has_row(engine, TRANSFORM_ENCR, k->encr->id, k->key_bits) &&
           (k->is_aead || has_row(engine, TRANSFORM_INTEG, k->integ->id, 0));
}

/* A MAC is tried with no cipher, a cipher with a MAC that everybody has. */
const char *bulk_engine_lacks(size_t engine, const struct bulk_row *row)
{
    static const uint8_t zero[BULK_ZERO_KEY];
    bool is_integ = row->type == TRANSFORM_INTEG;
    const struct bulk_engine *e = bulk_engines[engine];
    if (row->lacks[engine])
        return row->lacks[engine];
    const struct alg *encr = alg_find(TRANSFORM_ENCR, is_integ ? ENCR_NULL : row->id);
    uint16_t integ = is_integ ? row->id : encr->is_aead ? INTEG_NONE : INTEG_HMAC_SHA2_256_128;
    size_t integ_len = alg_find(TRANSFORM_INTEG, integ)->key_len;
    struct bulk_key *k =
        bulk_key_new(encr->id, row->key_bits, integ, span_of(zero, sym_key_len(encr, row->key_bits)),
                     span_of(zero, integ_len), true, e->name);
    bulk_key_free(k);
    return k ? NULL : e->absent;
}

const char *bulk_engine_name(size_t engine)
{
    return engine < BULK_ENGINES ? bulk_engines[engine]->name : NULL;
}

const char *bulk_engine_version(size_t engine)
{
    return bulk_engines[engine]->version ? bulk_engines[engine]->version() : NULL;
}
