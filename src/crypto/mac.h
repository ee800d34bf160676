/* SPDX-License-Identifier: Apache-2.0 */
/* The keyed MACs that PRFs and integrity transforms are cut from. Private to src/crypto. */
#pragma once

#include "crypto/evp.h"
#include "crypto/prf.h"

#define PRF_PLUS_PARTS 8 /* seed parts that prf_plus() takes at most */

enum mac_kind { MAC_HMAC, MAC_XCBC, MAC_CMAC };
enum mac_id { /* 0 means none */
              MAC_HMAC_MD5 = 1,
              MAC_HMAC_SHA1,
              MAC_HMAC_SHA256,
              MAC_HMAC_SHA384,
              MAC_HMAC_SHA512,
              MAC_AES_XCBC,
              MAC_AES_CMAC,
};

struct mac {
    enum mac_kind kind;
    enum evp_md_slot slot; /* HMAC */
    uint8_t len;           /* untruncated bytes */
};

/* NULL when integ is unknown or INTEG_NONE. */
const struct mac *mac_of_integ(uint16_t integ);
/* The whole MAC, m->len bytes. False when the key has a length that the MAC cannot take (AES: 16 bytes only)
 * or this OpenSSL lacks the digest. */
bool mac_compute(const struct mac *m, struct span key, const struct span *parts, size_t n, uint8_t *out);

/* AES-XCBC-MAC (RFC 3566), untruncated. */
struct xcbc;
void xcbc_compute(const uint8_t key[16], const struct span *parts, size_t n, uint8_t out[16]);
/* For many messages under one key; one user at a time. */
struct xcbc *xcbc_new(const uint8_t key[16]);
void xcbc_free(struct xcbc *x);
void xcbc_mac(struct xcbc *x, const struct span *parts, size_t n, uint8_t out[16]);
/* K1, K2, K3 of RFC 3566 section 4. */
void xcbc_subkeys(const uint8_t key[16], uint8_t k[3][16]);
