/* SPDX-License-Identifier: Apache-2.0 */
/* PRFs, prf+ and one-off integrity over libcrypto's HMAC and CMAC; AES-XCBC (RFC 3566) is in xcbc.c, since
 * libcrypto has none. A row says which MAC makes a PRF or an integrity transform and what it does with a key
 * of an unusual length. */
#include "crypto/prf.h"
#include "crypto/alg.h"
#include "crypto/evp.h"
#include "crypto/mac.h"

size_t prf_len(uint16_t prf)
{
    const struct alg *a = alg_find(TRANSFORM_PRF, prf);
    return a ? a->out_len : 0;
}

bool mac_compute(const struct mac *m, struct span key, const struct span *parts, size_t n, uint8_t *out)
{
    if (m->kind == MAC_XCBC) {
        if (key.len != 16)
            return false;
        xcbc_compute(key.ptr, parts, n, out);
        return true;
    }
    if (m->kind == MAC_CMAC && key.len != 16)
        return false;
    EVP_MAC_CTX *ctx = m->kind == MAC_CMAC ? evp_cmac_new(key.ptr) : evp_hmac_new(m->slot, key);
    if (!ctx)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len && !EVP_MAC_update(ctx, parts[i].ptr, parts[i].len))
            evp_panic("MAC");
    }
    size_t len = 0;
    if (!EVP_MAC_final(ctx, out, &len, m->len))
        evp_panic("MAC");
    EVP_MAC_CTX_free(ctx);
    return true;
}

static const struct mac macs[] = {
    [MAC_HMAC_MD5] = {MAC_HMAC, EVP_SLOT_MD5,    16},
    [MAC_HMAC_SHA1] = {MAC_HMAC, EVP_SLOT_SHA1,   20},
    [MAC_HMAC_SHA256] = {MAC_HMAC, EVP_SLOT_SHA256, 32},
    [MAC_HMAC_SHA384] = {MAC_HMAC, EVP_SLOT_SHA384, 48},
    [MAC_HMAC_SHA512] = {MAC_HMAC, EVP_SLOT_SHA512, 64},
    [MAC_AES_XCBC] = {MAC_XCBC, 0,               16},
    [MAC_AES_CMAC] = {MAC_CMAC, 0,               16},
};

/* [RFC4434#2] a short key is padded with zeros, a long one is first made one by XCBC under the zero key.
 * [RFC4615#3] every key that is not 128 bits long is made one by CMAC under the zero key. */
static struct span key_fit(const struct mac *m, struct span key, uint8_t room[16])
{
    static const uint8_t zero[16];
    if (m->kind == MAC_HMAC || key.len == 16)
        return key;
    memset(room, 0, 16);
    if (m->kind == MAC_XCBC && key.len < 16)
        memcpy(room, key.len ? key.ptr : zero, key.len);
    else
        mac_compute(m, span_of(zero, 16), &key, 1, room);
    return span_of(room, 16);
}

static const struct mac *mac_of_prf(uint16_t prf)
{
    static const uint8_t of_prf[] = {
        [PRF_HMAC_MD5] = MAC_HMAC_MD5,         [PRF_HMAC_SHA1] = MAC_HMAC_SHA1,
        [PRF_HMAC_SHA2_256] = MAC_HMAC_SHA256, [PRF_HMAC_SHA2_384] = MAC_HMAC_SHA384,
        [PRF_HMAC_SHA2_512] = MAC_HMAC_SHA512, [PRF_AES128_XCBC] = MAC_AES_XCBC,
        [PRF_AES128_CMAC] = MAC_AES_CMAC,
    };
    return prf < ARRAY_LEN(of_prf) && of_prf[prf] ? &macs[of_prf[prf]] : NULL;
}

const struct mac *mac_of_integ(uint16_t integ)
{
    static const uint8_t of_integ[] = {
        [INTEG_HMAC_MD5_96] = MAC_HMAC_MD5,          [INTEG_HMAC_SHA1_96] = MAC_HMAC_SHA1,
        [INTEG_AES_XCBC_96] = MAC_AES_XCBC,          [INTEG_AES_CMAC_96] = MAC_AES_CMAC,
        [INTEG_HMAC_SHA2_256_128] = MAC_HMAC_SHA256, [INTEG_HMAC_SHA2_384_192] = MAC_HMAC_SHA384,
        [INTEG_HMAC_SHA2_512_256] = MAC_HMAC_SHA512,
    };
    if (integ == INTEG_HMAC_SHA2_256_96)
        return &macs[MAC_HMAC_SHA256];
    return integ < ARRAY_LEN(of_integ) && of_integ[integ] ? &macs[of_integ[integ]] : NULL;
}

bool prf_compute(uint16_t prf, struct span key, const struct span *parts, size_t n, uint8_t *out)
{
    const struct mac *m = mac_of_prf(prf);
    if (!m)
        return false;
    uint8_t room[16];
    bool done = mac_compute(m, key_fit(m, key, room), parts, n, out);
    secret_wipe(room, sizeof(room));
    return done;
}

bool prf_plus(uint16_t prf, struct span key, const struct span *parts, size_t n, uint8_t *out, size_t out_len)
{
    struct span in[PRF_PLUS_PARTS + 2];
    uint8_t block[PRF_MAX_LEN], count = 0;
    size_t len = prf_len(prf);
    if (!len || n > PRF_PLUS_PARTS || out_len > 255 * len)
        return false;
    /* [RFC7296#2.13] T1 = prf(K, S | 0x01), Tn = prf(K, Tn-1 | S | n) */
    in[0] = span_of(block, 0);
    memcpy(in + 1, parts, n * sizeof(*parts));
    in[n + 1] = span_of(&count, 1);
    while (out_len > 0) {
        count++;
        if (!prf_compute(prf, key, in, n + 2, block))
            return false;
        in[0].len = len;
        size_t take = out_len < len ? out_len : len;
        memcpy(out, block, take);
        out += take;
        out_len -= take;
    }
    secret_wipe(block, sizeof(block));
    return true;
}

bool integ_compute(uint16_t integ, struct span key, const struct span *parts, size_t n, uint8_t *out)
{
    const struct alg *a = alg_find(TRANSFORM_INTEG, integ);
    const struct mac *m = mac_of_integ(integ);
    uint8_t full[PRF_MAX_LEN];
    if (!a || !m || !mac_compute(m, key, parts, n, full))
        return false;
    memcpy(out, full, a->icv);
    return true;
}
