/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate revocation lists, version 2 (RFC 5280 section 5): complete ones, and delta CRLs. See issue.h.
 */
#include "pki/cert_impl.h"
#include "pki/issue/issue_impl.h"
#include <openssl/err.h>

static bool put_reason(X509_REVOKED *r, int reason)
{
    ASN1_ENUMERATED *e = reason >= 0 ? ASN1_ENUMERATED_new() : NULL;
    if (reason < 0)
        return true;
    bool is_ok =
        e && ASN1_ENUMERATED_set(e, reason) && X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, 0) > 0;
    ASN1_ENUMERATED_free(e);
    return is_ok;
}

static bool put_revoked(X509_CRL *crl, const struct issue_revoked *what)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *serial = issue_integer(what->serial);
    ASN1_TIME *date = ASN1_TIME_set(NULL, what->date);
    bool is_ok = r && serial && date && X509_REVOKED_set_serialNumber(r, serial) &&
                 X509_REVOKED_set_revocationDate(r, date) && put_reason(r, what->reason) &&
                 X509_CRL_add0_revoked(crl, r);
    if (!is_ok)
        X509_REVOKED_free(r);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(date);
    return is_ok;
}

static bool put_fields(X509_CRL *crl, const struct issue_crl *c, const struct cert *issuer)
{
    X509_NAME *name = issue_x509_name(issuer->subject);
    ASN1_TIME *this = ASN1_TIME_set(NULL, c->this_update), *next = ASN1_TIME_set(NULL, c->next_update);
    bool is_ok = name && this && next && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                 X509_CRL_set_issuer_name(crl, name) && X509_CRL_set1_lastUpdate(crl, this) &&
                 X509_CRL_set1_nextUpdate(crl, next);
    for (size_t i = 0; is_ok && i < c->n_revoked; i++)
        is_ok = put_revoked(crl, &c->revoked[i]);
    X509_NAME_free(name);
    ASN1_TIME_free(this);
    ASN1_TIME_free(next);
    return is_ok;
}

static bool put_number(STACK_OF(X509_EXTENSION) * *list, int nid, bool is_critical, struct span number)
{
    if (!number.len)
        return true;
    ASN1_INTEGER *n = issue_integer(number);
    bool is_ok = issue_ext_add(list, nid, is_critical, n);
    ASN1_INTEGER_free(n);
    return is_ok;
}

/* [RFC5280#5.2.6] */
static bool put_delta_uris(STACK_OF(X509_EXTENSION) * *list, const struct issue_crl *c)
{
    bool is_ok = true;
    CRL_DIST_POINTS *points = NULL;
    for (size_t i = 0; is_ok && i < c->n_delta_uris; i++) {
        struct issue_crl_point p = {.uri = c->delta_uris[i]};
        CRL_DIST_POINTS *one = issue_crl_points(&p, 1);
        is_ok = one != NULL;
        if (is_ok && points)
            is_ok = sk_DIST_POINT_push(points, sk_DIST_POINT_shift(one)) > 0;
        if (is_ok && !points) {
            points = one;
            one = NULL;
        }
        CRL_DIST_POINTS_free(one);
    }
    if (is_ok && points)
        is_ok = issue_ext_add(list, NID_freshest_crl, false, points);
    CRL_DIST_POINTS_free(points);
    return is_ok;
}

/* In the order in which they are written. */
static bool put_extensions(X509_CRL *crl, const struct issue_crl *c, const struct cert *issuer)
{
    STACK_OF(X509_EXTENSION) *list = NULL;
    bool is_ok = issue_ext_add_key_id(&list, issuer) && put_number(&list, NID_crl_number, false, c->number) &&
                 put_delta_uris(&list, c) && put_number(&list, NID_delta_crl, true, c->base_number) &&
                 issue_ext_add_critical(&list, c->critical_oids, c->n_critical_oids);
    for (int i = 0; is_ok && i < sk_X509_EXTENSION_num(list); i++)
        is_ok = X509_CRL_add_ext(crl, sk_X509_EXTENSION_value(list, i), -1);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return is_ok;
}

static bool sign(struct arena *a, X509_CRL *crl, const struct issue_signer *by, struct span *der,
                 struct diag *d)
{
    unsigned char *encoded = NULL;
    EVP_MD_CTX *ctx = issue_signing(by, d);
    int len = ctx && X509_CRL_sign_ctx(crl, ctx) > 0 ? i2d_X509_CRL(crl, &encoded) : -1;
    bool is_ok = ctx && issue_take(a, encoded, len, "revocation list", der, d);
    EVP_MD_CTX_free(ctx);
    return is_ok;
}

bool issue_crl(struct arena *a, const struct issue_crl *c, const struct cert *issuer,
               const struct issue_signer *by, struct span *der, struct diag *d)
{
    bool is_elsewhere = pkey_is_elsewhere(by->key);
    unsigned char *tbs = NULL;
    X509_ALGOR *algorithm = is_elsewhere ? issue_algorithm(by, d) : NULL;
    X509_CRL *crl = algorithm ? issue_crl_with(algorithm) : X509_CRL_new();
    bool is_ok = false;
    if (is_elsewhere && !algorithm)
        goto out;
    if (!issue_times_fit(c->this_update, c->next_update, d))
        goto out;
    if (!issuer->is_ca && !(issuer->has_key_usage && issuer->key_usage & KU_CRL_SIGN)) {
        diag_set(d, FAIL_CERTIFICATE,
                 "the certificate of %s is neither of a CA nor for signing revocation lists",
                 issuer->subject_text);
        goto out;
    }
    if (!issue_key_fits(issuer, by, d))
        goto out;
    if (!crl || !put_fields(crl, c, issuer) || !put_extensions(crl, c, issuer)) {
        diag_set(d, FAIL_USAGE, "the contents of the revocation list cannot be encoded");
        goto out;
    }
    int len = is_elsewhere ? i2d_re_X509_CRL_tbs(crl, &tbs) : 0;
    is_ok =
        is_elsewhere ? issue_sign_elsewhere(a, by, tbs, len, algorithm, der, d) : sign(a, crl, by, der, d);
out:
    X509_ALGOR_free(algorithm);
    X509_CRL_free(crl);
    ERR_clear_error();
    return is_ok;
}
