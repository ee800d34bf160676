/* SPDX-License-Identifier: Apache-2.0 */
/* A PKI of three levels, each row with something else about it: the verdict, its words, and what is to be
 * fetched. The cast: root R issued the intermediate CA S, S issued the leaf L; a second root T may cross-sign
 * S's key (X); H is a helper that S issued (for CRLs or OCSP). */
#include "pki/crl.h"
#include "pki/ocsp.h"
#include "support/test.h"
#include "support/testca.h"
#include "support/testcrl.h"
#include "support/testocsp.h"
#include <stdio.h>
#include <stdlib.h>

#define NOW    TESTCA_NOW
#define DAY    86400
#define POLICY "1.3.6.1.4.1.99.1"

enum { NOBODY, R, S, L, T, X, H, CAST };

struct crl_row {
    int signer;     /* NOBODY: no CRL */
    int revokes[2]; /* of the cast */
    int reason;     /* enum crl_reason + 1 */
    const char *entry_issuer;
    struct testcrl_spec spec;
};

struct ocsp_row {
    int about; /* NOBODY: no response */
    int signer;
    struct testocsp_spec spec;
};

struct row {
    const char *name;
    struct testca_spec root, sub, leaf, other_root, cross,
        helper; /* other_root, cross, helper: when they have a subject */
    struct crl_row crl[3];
    struct ocsp_row ocsp[2];
    enum revocation revocation;
    int64_t now;
    bool can_fetch, has_authority, ignores_crls, ignores_ocsp;
    const char *tried[2], *failure;
    const char *policy, *id;
    /* expected */
    const char *what, *got; /* parts of the reason; NULL: trusted, or something to fetch */
    const char *fetch;      /* the address */
    size_t path_len;        /* 0: not looked at */
};

#define CRL_POINT  .crl_points = "URI:http://crl.test/sub.crl"
#define OCSP_POINT .info_access = "OCSP;URI:http://ocsp.test/"
#define ROOT_CRL                                                                                             \
    {                                                                                                        \
        .signer = R                                                                                          \
    }
#define SUB_CRL                                                                                              \
    {                                                                                                        \
        .signer = S                                                                                          \
    }
#define REVOKED "certificate CN=leaf was revoked at 2026-01-01 00:00:00 UTC"
#define UNKNOWN "it is not known whether certificate CN=leaf is revoked"

