/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and their paths to a trust anchor (RFC 5280, RFC 4945): (bytes, time) -> verdict. No files, no
 * sockets. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "crypto/pkey.h"
#include "net/identity.h"

struct cert; /* immutable, reference-counted, safe to share between threads */

/* PEM or DER. NULL with the reason in d. */
struct cert *cert_load(struct span data, struct diag *d);
struct cert *cert_ref(struct cert *c);
void cert_unref(struct cert *c);
struct span cert_der(const struct cert *c);
struct span cert_subject_der(const struct cert *c);
struct span cert_issuer_der(const struct cert *c);
struct span cert_serial(const struct cert *c);       /* content octets of the INTEGER, as in DER */
const char *cert_subject_text(const struct cert *c); /* "C=CH, O=Keyway, CN=moon" */
int64_t cert_not_before(const struct cert *c);       /* seconds since 1970 UTC */
int64_t cert_not_after(const struct cert *c);
bool cert_is_ca(const struct cert *c);
bool cert_is_self_signed(const struct cert *c);
/* The i-th address of a CRL, of an OCSP responder, that it names; NULL: no more. */
const char *cert_crl_uri(const struct cert *c, size_t i);
const char *cert_ocsp_uri(const struct cert *c, size_t i);
struct pkey *cert_public_key(const struct cert *c); /* borrowed */
/* SHA-1 of the whole subjectPublicKeyInfo: what a CERTREQ lists (RFC 7296 section 3.7). */
void cert_spki_sha1(const struct cert *c, uint8_t out[20]);
/* Does the certificate speak for the identity: its subject DN, or a subjectAltName of the same type (RFC
 * 4945 3.1)? A key id is compared with the hashes of the public key. Wildcards are not expanded on either
 * side. */
bool cert_has_identity(const struct cert *c, const struct identity *id);
/* "dNSName:moon.example, iPAddress:192.0.2.1": for messages. Writes into buf, returns it. */
const char *cert_names_text(const struct cert *c, char *buf, size_t cap);

struct cert_list {
    struct cert **v;
    size_t n;
};

struct crl;
struct ocsp;
struct acert;

/* What to do with a certificate of which it is not known whether it is revoked. What is known to be revoked
 * is always refused. */
enum revocation {
    REVOCATION_RELAXED, /* take it */
    REVOCATION_IFURI,   /* refuse it when something says where CRLs or a responder are */
    REVOCATION_STRICT,  /* refuse it */
};

/* Where an authority's CRLs and OCSP responders are, beside what certificates say. */
struct trust_authority {
    struct cert *ca;
    const char *const *crl_uris, *const *ocsp_uris;
    size_t n_crl_uris, n_ocsp_uris;
};

enum trust_fetch_kind { FETCH_CRL, FETCH_OCSP };

/* What would tell more. Whoever can fetches it, adds what came to the request, the address to "tried", and
 * asks again. Pointers are borrowed from the request. */
struct trust_fetch {
    enum trust_fetch_kind kind;
    const char *url;
    bool is_configured;         /* the operator named it; else a certificate did, or a CRL */
    struct cert *cert, *issuer; /* FETCH_OCSP: the question is about cert: ocsp_request_make() */
};

struct trust_tried {
    const char *url;
    const char *failure; /* NULL: something came */
};

#define TRUST_FETCHES 8

struct trust_request {
    struct cert *leaf;
    struct cert_list intermediates; /* what the peer sent and what is configured */
    struct cert_list anchors;       /* trusted roots (or trusted intermediate CAs) */
    struct cert_list required_cas;  /* when not empty, one of them must be in the path */
    const struct identity *ca_id;   /* when not NULL, a CA of the path must have it (cert_has_identity) */
    const char *const *policies;    /* OIDs, dotted: each must hold in the whole path (policy.c) */
    size_t n_policies;
    const char *const *groups; /* the leaf must be in one of these ... */
    size_t n_groups;
    struct acert *const *acerts; /* ... as one of these says, ... */
    size_t n_acerts;
    struct cert_list aas;           /* ... which one of these has issued (groups.c) */
    int64_t now;                    /* wall seconds */
    const struct identity *peer_id; /* NULL: identity not checked here */
    const struct identity *cert_id; /* the leaf must have this one as well; or NULL */
    bool is_for_anything;           /* the leaf may be a CA, or have keyUsage and EKU that are not for IKE */
    enum revocation revocation;
    struct crl *const *crls; /* at hand: of any age and origin */
    size_t n_crls;
    struct ocsp *const *ocsps;
    size_t n_ocsps;
    struct cert_list ocsp_signers; /* responders that are trusted by configuration */
    const struct trust_authority *authorities;
    size_t n_authorities;
    const struct trust_tried *tried;
    size_t n_tried;
    bool can_fetch;                  /* else what is missing is missing */
    bool ignores_crls, ignores_ocsp; /* as if there were none, nor addresses of them */
};

struct trust_verdict {
    bool is_trusted;
    size_t path_len;   /* certificates in the path, leaf and anchor included */
    struct diag why;   /* when not trusted: which certificate, which rule, which date */
    const char *unmet; /* and the demand that was not met, as configurations call it: "cacerts", "ca_id",
                          "cert_policy", "groups", "revocation"; NULL: another reason */
    const char *group; /* of the request's, which the leaf is in, */
    const struct acert *granted_by;          /* as this one of the request's says; NULL: none was asked for */
    struct trust_fetch fetch[TRUST_FETCHES]; /* not trusted yet, but perhaps with these */
    size_t n_fetch;
};

/* Builds and checks the path: signatures, dates, basicConstraints, pathlen, keyUsage, EKU, name constraints,
 * the CAs and policies that are required, the identity, and revocation. Pure: may run in a worker. With
 * n_fetch it is not the last word, and why is empty. */
void trust_evaluate(const struct trust_request *req, struct trust_verdict *out);
