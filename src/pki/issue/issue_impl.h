/* SPDX-License-Identifier: Apache-2.0 */
/* What the makers share: extensions, names, signing. Private to src/pki/issue. Functions that make OpenSSL's
 * objects return NULL, or false, for what cannot be encoded. */
#pragma once

#include "pki/issue/issue.h"
#include <openssl/x509v3.h>

ASN1_INTEGER *issue_integer(struct span big_endian);
X509_NAME *issue_x509_name(struct span der);
ASN1_IA5STRING *issue_ia5(const char *text);
/* Adds the names to the list. */
bool issue_names_add(GENERAL_NAMES *list, struct issue_names names);
GENERAL_NAMES *issue_uri_names(const char *uri);
CRL_DIST_POINTS *issue_crl_points(const struct issue_crl_point *points, size_t n);

/* Pushes the extension whose value is OpenSSL's object for the nid, and frees nothing. */
bool issue_ext_add(STACK_OF(X509_EXTENSION) * *list, int nid, bool is_critical, void *value);
/* Pushes one that holds the bytes. */
bool issue_ext_add_bytes(STACK_OF(X509_EXTENSION) * *list, const char *oid, bool is_critical,
                         struct span bytes);
/* subjectAltName of the names and then those of the DER of GeneralNames; nothing when there are none. */
bool issue_ext_add_names(STACK_OF(X509_EXTENSION) * *list, struct issue_names names, struct span more);
bool issue_ext_add_key_id(STACK_OF(X509_EXTENSION) * *list, const struct cert *issuer);
bool issue_ext_add_critical(STACK_OF(X509_EXTENSION) * *list, const char *const *oids, size_t n);

/* In this order, and in years of four digits? False with d. */
bool issue_times_fit(int64_t from, int64_t to, struct diag *d);
/* Has the issuer the key that signs? False with d. */
bool issue_key_fits(const struct cert *issuer, const struct issue_signer *by, struct diag *d);
/* "sha256" and its like: as strong as the key. */
const char *issue_usual_digest(const struct pkey *k);
/* A context for X509_sign_ctx() and its like; NULL with d: this key cannot sign so. */
EVP_MD_CTX *issue_signing(const struct issue_signer *by, struct diag *d);
/* What OpenSSL's i2d made, owned by it, into a; false with d when it made nothing. */
bool issue_take(struct arena *a, unsigned char *encoded, int len, const char *what, struct span *der,
                struct diag *d);

/* elsewhere.c: with a key that is not here but on a token. */

/* What will stand in the signed part and behind it; the caller frees it. NULL with d. */
X509_ALGOR *issue_algorithm(const struct issue_signer *by, struct diag *d);
/* A revocation list without contents in which that stands already. */
X509_CRL *issue_crl_with(const X509_ALGOR *algorithm);
/* The signed part as OpenSSL's i2d made it, which is freed, becomes the whole. False with d. */
bool issue_sign_elsewhere(struct arena *a, const struct issue_signer *by, unsigned char *tbs, int len,
                          const X509_ALGOR *algorithm, struct span *der, struct diag *d);
