/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute certificates: see acert.h. Attributes other than the group are passed by, as are targets. Not
 * served: holders given by a digest, issuers given by anything but their name, version 1. */
#include "pki/acert.h"
#include "net/dn.h"
#include "pki/acert_asn1.h"
#include "pki/cert_impl.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <time.h>

enum { PEM_MAX = 1 << 20 };

struct acert {
    atomic_uint refs;
    AC_CERT *ac;
    uint8_t *der;
    size_t der_len;
    AC_GROUPS *lists[ACERT_GROUPS_MAX]; /* keep what the groups point at */
    size_t n_lists;
    struct acert_group groups[ACERT_GROUPS_MAX];
    size_t n_groups;
    AUTHORITY_KEYID *aki;
    uint8_t *serial_der, *holder_serial_der;
    struct span serial, holder_serial;
    int64_t from, to;
    char unknown_critical[80];
};

static struct span octets(const ASN1_STRING *s)
{
    return s ? span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)) : span_of(NULL, 0);
}

/* The first directory name. */
static struct span name_in(const GENERAL_NAMES *names)
{
    const unsigned char *der;
    size_t len;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        if (n->type == GEN_DIRNAME && X509_NAME_get0_der(n->d.directoryName, &der, &len))
            return span_of(der, len);
    }
    return span_of(NULL, 0);
}

/* Content octets; der is the caller's to free. */
static bool read_serial(const ASN1_INTEGER *i, uint8_t **der, struct span *out)
{
    int len = i2d_ASN1_INTEGER(i, der);
    if (len < 3 || (*der)[1] >= 0x80) /* longer than 127 octets */
        return false;
    *out = span_of(*der + 2, (size_t)len - 2);
    return true;
}

static bool read_time(const ASN1_GENERALIZEDTIME *t, int64_t *out)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(t, &tm))
        return false;
    *out = timegm(&tm);
    return true;
}

static bool take_group(struct acert *a, const ASN1_TYPE *value)
{
    struct acert_group g = {.kind = ACERT_GROUP_TEXT};
    if (a->n_groups == ACERT_GROUPS_MAX)
        return false;
    if (value->type == V_ASN1_UTF8STRING)
        g.value = octets(value->value.utf8string);
    else if (value->type == V_ASN1_OCTET_STRING)
        g = (struct acert_group){ACERT_GROUP_BYTES, octets(value->value.octet_string)};
    else if (value->type == V_ASN1_OBJECT)
        g = (struct acert_group){
            ACERT_GROUP_OID, span_of(OBJ_get0_data(value->value.object), OBJ_length(value->value.object))};
    else
        return false;
    a->groups[a->n_groups++] = g;
    return true;
}

static bool read_group_list(struct acert *a, const ASN1_TYPE *value)
{
    if (value->type != V_ASN1_SEQUENCE || a->n_lists == ACERT_GROUPS_MAX)
        return false;
    struct span der = octets(value->value.sequence);
    const uint8_t *at = der.ptr;
    AC_GROUPS *list = (void *)ASN1_item_d2i(NULL, &at, (long)der.len, ASN1_ITEM_rptr(AC_GROUPS));
    if (!list)
        return false;
    a->lists[a->n_lists++] = list;
    for (int i = 0; i < sk_ASN1_TYPE_num(list->values); i++) {
        if (!take_group(a, sk_ASN1_TYPE_value(list->values, i)))
            return false;
    }
    return true;
}

static bool read_groups(struct acert *a)
{
    const STACK_OF(X509_ATTRIBUTE) *all = a->ac->info->attributes;
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(all); i++) {
        X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(all, i);
        if (OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute)) != NID_id_aca_group)
            continue;
        for (int k = 0; k < X509_ATTRIBUTE_count(attribute); k++) {
            if (!read_group_list(a, X509_ATTRIBUTE_get0_type(attribute, k)))
                return false;
        }
    }
    return true;
}

