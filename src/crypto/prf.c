/* SPDX-License-Identifier: Apache-2.0 */
/* PRFs, prf+ and one-off integrity, made of the MACs of mac.c. What is here is which MAC makes a PRF, what it
 * does with a key of an unusual length, and how prf+ stretches it. */
#include "crypto/prf.h"
#include "crypto/alg.h"
#include "crypto/mac.h"

size_t prf_len(uint16_t prf)
{
    const struct alg *a = alg_find(TRANSFORM_PRF, prf);
    return a ? a->out_len : 0;
}

/* [RFC4434#2] a short key is padded with zeros, a long one is first made one by XCBC under the zero key.
 * [RFC4615#3] every key that is not 128 bits long is made one by CMAC under the zero key. */
static struct span key_fit(enum mac_id m, struct span key, uint8_t room[16])
{
    static const uint8_t zero[16];
    if ((m != MAC_AES_XCBC && m != MAC_AES_CMAC) || key.len == 16)
        return key;
    memset(room, 0, 16);
    if (m == MAC_AES_XCBC && key.len < 16)
        memcpy(room, key.len ? key.ptr : zero, key.len);
    else
        mac_compute(m, span_of(zero, 16), &key, 1, room);
    return span_of(room, 16);
}

static enum mac_id mac_of_prf(uint16_t prf)
{
    static const uint8_t of_prf[] = {
        [PRF_HMAC_MD5] = MAC_HMAC_MD5,         [PRF_HMAC_SHA1] = MAC_HMAC_SHA1,
        [PRF_HMAC_SHA2_256] = MAC_HMAC_SHA256, [PRF_HMAC_SHA2_384] = MAC_HMAC_SHA384,
        [PRF_HMAC_SHA2_512] = MAC_HMAC_SHA512, [PRF_AES128_XCBC] = MAC_AES_XCBC,
        [PRF_AES128_CMAC] = MAC_AES_CMAC,
    };
    return prf < ARRAY_LEN(of_prf) ? of_prf[prf] : 0;
}

bool prf_compute(uint16_t prf, struct span key, const struct span *parts, size_t n, uint8_t *out)
{
    enum mac_id m = mac_of_prf(prf);
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
    if (n)
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
    enum mac_id m = mac_of_integ(integ);
    uint8_t full[PRF_MAX_LEN];
    if (!a || !m || !mac_compute(m, key, parts, n, full))
        return false;
    memcpy(out, full, a->icv);
    return true;
}
