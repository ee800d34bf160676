/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenSSL objects that this module shares: fetched once, never freed, read by every thread. Private to
 * src/crypto. */
#pragma once

#include "base/span.h"
#include <openssl/evp.h>

enum evp_md_slot {
    EVP_SLOT_MD5,
    EVP_SLOT_SHA1,
    EVP_SLOT_SHA256,
    EVP_SLOT_SHA384,
    EVP_SLOT_SHA512,
    EVP_MD_SLOTS
};

/* NULL when this OpenSSL lacks it. */
const EVP_MD *evp_md(enum evp_md_slot slot);
/* By OpenSSL's name, for example "AES-256-GCM"; fetched at the first call, kept afterwards. NULL when this
 * OpenSSL lacks it. Thread-safe; not for the packet path. */
const EVP_CIPHER *evp_cipher(const char *name);
/* A keyed HMAC context, to be freed with EVP_MAC_CTX_free(). NULL when this OpenSSL lacks the digest. */
EVP_MAC_CTX *evp_hmac_new(enum evp_md_slot slot, struct span key);
/* AES-CMAC under a 128-bit key. */
EVP_MAC_CTX *evp_cmac_new(const uint8_t key[16]);
/* What cannot fail, failed: memory is gone or the library is broken. Aborts. */
_Noreturn void evp_panic(const char *what);