/* clang-format off */
static const struct row rows[] = {
    /* ---- RFC 5280 section 6.1: dates, CA flags, usages */
    {"a sound path", .path_len = 3},
    {"leaf expired", .leaf = {.not_before = 1, .not_after = NOW - 1}, .what = "certificate CN=leaf expired", .got = "notAfter 2026-05-31 23:59:59 UTC"},
    {"leaf not valid yet", .leaf = {.not_before = NOW + 1, .not_after = NOW + DAY}, .what = "certificate CN=leaf is not valid yet", .got = "notBefore 2026-06-01 00:00:01 UTC"},
    {"leaf in its last second", .leaf = {.not_before = 1, .not_after = NOW}},
    {"leaf in its first second", .leaf = {.not_before = NOW, .not_after = NOW + DAY}},
    {"intermediate expired", .sub = {.not_before = 1, .not_after = NOW - DAY}, .what = "certificate CN=sub expired", .got = "notAfter 2026-05-31 00:00:00 UTC"},
    {"intermediate not valid yet", .sub = {.not_before = NOW + DAY, .not_after = NOW + 2 * DAY}, .what = "certificate CN=sub is not valid yet", .got = "2026-06-02"},
    {"root expired", .root = {.not_before = 1, .not_after = NOW - DAY}, .what = "certificate CN=root expired", .got = "2026-05-31"},
    {"intermediate that is no CA", .sub = {.basic_constraints = "CA:FALSE"}, .what = "certificate CN=sub has issued another although it is no CA", .got = "CA false"},
    {"intermediate without basicConstraints", .sub = {.basic_constraints = ""}, .what = "although it is no CA", .got = "no basicConstraints"},
    {"intermediate that may not sign certificates", .sub = {.key_usage = "critical,cRLSign"}, .what = "certificate CN=sub may not issue certificates", .got = "bits 0x02"},
    {"root with path length 0", .root = {.has_pathlen = true}, .what = "certificate CN=root does not allow a path that long", .got = "1"},
    {"root with path length 1", .root = {.has_pathlen = true, .pathlen = 1}},
    {"intermediate with path length 0", .sub = {.has_pathlen = true}},
    {"leaf that may not sign", .leaf = {.key_usage = "keyAgreement"}, .what = "certificate CN=leaf may not sign"},
    {"leaf for code", .leaf = {.ext_key_usage = "codeSigning"}, .what = "certificate CN=leaf is not meant for IKE", .got = "Code Signing"},
    {"leaf for servers", .leaf = {.ext_key_usage = "serverAuth"}},
    {"leaf for clients and email", .leaf = {.ext_key_usage = "emailProtection,clientAuth"}},
    {"leaf for IKE", .leaf = {.ext_key_usage = "critical,1.3.6.1.5.5.7.3.17"}},
    {"intermediate for code", .sub = {.ext_key_usage = "codeSigning"}, .what = "certificate CN=sub is not meant to issue for IKE", .got = "Code Signing"},
    {"intermediate for servers", .sub = {.ext_key_usage = "serverAuth,clientAuth"}},
    {"root for code, which the operator chose", .root = {.ext_key_usage = "codeSigning"}},
    {"leaf with SHA-1", .leaf = {.digest = "SHA1"}, .what = "certificate CN=leaf is signed with a weak hash", .got = "SHA1"},
    {"leaf with a wrong signature", .leaf = {.has_wrong_signature = true}, .what = "the signature of certificate CN=leaf is wrong"},
    {"intermediate with a wrong signature", .sub = {.has_wrong_signature = true}, .what = "the signature of certificate CN=sub is wrong"},
    {"leaf with a critical extension that nobody knows", .leaf = {.unknown_oid = "1.2.3.4", .unknown_is_critical = true}, .what = "certificate CN=leaf has a critical extension", .got = "1.2.3.4"},
    {"intermediate with a critical extension that nobody knows", .sub = {.unknown_oid = "1.2.3.4", .unknown_is_critical = true}, .what = "certificate CN=sub has a critical extension"},
    {"leaf with an extension that nobody knows", .leaf = {.unknown_oid = "1.2.3.4"}},
    /* ---- names and policies */
    {"name within what the intermediate permits", .sub = {.name_constraints = "permitted;DNS:example.org"}, .leaf = {.san = "DNS:moon.example.org"}},
    {"name outside of what the intermediate permits", .sub = {.name_constraints = "permitted;DNS:example.org"}, .leaf = {.san = "DNS:moon.example.com"}, .what = "certificate CN=leaf has a name outside of what its CA permits", .got = "dNSName:moon.example.com"},
    {"name that the root excludes", .root = {.name_constraints = "excluded;DNS:example.com"}, .leaf = {.san = "DNS:moon.example.com"}, .what = "certificate CN=leaf has a name that its CA excludes"},
    {"address outside of what the root permits", .root = {.name_constraints = "permitted;IP:10.0.0.0/255.0.0.0"}, .leaf = {.san = "IP:192.0.2.1"}, .what = "outside of what its CA permits", .got = "iPAddress:192.0.2.1"},
    {"address of a URI outside of what the root permits", .root = {.name_constraints = "permitted;URI:.example.org"}, .leaf = {.san = "URI:http://moon.example.com/"}, .what = "outside of what its CA permits"},
    {"intermediate outside of what the root permits", .root = {.permitted_dir = "C=CH"}, .leaf = {.subject = "C=CH, CN=leaf"}, .what = "certificate CN=sub has a name outside of what its CA permits"},
    {"explicit policy demanded and there", .root = {0}, .sub = {.policies = POLICY, .policy_constraints = "requireExplicitPolicy:0"}, .leaf = {.policies = POLICY}},
    {"explicit policy demanded and not in the leaf", .sub = {.policies = POLICY, .policy_constraints = "requireExplicitPolicy:0"}, .what = "certificate CN=leaf has no certificate policy that its CAs allow", .got = "no certificate policies"},
    {"explicit policy demanded by the leaf alone", .leaf = {.policies = POLICY, .policy_constraints = "requireExplicitPolicy:0"}, .what = "certificate CN=leaf has no certificate policy that its CAs allow", .got = POLICY},
    {"explicit policy demanded later than the path is long", .sub = {.policy_constraints = "requireExplicitPolicy:2"}},
    {"explicit policy and mapping forbidden", .sub = {.policies = POLICY, .policy_mappings = POLICY ":1.2.3", .policy_constraints = "requireExplicitPolicy:0,inhibitPolicyMapping:0"}, .leaf = {.policies = "1.2.3"}},
    {"any policy in the leaf although inhibited", .sub = {.policies = POLICY, .inhibit_any = "0", .policy_constraints = "requireExplicitPolicy:0"}, .leaf = {.policies = "2.5.29.32.0"}, .what = "certificate CN=leaf has no certificate policy"},
    {"any policy mapped", .sub = {.policies = POLICY, .policy_mappings = "2.5.29.32.0:1.2.3"}, .what = "certificate CN=sub maps any certificate policy"},
    {"required policy there", .sub = {.policies = POLICY}, .leaf = {.policies = POLICY}, .policy = POLICY},
    {"required policy lacking", .sub = {.policies = POLICY}, .leaf = {.policies = "1.2.3"}, .policy = POLICY, .what = "certificate CN=leaf lacks a certificate policy", .got = "1.2.3"},
    {"identity there", .leaf = {.san = "DNS:moon.example.org"}, .id = "moon.example.org"},
    {"identity lacking", .leaf = {.san = "DNS:moon.example.org"}, .id = "sun.example.org", .what = "certificate CN=leaf does not carry the identity of the peer", .got = "dNSName:moon.example.org"},
    /* ---- cross-signed */
    {"both ways lead to a root", .other_root = {.subject = "CN=other"}, .cross = {.subject = "CN=sub"}, .path_len = 3},
    {"one way expired, the other not", .sub = {.not_before = 1, .not_after = NOW - 1}, .other_root = {.subject = "CN=other"}, .cross = {.subject = "CN=sub"}, .path_len = 3},
    {"one way constrained, the other not", .sub = {.name_constraints = "permitted;DNS:example.org"}, .leaf = {.san = "DNS:a.test"}, .other_root = {.subject = "CN=other"}, .cross = {.subject = "CN=sub"}},
    {"one way revoked, the other not", .other_root = {.subject = "CN=other"}, .cross = {.subject = "CN=sub"}, .crl = {{.signer = R, .revokes = {S}}}},
    {"both ways revoked", .other_root = {.subject = "CN=other"}, .cross = {.subject = "CN=sub"}, .crl = {{.signer = R, .revokes = {S}}, {.signer = T, .revokes = {X}}}, .what = "certificate CN=sub was revoked"},
    {"one way expired, the other revoked", .sub = {.not_before = 1, .not_after = NOW - 1}, .other_root = {.subject = "CN=other"}, .cross = {.subject = "CN=sub"}, .crl = {{.signer = T, .revokes = {X}, .reason = CRL_CA_COMPROMISE + 1}}, .what = "certificate CN=sub was revoked", .got = "CA compromise, a CRL of CN=other"},
    /* ---- CRLs */
    {"leaf revoked", .crl = {{.signer = S, .revokes = {L}, .reason = CRL_KEY_COMPROMISE + 1}}, .what = REVOKED, .got = "key compromise, a CRL of CN=sub"},
    {"leaf on hold", .crl = {{.signer = S, .revokes = {L}, .reason = CRL_CERTIFICATE_HOLD + 1}}, .what = REVOKED, .got = "certificate hold, a CRL"},
    {"leaf taken off the list", .crl = {ROOT_CRL, {.signer = S, .revokes = {L}, .reason = CRL_REMOVE_FROM_CRL + 1}}, .revocation = REVOCATION_STRICT},
    {"intermediate revoked", .crl = {{.signer = R, .revokes = {S}}}, .what = "certificate CN=sub was revoked", .got = "a CRL of CN=root"},
    {"another certificate revoked", .helper = {.subject = "CN=helper"}, .crl = {ROOT_CRL, {.signer = S, .revokes = {H}}}, .revocation = REVOCATION_STRICT},
    {"relaxed without a CRL"},
    {"strict without a CRL", .revocation = REVOCATION_STRICT, .what = "it is not known whether certificate CN=sub is revoked", .got = "neither, and nothing says where they are"},
    {"strict with the root's CRL alone", .crl = {ROOT_CRL}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"strict with both CRLs", .crl = {ROOT_CRL, SUB_CRL}, .revocation = REVOCATION_STRICT},
    {"ifuri without an address", .revocation = REVOCATION_IFURI},
    {"ifuri with an address", .leaf = {CRL_POINT}, .revocation = REVOCATION_IFURI, .what = UNKNOWN, .got = "neither"},
    {"ifuri with an address that failed", .leaf = {CRL_POINT}, .can_fetch = true, .tried = {"http://crl.test/sub.crl"}, .failure = "timed out", .revocation = REVOCATION_IFURI, .what = UNKNOWN, .got = "nothing from http://crl.test/sub.crl: timed out"},
    {"relaxed with an address that failed", .leaf = {CRL_POINT}, .can_fetch = true, .tried = {"http://crl.test/sub.crl"}, .failure = "timed out"},
    {"strict with a CRL that ended", .crl = {ROOT_CRL, {.signer = S, .spec = {.next_update = NOW - 1}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "a CRL of CN=sub that ended at 2026-05-31 23:59:59 UTC"},
    {"a CRL that ended still revokes", .crl = {{.signer = S, .revokes = {L}, .spec = {.next_update = NOW - 1}}}, .what = REVOKED},
    {"strict with a CRL from the future", .crl = {ROOT_CRL, {.signer = S, .spec = {.this_update = NOW + DAY, .next_update = NOW + 2 * DAY}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "that begins at 2026-06-02"},
    {"strict with a CRL without an end, a day old", .crl = {ROOT_CRL, {.signer = S, .spec = {.next_update = -1}}}, .revocation = REVOCATION_STRICT},
    {"strict with a CRL without an end, older", .crl = {ROOT_CRL, {.signer = S, .spec = {.this_update = NOW - 2 * DAY, .next_update = -1}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"a forged CRL", .crl = {{.signer = S, .revokes = {L}, .spec = {.has_wrong_signature = true}}}},
    {"strict with a forged CRL", .crl = {ROOT_CRL, {.signer = S, .spec = {.has_wrong_signature = true}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "the CRL of CN=sub has a wrong signature"},
    {"a CRL of a stranger in its name", .other_root = {.subject = "CN=other"}, .crl = {{.signer = T, .revokes = {L}, .spec = {.issuer_name = "CN=sub"}}}},
    {"strict with a CRL with a weak hash", .crl = {ROOT_CRL, {.signer = S, .spec = {.digest = "SHA1"}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "weak hash"},
    {"a CRL of a CA that may sign none", .sub = {.key_usage = "critical,keyCertSign"}, .crl = {ROOT_CRL, SUB_CRL}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "may not sign CRLs"},
    {"strict with a CRL with a critical extension that nobody knows", .crl = {ROOT_CRL, {.signer = S, .spec = {.unknown_oid = "1.2.3.4"}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "1.2.3.4"},
    {"strict with a CRL for CAs alone", .crl = {ROOT_CRL, {.signer = S, .spec = {.idp = "critical,onlyCA:TRUE"}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"strict with CRLs of the right kind", .crl = {{.signer = R, .spec = {.idp = "critical,onlyCA:TRUE"}}, {.signer = S, .spec = {.idp = "critical,onlyuser:TRUE"}}}, .revocation = REVOCATION_STRICT},
    {"strict with a CRL for attribute certificates", .crl = {ROOT_CRL, {.signer = S, .spec = {.idp = "critical,onlyAA:TRUE"}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"strict with a CRL for one reason", .crl = {ROOT_CRL, {.signer = S, .spec = {.idp = "critical,onlysomereasons:keyCompromise"}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"a CRL for one reason revokes", .crl = {{.signer = S, .revokes = {L}, .spec = {.idp = "critical,onlysomereasons:keyCompromise"}}}, .what = REVOKED},
    {"strict with a CRL for this distribution point", .leaf = {CRL_POINT}, .crl = {ROOT_CRL, {.signer = S, .spec = {.idp = "critical,fullname:URI:http://crl.test/sub.crl"}}}, .revocation = REVOCATION_STRICT},
    {"strict with a CRL for another distribution point", .leaf = {CRL_POINT}, .crl = {ROOT_CRL, {.signer = S, .spec = {.idp = "critical,fullname:URI:http://crl.test/other.crl"}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"an older CRL revokes, the newer does not", .crl = {ROOT_CRL, {.signer = S, .revokes = {L}, .spec = {.number = "1"}}, {.signer = S, .spec = {.number = "2"}}}, .revocation = REVOCATION_STRICT},
    {"a forged newer CRL replaces nothing", .crl = {{.signer = S, .revokes = {L}, .spec = {.number = "1"}}, {.signer = S, .spec = {.number = "2", .has_wrong_signature = true}}}, .what = REVOKED},
    {"a newer CRL for another kind replaces nothing", .crl = {{.signer = S, .revokes = {L}, .spec = {.number = "1"}}, {.signer = S, .spec = {.number = "2", .idp = "critical,onlyuser:TRUE"}}}, .what = REVOKED},
    {"a helper of the CA signs indirect CRLs", .helper = {.subject = "CN=helper", .key_usage = "cRLSign"}, .leaf = {.crl_issuer = "CN=helper"}, .crl = {{.signer = H, .revokes = {L}, .entry_issuer = "CN=sub", .spec = {.idp = "critical,indirectCRL:TRUE"}}}, .what = REVOKED, .got = "a CRL of CN=helper"},
    {"strict with an indirect CRL", .helper = {.subject = "CN=helper", .key_usage = "cRLSign"}, .leaf = {.crl_issuer = "CN=helper"}, .crl = {ROOT_CRL, {.signer = H, .spec = {.idp = "critical,indirectCRL:TRUE"}}}, .revocation = REVOCATION_STRICT},
    {"an indirect CRL that the certificate does not name", .helper = {.subject = "CN=helper", .key_usage = "cRLSign"}, .crl = {{.signer = H, .revokes = {L}, .entry_issuer = "CN=sub", .spec = {.idp = "critical,indirectCRL:TRUE"}}}},
    {"an indirect CRL of a helper that may not", .helper = {.subject = "CN=helper"}, .leaf = {.crl_issuer = "CN=helper"}, .crl = {{.signer = H, .revokes = {L}, .entry_issuer = "CN=sub", .spec = {.idp = "critical,indirectCRL:TRUE"}}}},
    /* ---- delta CRLs */
    {"a delta revokes", .crl = {{.signer = S, .spec = {.number = "5"}}, {.signer = S, .revokes = {L}, .spec = {.number = "6", .base = "5"}}}, .what = REVOKED, .got = "a delta CRL of CN=sub"},
    {"a delta lifts a hold", .crl = {ROOT_CRL, {.signer = S, .revokes = {L}, .spec = {.number = "5"}}, {.signer = S, .revokes = {L}, .reason = CRL_REMOVE_FROM_CRL + 1, .spec = {.number = "6", .base = "5"}}}, .revocation = REVOCATION_STRICT},
    {"a delta for a later base changes nothing", .crl = {{.signer = S, .spec = {.number = "5"}}, {.signer = S, .revokes = {L}, .spec = {.number = "8", .base = "7"}}}},
    {"a delta older than its base changes nothing", .crl = {{.signer = S, .spec = {.number = "5"}}, {.signer = S, .revokes = {L}, .spec = {.number = "4", .base = "3"}}}},
    {"a delta that ended changes nothing", .crl = {{.signer = S, .spec = {.number = "5"}}, {.signer = S, .revokes = {L}, .spec = {.number = "6", .base = "5", .next_update = NOW - 1}}}},
    {"strict with a delta and a base that ended", .crl = {ROOT_CRL, {.signer = S, .spec = {.number = "5", .next_update = NOW - 1}}, {.signer = S, .spec = {.number = "6", .base = "5"}}}, .revocation = REVOCATION_STRICT},
    {"strict with a delta alone", .crl = {ROOT_CRL, {.signer = S, .spec = {.number = "6", .base = "5"}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"a base that names its deltas", .can_fetch = true, .crl = {ROOT_CRL, {.signer = S, .spec = {.number = "5", .freshest = "URI:http://crl.test/delta"}}}, .fetch = "http://crl.test/delta"},
    {"deltas that cannot be had do not matter", .can_fetch = true, .tried = {"http://crl.test/delta"}, .failure = "refused", .crl = {ROOT_CRL, {.signer = S, .spec = {.number = "5", .freshest = "URI:http://crl.test/delta"}}}, .revocation = REVOCATION_STRICT},
    /* ---- OCSP */
    {"strict with good responses", .ocsp = {{.about = L, .signer = S}, {.about = S, .signer = R}}, .revocation = REVOCATION_STRICT},
    {"OCSP says revoked", .ocsp = {{.about = L, .signer = S, .spec = {.status = 'r', .reason = CRL_SUPERSEDED + 1}}}, .what = REVOKED, .got = "superseded, the OCSP response of CN=sub"},
    {"OCSP says revoked, the CRL does not", .crl = {ROOT_CRL, SUB_CRL}, .ocsp = {{.about = L, .signer = S, .spec = {.status = 'r'}}}, .what = REVOKED},
    {"the CRL says revoked, OCSP does not", .crl = {{.signer = S, .revokes = {L}}}, .ocsp = {{.about = L, .signer = S}}, .what = REVOKED},
    {"strict and OCSP does not know it", .crl = {ROOT_CRL}, .ocsp = {{.about = L, .signer = S, .spec = {.status = 'u'}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "the OCSP responder CN=sub, which does not know it"},
    {"strict and OCSP does not know it, but a CRL", .crl = {ROOT_CRL, SUB_CRL}, .ocsp = {{.about = L, .signer = S, .spec = {.status = 'u'}}}, .revocation = REVOCATION_STRICT},
    {"strict with an old response", .crl = {ROOT_CRL}, .ocsp = {{.about = L, .signer = S, .spec = {.this_update = NOW - DAY, .next_update = NOW - 301}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "an OCSP response for 2026-05-31 00:00:00 UTC to 2026-05-31 23:54:59 UTC"},
    {"strict with a response of a clock that is behind", .crl = {ROOT_CRL}, .ocsp = {{.about = L, .signer = S, .spec = {.this_update = NOW - DAY, .next_update = NOW - 299}}}, .revocation = REVOCATION_STRICT},
    {"strict with a response without an end", .crl = {ROOT_CRL}, .ocsp = {{.about = L, .signer = S, .spec = {.this_update = NOW - 60, .next_update = -1}}}, .revocation = REVOCATION_STRICT},
    {"strict with an old response without an end", .crl = {ROOT_CRL}, .ocsp = {{.about = L, .signer = S, .spec = {.this_update = NOW - DAY, .next_update = -1}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN},
    {"a forged response", .ocsp = {{.about = L, .signer = S, .spec = {.status = 'r', .has_wrong_signature = true}}}},
    {"an appointed responder", .helper = {.subject = "CN=helper", .ext_key_usage = "OCSPSigning"}, .ocsp = {{.about = L, .signer = H, .spec = {.status = 'r', .has_signer_cert = true}}}, .what = REVOKED, .got = "the OCSP response of CN=helper"},
    {"a responder whom nobody appointed", .helper = {.subject = "CN=helper"}, .crl = {ROOT_CRL}, .ocsp = {{.about = L, .signer = H, .spec = {.has_signer_cert = true}}}, .revocation = REVOCATION_STRICT, .what = UNKNOWN, .got = "does not allow it"},
    /* ---- what is to be fetched */
    {"the CRL is fetched, also when relaxed", .leaf = {CRL_POINT}, .can_fetch = true, .fetch = "http://crl.test/sub.crl"},
    {"OCSP is asked first", .leaf = {CRL_POINT, OCSP_POINT}, .can_fetch = true, .fetch = "http://ocsp.test/"},
    {"the CRL is fetched when OCSP failed", .leaf = {CRL_POINT, OCSP_POINT}, .can_fetch = true, .tried = {"http://ocsp.test/"}, .failure = "refused", .fetch = "http://crl.test/sub.crl"},
    {"the second address when the first failed", .leaf = {.crl_points = "URI:http://a.test/,URI:http://b.test/"}, .can_fetch = true, .tried = {"http://a.test/"}, .failure = "refused", .fetch = "http://b.test/"},
    {"the intermediate's CRL", .sub = {.crl_points = "URI:http://crl.test/root.crl"}, .can_fetch = true, .fetch = "http://crl.test/root.crl"},
    {"nothing when CRLs are at hand", .leaf = {CRL_POINT, OCSP_POINT}, .crl = {ROOT_CRL, SUB_CRL}, .can_fetch = true},
    {"nothing when a CRL at hand revokes", .leaf = {CRL_POINT, OCSP_POINT}, .crl = {{.signer = S, .revokes = {L}}}, .can_fetch = true, .what = REVOKED},
    {"nothing for a path that is bad anyway", .leaf = {CRL_POINT, .ext_key_usage = "codeSigning"}, .can_fetch = true, .what = "is not meant for IKE"},
    {"nothing for somebody else", .leaf = {CRL_POINT}, .can_fetch = true, .id = "sun.example.org", .what = "does not carry the identity"},
    {"a CRL that ended is fetched anew", .leaf = {CRL_POINT}, .crl = {ROOT_CRL, {.signer = S, .spec = {.next_update = NOW - 1}}}, .can_fetch = true, .fetch = "http://crl.test/sub.crl"},
    {"the address that the operator names comes first", .leaf = {CRL_POINT}, .has_authority = true, .can_fetch = true, .fetch = "http://operator.test/crl"},
    {"without OCSP the CRL is fetched", .leaf = {CRL_POINT, OCSP_POINT}, .can_fetch = true, .ignores_ocsp = true, .fetch = "http://crl.test/sub.crl"},
    {"without CRLs there is OCSP", .leaf = {CRL_POINT, OCSP_POINT}, .can_fetch = true, .ignores_crls = true, .fetch = "http://ocsp.test/"},
    {"without CRLs one that is at hand revokes nothing", .leaf = {CRL_POINT}, .crl = {ROOT_CRL, {.signer = S, .revokes = {L}}}, .can_fetch = true, .ignores_crls = true},
    {"without either nothing is known", .leaf = {CRL_POINT, OCSP_POINT}, .crl = {ROOT_CRL, SUB_CRL}, .can_fetch = true, .ignores_crls = true, .ignores_ocsp = true, .revocation = REVOCATION_STRICT, .what = "it is not known whether certificate CN=sub is revoked"},
    {"ifuri with an address that the operator names", .has_authority = true, .revocation = REVOCATION_IFURI, .what = UNKNOWN},
};
/* clang-format on */

static struct testca_cert *made[CAST];
static struct cert *cert[CAST];

static void add(int who, struct testca_spec spec, const char *subject, int issuer)
{
    struct diag d = {0};
    spec.subject = spec.subject ? spec.subject : subject;
    made[who] = testca_issue(&spec, issuer == NOBODY ? NULL : made[issuer]);
    cert[who] = cert_load(testca_der(made[who]), &d);
    if (!cert[who])
        fail_msg("%s %s", d.what, d.got);
}

static void make_cast(const struct row *r)
{
    struct testca_spec root = r->root, sub = r->sub, cross = r->cross, other = r->other_root;
    root.is_ca = sub.is_ca = cross.is_ca = other.is_ca = true;
    add(R, root, "CN=root", NOBODY);
    add(S, sub, "CN=sub", R);
    add(L, r->leaf, "CN=leaf", S);
    if (other.subject)
        add(T, other, NULL, NOBODY);
    if (r->helper.subject)
        add(H, r->helper, NULL, S);
    if (!cross.subject)
        return;
    cross.key_of = made[S];
    add(X, cross, NULL, T);
}

static struct crl *make_crl(const struct crl_row *r)
{
    struct testcrl_entry entries[2] = {0};
    struct testcrl_spec spec = r->spec;
    struct diag d = {0};
    for (size_t i = 0; i < 2 && r->revokes[i]; i++)
        entries[spec.n++] = (struct testcrl_entry){
            .cert = made[r->revokes[i]], .reason = r->reason, .issuer = r->entry_issuer};
    spec.entries = entries;
    struct span der = testcrl_make(&spec, made[r->signer]);
    struct crl *c = crl_load(der, &d);
    if (!c)
        fail_msg("%s", d.what);
    testcrl_free(der);
    return c;
}

static struct ocsp *make_ocsp(const struct ocsp_row *r)
{
    struct testocsp_spec spec = r->spec;
    struct diag d = {0};
    spec.cert = made[r->about];
    spec.issuer = made[r->about == L ? S : R];
    spec.signer = made[r->signer];
    struct span der = testocsp_make(&spec);
    struct ocsp *o = ocsp_load(der, &d);
    if (!o)
        fail_msg("%s", d.what);
    testocsp_free(der);
    return o;
}

struct at_hand {
    struct crl *crls[3];
    struct ocsp *ocsps[2];
    struct trust_tried tried[2];
    struct cert *inter[3], *anchors[2];
    struct trust_authority authority;
    struct identity id;
};

static void fill(const struct row *r, struct at_hand *h, struct trust_request *q)
{
    static const char *const operators[] = {"http://operator.test/crl"};
    *q = (struct trust_request){.leaf = cert[L],
                                .now = NOW,
                                .revocation = r->revocation,
                                .can_fetch = r->can_fetch,
                                .ignores_crls = r->ignores_crls,
                                .ignores_ocsp = r->ignores_ocsp};
    for (size_t i = 0; i < 3 && r->crl[i].signer; i++)
        h->crls[q->n_crls++] = make_crl(&r->crl[i]);
    for (size_t i = 0; i < 2 && r->ocsp[i].about; i++)
        h->ocsps[q->n_ocsps++] = make_ocsp(&r->ocsp[i]);
    for (size_t i = 0; i < 2 && r->tried[i]; i++)
        h->tried[q->n_tried++] = (struct trust_tried){.url = r->tried[i], .failure = r->failure};
    static const int between[] = {S, X, H}, top[] = {R, T};
    for (size_t i = 0; i < ARRAY_LEN(between); i++) {
        if (cert[between[i]])
            h->inter[q->intermediates.n++] = cert[between[i]];
    }
    for (size_t i = 0; i < ARRAY_LEN(top); i++) {
        if (cert[top[i]])
            h->anchors[q->anchors.n++] = cert[top[i]];
    }
    q->intermediates.v = h->inter;
    q->anchors.v = h->anchors;
    q->crls = h->crls;
    q->ocsps = h->ocsps;
    q->tried = h->tried;
    if (r->policy) {
        q->policies = &r->policy;
        q->n_policies = 1;
    }
    if (r->id) {
        h->id = (struct identity){.type = ID_FQDN, .data = span_str(r->id)};
        q->peer_id = &h->id;
    }
    if (r->has_authority) {
        h->authority = (struct trust_authority){.ca = cert[S], .crl_uris = operators, .n_crl_uris = 1};
        q->authorities = &h->authority;
        q->n_authorities = 1;
    }
}

static void free_all(struct at_hand *h)
{
    for (size_t i = 0; i < 3; i++)
        crl_unref(h->crls[i]);
    for (size_t i = 0; i < 2; i++)
        ocsp_unref(h->ocsps[i]);
    for (size_t i = 0; i < CAST; i++) {
        testca_free(made[i]);
        cert_unref(cert[i]);
        made[i] = NULL;
        cert[i] = NULL;
    }
}

static unsigned check(const struct row *r, const struct trust_verdict *v)
{
    char text[1800];
    bool is_open = v->n_fetch > 0;
    diag_format(&v->why, text, sizeof(text));
    bool fits = is_open == (r->fetch != NULL) && v->is_trusted == (!r->what && !r->fetch);
    fits = fits && (v->why.class != FAIL_NONE) == (r->what != NULL);
    fits = fits && (!r->what || (strstr(v->why.what, r->what) && strstr(v->why.got, r->got ? r->got : "")));
    fits = fits && (!r->fetch || strcmp(v->fetch[0].url, r->fetch) == 0);
    fits = fits && (!r->path_len || v->path_len == r->path_len);
    if (!fits)
        print_error("%s: %s%s%s\n", r->name, v->is_trusted ? "trusted" : text, is_open ? " fetch " : "",
                    is_open ? v->fetch[0].url : "");
    return !fits;
}

static void every_row_gets_its_verdict_and_its_words(void **state)
{
    (void)state;
    unsigned bad = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct at_hand h = {0};
        struct trust_request q;
        struct trust_verdict v;
        make_cast(&rows[i]);
        fill(&rows[i], &h, &q);
        trust_evaluate(&q, &v);
        bad += check(&rows[i], &v);
        free_all(&h);
    }
    print_message("%zu rows\n", ARRAY_LEN(rows));
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_gets_its_verdict_and_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
