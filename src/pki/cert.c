/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates (RFC 5280 section 4): loading, and what others ask about one. OpenSSL parses the ASN.1;
 * all fields that the rules need are taken out once, in cert_load(). See cert.h. Not here: paths (trust.c),
 * rules (rules.c, constraints.c), names (cert_names.c), CRLs. */
#include "pki/cert.h"
#include "net/dn.h"
#include "pki/asn1.h"
#include "pki/cert_impl.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEM_MAX = 1 << 20 };

/* Critical extensions that are served. */
static const int served_critical[] = {
    NID_basic_constraints,
    NID_key_usage,
    NID_ext_key_usage,
    NID_subject_alt_name,
    NID_name_constraints,
    NID_issuer_alt_name,
    NID_certificate_policies,
    NID_policy_mappings,
    NID_inhibit_any_policy,
    NID_policy_constraints,
    NID_subject_key_identifier,
    NID_authority_key_identifier,
    NID_crl_distribution_points,
    NID_freshest_crl,
    NID_info_access,
};

const char *cert_time_text(int64_t t, char buf[40])
{
    int64_t days = t / 86400, rest = t % 86400;
    if (rest < 0)
        rest += 86400, days--;
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t m = mp < 10 ? mp + 3 : mp - 9, y = yoe + era * 400 + (m <= 2);
    snprintf(buf, 40, "%04d-%02d-%02d %02d:%02d:%02d UTC", (int)(y % 100000), (int)m,
             (int)(doy - (153 * mp + 2) / 5 + 1), (int)(rest / 3600), (int)(rest / 60 % 60),
             (int)(rest % 60));
    return buf;
}

static bool is_served_critical(int nid)
{
    for (size_t i = 0; i < ARRAY_LEN(served_critical); i++) {
        if (served_critical[i] == nid)
            return true;
    }
    return false;
}

static void find_unknown_critical(struct cert *c)
{
    for (int i = 0; i < X509_get_ext_count(c->x509); i++) {
        X509_EXTENSION *e = X509_get_ext(c->x509, i);
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
        if (!X509_EXTENSION_get_critical(e) || is_served_critical(OBJ_obj2nid(oid)))
            continue;
        if (OBJ_obj2txt(c->unknown_critical, sizeof(c->unknown_critical), oid, 1) <= 0)
            snprintf(c->unknown_critical, sizeof(c->unknown_critical), "?");
        return;
    }
}

/* -1: absent; an extension that is there twice or does not parse is an error. */
static bool take_ext(const struct cert *c, int nid, void *out)
{
    int critical;
    *(void **)out = X509_get_ext_d2i(c->x509, nid, &critical, NULL);
    return *(void **)out || critical == -1;
}

static bool read_count(const ASN1_INTEGER *i, long *out)
{
    *out = i ? ASN1_INTEGER_get(i) : -1;
    return !i || *out >= 0;
}

static bool read_policy_constraints(struct cert *c)
{
    POLICY_CONSTRAINTS *p;
    bool is_ok = take_ext(c, NID_policy_constraints, &p);
    is_ok = read_count(p ? p->requireExplicitPolicy : NULL, &c->explicit_after) && is_ok;
    is_ok = read_count(p ? p->inhibitPolicyMapping : NULL, &c->no_mapping_after) && is_ok;
    POLICY_CONSTRAINTS_free(p);
    return is_ok;
}

static bool read_policies(struct cert *c)
{
    ASN1_INTEGER *inhibit;
    bool is_ok = take_ext(c, NID_certificate_policies, &c->policies) &&
                 take_ext(c, NID_policy_mappings, &c->mappings) &&
                 take_ext(c, NID_inhibit_any_policy, &inhibit) && read_policy_constraints(c);
    if (!is_ok)
        return false;
    is_ok = read_count(inhibit, &c->any_inhibited_after);
    ASN1_INTEGER_free(inhibit);
    return is_ok;
}

