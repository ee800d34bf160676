/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that each certificate of a path obeys (RFC 5280 section 6.1, RFC 4945 section 5.1): one row each,
 * with whom it concerns. Signatures are checked while the path is built (trust.c), name constraints in
 * constraints.c. Certificate policies that a connection requires are in policy.c. */
#include "net/dn.h"
#include "pki/cert_impl.h"
#include <stdio.h>

struct rule_case {
    const struct cert_path *path;
    size_t at; /* 0 is the leaf */
    const struct cert *cert;
    int64_t now;
};

enum rule_scope { FOR_ALL, FOR_LEAF, FOR_ISSUERS };

struct rule {
    enum rule_scope scope;
    bool (*check)(const struct rule_case *rc, struct diag *why);
};

static bool reject(struct diag *why, const struct cert *c, const char *what)
{
    diag_set(why, FAIL_CERTIFICATE, "certificate %.120s %s",
             c->subject_text[0] ? c->subject_text : "(no subject)", what);
    return false;
}

static bool rule_dates(const struct rule_case *rc, struct diag *why)
{
    char now[40], limit[40];
    bool is_early = rc->now < rc->cert->not_before;
    if (!is_early && rc->now <= rc->cert->not_after)
        return true;
    reject(why, rc->cert, is_early ? "is not valid yet" : "expired");
    diag_expected(why, "valid at %s", cert_time_text(rc->now, now));
    if (is_early)
        diag_got(why, "notBefore %s", cert_time_text(rc->cert->not_before, limit));
    else
        diag_got(why, "notAfter %s", cert_time_text(rc->cert->not_after, limit));
    diag_try(why, is_early ? "check the clocks of this machine and of the CA" : "renew it");
    return false;
}

static bool rule_critical(const struct rule_case *rc, struct diag *why)
{
    if (!rc->cert->unknown_critical[0])
        return true;
    reject(why, rc->cert, "has a critical extension that is not supported");
    diag_expected(why,
                  "no critical extension beside those of RFC 5280 (basicConstraints, keyUsage, extKeyUsage, "
                  "subjectAltName, nameConstraints, ...)");
    diag_got(why, "%s", rc->cert->unknown_critical);
    return false;
}

/* A self-signed anchor is trusted for itself, whatever hash its signature has. */
static bool rule_digest(const struct rule_case *rc, struct diag *why)
{
    bool is_root = rc->at + 1 == rc->path->n && rc->cert->is_self_signed;
    int nid = rc->cert->digest_nid;
    bool is_broken =
        nid == NID_md5 || nid == NID_md4 || nid == NID_md2 || nid == NID_md5_sha1 || nid == NID_mdc2;
    if (!is_broken && (nid != NID_sha1 || is_root))
        return true;
    reject(why, rc->cert, "is signed with a weak hash");
    diag_expected(why, "SHA-256 or stronger");
    diag_got(why, "%s", OBJ_nid2sn(nid));
    diag_try(why, "have it issued again with SHA-256");
    return false;
}

