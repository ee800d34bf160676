/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates (RFC 5280 section 4). Each extension is a function of the request; the table below puts them
 * in order. See issue.h. policy_ext.c has those of policies. */
#include "pki/cert_impl.h"
#include "pki/issue/cert_ext.h"
#include <openssl/err.h>

/* [RFC5280#4.2.1.9] */
static bool put_basic_constraints(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!(c->flags & ISSUE_CA))
        return true;
    BASIC_CONSTRAINTS *b = BASIC_CONSTRAINTS_new();
    bool is_ok = b != NULL;
    if (is_ok) {
        b->ca = 0xff;
        if (c->path_len >= 0)
            is_ok = (b->pathlen = ASN1_INTEGER_new()) && ASN1_INTEGER_set(b->pathlen, c->path_len);
    }
    is_ok = is_ok && issue_ext_add(list, NID_basic_constraints, true, b);
    BASIC_CONSTRAINTS_free(b);
    return is_ok;
}

/* [RFC5280#4.2.1.3] bits count from the front */
static bool put_key_usage(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!(c->flags & (ISSUE_CA | ISSUE_CRL_SIGN)))
        return true;
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool is_ok = bits && (!(c->flags & ISSUE_CA) || ASN1_BIT_STRING_set_bit(bits, 5, 1)) &&
                 ASN1_BIT_STRING_set_bit(bits, 6, 1) && issue_ext_add(list, NID_key_usage, true, bits);
    ASN1_BIT_STRING_free(bits);
    return is_ok;
}

/* [RFC5280#4.2.1.2] of those whose signatures others look for by it */
static bool put_subject_key_id(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    uint8_t id[20];
    (void)issuer;
    if (!(c->flags & (ISSUE_CA | ISSUE_CRL_SIGN | ISSUE_OCSP_SIGNING)))
        return true;
    pkey_keyid(c->key, id);
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
    bool is_ok = s && ASN1_OCTET_STRING_set(s, id, sizeof(id)) &&
                 issue_ext_add(list, NID_subject_key_identifier, false, s);
    ASN1_OCTET_STRING_free(s);
    return is_ok;
}

static bool put_authority_key_id(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)c;
    return !issuer || issue_ext_add_key_id(list, issuer);
}

static bool put_names(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    return issue_ext_add_names(list, c->names, c->more_names);
}

/* [RFC5280#4.2.1.12] */
static bool put_ext_key_usage(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    static const struct {
        unsigned flag;
        const char *oid;
    } usages[] = {
        {ISSUE_SERVER_AUTH,        "1.3.6.1.5.5.7.3.1"     },
        {ISSUE_CLIENT_AUTH,        "1.3.6.1.5.5.7.3.2"     },
        {ISSUE_IKE_INTERMEDIATE,   "1.3.6.1.5.5.8.2.2"     },
        {ISSUE_OCSP_SIGNING,       "1.3.6.1.5.5.7.3.9"     },
        {ISSUE_MS_SMARTCARD_LOGON, "1.3.6.1.4.1.311.20.2.2"},
    };
    (void)issuer;
    EXTENDED_KEY_USAGE *e = EXTENDED_KEY_USAGE_new();
    bool is_ok = e != NULL;
    for (size_t i = 0; is_ok && i < ARRAY_LEN(usages); i++) {
        if (c->flags & usages[i].flag)
            is_ok = sk_ASN1_OBJECT_push(e, OBJ_txt2obj(usages[i].oid, 1)) > 0;
    }
    if (is_ok && sk_ASN1_OBJECT_num(e) > 0)
        is_ok = issue_ext_add(list, NID_ext_key_usage, false, e);
    EXTENDED_KEY_USAGE_free(e);
    return is_ok;
}

static bool put_crl_points(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!c->n_crls)
        return true;
    CRL_DIST_POINTS *points = issue_crl_points(c->crls, c->n_crls);
    bool is_ok = issue_ext_add(list, NID_crl_distribution_points, false, points);
    CRL_DIST_POINTS_free(points);
    return is_ok;
}

