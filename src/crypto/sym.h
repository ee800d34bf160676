/* SPDX-License-Identifier: Apache-2.0 */
/* One symmetric key in one direction over libcrypto: what cipher.c (IKE) and bulk_openssl.c (ESP) are made
 * of. The key schedule is computed once; a message costs an IV and the data, and allocates nothing. One user
 * at a time. Private to src/crypto. */
#pragma once

#include "base/secret.h"
#include "crypto/alg.h"

struct sym;

/* Length of key plus salt, or 0 when the algorithm has no such key length. key_bits may be 0 where there is
 * only one. */
size_t sym_key_len(const struct alg *encr, uint16_t key_bits);
/* NULL when this OpenSSL lacks it or the key's length is wrong. key ends with the salt. */
struct sym *sym_new(const struct alg *encr, uint16_t key_bits, struct span key, bool is_seal);
void sym_free(struct sym *s);
/* Encrypts in place. AEAD: also writes the ICV over aad and data; the others ignore aad and icv.
 * NULL_AES_GMAC leaves the data as it is and covers aad | iv | data. */
void sym_seal(struct sym *s, struct span aad, const uint8_t *iv, uint8_t *data, size_t len, uint8_t *icv);
/* False only for an AEAD whose ICV is wrong; data is then unspecified. */
bool sym_open(struct sym *s, struct span aad, const uint8_t *iv, uint8_t *data, size_t len,
              const uint8_t *icv);
