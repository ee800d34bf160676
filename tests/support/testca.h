/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests, made in memory with libcrypto alone: CAs, intermediates and leaves, good and bad.
 * Every field of the spec may be left out. Nothing here is fit for production. */
#pragma once

#include "base/span.h"

enum testca_key {
    TESTCA_P256 = 0, /* the quickest; RSA takes a while to make */
    TESTCA_P384,
    TESTCA_P521,
    TESTCA_ED25519,
    TESTCA_ED448,
    TESTCA_RSA2048,
    TESTCA_RSA3072,
    TESTCA_RSA1024,
};

/* Within the default dates. 2026-06-01 00:00:00 UTC */
#define TESTCA_NOW INT64_C(1780272000)

struct testca_cert;

struct testca_spec {
    const char *subject; /* "C=CH, O=Keyway, CN=moon"; NULL: empty */
    enum testca_key key;
    const struct testca_cert *key_of; /* use this one's key instead of a new one */
    int64_t not_before, not_after;    /* seconds since 1970; both 0: 2025-01-01 to 2045-01-01 */
    bool is_ca;                       /* basicConstraints CA:TRUE and keyUsage keyCertSign, cRLSign */
    bool has_pathlen;
    unsigned pathlen;
    /* In openssl.cnf(5)'s words; NULL: as is_ca says, "": absent. */
    const char *basic_constraints;  /* "critical,CA:TRUE" */
    const char *key_usage;          /* leaf: digitalSignature */
    const char *ext_key_usage;      /* default absent */
    const char *san;                /* "DNS:moon.example,IP:192.0.2.1,email:a@b"; default absent */
    const char *san_dir;            /* a directoryName beside them: "C=CH, CN=x" */
    const char *name_constraints;   /* "permitted;DNS:example.org,excluded;IP:10.0.0.0/255.0.0.0" */
    const char *permitted_dir;      /* a permitted directoryName subtree */
    const char *policies;           /* certificatePolicies: "1.2.3,2.5.29.32.0" */
    const char *policy_mappings;    /* "1.2.3:1.2.4" */
    const char *inhibit_any;        /* inhibitAnyPolicy: "0" */
    const char *policy_constraints; /* "requireExplicitPolicy:0,inhibitPolicyMapping:1" */
    const char *crl_points;         /* cRLDistributionPoints: "URI:http://x/a.crl" */
    const char *crl_issuer;         /* one more of them, with a cRLIssuer: "C=CH, CN=x" */
    const char *freshest;           /* freshestCRL: "URI:http://x/delta.crl" */
    const char *info_access;        /* authorityInfoAccess: "OCSP;URI:http://x/" */
    const char *unknown_oid;        /* an extension that nobody knows */
    bool unknown_is_critical;
    const char *digest; /* "SHA256" by default; ignored for EdDSA */
    bool is_pss;        /* the issuer signs with RSASSA-PSS */
    bool is_v1;
    bool has_no_key_ids;      /* neither subject nor authority key identifier */
    bool has_wrong_signature; /* one bit is flipped */
};

/* issuer NULL: self-signed. Aborts when the spec makes no sense: a test's fault. */
struct testca_cert *testca_issue(const struct testca_spec *spec, const struct testca_cert *issuer);
void testca_free(struct testca_cert *c);
/* Owned by c. */
struct span testca_der(const struct testca_cert *c);
struct span testca_key_der(const struct testca_cert *c); /* PKCS#8 */
struct span testca_pem(const struct testca_cert *c);
struct span testca_key_pem(const struct testca_cert *c);
