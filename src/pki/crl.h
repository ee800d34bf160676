/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate revocation lists (RFC 5280 section 5): bytes -> an object that tells what is in it, who made it
 * and for which certificates it speaks. No files, no sockets, no clock. */
#pragma once

#include "pki/cert.h"

struct crl; /* immutable, reference-counted, safe to share between threads */

enum { CRL_DER_MAX = 8 << 20 }; /* bytes; longer ones are refused */

enum crl_reason { /* [RFC5280#5.3.1] */
                  CRL_NO_REASON = -1,
                  CRL_UNSPECIFIED = 0,
                  CRL_KEY_COMPROMISE = 1,
                  CRL_CA_COMPROMISE = 2,
                  CRL_AFFILIATION_CHANGED = 3,
                  CRL_SUPERSEDED = 4,
                  CRL_CESSATION_OF_OPERATION = 5,
                  CRL_CERTIFICATE_HOLD = 6,
                  CRL_REMOVE_FROM_CRL = 8, /* in delta CRLs: not revoked any more */
                  CRL_PRIVILEGE_WITHDRAWN = 9,
                  CRL_AA_COMPROMISE = 10,
};

struct crl_entry {      /* spans live as long as the CRL */
    struct span serial; /* content octets of the INTEGER, as in DER: 00 in front when the next bit is set */
    struct span issuer; /* DER of the Name of the certificate's issuer; in indirect CRLs not the CRL's */
    int64_t date;       /* seconds since 1970 UTC */
    enum crl_reason reason; /* CRL_NO_REASON: the entry gives none */
    int64_t invalid_since;  /* the key is to be distrusted from here on; INT64_MIN: not told */
};

/* Which certificates it speaks for: issuingDistributionPoint [RFC5280#5.2.5]. */
struct crl_scope {
    bool is_restricted; /* there is such an extension; without it all of the issuer's */
    bool has_only_users, has_only_cas, has_only_attributes, is_indirect;
    bool has_all_reasons;
    uint32_t reasons; /* bit N: reason flag N [RFC5280#4.2.1.13] */
};

/* PEM or DER. NULL with the reason in d. */
struct crl *crl_load(struct span data, struct diag *d);
struct crl *crl_ref(struct crl *c);
void crl_unref(struct crl *c);
struct span crl_der(const struct crl *c);
struct span crl_issuer_der(const struct crl *c);
const char *crl_issuer_text(const struct crl *c); /* "C=CH, O=Keyway, CN=root" */
struct span crl_number(const struct crl *c);      /* content octets; empty: none */
struct span
crl_base_number(const struct crl *c); /* of a delta CRL: that of the CRL it continues; else empty */
struct span crl_authority_key_id(const struct crl *c); /* may be empty */
int64_t crl_this_update(const struct crl *c);
int64_t crl_next_update(const struct crl *c); /* INT64_MAX: not told */
const struct crl_scope *crl_scope(const struct crl *c);
/* OID of the first critical extension, of the CRL or of an entry, that is not served: then nothing in it may
 * be believed [RFC5280#5.2]; empty: none. */
const char *crl_unknown_critical(const struct crl *c);

size_t crl_count(const struct crl *c);
/* In the order of the list; at < crl_count(). */
struct crl_entry crl_entry_at(const struct crl *c, size_t at);
/* What it says about a serial (content octets as in DER) of an issuer (DER of the Name; empty: the CRL's
 * own). False: nothing. A reason CRL_REMOVE_FROM_CRL is found, too. */
bool crl_find(const struct crl *c, struct span serial, struct span issuer, struct crl_entry *out);
/* The i-th URI of freshestCRL: where delta CRLs are. NULL: no more. */
const char *crl_delta_uri(const struct crl *c, size_t i);

/* Did this certificate's key sign it, in its name, and may it (keyUsage cRLSign)? False with why, which names
 * the CRL and the certificate. Whether the certificate itself is trusted is for the caller to find out. */
bool crl_is_signed_by(const struct crl *c, const struct cert *issuer, struct diag *why);
/* Is number a less than, equal to or greater than b? -1, 0, 1: content octets of INTEGERs that are not
 * negative; an empty one is the least. */
int crl_number_compare(struct span a, struct span b);
/* "key compromise": for messages; "" for CRL_NO_REASON. */
const char *crl_reason_text(enum crl_reason r);
