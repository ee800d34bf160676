/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 containers (RFC 7292): a passphrase over private keys and certificates. */
#pragma once

#include "pki/cert.h"

#define PKCS12_ITEMS_MAX 64

struct pkcs12 {
    struct pkey *keys[PKCS12_ITEMS_MAX];
    char *key_names[PKCS12_ITEMS_MAX]; /* friendlyName in UTF-8, or NULL */
    size_t n_keys;
    struct cert *certs[PKCS12_ITEMS_MAX]; /* in the container's order */
    char *cert_names[PKCS12_ITEMS_MAX];
    size_t n_certs;
};

/* DER. max_iterations bounds what is computed to derive a key from the passphrase; 0: ten million. False with
 * the reason in d: FAIL_PERMISSION when the passphrase does not fit. A certificate or key inside that is of
 * no use to us is passed over. */
bool pkcs12_load(struct span data, struct span passphrase, uint64_t max_iterations, struct pkcs12 *out,
                 struct diag *d);
/* A container with the first key, the first certificate, which is the key's, and the others, under their
 * names. out is freed by the caller. Slow by design. */
bool pkcs12_make(const struct pkcs12 *p, struct span passphrase, struct secret *out, struct diag *d);
/* Drops keys, certificates and names. */
void pkcs12_free(struct pkcs12 *p);
