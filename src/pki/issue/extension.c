/* SPDX-License-Identifier: Apache-2.0 */
/* Names and extensions that certificates, requests and revocation lists have in common (RFC 5280
 * section 4.2). */
#include "pki/cert_impl.h"
#include "pki/issue/issue_impl.h"

ASN1_INTEGER *issue_integer(struct span big_endian)
{
    BIGNUM *n = BN_bin2bn(big_endian.ptr, (int)big_endian.len, NULL);
    ASN1_INTEGER *i = n ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
    BN_free(n);
    return i;
}

X509_NAME *issue_x509_name(struct span der)
{
    const unsigned char *at = der.ptr;
    return d2i_X509_NAME(NULL, &at, (long)der.len);
}

ASN1_IA5STRING *issue_ia5(const char *text)
{
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    if (s && ASN1_STRING_set(s, text, -1))
        return s;
    ASN1_IA5STRING_free(s);
    return NULL;
}

static GENERAL_NAME *general_name(const struct issue_name *n)
{
    static const int types[] = {
        [ISSUE_EMAIL] = GEN_EMAIL,       [ISSUE_DNS] = GEN_DNS,  [ISSUE_URI] = GEN_URI,
        [ISSUE_DIRECTORY] = GEN_DIRNAME, [ISSUE_IP] = GEN_IPADD,
    };
    GENERAL_NAME *g = GENERAL_NAME_new();
    void *value;
    if (!g)
        return NULL;
    if (n->kind == ISSUE_DIRECTORY) {
        value = issue_x509_name(n->value);
    } else {
        value = ASN1_STRING_type_new(n->kind == ISSUE_IP ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
        if (value)
            ASN1_STRING_set(value, n->value.ptr, (int)n->value.len);
    }
    if (!value) {
        GENERAL_NAME_free(g);
        return NULL;
    }
    GENERAL_NAME_set0_value(g, types[n->kind], value);
    return g;
}

bool issue_names_add(GENERAL_NAMES *list, struct issue_names names)
{
    for (size_t i = 0; i < names.n; i++) {
        GENERAL_NAME *g = general_name(&names.v[i]);
        if (!g || !sk_GENERAL_NAME_push(list, g)) {
            GENERAL_NAME_free(g);
            return false;
        }
    }
    return true;
}

GENERAL_NAMES *issue_uri_names(const char *uri)
{
    struct issue_name n = {.kind = ISSUE_URI, .value = span_str(uri)};
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    if (list && issue_names_add(list, (struct issue_names){&n, 1}))
        return list;
    GENERAL_NAMES_free(list);
    return NULL;
}

static DIST_POINT *crl_point(const struct issue_crl_point *p)
{
    DIST_POINT *at = DIST_POINT_new();
    DIST_POINT_NAME *name = DIST_POINT_NAME_new();
    struct issue_name issuer = {.kind = ISSUE_DIRECTORY, .value = p->issuer};
    if (!at || !name)
        goto fail;
    at->distpoint = name;
    name->type = 0; /* fullName */
    name->name.fullname = issue_uri_names(p->uri);
    if (!name->name.fullname)
        goto fail;
    if (!p->issuer.len)
        return at;
    at->CRLissuer = GENERAL_NAMES_new();
    if (at->CRLissuer && issue_names_add(at->CRLissuer, (struct issue_names){&issuer, 1}))
        return at;
fail:
    if (at && !at->distpoint)
        DIST_POINT_NAME_free(name);
    DIST_POINT_free(at);
    return NULL;
}

CRL_DIST_POINTS *issue_crl_points(const struct issue_crl_point *points, size_t n)
{
    CRL_DIST_POINTS *list = CRL_DIST_POINTS_new();
    for (size_t i = 0; list && i < n; i++) {
        DIST_POINT *p = crl_point(&points[i]);
        if (p && sk_DIST_POINT_push(list, p))
            continue;
        DIST_POINT_free(p);
        CRL_DIST_POINTS_free(list);
        return NULL;
    }
    return list;
}

bool issue_ext_add(STACK_OF(X509_EXTENSION) * *list, int nid, bool is_critical, void *value)
{
    X509_EXTENSION *e = value ? X509V3_EXT_i2d(nid, is_critical, value) : NULL;
    bool is_ok = e && X509v3_add_ext(list, e, -1);
    X509_EXTENSION_free(e);
    return is_ok;
}

bool issue_ext_add_bytes(STACK_OF(X509_EXTENSION) * *list, const char *oid, bool is_critical,
                         struct span bytes)
{
    ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;
    if (type && data && ASN1_OCTET_STRING_set(data, bytes.ptr, (int)bytes.len))
        e = X509_EXTENSION_create_by_OBJ(NULL, type, is_critical, data);
    bool is_ok = e && X509v3_add_ext(list, e, -1);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(type);
    return is_ok;
}

bool issue_ext_add_critical(STACK_OF(X509_EXTENSION) * *list, const char *const *oids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!issue_ext_add_bytes(list, oids[i], true, span_of("", 0)))
            return false;
    }
    return true;
}

/* The issuer's subjectKeyIdentifier where it has one, since others compare them; else that of its key. */
bool issue_ext_add_key_id(STACK_OF(X509_EXTENSION) * *list, const struct cert *issuer)
{
    uint8_t id[20];
    struct span bytes = issuer->ski;
    if (!bytes.len) {
        pkey_keyid(issuer->key, id);
        bytes = span_of(id, sizeof(id));
    }
    AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
    if (!aki)
        return false;
    aki->keyid = ASN1_OCTET_STRING_new();
    bool is_ok = aki->keyid && ASN1_OCTET_STRING_set(aki->keyid, bytes.ptr, (int)bytes.len) &&
                 issue_ext_add(list, NID_authority_key_identifier, false, aki);
    AUTHORITY_KEYID_free(aki);
    return is_ok;
}

/* [RFC5280#4.2.1.6] */
bool issue_ext_add_names(STACK_OF(X509_EXTENSION) * *list, struct issue_names names, struct span more)
{
    if (!names.n && !more.len)
        return true;
    const unsigned char *at = more.ptr;
    GENERAL_NAMES *all = GENERAL_NAMES_new(),
                  *rest = more.len ? d2i_GENERAL_NAMES(NULL, &at, (long)more.len) : NULL;
    bool is_ok = all && issue_names_add(all, names) && (!more.len || rest);
    while (is_ok && rest && sk_GENERAL_NAME_num(rest) > 0) {
        GENERAL_NAME *n = sk_GENERAL_NAME_shift(rest);
        is_ok = sk_GENERAL_NAME_push(all, n) > 0;
    }
    is_ok = is_ok && issue_ext_add(list, NID_subject_alt_name, false, all);
    GENERAL_NAMES_free(rest);
    GENERAL_NAMES_free(all);
    return is_ok;
}
