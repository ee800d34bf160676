/* SPDX-License-Identifier: Apache-2.0 */
/* Making attribute certificates, version 2, that put a holder into groups (RFC 5755 section 4, groups
 * in 4.4.4). See issue.h. They are short-lived: noRevAvail says that nobody will revoke them (section 4.3.6).
 */
#include "pki/acert_asn1.h"
#include "pki/cert_impl.h"
#include "pki/issue/issue_impl.h"
#include <openssl/err.h>

static GENERAL_NAMES *names_of(struct span dn)
{
    struct issue_name n = {.kind = ISSUE_DIRECTORY, .value = dn};
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    if (list && issue_names_add(list, (struct issue_names){&n, 1}))
        return list;
    GENERAL_NAMES_free(list);
    return NULL;
}

/* The certificate by its issuer and serial number, and by its subject. */
static bool put_holder(AC_HOLDER *h, const struct cert *holder)
{
    h->base = (void *)ASN1_item_new(ASN1_ITEM_rptr(AC_ISSUER_SERIAL));
    if (!h->base)
        return false;
    GENERAL_NAMES_free(h->base->issuer);
    ASN1_INTEGER_free(h->base->serial);
    h->base->issuer = names_of(holder->issuer);
    h->base->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(holder->x509));
    h->entity = names_of(holder->subject);
    return h->base->issuer && h->base->serial && h->entity;
}

static bool put_group(AC_GROUPS *groups, const char *name)
{
    ASN1_TYPE *t = ASN1_TYPE_new();
    ASN1_UTF8STRING *s = ASN1_UTF8STRING_new();
    if (!t || !s || !ASN1_STRING_set(s, name, -1)) {
        ASN1_TYPE_free(t);
        ASN1_UTF8STRING_free(s);
        return false;
    }
    ASN1_TYPE_set(t, V_ASN1_UTF8STRING, s);
    if (sk_ASN1_TYPE_push(groups->values, t) > 0)
        return true;
    ASN1_TYPE_free(t);
    return false;
}

static bool put_groups(AC_INFO *info, const struct issue_acert *c)
{
    unsigned char *der = NULL;
    X509_ATTRIBUTE *attribute = NULL;
    AC_GROUPS *groups = (void *)ASN1_item_new(ASN1_ITEM_rptr(AC_GROUPS));
    bool is_ok = groups != NULL;
    for (size_t i = 0; is_ok && i < c->n_groups; i++)
        is_ok = put_group(groups, c->groups[i]);
    int len = is_ok ? ASN1_item_i2d((ASN1_VALUE *)groups, &der, ASN1_ITEM_rptr(AC_GROUPS)) : -1;
    if (len > 0)
        attribute = X509_ATTRIBUTE_create_by_NID(NULL, NID_id_aca_group, V_ASN1_SEQUENCE, der, len);
    is_ok = attribute && sk_X509_ATTRIBUTE_push(info->attributes, attribute) > 0;
    if (!is_ok)
        X509_ATTRIBUTE_free(attribute);
    OPENSSL_free(der);
    ASN1_item_free((ASN1_VALUE *)groups, ASN1_ITEM_rptr(AC_GROUPS));
    return is_ok;
}

/* authorityKeyIdentifier with all that tells the issuer's certificate, and noRevAvail. */
static bool put_extensions(AC_INFO *info, const struct cert *issuer)
{
    static const uint8_t null[] = {V_ASN1_NULL, 0};
    uint8_t id[20];
    AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
    bool is_ok = aki != NULL;
    pkey_keyid(issuer->key, id);
    struct span key_id = issuer->ski.len ? issuer->ski : span_of(id, sizeof(id));
    if (is_ok) {
        aki->keyid = ASN1_OCTET_STRING_new();
        aki->issuer = names_of(issuer->issuer);
        aki->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(issuer->x509));
        is_ok = aki->keyid && aki->issuer && aki->serial &&
                ASN1_OCTET_STRING_set(aki->keyid, key_id.ptr, (int)key_id.len);
    }
    is_ok = is_ok && issue_ext_add(&info->extensions, NID_authority_key_identifier, false, aki) &&
            issue_ext_add_bytes(&info->extensions, "2.5.29.56", false, span_of(null, sizeof(null)));
    AUTHORITY_KEYID_free(aki);
    return is_ok;
}

static bool put_fields(AC_INFO *info, const struct issue_acert *c, const struct cert *issuer)
{
    ASN1_INTEGER_free(info->serial);
    info->serial = issue_integer(c->serial);
    info->issuer->name = names_of(issuer->subject);
    return info->serial && info->issuer->name && ASN1_INTEGER_set(info->version, 1) &&
           put_holder(info->holder, c->holder) &&
           ASN1_GENERALIZEDTIME_set(info->period->from, c->not_before) &&
           ASN1_GENERALIZEDTIME_set(info->period->to, c->not_after) && put_groups(info, c) &&
           put_extensions(info, issuer);
}

static bool sign(struct arena *a, AC_CERT *ac, const struct issue_signer *by, struct span *der,
                 struct diag *d)
{
    unsigned char *encoded = NULL;
    EVP_MD_CTX *ctx = issue_signing(by, d);
    bool is_signed = ctx && ASN1_item_sign_ctx(ASN1_ITEM_rptr(AC_INFO), ac->info->signature, ac->algorithm,
                                               ac->signature, ac->info, ctx) > 0;
    int len = is_signed ? ASN1_item_i2d((ASN1_VALUE *)ac, &encoded, ASN1_ITEM_rptr(AC_CERT)) : -1;
    bool is_ok = ctx && issue_take(a, encoded, len, "attribute certificate", der, d);
    EVP_MD_CTX_free(ctx);
    return is_ok;
}

static bool sign_elsewhere(struct arena *a, AC_CERT *ac, const struct issue_signer *by, struct span *der,
                           struct diag *d)
{
    unsigned char *tbs = NULL;
    X509_ALGOR *algorithm = issue_algorithm(by, d);
    bool is_ok = algorithm && X509_ALGOR_copy(ac->info->signature, algorithm);
    if (is_ok) {
        int len = ASN1_item_i2d((ASN1_VALUE *)ac->info, &tbs, ASN1_ITEM_rptr(AC_INFO));
        is_ok = issue_sign_elsewhere(a, by, tbs, len, algorithm, der, d);
    }
    X509_ALGOR_free(algorithm);
    return is_ok;
}

bool issue_acert(struct arena *a, const struct issue_acert *c, const struct cert *issuer,
                 const struct issue_signer *by, struct span *der, struct diag *d)
{
    AC_CERT *ac = (void *)ASN1_item_new(ASN1_ITEM_rptr(AC_CERT));
    bool is_ok = false;
    if (!issue_times_fit(c->not_before, c->not_after, d) || !issue_key_fits(issuer, by, d))
        goto out;
    if (!ac || !put_fields(ac->info, c, issuer)) {
        diag_set(d, FAIL_USAGE, "the contents of the attribute certificate cannot be encoded");
        goto out;
    }
    is_ok = (pkey_is_elsewhere(by->key) ? sign_elsewhere : sign)(a, ac, by, der, d);
out:
    ASN1_item_free((ASN1_VALUE *)ac, ASN1_ITEM_rptr(AC_CERT));
    ERR_clear_error();
    return is_ok;
}
