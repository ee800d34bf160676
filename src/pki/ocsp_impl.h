/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP response as the files of this folder see it. Private to src/pki. */
#pragma once

#include "pki/cert_impl.h"
#include "pki/ocsp.h"
#include <openssl/ocsp.h>

enum { OCSP_ENTRIES_MAX = 32, OCSP_CERTS_MAX = 4 };

struct ocsp_entry {
    int digest_nid;
    struct span name_hash, key_hash;
    uint8_t serial[SERIAL_MAX];
    size_t serial_len;
    struct ocsp_single says;
};

struct ocsp {
    atomic_uint refs;
    OCSP_BASICRESP *basic;
    uint8_t *der;
    size_t der_len;
    int64_t produced_at;
    int digest_nid;
    struct span responder_name, responder_key; /* one of them; owned by basic */
    char responder_text[CERT_TEXT_MAX];
    uint8_t nonce[128]; /* a responder may choose a longer one than ours */
    size_t nonce_len;
    struct cert *certs[OCSP_CERTS_MAX];
    size_t n_certs;
    struct ocsp_entry entries[OCSP_ENTRIES_MAX];
    size_t n;
    uint8_t hashes[2 * OCSP_ENTRIES_MAX][HASH_MAX_LEN];
    size_t n_hashes;
};
