/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses for tests, made in memory with libcrypto alone. Every field of the spec may be left out. */
#pragma once

#include "support/testca.h"

struct testocsp_spec {
    const struct testca_cert *issuer; /* of what is asked about */
    const struct testca_cert *cert;   /* what is asked about */
    const struct testca_cert *signer; /* NULL: the issuer */
    bool has_signer_cert;             /* put the signer's certificate in */
    char status;                      /* 'g' (or 0) good, 'r' revoked, 'u' unknown */
    int64_t revoked_at;               /* 0: 2026-01-01 */
    int reason;                       /* 0: none; else enum crl_reason + 1 */
    int64_t this_update,
        next_update;                /* 0: an hour before, an hour after TESTCA_NOW; next_update -1: absent */
    const char *digest, *id_digest; /* of the signature (SHA256), of the certificate's id (SHA1) */
    struct span nonce;
    bool is_by_key; /* the responder is named by its key */
    bool has_wrong_signature;
    int response_status; /* 0: successful */
};

/* DER, freed by the caller with testocsp_free(). producedAt is this machine's clock. */
struct span testocsp_make(const struct testocsp_spec *spec);
void testocsp_free(struct span der);
