/* SPDX-License-Identifier: Apache-2.0 */
/* What the pkey_*.c files share. Private to src/crypto. */
#pragma once

#include "crypto/pkey.h"
#include <openssl/evp.h>
#include <stdatomic.h>

struct pkey {
    atomic_uint refs;
    EVP_PKEY *evp; /* immutable once made: EVP lets threads share it */
    enum pkey_type type;
    unsigned bits;
    bool is_private;
    bool is_pss_only; /* its SPKI says id-RSASSA-PSS */
    uint8_t keyid[20];
    uint8_t *spki;
    size_t spki_len;
};

/* Takes evp. spki: the bytes that it came from, or empty to encode it. NULL when the kind of key is not
 * served. */
struct pkey *pkey_wrap_take(EVP_PKEY *evp, bool is_private, struct span spki, struct diag *d);
