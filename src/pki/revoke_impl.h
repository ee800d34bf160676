/* SPDX-License-Identifier: Apache-2.0 */
/* Is one certificate of a path revoked? What is known so far. Private to src/pki. */
#pragma once

#include "net/dn.h"
#include "pki/crl_impl.h"

enum {
    CLOCK_SKEW = 300,        /* seconds that our clock and an authority's may differ */
    CRL_WITHOUT_END = 86400, /* a CRL that does not tell its end is current for a day */
    OCSP_WITHOUT_END = 3600, /* and a response for an hour */
    CRLS_MAX = 16,           /* of one certificate */
};

struct inquiry {
    const struct trust_request *req;
    const struct cert_path *path;
    size_t at;
    struct cert *cert, *issuer;
    bool is_revoked, is_good;
    bool has_uri; /* something says where information is */
    int64_t revoked_at;
    char source[512];       /* of "revoked" */
    char lacking[512];      /* why something at hand, or that was to be fetched, was of no use */
    const struct crl *full; /* a current full CRL that was used */
    bool has_delta;         /* with a delta CRL */
    const char *wanted;
    struct trust_fetch fetch;
};

void inquiry_ask_crls(struct inquiry *q);
void inquiry_revoked(struct inquiry *q, int64_t at, enum crl_reason reason, const char *what,
                     const char *whose);
void inquiry_lacks(struct inquiry *q, const struct diag *why);
