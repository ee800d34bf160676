/* SPDX-License-Identifier: Apache-2.0 */
/* Simple Certificate Enrolment Protocol (RFC 8894): what a client says of itself, and how it reads the
 * answers. Pure: bytes in, bytes and certificates out. Messages are made in src/bin/pki/scep_message.c, since
 * that takes random numbers and a clock. Not here: GetCert, GetCRL (section 3.3.4), GetNextCACert (4.7). */
#pragma once

#include "base/text.h"
#include "pki/certs_only.h"

enum { SCEP_ANSWER_MAX = 1 << 20, SCEP_NONCE_LEN = 16, SCEP_TRANSACTION_LEN = 40 };

enum scep_type { SCEP_CERT_REP = 3, SCEP_RENEWAL_REQ = 17, SCEP_PKCS_REQ = 19, SCEP_CERT_POLL = 20 };
enum scep_status { SCEP_SUCCESS = 0, SCEP_FAILURE = 2, SCEP_PENDING = 3, SCEP_UNKNOWN = -1 };

#define SCEP_OID_MESSAGE_TYPE    "2.16.840.1.113733.1.9.2"
#define SCEP_OID_STATUS          "2.16.840.1.113733.1.9.3"
#define SCEP_OID_FAIL_INFO       "2.16.840.1.113733.1.9.4"
#define SCEP_OID_SENDER_NONCE    "2.16.840.1.113733.1.9.5"
#define SCEP_OID_RECIPIENT_NONCE "2.16.840.1.113733.1.9.6"
#define SCEP_OID_TRANSACTION_ID  "2.16.840.1.113733.1.9.7"
#define SCEP_OID_FAIL_TEXT       "1.3.6.1.5.5.7.24.1"

/* "http://host/scep?operation=PKIOperation&message=MII..." [RFC8894#4.1]; without the message when it is
 * empty. NULL with d. */
const char *scep_url(struct arena *a, const char *base, const char *operation, struct span message,
                     struct diag *d);

enum { /* what a server says it can: bits */
       SCEP_AES = 1,
       SCEP_DES3 = 2,
       SCEP_POST = 4,
       SCEP_RENEWAL = 8,
       SCEP_SHA1 = 16,
       SCEP_SHA224 = 32,
       SCEP_SHA256 = 64,
       SCEP_SHA384 = 128,
       SCEP_SHA512 = 256,
};
/* Of an answer to GetCACaps [RFC8894#3.5.2]; words that nobody knows are passed over. */
unsigned scep_caps(struct span text);
/* The bit of a digest, as "sha256"; 0: of none. */
unsigned scep_digest_cap(const char *digest);

/* SHA-1 of the public key in upper-case hex: the same for each attempt with a key, so that a server knows it
 * again [RFC8894#3.2.1.1]. */
void scep_transaction_id(const struct pkey *key, char out[SCEP_TRANSACTION_LEN + 1]);
/* What a poll is about: both DER of Names [RFC8894#3.3.3]. */
struct span scep_issuer_and_subject(struct arena *a, struct span issuer, struct span subject);

/* The certificates of an answer to GetCACert: one as it is, or a certs-only message [RFC8894#4.2.1]. As
 * certs_only_read(); media types vary and are only named in d. */
bool scep_read_cas(struct span body, const char *type, struct certs_only *out, struct diag *d);

struct scep_answer; /* a CertRep whose signature holds */

struct scep_expect {
    const char *transaction;
    uint8_t nonce[SCEP_NONCE_LEN]; /* that of the message which it answers */
    bool takes_sha1;
};

/* Signed by the certificate in it that it names, or by one of the known. Whether that one is to be trusted is
 * for the caller to find out before anything else. NULL with d. */
struct scep_answer *scep_answer_load(struct span body, const char *type, struct cert *const *known,
                                     size_t n_known, struct diag *d);
void scep_answer_free(struct scep_answer *a);
struct cert *scep_answer_signer(const struct scep_answer *a); /* borrowed */
/* Is it an answer to this message [RFC8894#3.2.1], and by a digest that proves something? False with d. */
bool scep_answer_fits(const struct scep_answer *a, const struct scep_expect *e, struct diag *d);
enum scep_status scep_answer_status(const struct scep_answer *a);
/* "badRequest - transaction not permitted or supported" of a FAILURE; empty when it does not say. */
void scep_answer_fail_info(const struct scep_answer *a, struct text *t);
void scep_answer_fail_text(const struct scep_answer *a, struct text *t); /* safe to print */
/* The certificates of a SUCCESS, which are encrypted for the certificate that signed the request. As
 * certs_only_read(). */
bool scep_answer_certs(const struct scep_answer *a, const struct cert *recipient, const struct pkey *key,
                       struct certs_only *out, struct diag *d);