static bool read_uris(struct cert *c)
{
    CRL_DIST_POINTS *deltas;
    AUTHORITY_INFO_ACCESS *access;
    bool is_ok = take_ext(c, NID_crl_distribution_points, &c->crl_points);
    is_ok = take_ext(c, NID_freshest_crl, &deltas) && is_ok;
    is_ok = take_ext(c, NID_info_access, &access) && is_ok;
    for (int i = 0; i < sk_DIST_POINT_num(c->crl_points); i++)
        DIST_POINT_set_dpname(sk_DIST_POINT_value(c->crl_points, i)->distpoint,
                              X509_get_issuer_name(c->x509));
    uris_add_points(&c->crl_uris, c->crl_points);
    uris_add_points(&c->delta_uris, deltas);
    uris_add_access(&c->ocsp_uris, access, NID_ad_OCSP);
    CRL_DIST_POINTS_free(deltas);
    AUTHORITY_INFO_ACCESS_free(access);
    return is_ok;
}

static bool read_extensions(struct cert *c)
{
    BASIC_CONSTRAINTS *basic;
    uint32_t flags = X509_get_extension_flags(c->x509); /* also makes OpenSSL cache what it reads lazily */
    bool is_ok = take_ext(c, NID_basic_constraints, &basic);
    c->has_basic_constraints = basic != NULL;
    c->is_ca = basic && basic->ca;
    c->path_len = basic && basic->pathlen ? ASN1_INTEGER_get(basic->pathlen) : -1;
    is_ok = is_ok && !(basic && basic->pathlen && c->path_len < 0);
    BASIC_CONSTRAINTS_free(basic);
    c->has_key_usage = flags & EXFLAG_KUSAGE;
    c->key_usage = X509_get_key_usage(c->x509);
    is_ok = is_ok && take_ext(c, NID_ext_key_usage, &c->ekus) &&
            take_ext(c, NID_subject_alt_name, &c->names) &&
            take_ext(c, NID_name_constraints, &c->constraints) && read_policies(c) && read_uris(c);
    c->has_ext_key_usage = c->ekus != NULL;
    c->is_v1 = X509_get_version(c->x509) == X509_VERSION_1;
    c->ski = asn1_octets(X509_get0_subject_key_id(c->x509));
    c->aki = asn1_octets(X509_get0_authority_key_id(c->x509));
    find_unknown_critical(c);
    return is_ok && !(flags & EXFLAG_INVALID);
}

static char *name_text(struct span der)
{
    char *text = mem_new(CERT_TEXT_MAX);
    dn_format(der, text, CERT_TEXT_MAX);
    return text;
}

static bool read_names(struct cert *c)
{
    const unsigned char *subject, *issuer;
    size_t subject_len, issuer_len;
    if (!X509_NAME_get0_der(X509_get_subject_name(c->x509), &subject, &subject_len) ||
        !X509_NAME_get0_der(X509_get_issuer_name(c->x509), &issuer, &issuer_len))
        return false;
    c->subject = span_of(subject, subject_len);
    c->issuer = span_of(issuer, issuer_len);
    c->subject_text = name_text(c->subject);
    c->issuer_text = name_text(c->issuer);
    return asn1_integer_read(X509_get0_serialNumber(c->x509), c->serial, &c->serial_len);
}

static bool read_key(struct cert *c, struct diag *d)
{
    uint8_t *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &spki);
    if (len <= 0) {
        diag_set(d, FAIL_CERTIFICATE, "certificate %.120s has no public key", c->subject_text);
        return false;
    }
    struct span bytes = span_of(spki, (size_t)len);
    hash_digest(HASH_SHA1, &bytes, 1, c->spki_sha1);
    c->key = pkey_load_public(bytes, d);
    OPENSSL_free(spki);
    return c->key != NULL;
}

static bool read_fields(struct cert *c, struct diag *d)
{
    if (!read_names(c) || !asn1_time_read(X509_get0_notBefore(c->x509), &c->not_before) ||
        !asn1_time_read(X509_get0_notAfter(c->x509), &c->not_after)) {
        diag_set(d, FAIL_CERTIFICATE, "certificate with names, a serial number or dates that cannot be read");
        return false;
    }
    if (!read_key(c, d))
        return false;
    if (!read_extensions(c)) {
        diag_set(d, FAIL_CERTIFICATE, "certificate %.120s has a malformed or repeated extension",
                 c->subject_text);
        return false;
    }
    int digest = NID_undef;
    X509_get_signature_info(c->x509, &digest, NULL, NULL, NULL);
    c->digest_nid = digest;
    bool is_self_issued = span_equal(c->subject, c->issuer) || dn_equal(c->subject, c->issuer);
    c->is_self_signed = is_self_issued && X509_verify(c->x509, X509_get0_pubkey(c->x509)) == 1;
    ERR_clear_error();
    return true;
}

