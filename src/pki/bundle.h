/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of certificates and CRLs (RFC 7296 section 3.6), to which a "hash and URL of a bundle" leads. */
#pragma once

#include "pki/cert.h"

enum { BUNDLE_CERTS_MAX = 16, BUNDLE_CRLS_MAX = 8 };

struct bundle {
    struct cert *certs[BUNDLE_CERTS_MAX]; /* references, in the order of the bundle */
    size_t n_certs;
    struct crl *crls[BUNDLE_CRLS_MAX];
    size_t n_crls;
};

/* DER. More than there is room for, and what cannot be read, is an error. False with the reason in d. */
bool bundle_load(struct span der, struct bundle *out, struct diag *d);
void bundle_free(struct bundle *b);
