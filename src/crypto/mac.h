/* SPDX-License-Identifier: Apache-2.0 */
/* The keyed MACs that PRFs and integrity transforms are cut from. Private to src/crypto. */
#pragma once

#include "base/secret.h"

#define PRF_PLUS_PARTS 8 /* seed parts that prf_plus() takes at most */
#define MAC_MAX_LEN    64

enum mac_id { /* 0 means none */
              MAC_HMAC_MD5 = 1,
              MAC_HMAC_SHA1,
              MAC_HMAC_SHA256,
              MAC_HMAC_SHA384,
              MAC_HMAC_SHA512,
              MAC_AES_XCBC,
              MAC_AES_CMAC,
};

/* 0 when integ is unknown or INTEG_NONE. */
enum mac_id mac_of_integ(uint16_t integ);
/* The whole MAC's bytes. */
size_t mac_len(enum mac_id id);

/* A keyed MAC for many messages, one user at a time. NULL when the key has a length that the MAC cannot take
 * (AES: 16 bytes only) or this OpenSSL lacks the digest. */
struct mac;
struct mac *mac_new(enum mac_id id, struct span key);
void mac_free(struct mac *m);
/* Writes mac_len() bytes. Allocates nothing. */
void mac_run(struct mac *m, const struct span *parts, size_t n, uint8_t *out);
/* For one message. False where mac_new() would give NULL. */
bool mac_compute(enum mac_id id, struct span key, const struct span *parts, size_t n, uint8_t *out);

/* AES-XCBC-MAC (RFC 3566), untruncated: xcbc.c. */
struct xcbc;
struct xcbc *xcbc_new(const uint8_t key[16]);
void xcbc_free(struct xcbc *x);
void xcbc_run(struct xcbc *x, const struct span *parts, size_t n, uint8_t out[16]);