static X509 *read_pem(struct span data)
{
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return x;
}

static X509 *read_der(struct span data)
{
    const uint8_t *at = data.ptr;
    X509 *x = data.len <= CERT_DER_MAX ? d2i_X509(NULL, &at, (long)data.len) : NULL;
    if (x && at != data.ptr + data.len) {
        X509_free(x);
        return NULL;
    }
    return x;
}

struct cert *cert_load(struct span data, struct diag *d)
{
    static const char pem[] = "-----BEGIN ";
    X509 *x = NULL;
    uint8_t *der = NULL;
    bool is_pem = data.len && memmem(data.ptr, data.len, pem, sizeof(pem) - 1);
    ERR_clear_error();
    if (data.len && data.len <= PEM_MAX)
        x = is_pem && data.ptr[0] != 0x30 ? read_pem(data) : read_der(data);
    int len = x ? i2d_X509(x, &der) : 0;
    ERR_clear_error();
    if (len <= 0 || len > CERT_DER_MAX) {
        X509_free(x);
        OPENSSL_free(der);
        diag_set(d, FAIL_CERTIFICATE, "no certificate that can be read");
        diag_expected(d, "one X.509 certificate as PEM or DER");
        diag_got(d, is_pem ? "PEM without a well-formed CERTIFICATE block" : "%zu bytes that are neither",
                 data.len);
        return NULL;
    }
    struct cert *c = mem_new(sizeof(*c));
    atomic_init(&c->refs, 1);
    c->x509 = x;
    c->der = der;
    c->der_len = (size_t)len;
    if (!read_fields(c, d)) {
        cert_unref(c);
        return NULL;
    }
    return c;
}

struct cert *cert_ref(struct cert *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void cert_unref(struct cert *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    GENERAL_NAMES_free(c->names);
    NAME_CONSTRAINTS_free(c->constraints);
    EXTENDED_KEY_USAGE_free(c->ekus);
    CERTIFICATEPOLICIES_free(c->policies);
    CRL_DIST_POINTS_free(c->crl_points);
    uris_free(&c->crl_uris);
    uris_free(&c->delta_uris);
    uris_free(&c->ocsp_uris);
    sk_POLICY_MAPPING_pop_free(c->mappings, POLICY_MAPPING_free);
    pkey_unref(c->key);
    X509_free(c->x509);
    OPENSSL_free(c->der);
    free(c->subject_text);
    free(c->issuer_text);
    free(c);
}

struct span cert_der(const struct cert *c)
{
    return span_of(c->der, c->der_len);
}

struct span cert_subject_der(const struct cert *c)
{
    return c->subject;
}

struct span cert_issuer_der(const struct cert *c)
{
    return c->issuer;
}

struct span cert_serial(const struct cert *c)
{
    return span_of(c->serial, c->serial_len);
}

const char *cert_subject_text(const struct cert *c)
{
    return c->subject_text;
}

int64_t cert_not_before(const struct cert *c)
{
    return c->not_before;
}

int64_t cert_not_after(const struct cert *c)
{
    return c->not_after;
}

bool cert_is_ca(const struct cert *c)
{
    return c->is_ca;
}

bool cert_is_self_signed(const struct cert *c)
{
    return c->is_self_signed;
}

const char *cert_crl_uri(const struct cert *c, size_t i)
{
    return i < c->crl_uris.n ? c->crl_uris.v[i] : NULL;
}

const char *cert_ocsp_uri(const struct cert *c, size_t i)
{
    return i < c->ocsp_uris.n ? c->ocsp_uris.v[i] : NULL;
}

struct pkey *cert_public_key(const struct cert *c)
{
    return c->key;
}

void cert_spki_sha1(const struct cert *c, uint8_t out[20])
{
    memcpy(out, c->spki_sha1, sizeof(c->spki_sha1));
}