static bool rule_leaf_usage(const struct rule_case *rc, struct diag *why)
{
    if (rc->path->is_for_anything || !rc->cert->has_key_usage ||
        rc->cert->key_usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
        return true;
    reject(why, rc->cert, "may not sign");
    diag_expected(why, "keyUsage with digitalSignature or nonRepudiation, or no keyUsage");
    diag_got(why, "keyUsage without them (bits 0x%02x)", (unsigned)rc->cert->key_usage);
    diag_try(why, "have it issued with digitalSignature");
    return false;
}

static bool is_eku_for_ike(const ASN1_OBJECT *oid)
{
    static const char *const served[] = {
        "2.5.29.37.0",        /* anyExtendedKeyUsage */
        "1.3.6.1.5.5.7.3.1",  /* serverAuth */
        "1.3.6.1.5.5.7.3.2",  /* clientAuth */
        "1.3.6.1.5.5.8.2.2",  /* ikeIntermediate, which old peers want */
        "1.3.6.1.5.5.7.3.17", /* ipsecIKE [RFC4945#5.1.3.12] */
    };
    char text[80];
    if (OBJ_obj2txt(text, sizeof(text), oid, 1) <= 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(served); i++) {
        if (strcmp(served[i], text) == 0)
            return true;
    }
    return false;
}

/* That of an intermediate CA bounds what it may issue for, as browsers and Windows have it; that of an
 * anchor, which the operator has chosen, does not. */
static bool rule_eku(const struct rule_case *rc, struct diag *why)
{
    char first[80] = "an empty list";
    bool is_anchor = rc->at > 0 && rc->at + 1 == rc->path->n;
    bool is_free = is_anchor || (rc->at == 0 && rc->path->is_for_anything);
    if (!rc->cert->has_ext_key_usage || is_free)
        return true;
    for (int i = 0; i < sk_ASN1_OBJECT_num(rc->cert->ekus); i++) {
        const ASN1_OBJECT *oid = sk_ASN1_OBJECT_value(rc->cert->ekus, i);
        if (is_eku_for_ike(oid))
            return true;
        if (i == 0)
            OBJ_obj2txt(first, sizeof(first), oid, 0);
    }
    reject(why, rc->cert, rc->at ? "is not meant to issue for IKE" : "is not meant for IKE");
    diag_expected(
        why, "extKeyUsage with serverAuth, clientAuth, ipsecIKE, ikeIntermediate or any, or no extKeyUsage");
    diag_got(why, "%s", first);
    return false;
}

/* Version 1 certificates know no basicConstraints; as a root that the operator has chosen they stand. */
static bool rule_is_ca(const struct rule_case *rc, struct diag *why)
{
    const struct cert *c = rc->cert;
    bool is_old_root = c->is_v1 && c->is_self_signed && rc->at + 1 == rc->path->n;
    if (c->is_ca || is_old_root)
        return true;
    reject(why, c, "has issued another although it is no CA");
    diag_expected(why, "basicConstraints with CA true in the issuer of %.200s",
                  rc->path->v[rc->at - 1]->subject_text);
    diag_got(why, c->has_basic_constraints ? "CA false" : "no basicConstraints");
    return false;
}

static bool rule_ca_usage(const struct rule_case *rc, struct diag *why)
{
    if (rc->path->is_for_anything || !rc->cert->has_key_usage || rc->cert->key_usage & KU_KEY_CERT_SIGN)
        return true;
    reject(why, rc->cert, "may not issue certificates");
    diag_expected(why, "keyUsage with keyCertSign, or no keyUsage");
    diag_got(why, "keyUsage without it (bits 0x%02x)", (unsigned)rc->cert->key_usage);
    return false;
}

/* [RFC5280#4.2.1.9] how many intermediates may follow, the leaf and self-issued ones not counted */
static bool rule_path_len(const struct rule_case *rc, struct diag *why)
{
    long below = 0;
    for (size_t i = 1; i < rc->at; i++)
        below += !dn_equal(rc->path->v[i]->subject, rc->path->v[i]->issuer);
    if (rc->cert->path_len < 0 || below <= rc->cert->path_len)
        return true;
    reject(why, rc->cert, "does not allow a path that long");
    diag_expected(why, "at most %ld intermediate CAs below it (pathLenConstraint)", rc->cert->path_len);
    diag_got(why, "%ld", below);
    return false;
}

/* In the order in which an operator would want to hear of them. */
static const struct rule rules[] = {
    {FOR_ALL,     rule_dates     },
    {FOR_ISSUERS, rule_is_ca     },
    {FOR_ISSUERS, rule_ca_usage  },
    {FOR_ISSUERS, rule_path_len  },
    {FOR_LEAF,    rule_leaf_usage},
    {FOR_ALL,     rule_eku       },
    {FOR_ALL,     rule_digest    },
    {FOR_ALL,     rule_critical  },
};

bool path_rules_check(const struct cert_path *path, int64_t now, struct diag *why)
{
    for (size_t at = 0; at < path->n; at++) {
        struct rule_case rc = {.path = path, .at = at, .cert = path->v[at], .now = now};
        for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
            bool concerns = rules[i].scope == FOR_ALL || (rules[i].scope == FOR_LEAF) == (at == 0);
            if (concerns && !rules[i].check(&rc, why))
                return false;
        }
    }
    return true;
}
