/* SPDX-License-Identifier: Apache-2.0 */
/* Making certificates and what goes with them: (what shall stand in it, key, times) -> DER. No files, no
 * clock. Extensions come in the order, and marked critical or not, as strongSwan's pki does it, so that what
 * a PKI of its users makes stays as it was. */
#pragma once

#include "crypto/pkey.h"
#include "net/ip.h"
#include "pki/cert.h"

/* Who signs, and how. digest: "sha256" and its like, NULL: the usual one of the key. is_pss: RSASSA-PSS with
 * a salt as long as the digest (RFC 4055); of other keys it says nothing. */
struct issue_signer {
    struct pkey *key;
    const char *digest;
    bool is_pss;
};

enum issue_name_kind { ISSUE_EMAIL, ISSUE_DNS, ISSUE_URI, ISSUE_DIRECTORY, ISSUE_IP };
struct issue_name { /* a GeneralName */
    enum issue_name_kind kind;
    struct span
        value; /* ASCII; DER of a Name; 4 or 16 bytes of an address, in constraints the mask behind it */
};
struct issue_names {
    const struct issue_name *v;
    size_t n;
};

enum { /* bits of flags; those of extendedKeyUsage in the order in which they are written */
       ISSUE_SERVER_AUTH = 1,
       ISSUE_CLIENT_AUTH = 2,
       ISSUE_IKE_INTERMEDIATE = 4, /* 1.3.6.1.5.5.8.2.2, for old Apple clients */
       ISSUE_OCSP_SIGNING = 8,
       ISSUE_MS_SMARTCARD_LOGON = 16,
       ISSUE_CRL_SIGN = 32, /* keyUsage */
       ISSUE_CA = 64,       /* basicConstraints and keyUsage */
};

struct issue_policy {
    const char *oid, *cps_uri, *user_notice; /* the latter two may be NULL */
};
struct issue_mapping {
    const char *issuer_oid, *subject_oid;
};
struct issue_crl_point {
    const char *uri;
    struct span issuer; /* DER of a Name, or empty */
};
struct issue_range { /* of addresses of one family, both ends in it */
    struct ip from, to;
};

struct issue_cert {
    struct span serial;  /* big-endian, not negative */
    struct span subject; /* DER of a Name */
    int64_t not_before, not_after;
    struct pkey *key; /* whose certificate it is */
    unsigned flags;
    long path_len; /* -1: no limit; CAs only */
    struct issue_names names;
    struct span more_names; /* DER of GeneralNames that follow them: of a request; may be empty */
    struct issue_names permitted, excluded;
    const struct issue_crl_point *crls;
    size_t n_crls;
    const char *const *ocsp_uris;
    size_t n_ocsp_uris;
    const struct issue_policy *policies;
    size_t n_policies;
    const struct issue_mapping *mappings;
    size_t n_mappings;
    long require_explicit_policy, inhibit_policy_mapping, inhibit_any_policy; /* -1: absent */
    const struct issue_range *addresses;
    size_t n_addresses;
    const char *const *critical_oids; /* empty critical extensions, to test what peers do */
    size_t n_critical_oids;
};

/* A certificate of the issuer, which must be a CA and have the signer's key, or for NULL a self-signed one,
 * in memory of a. False with d. */
bool issue_certificate(struct arena *a, const struct issue_cert *c, const struct cert *issuer,
                       const struct issue_signer *by, struct span *der, struct diag *d);

struct issue_request {
    struct span subject;
    struct pkey *key; /* private: it signs */
    struct issue_names names;
    struct span more_names; /* as above */
    struct span profile;    /* Microsoft's certificate template name; empty: none */
    struct span password;   /* challengePassword; empty: none */
};

/* A certificate request (RFC 2986). by->key is not looked at. */
bool issue_request(struct arena *a, const struct issue_request *r, const struct issue_signer *by,
                   struct span *der, struct diag *d);

struct issue_revoked {
    struct span serial; /* big-endian */
    int64_t date;
    int reason; /* RFC 5280 section 5.3.1; -1: none is given */
};

struct issue_crl {
    int64_t this_update, next_update;
    struct span number, base_number; /* big-endian; base_number empty: no delta CRL */
    const struct issue_revoked *revoked;
    size_t n_revoked;
    const char *const *delta_uris; /* freshestCRL */
    size_t n_delta_uris;
    const char *const *critical_oids;
    size_t n_critical_oids;
};

/* A revocation list of the issuer, a CA or one with keyUsage cRLSign, that has the signer's key. */
bool issue_crl(struct arena *a, const struct issue_crl *c, const struct cert *issuer,
               const struct issue_signer *by, struct span *der, struct diag *d);

struct issue_acert {
    struct span serial; /* big-endian, not negative */
    const struct cert *holder;
    int64_t not_before, not_after;
    const char *const *groups; /* UTF-8 */
    size_t n_groups;
};

/* An attribute certificate (RFC 5755) that puts its holder into groups. */
bool issue_acert(struct arena *a, const struct issue_acert *c, const struct cert *issuer,
                 const struct issue_signer *by, struct span *der, struct diag *d);
