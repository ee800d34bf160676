/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that a server sends: a message of CMS that has nothing else in it (RFC 5652 section 5, RFC
 * 8894 section 3.4, RFC 7030 section 4.1.3). Its signatures, if it has any, say nothing. */
#pragma once

#include "pki/cert.h"

enum { CERTS_ONLY_MAX = 64 };

struct certs_only {
    struct cert *v[CERTS_ONLY_MAX];
    size_t n;
};

/* DER, behind which nothing may follow; the certificates in its order. False with d; else there is at least
 * one, and certs_only_free() drops them. */
bool certs_only_read(struct span der, struct certs_only *out, struct diag *d);
void certs_only_free(struct certs_only *c);
/* The one of the certificates that is for the key, borrowed. NULL with d: none is. */
struct cert *certs_only_issued(const struct certs_only *c, const struct pkey *key, struct diag *d);
