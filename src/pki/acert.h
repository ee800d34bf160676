/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute certificates (RFC 5755 section 4, version 2): bytes -> an object that tells for whom it speaks,
 * who made it, and which groups it grants. No files, no sockets, no clock. */
#pragma once

#include "pki/cert.h"

struct acert; /* immutable, reference-counted, safe to share between threads */

enum { ACERT_DER_MAX = 65535, ACERT_GROUPS_MAX = 256, ACERT_WORDS_MAX = 384 };

/* PEM or DER. NULL with the reason in d. */
struct acert *acert_load(struct span data, struct diag *d);
struct acert *acert_ref(struct acert *a);
void acert_unref(struct acert *a);
/* Spans live as long as the object; names are DER, serials the content octets of the INTEGER as in DER. What
 * is absent is empty. */
struct span acert_der(const struct acert *a);
struct span acert_issuer_der(const struct acert *a);
struct span acert_serial(const struct acert *a);
struct span acert_authority_key_id(const struct acert *a);
struct span acert_holder_name(const struct acert *a);   /* entityName */
struct span acert_holder_issuer(const struct acert *a); /* baseCertificateID */
struct span acert_holder_serial(const struct acert *a);
int64_t acert_not_before(const struct acert *a); /* seconds since 1970 UTC */
int64_t acert_not_after(const struct acert *a);
/* OID of the first critical extension that is not served: then it may not be used [RFC5755#4.3]; empty: none.
 */
const char *acert_unknown_critical(const struct acert *a);

/* A group [RFC5755#4.4.4]: text, bytes, or the content octets of an OID. In the order of the certificate. */
enum acert_group_kind { ACERT_GROUP_TEXT, ACERT_GROUP_BYTES, ACERT_GROUP_OID };
struct acert_group {
    enum acert_group_kind kind;
    struct span value;
};
size_t acert_group_count(const struct acert *a);
struct acert_group acert_group_at(const struct acert *a, size_t at); /* at < acert_group_count() */

/* "an attribute certificate of CN=aa until 2027-01-01 00:00:00 UTC" in buf, which it returns. */
const char *acert_words(const struct acert *a, char buf[ACERT_WORDS_MAX]);

/* Is it about this certificate: by its issuer and serial number, or, where it gives none, by its subject? */
bool acert_is_for(const struct acert *a, const struct cert *holder);
/* Did this certificate's key sign it, in its name? False with why. Whether that certificate is trusted to do
 * so is for the caller to find out, and the dates are too. */
bool acert_is_signed_by(const struct acert *a, const struct cert *issuer, struct diag *why);
