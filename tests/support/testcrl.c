/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs for tests: see testcrl.h. Shares no code with what it tests. */
#include "support/testcrl.h"
#include "support/testca_impl.h"
#include <openssl/x509v3.h>
#include <stdlib.h>

#define DATE_DEFAULT INT64_C(1767225600) /* 2026-01-01 */

static void add_text_ext(X509_CRL *crl, X509 *signer, int nid, const char *value)
{
    X509V3_CTX ctx;
    if (!value)
        return;
    X509V3_set_ctx(&ctx, signer, NULL, NULL, crl, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    TESTCA_MUST(e && X509_CRL_add_ext(crl, e, -1));
    X509_EXTENSION_free(e);
}

static void add_number(X509_CRL *crl, int nid, const char *value)
{
    if (!value)
        return;
    ASN1_INTEGER *i = s2i_ASN1_INTEGER(NULL, value);
    TESTCA_MUST(i && X509_CRL_add1_ext_i2d(crl, nid, i, nid == NID_delta_crl, 0) == 1);
    ASN1_INTEGER_free(i);
}

static X509_EXTENSION *unknown_ext(const char *oid_text)
{
    static const uint8_t null_der[] = {0x05, 0x00};
    ASN1_OBJECT *oid = OBJ_txt2obj(oid_text, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    TESTCA_MUST(oid && value && ASN1_OCTET_STRING_set(value, null_der, sizeof(null_der)));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    TESTCA_MUST(e);
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(value);
    return e;
}

static void add_issuer(X509_REVOKED *r, const char *text)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *n = GENERAL_NAME_new();
    TESTCA_MUST(names && n);
    GENERAL_NAME_set0_value(n, GEN_DIRNAME, testca_name(text));
    TESTCA_MUST(sk_GENERAL_NAME_push(names, n));
    TESTCA_MUST(X509_REVOKED_add1_ext_i2d(r, NID_certificate_issuer, names, 1, 0) == 1);
    GENERAL_NAMES_free(names);
}

static void add_reason(X509_REVOKED *r, int reason)
{
    ASN1_ENUMERATED *e = ASN1_ENUMERATED_new();
    TESTCA_MUST(e && ASN1_ENUMERATED_set(e, reason));
    TESTCA_MUST(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, 0) == 1);
    ASN1_ENUMERATED_free(e);
}

static void add_entry(X509_CRL *crl, const struct testcrl_entry *s)
{
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_INTEGER *serial =
        s->cert ? ASN1_INTEGER_dup(X509_get0_serialNumber(s->cert->x509)) : ASN1_INTEGER_new();
    ASN1_TIME *date = ASN1_TIME_set(NULL, s->date ? s->date : DATE_DEFAULT);
    TESTCA_MUST(r && serial && date && (s->cert || ASN1_INTEGER_set(serial, s->serial)));
    TESTCA_MUST(X509_REVOKED_set_serialNumber(r, serial) && X509_REVOKED_set_revocationDate(r, date));
    if (s->reason)
        add_reason(r, s->reason - 1);
    if (s->invalid_since) {
        ASN1_GENERALIZEDTIME *t = ASN1_GENERALIZEDTIME_set(NULL, s->invalid_since);
        TESTCA_MUST(t && X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, t, 0, 0) == 1);
        ASN1_GENERALIZEDTIME_free(t);
    }
    if (s->issuer)
        add_issuer(r, s->issuer);
    if (s->unknown_oid) {
        X509_EXTENSION *e = unknown_ext(s->unknown_oid);
        TESTCA_MUST(X509_REVOKED_add_ext(r, e, -1));
        X509_EXTENSION_free(e);
    }
    TESTCA_MUST(X509_CRL_add0_revoked(crl, r));
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(date);
}

static void set_dates(X509_CRL *crl, const struct testcrl_spec *s)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, s->this_update ? s->this_update : TESTCA_NOW - 86400);
    ASN1_TIME *to = ASN1_TIME_set(NULL, s->next_update ? s->next_update : TESTCA_NOW + 86400);
    TESTCA_MUST(from && to && X509_CRL_set1_lastUpdate(crl, from));
    if (s->next_update != -1)
        TESTCA_MUST(X509_CRL_set1_nextUpdate(crl, to));
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
}

static void add_extensions(X509_CRL *crl, const struct testcrl_spec *s, const struct testca_cert *signer)
{
    if (!s->has_no_key_ids && X509_get0_subject_key_id(signer->x509))
        add_text_ext(crl, signer->x509, NID_authority_key_identifier, "keyid");
    add_number(crl, NID_crl_number, s->number);
    add_number(crl, NID_delta_crl, s->base);
    add_text_ext(crl, signer->x509, NID_issuing_distribution_point, s->idp);
    add_text_ext(crl, signer->x509, NID_freshest_crl, s->freshest);
    if (s->unknown_oid) {
        X509_EXTENSION *e = unknown_ext(s->unknown_oid);
        TESTCA_MUST(X509_CRL_add_ext(crl, e, -1));
        X509_EXTENSION_free(e);
    }
}

struct span testcrl_make(const struct testcrl_spec *s, const struct testca_cert *signer)
{
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *name =
        s->issuer_name ? testca_name(s->issuer_name) : X509_NAME_dup(X509_get_subject_name(signer->x509));
    uint8_t *der = NULL;
    TESTCA_MUST(crl && name && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                X509_CRL_set_issuer_name(crl, name));
    set_dates(crl, s);
    for (size_t i = 0; i < s->n; i++)
        add_entry(crl, &s->entries[i]);
    add_extensions(crl, s, signer);
    EVP_MD_CTX *ctx = testca_sign_ctx(signer, s->digest, s->is_pss);
    TESTCA_MUST(X509_CRL_sign_ctx(crl, ctx) > 0);
    EVP_MD_CTX_free(ctx);
    int len = i2d_X509_CRL(crl, &der);
    TESTCA_MUST(len > 0);
    uint8_t *copy = malloc((size_t)len);
    TESTCA_MUST(copy);
    memcpy(copy, der, (size_t)len);
    if (s->has_wrong_signature)
        copy[len - 1] ^= 1;
    OPENSSL_free(der);
    X509_NAME_free(name);
    X509_CRL_free(crl);
    return span_of(copy, (size_t)len);
}

void testcrl_free(struct span der)
{
    free((void *)der.ptr);
}
