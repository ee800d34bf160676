/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP responder (RFC 6960): what a request asks, what an index of issued certificates knows about it, and
 * the signed response. Pure: bytes, time and key in, DER out. */
#pragma once

#include "pki/cert.h"

enum { RESPOND_ASKED_MAX = 256, RESPOND_DER_MAX = 1 << 20 };

/* index.txt as `openssl ca` keeps it: one line for each certificate. */
struct respond_index;
/* NULL with d, which names the line. */
struct respond_index *respond_index_load(struct span text, struct diag *d);
void respond_index_free(struct respond_index *x);
size_t respond_index_count(const struct respond_index *x);

struct respond_ca {
    struct cert *cert;
    const struct respond_index *index; /* NULL: nothing is known about its certificates */
};

enum respond_status { RESPOND_UNKNOWN, RESPOND_GOOD, RESPOND_REVOKED };

struct respond_query;  /* a request that was read */
struct respond_asked { /* spans live as long as the query */
    struct span name_hash, key_hash;
    struct span serial; /* content octets, without the zero in front that says that it is positive */
};
/* DER of an OCSPRequest with at most RESPOND_ASKED_MAX certificates. NULL with d. */
struct respond_query *respond_query_load(struct span der, struct diag *d);
void respond_query_free(struct respond_query *q);
struct span respond_query_nonce(const struct respond_query *q); /* empty: none */
size_t respond_query_count(const struct respond_query *q);
struct respond_asked respond_query_at(const struct respond_query *q, size_t i);
/* Which CA is meant, by both hashes; NULL: none of them. */
const struct respond_ca *respond_issuer(const struct respond_query *q, size_t i, const struct respond_ca *cas,
                                        size_t n);

struct respond_answer {
    enum respond_status status;
    int64_t revoked_at;
    int reason; /* of CRLs; -1: none */
};
struct respond_answer respond_look_up(const struct respond_ca *ca, struct span serial);

struct respond_signer {
    struct cert *cert;
    struct pkey *key;   /* private, of that certificate */
    const char *digest; /* OpenSSL's name; NULL: as the key wants */
    bool is_pss;
};
/* May it sign for all CAs that the query means: is it such a CA, or appointed by it (OCSPSigning)? */
bool respond_may_sign(const struct respond_query *q, const struct respond_ca *cas, size_t n,
                      const struct cert *signer);

/* The response in DER, to be freed with secret_free(). lifetime in seconds; 0: no nextUpdate. False with d.
 */
bool respond_make(const struct respond_query *q, const struct respond_ca *cas, size_t n,
                  const struct respond_signer *signer, int64_t now, int64_t lifetime, struct secret *out,
                  struct diag *d);
/* Without an answer [RFC6960#4.2.1]: 1 malformedRequest, 2 internalError, 6 unauthorized. */
void respond_error(int status, struct secret *out);
