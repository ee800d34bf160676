/* SPDX-License-Identifier: Apache-2.0 */
/* A CRL as the files of this folder see it. Private to src/pki. */
#pragma once

#include "pki/cert_impl.h"
#include "pki/crl.h"

/* Of indirect CRLs: so many entries may name an issuer. */
enum { CRL_ISSUERS_MAX = 1024 };

struct crl_revoked {
    struct crl_entry e;
    size_t place; /* in the list, from 0 */
};

struct crl {
    atomic_uint refs;
    X509_CRL *x509;
    uint8_t *der;
    size_t der_len;
    struct span issuer; /* owned by x509 */
    char *issuer_text;
    int64_t this_update, next_update;
    uint8_t number[SERIAL_MAX], base[SERIAL_MAX];
    size_t number_len, base_len;
    AUTHORITY_KEYID *aki;
    struct crl_scope scope;
    ISSUING_DIST_POINT *point; /* NULL when absent */
    struct span point_der;     /* owned by x509 */
    struct uri_list deltas;
    char unknown_critical[80];
    int digest_nid;
    uint8_t *serials;          /* of all entries, one behind the other */
    struct crl_revoked *table; /* by serial, then by place */
    size_t *at_place;          /* index into table */
    size_t n;
    GENERAL_NAMES *issuers[CRL_ISSUERS_MAX]; /* what entries of indirect CRLs point into */
    size_t n_issuers;
};

#define CRL_ALL_REASONS UINT32_C(0x1fe) /* bits 1 to 8 of ReasonFlags */

/* Does it speak for the certificate, by issuer, kind and distribution point [RFC5280#6.3.3 (b)]? *reasons:
 * for which reasons of revocation. Dates and signature are not looked at. */
bool crl_covers(const struct crl *c, const struct cert *cert, uint32_t *reasons);
/* Have both the same issuer and the same scope, so that the one can replace or continue the other? */
bool crl_same_scope(const struct crl *a, const struct crl *b);
