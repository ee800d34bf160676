/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests: see testca.h. Shares no code with what it tests, so that a mistake is not made
 * twice. */
#include "support/testca.h"
#include "support/testca_impl.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define FROM_DEFAULT  INT64_C(1735689600)
#define UNTIL_DEFAULT INT64_C(2366841600)

#define MUST TESTCA_MUST

void testca_must(bool is_ok, const char *what)
{
    if (is_ok)
        return;
    fprintf(stderr, "testca: %s failed\n", what);
    abort();
}

static EVP_PKEY *make_key(enum testca_key kind)
{
    switch (kind) {
    case TESTCA_P256:
        return EVP_EC_gen("P-256");
    case TESTCA_P384:
        return EVP_EC_gen("P-384");
    case TESTCA_P521:
        return EVP_EC_gen("P-521");
    case TESTCA_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case TESTCA_ED448:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    case TESTCA_RSA1024:
        return EVP_RSA_gen(1024);
    case TESTCA_RSA2048:
        return EVP_RSA_gen(2048);
    case TESTCA_RSA3072:
        return EVP_RSA_gen(3072);
    }
    return NULL;
}

X509_NAME *testca_name(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    char *copy = strdup(text ? text : ""), *save = NULL;
    MUST(name && copy);
    for (char *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        part += strspn(part, " ");
        char *value = strchr(part, '=');
        MUST(value != NULL);
        *value++ = '\0';
        const char *type = strcmp(part, "E") == 0 ? "emailAddress" : part;
        MUST(X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const uint8_t *)value, -1, -1, 0));
    }
    free(copy);
    return name;
}