/* [RFC5280#4.2.2.1] */
static bool put_ocsp(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!c->n_ocsp_uris)
        return true;
    AUTHORITY_INFO_ACCESS *info = AUTHORITY_INFO_ACCESS_new();
    bool is_ok = info != NULL;
    for (size_t i = 0; is_ok && i < c->n_ocsp_uris; i++) {
        ACCESS_DESCRIPTION *a = ACCESS_DESCRIPTION_new();
        ASN1_IA5STRING *uri = issue_ia5(c->ocsp_uris[i]);
        is_ok = a && uri && sk_ACCESS_DESCRIPTION_push(info, a);
        if (!is_ok) {
            ACCESS_DESCRIPTION_free(a);
            ASN1_IA5STRING_free(uri);
            break;
        }
        ASN1_OBJECT_free(a->method);
        a->method = OBJ_nid2obj(NID_ad_OCSP);
        GENERAL_NAME_set0_value(a->location, GEN_URI, uri);
    }
    is_ok = is_ok && issue_ext_add(list, NID_info_access, false, info);
    AUTHORITY_INFO_ACCESS_free(info);
    return is_ok;
}

static STACK_OF(GENERAL_SUBTREE) * subtrees(struct issue_names names)
{
    STACK_OF(GENERAL_SUBTREE) *list = sk_GENERAL_SUBTREE_new_null();
    GENERAL_NAMES *bases = GENERAL_NAMES_new();
    bool is_ok = list && bases && issue_names_add(bases, names);
    while (is_ok && sk_GENERAL_NAME_num(bases) > 0) {
        GENERAL_SUBTREE *s = GENERAL_SUBTREE_new();
        is_ok = s && sk_GENERAL_SUBTREE_push(list, s);
        if (!is_ok) {
            GENERAL_SUBTREE_free(s);
            break;
        }
        GENERAL_NAME_free(s->base);
        s->base = sk_GENERAL_NAME_shift(bases);
    }
    GENERAL_NAMES_free(bases);
    if (is_ok)
        return list;
    sk_GENERAL_SUBTREE_pop_free(list, GENERAL_SUBTREE_free);
    return NULL;
}

/* [RFC5280#4.2.1.10] */
static bool put_name_constraints(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!c->permitted.n && !c->excluded.n)
        return true;
    NAME_CONSTRAINTS *n = NAME_CONSTRAINTS_new();
    bool is_ok = n && (!c->permitted.n || (n->permittedSubtrees = subtrees(c->permitted))) &&
                 (!c->excluded.n || (n->excludedSubtrees = subtrees(c->excluded))) &&
                 issue_ext_add(list, NID_name_constraints, false, n);
    NAME_CONSTRAINTS_free(n);
    return is_ok;
}

/* [RFC3779#2] as given: order and overlaps are for who writes them */
static bool put_addresses(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!c->n_addresses)
        return true;
    IPAddrBlocks *blocks = sk_IPAddressFamily_new_null();
    bool is_ok = blocks != NULL;
    for (size_t i = 0; is_ok && i < c->n_addresses; i++) {
        struct ip from = c->addresses[i].from, to = c->addresses[i].to;
        unsigned afi = from.family == 4 ? IANA_AFI_IPV4 : IANA_AFI_IPV6;
        is_ok = X509v3_addr_add_range(blocks, afi, NULL, from.b, to.b);
    }
    is_ok = is_ok && issue_ext_add(list, NID_sbgp_ipAddrBlock, false, blocks);
    sk_IPAddressFamily_pop_free(blocks, IPAddressFamily_free);
    return is_ok;
}

static bool put_critical(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    return issue_ext_add_critical(list, c->critical_oids, c->n_critical_oids);
}

/* In the order in which they are written. */
static const struct {
    const char *name;
    cert_ext_fn *put;
} extensions[] = {
    {"basicConstraints",       put_basic_constraints },
    {"keyUsage",               put_key_usage         },
    {"subjectKeyIdentifier",   put_subject_key_id    },
    {"authorityKeyIdentifier", put_authority_key_id  },
    {"subjectAltName",         put_names             },
    {"extKeyUsage",            put_ext_key_usage     },
    {"cRLDistributionPoints",  put_crl_points        },
    {"authorityInfoAccess",    put_ocsp              },
    {"nameConstraints",        put_name_constraints  },
    {"certificatePolicies",    put_policies          },
    {"policyMappings",         put_policy_mappings   },
    {"policyConstraints",      put_policy_constraints},
    {"inhibitAnyPolicy",       put_inhibit_any_policy},
    {"IPAddrBlocks",           put_addresses         },
    {"critical extensions",    put_critical          },
};

