/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of certificates and CRLs (RFC 7296 section 3.6), written byte by byte. */
#pragma once

#include "base/secret.h"

struct bundle_part {
    struct span der;
    bool is_crl;
};

/* Freed by the caller with secret_free(). */
struct secret testbundle_make(const struct bundle_part *parts, size_t n);