static void add_text_ext(X509 *x, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    if (!value || !value[0])
        return;
    X509V3_set_ctx(&ctx, (X509 *)issuer, x, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    MUST(e && X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

static GENERAL_NAME *dir_name(const char *text)
{
    GENERAL_NAME *n = GENERAL_NAME_new();
    MUST(n != NULL);
    GENERAL_NAME_set0_value(n, GEN_DIRNAME, testca_name(text));
    return n;
}

static void add_san(X509 *x, const struct testca_spec *s)
{
    add_text_ext(x, x, NID_subject_alt_name, s->san);
    if (!s->san_dir)
        return;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    names = names ? names : sk_GENERAL_NAME_new_null();
    MUST(names && sk_GENERAL_NAME_push(names, dir_name(s->san_dir)));
    MUST(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE) == 1);
    GENERAL_NAMES_free(names);
}

static void add_constraints(X509 *x, const struct testca_spec *s)
{
    add_text_ext(x, x, NID_name_constraints, s->name_constraints);
    if (!s->permitted_dir)
        return;
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(x, NID_name_constraints, NULL, NULL);
    nc = nc ? nc : NAME_CONSTRAINTS_new();
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    MUST(nc && tree);
    GENERAL_NAME_free(tree->base);
    tree->base = dir_name(s->permitted_dir);
    if (!nc->permittedSubtrees)
        nc->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
    MUST(sk_GENERAL_SUBTREE_push(nc->permittedSubtrees, tree));
    MUST(X509_add1_ext_i2d(x, NID_name_constraints, nc, 1, X509V3_ADD_REPLACE) == 1);
    NAME_CONSTRAINTS_free(nc);
}

static void add_policies(X509 *x, const struct testca_spec *s)
{
    add_text_ext(x, x, NID_policy_mappings, s->policy_mappings);
    add_text_ext(x, x, NID_inhibit_any_policy, s->inhibit_any);
    add_text_ext(x, x, NID_policy_constraints, s->policy_constraints);
    if (!s->policies)
        return;
    CERTIFICATEPOLICIES *all = sk_POLICYINFO_new_null();
    char *copy = strdup(s->policies), *save = NULL;
    MUST(all && copy);
    for (char *oid = strtok_r(copy, ",", &save); oid; oid = strtok_r(NULL, ",", &save)) {
        POLICYINFO *one = POLICYINFO_new();
        MUST(one != NULL);
        ASN1_OBJECT_free(one->policyid);
        one->policyid = OBJ_txt2obj(oid, 1);
        MUST(one->policyid && sk_POLICYINFO_push(all, one));
    }
    MUST(X509_add1_ext_i2d(x, NID_certificate_policies, all, 0, X509V3_ADD_REPLACE) == 1);
    CERTIFICATEPOLICIES_free(all);
    free(copy);
}

static void add_unknown(X509 *x, const struct testca_spec *s)
{
    static const uint8_t null_der[] = {0x05, 0x00};
    if (!s->unknown_oid)
        return;
    ASN1_OBJECT *oid = OBJ_txt2obj(s->unknown_oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    MUST(oid && value && ASN1_OCTET_STRING_set(value, null_der, sizeof(null_der)));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, s->unknown_is_critical, value);
    MUST(e && X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(value);
}

static void add_crl_issuer(X509 *x, const struct testca_spec *s)
{
    if (!s->crl_issuer)
        return;
    CRL_DIST_POINTS *all = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
    all = all ? all : sk_DIST_POINT_new_null();
    DIST_POINT *p = DIST_POINT_new();
    MUST(all && p);
    p->CRLissuer = sk_GENERAL_NAME_new_null();
    MUST(p->CRLissuer && sk_GENERAL_NAME_push(p->CRLissuer, dir_name(s->crl_issuer)) &&
         sk_DIST_POINT_push(all, p));
    MUST(X509_add1_ext_i2d(x, NID_crl_distribution_points, all, 0, X509V3_ADD_REPLACE) == 1);
    CRL_DIST_POINTS_free(all);
}

static void add_revocation(X509 *x, const struct testca_spec *s)
{
    add_text_ext(x, x, NID_crl_distribution_points, s->crl_points);
    add_text_ext(x, x, NID_freshest_crl, s->freshest);
    add_text_ext(x, x, NID_info_access, s->info_access);
    add_crl_issuer(x, s);
}

static void add_extensions(X509 *x, const X509 *issuer, const struct testca_spec *s)
{
    char basic[64] = "";
    if (s->is_ca && s->has_pathlen)
        snprintf(basic, sizeof(basic), "critical,CA:TRUE,pathlen:%u", s->pathlen);
    else if (s->is_ca)
        snprintf(basic, sizeof(basic), "critical,CA:TRUE");
    add_text_ext(x, issuer, NID_basic_constraints, s->basic_constraints ? s->basic_constraints : basic);
    add_text_ext(x, issuer, NID_key_usage,
                 s->key_usage ? s->key_usage
                 : s->is_ca   ? "critical,keyCertSign,cRLSign"
                              : "digitalSignature");
    add_text_ext(x, issuer, NID_ext_key_usage, s->ext_key_usage);
    if (!s->has_no_key_ids) {
        add_text_ext(x, issuer, NID_subject_key_identifier, "hash");
        if (issuer == x || X509_get0_subject_key_id((X509 *)issuer))
            add_text_ext(x, issuer, NID_authority_key_identifier, "keyid");
    }
    add_san(x, s);
    add_constraints(x, s);
    add_policies(x, s);
    add_revocation(x, s);
    add_unknown(x, s);
}

EVP_MD_CTX *testca_sign_ctx(const struct testca_cert *signer, const char *digest, bool is_pss)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    bool is_eddsa = EVP_PKEY_is_a(signer->key, "ED25519") || EVP_PKEY_is_a(signer->key, "ED448");
    const char *hash = is_eddsa ? NULL : digest ? digest : "SHA256";
    MUST(ctx && EVP_DigestSignInit_ex(ctx, &pctx, hash, NULL, NULL, signer->key, NULL) == 1);
    if (is_pss)
        MUST(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0);
    return ctx;
}

static void sign(X509 *x, const struct testca_cert *signer, const struct testca_spec *s)
{
    EVP_MD_CTX *ctx = testca_sign_ctx(signer, s->digest, s->is_pss);
    MUST(X509_sign_ctx(x, ctx) > 0);
    EVP_MD_CTX_free(ctx);
    if (s->has_wrong_signature) {
        const ASN1_BIT_STRING *sig;
        X509_get0_signature(&sig, NULL, x);
        sig->data[sig->length - 1] ^= 1;
    }
}

static struct span take_bio(BIO *bio)
{
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    uint8_t *copy = malloc((size_t)len + 1);
    MUST(copy && len > 0);
    memcpy(copy, at, (size_t)len);
    copy[len] = '\0';
    BIO_free(bio);
    return span_of(copy, (size_t)len);
}

static void encode(struct testca_cert *c)
{
    BIO *der = BIO_new(BIO_s_mem()), *key_der = BIO_new(BIO_s_mem());
    BIO *pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_mem());
    MUST(i2d_X509_bio(der, c->x509));
    MUST(i2d_PKCS8PrivateKey_bio(key_der, c->key, NULL, NULL, 0, NULL, NULL));
    MUST(PEM_write_bio_X509(pem, c->x509));
    MUST(PEM_write_bio_PKCS8PrivateKey(key_pem, c->key, NULL, NULL, 0, NULL, NULL));
    c->der = take_bio(der);
    c->key_der = take_bio(key_der);
    c->pem = take_bio(pem);
    c->key_pem = take_bio(key_pem);
}

static void set_serial(X509 *x)
{
    uint8_t bytes[16];
    MUST(RAND_bytes(bytes, sizeof(bytes)) == 1);
    bytes[0] = (uint8_t)(bytes[0] >> 1 | 0x40);
    BIGNUM *serial = BN_bin2bn(bytes, sizeof(bytes), NULL);
    MUST(serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)));
    BN_free(serial);
}

