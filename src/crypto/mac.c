/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed MACs over libcrypto's HMAC and CMAC and our XCBC: see mac.h. */
#include "crypto/mac.h"
#include "base/arena.h"
#include "crypto/alg.h"
#include "crypto/evp.h"
#include <stdlib.h>

struct mac {
    enum mac_id id;
    bool is_fresh; /* keyed and not used yet: no need to start over */
    EVP_MAC_CTX *evp;
    struct xcbc *xcbc;
};

static const struct {
    enum evp_md_slot slot; /* HMAC */
    uint8_t len;
} macs[] = {
    [MAC_HMAC_MD5] = {EVP_SLOT_MD5,    16},
    [MAC_HMAC_SHA1] = {EVP_SLOT_SHA1,   20},
    [MAC_HMAC_SHA256] = {EVP_SLOT_SHA256, 32},
    [MAC_HMAC_SHA384] = {EVP_SLOT_SHA384, 48},
    [MAC_HMAC_SHA512] = {EVP_SLOT_SHA512, 64},
    [MAC_AES_XCBC] = {0,               16},
    [MAC_AES_CMAC] = {0,               16},
};

enum mac_id mac_of_integ(uint16_t integ)
{
    static const uint8_t of_integ[] = {
        [INTEG_HMAC_MD5_96] = MAC_HMAC_MD5,          [INTEG_HMAC_SHA1_96] = MAC_HMAC_SHA1,
        [INTEG_AES_XCBC_96] = MAC_AES_XCBC,          [INTEG_AES_CMAC_96] = MAC_AES_CMAC,
        [INTEG_HMAC_SHA2_256_128] = MAC_HMAC_SHA256, [INTEG_HMAC_SHA2_384_192] = MAC_HMAC_SHA384,
        [INTEG_HMAC_SHA2_512_256] = MAC_HMAC_SHA512,
    };
    if (integ == INTEG_HMAC_SHA2_256_96)
        return MAC_HMAC_SHA256;
    return integ < ARRAY_LEN(of_integ) ? of_integ[integ] : 0;
}

size_t mac_len(enum mac_id id)
{
    return macs[id].len;
}

struct mac *mac_new(enum mac_id id, struct span key)
{
    bool is_hmac = id != MAC_AES_XCBC && id != MAC_AES_CMAC;
    if (!is_hmac && key.len != 16)
        return NULL;
    struct mac *m = mem_new(sizeof(*m));
    m->id = id;
    m->is_fresh = true;
    if (id == MAC_AES_XCBC)
        m->xcbc = xcbc_new(key.ptr);
    else
        m->evp = is_hmac ? evp_hmac_new(macs[id].slot, key) : evp_cmac_new(key.ptr);
    if (m->xcbc || m->evp)
        return m;
    free(m);
    return NULL;
}

void mac_free(struct mac *m)
{
    if (!m)
        return;
    EVP_MAC_CTX_free(m->evp);
    xcbc_free(m->xcbc);
    free(m);
}

void mac_run(struct mac *m, const struct span *parts, size_t n, uint8_t *out)
{
    size_t len = 0;
    if (m->xcbc) {
        xcbc_run(m->xcbc, parts, n, out);
        return;
    }
    if (!m->is_fresh && !EVP_MAC_init(m->evp, NULL, 0, NULL))
        evp_panic("MAC");
    m->is_fresh = false;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len && !EVP_MAC_update(m->evp, parts[i].ptr, parts[i].len))
            evp_panic("MAC");
    }
    if (!EVP_MAC_final(m->evp, out, &len, macs[m->id].len))
        evp_panic("MAC");
}

bool mac_compute(enum mac_id id, struct span key, const struct span *parts, size_t n, uint8_t *out)
{
    struct mac *m = mac_new(id, key);
    if (!m)
        return false;
    mac_run(m, parts, n, out);
    mac_free(m);
    return true;
}
