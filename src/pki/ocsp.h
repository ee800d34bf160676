/* SPDX-License-Identifier: Apache-2.0 */
/* The Online Certificate Status Protocol (RFC 6960): making requests, reading responses, and whether the one
 * who signed a response may speak for an issuer. No sockets, no clock: time and nonce come in. */
#pragma once

#include "pki/crl.h"

struct ocsp; /* a response; immutable, reference-counted, safe to share between threads */

enum { OCSP_DER_MAX = 64 << 10, OCSP_REQUEST_MAX = 1024, OCSP_NONCE_MAX = 32 };

enum ocsp_status { OCSP_IS_GOOD, OCSP_IS_REVOKED, OCSP_IS_UNKNOWN };

struct ocsp_single { /* what it says about one certificate */
    enum ocsp_status status;
    int64_t this_update, next_update; /* seconds since 1970 UTC; next_update INT64_MAX: not told */
    int64_t revoked_at;
    enum crl_reason reason;
};

/* DER of an OCSPResponse. NULL with the reason in d, also when the responder says that it has no answer
 * ("tryLater"). */
struct ocsp *ocsp_load(struct span der, struct diag *d);
struct ocsp *ocsp_ref(struct ocsp *o);
void ocsp_unref(struct ocsp *o);
struct span ocsp_der(const struct ocsp *o);
struct span ocsp_nonce(const struct ocsp *o); /* empty: none */
int64_t ocsp_produced_at(const struct ocsp *o);
const char *ocsp_responder_text(const struct ocsp *o); /* its name, or its key's hash: for messages */
/* What it says about a certificate of an issuer. False: nothing. */
bool ocsp_find(const struct ocsp *o, const struct cert *c, const struct cert *issuer,
               struct ocsp_single *out);
/* Is the response signed by the issuer itself, by one of the configured responders (may be NULL), or by a
 * responder that the issuer has appointed: a certificate in the response, issued by it with extKeyUsage
 * OCSPSigning and valid at now [RFC6960#4.2.2.2]? False with why. The appointed responder's own revocation is
 * not looked at. */
bool ocsp_is_signed_for(const struct ocsp *o, const struct cert *issuer, const struct cert_list *configured,
                        int64_t now, struct diag *why);
/* DER of a request about one certificate, by SHA-1 hashes as every responder knows them [RFC5019#2.1.1], into
 * buf. nonce may be empty. 0: it does not fit. */
size_t ocsp_request_make(const struct cert *c, const struct cert *issuer, struct span nonce,
                         uint8_t buf[OCSP_REQUEST_MAX]);