static bool put_extensions(X509 *x, const struct issue_cert *c, const struct cert *issuer, struct diag *d)
{
    ext_list *list = NULL;
    bool is_ok = true;
    for (size_t i = 0; is_ok && i < ARRAY_LEN(extensions); i++) {
        is_ok = extensions[i].put(&list, c, issuer);
        if (!is_ok)
            diag_set(d, FAIL_USAGE, "the values of %s cannot be encoded", extensions[i].name);
    }
    for (int i = 0; is_ok && i < sk_X509_EXTENSION_num(list); i++)
        is_ok = X509_add_ext(x, sk_X509_EXTENSION_value(list, i), -1);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return is_ok;
}

static bool put_fields(X509 *x, const struct issue_cert *c, const struct cert *issuer)
{
    ASN1_INTEGER *serial = issue_integer(c->serial);
    X509_NAME *subject = issue_x509_name(c->subject);
    X509_NAME *by = issue_x509_name(issuer ? issuer->subject : c->subject);
    bool is_ok = serial && subject && by && X509_set_version(x, X509_VERSION_3) &&
                 X509_set_serialNumber(x, serial) && X509_set_subject_name(x, subject) &&
                 X509_set_issuer_name(x, by) && ASN1_TIME_set(X509_getm_notBefore(x), c->not_before) &&
                 ASN1_TIME_set(X509_getm_notAfter(x), c->not_after) && X509_set_pubkey(x, pkey_evp(c->key));
    ASN1_INTEGER_free(serial);
    X509_NAME_free(subject);
    X509_NAME_free(by);
    return is_ok;
}

static bool sign(struct arena *a, X509 *x, const struct issue_signer *by, struct span *der, struct diag *d)
{
    unsigned char *encoded = NULL;
    EVP_MD_CTX *ctx = issue_signing(by, d);
    int len = ctx && X509_sign_ctx(x, ctx) > 0 ? i2d_X509(x, &encoded) : -1;
    bool is_ok = ctx && issue_take(a, encoded, len, "certificate", der, d);
    EVP_MD_CTX_free(ctx);
    return is_ok;
}

static bool sign_elsewhere(struct arena *a, X509 *x, const struct issue_signer *by, struct span *der,
                           struct diag *d)
{
    unsigned char *tbs = NULL;
    X509_ALGOR *algorithm = issue_algorithm(by, d);
    bool is_ok = algorithm && X509_ALGOR_copy((X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(x), algorithm);
    if (is_ok) {
        int len = i2d_re_X509_tbs(x, &tbs);
        is_ok = issue_sign_elsewhere(a, by, tbs, len, algorithm, der, d);
    }
    X509_ALGOR_free(algorithm);
    return is_ok;
}

bool issue_certificate(struct arena *a, const struct issue_cert *c, const struct cert *issuer,
                       const struct issue_signer *by, struct span *der, struct diag *d)
{
    X509 *x = X509_new();
    bool is_ok = false;
    if (!issue_times_fit(c->not_before, c->not_after, d))
        goto out;
    if (issuer && !issuer->is_ca) {
        diag_set(d, FAIL_CERTIFICATE, "the certificate of %s is not of a CA", issuer->subject_text);
        goto out;
    }
    if (issuer && !issue_key_fits(issuer, by, d))
        goto out;
    if (!x || !put_fields(x, c, issuer)) {
        diag_set(d, FAIL_USAGE, "the fields of the certificate cannot be encoded");
        goto out;
    }
    is_ok = put_extensions(x, c, issuer, d) &&
            (pkey_is_elsewhere(by->key) ? sign_elsewhere : sign)(a, x, by, der, d);
out:
    X509_free(x);
    ERR_clear_error();
    return is_ok;
}
