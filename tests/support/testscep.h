/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a SCEP server for tests, made by OpenSSL's CMS: good ones, and ones with anything wrong. What is
 * left out is not in the message. */
#pragma once

#include "support/testca.h"
#include <stdbool.h>

struct testscep_text {
    const char *oid;
    int type; /* V_ASN1_PRINTABLESTRING and its like */
    struct span value;
};

struct testscep_spec {
    const struct testca_cert *signer;
    const char *digest; /* NULL: SHA256 */
    const struct testscep_text *attributes;
    size_t n_attributes;
    struct span content;     /* ptr NULL: none at all */
    bool has_no_certificate; /* the signer's is not in it */
    bool is_signed_twice;
};

/* The caller frees what it gets with free(). Abort when they cannot be made: a test's fault. */
struct span testscep_answer(const struct testscep_spec *spec);
struct span testscep_envelope(struct span content, const struct testca_cert *recipient);
/* The certificates as a certs-only message. */
struct span testscep_certs(struct testca_cert *const *certs, size_t n);
