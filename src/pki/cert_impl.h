/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate as the files of this folder see it: all that the rules ask for is parsed when it is loaded,
 * so that threads share it without locks. Private to src/pki. */
#pragma once

#include "pki/asn1.h"
#include "pki/cert.h"
#include "pki/uris.h"
#include <openssl/x509v3.h>
#include <stdatomic.h>

enum { CERT_DER_MAX = 65535, CERT_PATH_MAX = 8, CERT_TEXT_MAX = 1024 };

struct cert {
    atomic_uint refs;
    X509 *x509;
    uint8_t *der;
    size_t der_len;
    struct span subject, issuer; /* DER, owned by x509 */
    char *subject_text, *issuer_text;
    uint8_t serial[SERIAL_MAX];
    size_t serial_len;
    struct pkey *key;
    uint8_t spki_sha1[20];
    int64_t not_before, not_after;
    struct span ski, aki; /* key identifiers, empty when absent */
    bool is_v1;
    bool is_self_signed; /* self-issued and signed by its own key */
    bool has_basic_constraints, is_ca;
    long path_len; /* -1: no limit */
    bool has_key_usage, has_ext_key_usage;
    uint32_t key_usage;       /* OpenSSL's KU_ bits */
    EXTENDED_KEY_USAGE *ekus; /* NULL when absent */
    int digest_nid;           /* of the signature; NID_undef for EdDSA */
    GENERAL_NAMES *names;     /* subjectAltName, or NULL */
    NAME_CONSTRAINTS *constraints;
    CERTIFICATEPOLICIES *policies; /* NULL when absent */
    POLICY_MAPPINGS *mappings;
    long any_inhibited_after;              /* inhibitAnyPolicy; -1: absent */
    long explicit_after, no_mapping_after; /* policyConstraints; -1: absent */
    CRL_DIST_POINTS *crl_points;           /* NULL when absent */
    struct uri_list crl_uris, delta_uris, ocsp_uris;
    char unknown_critical[80]; /* OID of the first critical extension that is not served, or empty */
};

/* What a general name is called in messages: "dNSName"; and its text. */
const char *general_name_kind(const GENERAL_NAME *n);
const char *general_name_text(const GENERAL_NAME *n, char *buf, size_t cap);
/* The bytes of a dNSName, rfc822Name, URI or iPAddress; empty for others. */
struct span general_name_bytes(const GENERAL_NAME *n);
/* DER of a directoryName's Name; empty for others. */
struct span general_name_directory(const GENERAL_NAME *n);
/* "2026-11-21 10:00:00 UTC" in buf, which it returns. */
const char *cert_time_text(int64_t t, char buf[40]);

/* One path, leaf first, anchor last. */
struct cert_path {
    struct cert *v[CERT_PATH_MAX];
    size_t n;
    bool is_for_anything; /* the leaf need not be one for IKE */
};

/* Rules: true, or false with why filled. */
bool path_rules_check(const struct cert_path *path, int64_t now, struct diag *why);
bool path_constraints_check(const struct cert_path *path, struct diag *why);
bool path_policies_check(const struct cert_path *path, const char *const *oids, size_t n, struct diag *why);
/* Which group of the request's, and by which attribute certificate, goes to out. */
bool path_groups_check(const struct trust_request *req, struct trust_verdict *out, struct diag *why);

/* Is none of the path below the anchor revoked? *is_open: not known yet, and out->fetch says what would tell.
 * False with why and *unmet. */
bool path_revocation_check(const struct cert_path *path, const struct trust_request *req,
                           struct trust_verdict *out, bool *is_open, const char **unmet, struct diag *why);