struct testca_cert *testca_issue(const struct testca_spec *s, const struct testca_cert *issuer)
{
    struct testca_cert *c = calloc(1, sizeof(*c));
    MUST(c != NULL);
    c->x509 = X509_new();
    c->key = s->key_of ? s->key_of->key : make_key(s->key);
    MUST(c->x509 && c->key);
    if (s->key_of)
        EVP_PKEY_up_ref(c->key);
    X509_NAME *name = testca_name(s->subject);
    bool has_dates = s->not_before || s->not_after;
    MUST(X509_set_version(c->x509, s->is_v1 ? X509_VERSION_1 : X509_VERSION_3));
    set_serial(c->x509);
    MUST(X509_set_subject_name(c->x509, name) && X509_set_pubkey(c->x509, c->key));
    MUST(X509_set_issuer_name(c->x509, issuer ? X509_get_subject_name(issuer->x509) : name));
    MUST(ASN1_TIME_set(X509_getm_notBefore(c->x509), has_dates ? s->not_before : FROM_DEFAULT));
    MUST(ASN1_TIME_set(X509_getm_notAfter(c->x509), has_dates ? s->not_after : UNTIL_DEFAULT));
    if (!s->is_v1)
        add_extensions(c->x509, issuer ? issuer->x509 : c->x509, s);
    sign(c->x509, issuer ? issuer : c, s);
    encode(c);
    X509_NAME_free(name);
    return c;
}

void testca_free(struct testca_cert *c)
{
    if (!c)
        return;
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    free((void *)c->der.ptr);
    free((void *)c->key_der.ptr);
    free((void *)c->pem.ptr);
    free((void *)c->key_pem.ptr);
    free(c);
}

struct span testca_der(const struct testca_cert *c)
{
    return c->der;
}

struct span testca_key_der(const struct testca_cert *c)
{
    return c->key_der;
}

struct span testca_pem(const struct testca_cert *c)
{
    return c->pem;
}

struct span testca_key_pem(const struct testca_cert *c)
{
    return c->key_pem;
}
