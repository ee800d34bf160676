/* SPDX-License-Identifier: Apache-2.0 */
/* Values that certificates, CRLs and OCSP responses share, out of OpenSSL's objects. Private to src/pki. */
#pragma once

#include "base/span.h"
#include <openssl/x509v3.h>

enum { SERIAL_MAX = 64 }; /* content octets; RFC 5280 allows 20 */

/* Seconds since 1970 UTC; UTCTime or GeneralizedTime. */
bool asn1_time_read(const ASN1_TIME *t, int64_t *out);
/* Content octets as DER has them (two's complement) into buf; false when there are none or more than
 * SERIAL_MAX. */
bool asn1_integer_read(const ASN1_INTEGER *i, uint8_t buf[SERIAL_MAX], size_t *len);
static inline struct span asn1_octets(const ASN1_STRING *s)
{
    return s ? span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)) : span_of(NULL, 0);
}
/* The hash of a signature algorithm, RSASSA-PSS included; NID_undef where it has none of its own (EdDSA). */
int asn1_signature_digest(const X509_ALGOR *alg);
/* MD2, MD4, MD5, MDC2, SHA-1: no proof any more. */
bool asn1_digest_is_weak(int nid);
