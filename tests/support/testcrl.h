/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs for tests, made in memory with libcrypto alone: full, delta, indirect, scoped, good and bad. Every
 * field of the spec may be left out. */
#pragma once

#include "support/testca.h"

struct testcrl_entry {
    const struct testca_cert *cert; /* whose serial; NULL: see serial */
    long serial;
    int64_t date;            /* 0: 2026-01-01 */
    int reason;              /* 0: none; else enum crl_reason + 1 */
    int64_t invalid_since;   /* 0: absent */
    const char *issuer;      /* certificateIssuer: "C=CH, CN=x" */
    const char *unknown_oid; /* a critical extension that nobody knows */
};

struct testcrl_spec {
    const struct testcrl_entry *entries;
    size_t n;
    int64_t this_update, next_update; /* 0: a day before, a day after TESTCA_NOW; next_update -1: absent */
    const char *number, *base;        /* "7"; NULL: absent. base makes it a delta CRL */
    const char *idp;                  /* issuingDistributionPoint: "onlyCA:TRUE,fullname:URI:http://x/" */
    const char *freshest;             /* freshestCRL: "URI:http://x/delta" */
    const char *issuer_name;          /* instead of the signer's subject */
    const char *unknown_oid;          /* a critical extension that nobody knows */
    const char *digest;               /* "SHA256" by default; ignored for EdDSA */
    bool is_pss, has_no_key_ids, has_wrong_signature;
};

/* DER, freed by the caller with testcrl_free(). Aborts when the spec makes no sense. */
struct span testcrl_make(const struct testcrl_spec *spec, const struct testca_cert *signer);
void testcrl_free(struct span der);