static bool read_extensions(struct acert *a)
{
    const STACK_OF(X509_EXTENSION) *all = a->ac->info->extensions;
    int critical;
    a->aki = X509V3_get_d2i(all, NID_authority_key_identifier, &critical, NULL);
    if (!a->aki && critical != -1)
        return false;
    for (int i = 0; i < sk_X509_EXTENSION_num(all); i++) {
        X509_EXTENSION *e = sk_X509_EXTENSION_value(all, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
        if (!X509_EXTENSION_get_critical(e) || nid == NID_authority_key_identifier || nid == NID_no_rev_avail)
            continue;
        if (OBJ_obj2txt(a->unknown_critical, sizeof(a->unknown_critical), X509_EXTENSION_get_object(e), 1) <=
            0)
            a->unknown_critical[0] = '?';
        return true;
    }
    return true;
}

static bool read_fields(struct acert *a)
{
    const AC_INFO *info = a->ac->info;
    bool is_v2 = ASN1_INTEGER_get(info->version) == 1;
    if (!is_v2 || X509_ALGOR_cmp(info->signature, a->ac->algorithm) != 0)
        return false;
    if (info->holder->base &&
        !read_serial(info->holder->base->serial, &a->holder_serial_der, &a->holder_serial))
        return false;
    return read_serial(info->serial, &a->serial_der, &a->serial) && read_time(info->period->from, &a->from) &&
           read_time(info->period->to, &a->to) && acert_issuer_der(a).len && read_groups(a) &&
           read_extensions(a);
}

/* The DER, in memory that is to be freed with OPENSSL_free(). */
static uint8_t *unwrap(struct span data, size_t *len)
{
    static const char pem[] = "-----BEGIN ";
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long n = 0;
    if (!data.len || data.len > PEM_MAX)
        return NULL;
    if (data.ptr[0] == 0x30 || !memmem(data.ptr, data.len, pem, sizeof(pem) - 1)) {
        *len = data.len;
        return OPENSSL_memdup(data.ptr, data.len);
    }
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    if (bio && PEM_read_bio(bio, &name, &header, &der, &n) && strcmp(name, "ATTRIBUTE CERTIFICATE") != 0) {
        OPENSSL_free(der);
        der = NULL;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    BIO_free(bio);
    *len = (size_t)n;
    return der;
}

struct acert *acert_load(struct span data, struct diag *d)
{
    struct acert *a = mem_new(sizeof(*a));
    atomic_init(&a->refs, 1);
    a->der = unwrap(data, &a->der_len);
    const uint8_t *at = a->der;
    if (a->der && a->der_len <= ACERT_DER_MAX)
        a->ac = (void *)ASN1_item_d2i(NULL, &at, (long)a->der_len, ASN1_ITEM_rptr(AC_CERT));
    bool is_ok = a->ac && at == a->der + a->der_len && read_fields(a);
    ERR_clear_error();
    if (is_ok)
        return a;
    diag_set(d, FAIL_CERTIFICATE, "no attribute certificate that can be read");
    diag_expected(d, "one of version 2 as PEM or DER");
    diag_got(d, a->ac ? "one with fields that are malformed or not served" : "%zu bytes that are none",
             data.len);
    acert_unref(a);
    return NULL;
}

struct acert *acert_ref(struct acert *a)
{
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

void acert_unref(struct acert *a)
{
    if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
        return;
    while (a->n_lists)
        ASN1_item_free((ASN1_VALUE *)a->lists[--a->n_lists], ASN1_ITEM_rptr(AC_GROUPS));
    AUTHORITY_KEYID_free(a->aki);
    ASN1_item_free((ASN1_VALUE *)a->ac, ASN1_ITEM_rptr(AC_CERT));
    OPENSSL_free(a->serial_der);
    OPENSSL_free(a->holder_serial_der);
    OPENSSL_free(a->der);
    free(a);
}

struct span acert_der(const struct acert *a)
{
    return span_of(a->der, a->der_len);
}

struct span acert_issuer_der(const struct acert *a)
{
    return name_in(a->ac->info->issuer->name);
}

struct span acert_serial(const struct acert *a)
{
    return a->serial;
}

struct span acert_authority_key_id(const struct acert *a)
{
    return octets(a->aki ? a->aki->keyid : NULL);
}

struct span acert_holder_name(const struct acert *a)
{
    return name_in(a->ac->info->holder->entity);
}

struct span acert_holder_issuer(const struct acert *a)
{
    const AC_ISSUER_SERIAL *base = a->ac->info->holder->base;
    return base ? name_in(base->issuer) : span_of(NULL, 0);
}

struct span acert_holder_serial(const struct acert *a)
{
    return a->holder_serial;
}

int64_t acert_not_before(const struct acert *a)
{
    return a->from;
}

int64_t acert_not_after(const struct acert *a)
{
    return a->to;
}

const char *acert_unknown_critical(const struct acert *a)
{
    return a->unknown_critical;
}

size_t acert_group_count(const struct acert *a)
{
    return a->n_groups;
}

struct acert_group acert_group_at(const struct acert *a, size_t at)
{
    return a->groups[at];
}

bool acert_is_for(const struct acert *a, const struct cert *holder)
{
    const AC_HOLDER *h = a->ac->info->holder;
    struct span name = acert_holder_name(a);
    if (h->digest || (!h->base && !name.len))
        return false;
    if (name.len && !dn_equal(name, cert_subject_der(holder)))
        return false;
    return !h->base || (ASN1_INTEGER_cmp(h->base->serial, X509_get0_serialNumber(holder->x509)) == 0 &&
                        dn_equal(acert_holder_issuer(a), cert_issuer_der(holder)));
}

bool acert_is_signed_by(const struct acert *a, const struct cert *issuer, struct diag *why)
{
    const char *name = cert_subject_text(issuer);
    if (!dn_equal(acert_issuer_der(a), cert_subject_der(issuer))) {
        diag_set(why, FAIL_CERTIFICATE, "the attribute certificate is not of %.120s", name);
        return false;
    }
    /* [RFC5755#4.5] wants digitalSignature and no CA; strongSwan's users sign with their CA, too */
    if (issuer->has_key_usage && !(issuer->key_usage & (KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN))) {
        diag_set(why, FAIL_CERTIFICATE, "%.120s may not sign: its keyUsage has no digitalSignature", name);
        return false;
    }
    int digest = asn1_signature_digest(a->ac->algorithm);
    if (asn1_digest_is_weak(digest)) {
        diag_set(why, FAIL_CERTIFICATE, "the attribute certificate is signed with a weak hash, %s",
                 OBJ_nid2sn(digest));
        return false;
    }
    bool is_signed = ASN1_item_verify(ASN1_ITEM_rptr(AC_INFO), a->ac->algorithm, a->ac->signature,
                                      a->ac->info, X509_get0_pubkey(issuer->x509)) == 1;
    ERR_clear_error();
    if (!is_signed)
        diag_set(why, FAIL_CERTIFICATE, "the attribute certificate was not signed with the key of %.120s",
                 name);
    return is_signed;
}
