/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate revocation lists (RFC 5280 sections 5.1 to 5.3): loading, looking up, checking the signature.
 * OpenSSL parses the ASN.1; the entries are taken out once, into a table that is sorted by serial, so that
 * threads share the object without locks. Delta CRLs and indirect ones are objects like others: what they
 * mean for a certificate, and whether a CRL is current, is decided in revoke.c. */
#include "pki/crl.h"
#include "net/dn.h"
#include "pki/crl_impl.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEM_MAX = CRL_DER_MAX / 2 * 3 };

static const int served_critical[] = {
    NID_issuing_distribution_point, NID_delta_crl,       NID_crl_number,
    NID_authority_key_identifier,   NID_issuer_alt_name, NID_freshest_crl,
};

static const int served_critical_entry[] = {NID_crl_reason, NID_invalidity_date, NID_certificate_issuer};

static void note_critical(struct crl *c, X509_EXTENSION *e, const int *served, size_t n)
{
    const ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
    int nid = OBJ_obj2nid(oid);
    if (!X509_EXTENSION_get_critical(e) || c->unknown_critical[0])
        return;
    for (size_t i = 0; i < n; i++) {
        if (served[i] == nid)
            return;
    }
    if (OBJ_obj2txt(c->unknown_critical, sizeof(c->unknown_critical), oid, 1) <= 0)
        snprintf(c->unknown_critical, sizeof(c->unknown_critical), "?");
}

/* ---- extensions of the list */

/* False: it is there twice or does not parse. */
static bool take_ext(const struct crl *c, int nid, void *out)
{
    int critical;
    *(void **)out = X509_CRL_get_ext_d2i(c->x509, nid, &critical, NULL);
    return *(void **)out || critical == -1;
}

static bool read_number(const struct crl *c, int nid, uint8_t *buf, size_t *len)
{
    ASN1_INTEGER *i;
    bool is_ok = take_ext(c, nid, &i);
    *len = 0;
    if (i) /* [RFC5280#5.2.3] not negative */
        is_ok = asn1_integer_read(i, buf, len) && !(buf[0] & 0x80);
    ASN1_INTEGER_free(i);
    return is_ok;
}

static uint32_t reason_bits(const ASN1_BIT_STRING *s)
{
    uint32_t bits = 0;
    for (int i = 0; i < 16; i++)
        bits |= (uint32_t)ASN1_BIT_STRING_get_bit((ASN1_BIT_STRING *)s, i) << i;
    return bits;
}

/* As DER, to compare; where it names a place relative to the issuer, the whole name. */
static void keep_point(struct crl *c)
{
    int at = X509_CRL_get_ext_by_NID(c->x509, NID_issuing_distribution_point, -1);
    if (at >= 0)
        c->point_der = asn1_octets(X509_EXTENSION_get_data(X509_CRL_get_ext(c->x509, at)));
    DIST_POINT_set_dpname(c->point->distpoint, X509_CRL_get_issuer(c->x509));
}

static bool read_scope(struct crl *c)
{
    bool is_ok = take_ext(c, NID_issuing_distribution_point, &c->point);
    const ISSUING_DIST_POINT *point = c->point;
    c->scope.has_all_reasons = true;
    if (!point)
        return is_ok;
    keep_point(c);
    c->scope.is_restricted = true;
    c->scope.has_only_users = point->onlyuser > 0;
    c->scope.has_only_cas = point->onlyCA > 0;
    c->scope.has_only_attributes = point->onlyattr > 0;
    c->scope.is_indirect = point->indirectCRL > 0;
    c->scope.has_all_reasons = !point->onlysomereasons;
    if (point->onlysomereasons)
        c->scope.reasons = reason_bits(point->onlysomereasons);
    return true;
}

static bool read_delta_uris(struct crl *c)
{
    CRL_DIST_POINTS *points;
    bool is_ok = take_ext(c, NID_freshest_crl, &points);
    uris_add_points(&c->deltas, points);
    CRL_DIST_POINTS_free(points);
    return is_ok;
}

static bool read_extensions(struct crl *c)
{
    const X509_ALGOR *alg;
    X509_CRL_get0_signature(c->x509, NULL, &alg);
    c->digest_nid = asn1_signature_digest(alg);
    for (int i = 0; i < X509_CRL_get_ext_count(c->x509); i++)
        note_critical(c, X509_CRL_get_ext(c->x509, i), served_critical, ARRAY_LEN(served_critical));
    return read_number(c, NID_crl_number, c->number, &c->number_len) &&
           read_number(c, NID_delta_crl, c->base, &c->base_len) &&
           take_ext(c, NID_authority_key_identifier, &c->aki) && read_scope(c) && read_delta_uris(c);
}

/* ---- entries */

static bool take_entry_ext(const X509_REVOKED *r, int nid, void *out)
{
    int critical;
    *(void **)out = X509_REVOKED_get_ext_d2i(r, nid, &critical, NULL);
    return *(void **)out || critical == -1;
}

static bool read_reason(const X509_REVOKED *r, struct crl_entry *e)
{
    ASN1_ENUMERATED *reason;
    bool is_ok = take_entry_ext(r, NID_crl_reason, &reason);
    long v = reason ? ASN1_ENUMERATED_get(reason) : CRL_NO_REASON;
    ASN1_ENUMERATED_free(reason);
    e->reason = (enum crl_reason)v;
    return is_ok && v >= CRL_NO_REASON && v <= CRL_AA_COMPROMISE && v != 7;
}

static bool read_invalid_since(const X509_REVOKED *r, struct crl_entry *e)
{
    ASN1_GENERALIZEDTIME *t;
    bool is_ok = take_entry_ext(r, NID_invalidity_date, &t);
    e->invalid_since = INT64_MIN;
    if (t)
        is_ok = asn1_time_read(t, &e->invalid_since);
    ASN1_GENERALIZEDTIME_free(t);
    return is_ok;
}

/* [RFC5280#5.3.3] an entry without a certificateIssuer has that of the entry before */
static bool read_entry_issuer(struct crl *c, const X509_REVOKED *r, struct span *issuer)
{
    GENERAL_NAMES *names;
    if (!take_entry_ext(r, NID_certificate_issuer, &names))
        return false;
    if (!names)
        return true;
    if (c->n_issuers == CRL_ISSUERS_MAX) {
        GENERAL_NAMES_free(names);
        return false;
    }
    c->issuers[c->n_issuers++] = names;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        struct span dn = general_name_directory(sk_GENERAL_NAME_value(names, i));
        if (dn.len) {
            *issuer = dn;
            return true;
        }
    }
    return false;
}

static bool read_entry(struct crl *c, const X509_REVOKED *r, struct crl_entry *e)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(r); i++)
        note_critical(c, X509_REVOKED_get_ext(r, i), served_critical_entry, ARRAY_LEN(served_critical_entry));
    return asn1_time_read(X509_REVOKED_get0_revocationDate(r), &e->date) && read_reason(r, e) &&
           read_invalid_since(r, e) && read_entry_issuer(c, r, &e->issuer);
}

static int by_serial(const void *a, const void *b)
{
    const struct crl_revoked *x = a, *y = b;
    if (x->e.serial.len != y->e.serial.len)
        return x->e.serial.len < y->e.serial.len ? -1 : 1;
    int order = memcmp(x->e.serial.ptr, y->e.serial.ptr, x->e.serial.len);
    if (order)
        return order;
    return x->place < y->place ? -1 : x->place > y->place;
}

static bool read_entries(struct crl *c)
{
    STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(c->x509);
    struct span issuer = c->issuer;
    size_t n = list ? (size_t)sk_X509_REVOKED_num(list) : 0, used = 0;
    c->table = mem_new((n + 1) * sizeof(*c->table));
    c->at_place = mem_new((n + 1) * sizeof(*c->at_place));
    c->serials = mem_new(c->der_len + SERIAL_MAX); /* they stand in the DER, too, and so take less */
    for (c->n = 0; c->n < n; c->n++) {
        const X509_REVOKED *r = sk_X509_REVOKED_value(list, (int)c->n);
        struct crl_revoked *to = &c->table[c->n];
        size_t len;
        if (!asn1_integer_read(X509_REVOKED_get0_serialNumber(r), c->serials + used, &len))
            return false;
        *to = (struct crl_revoked){.place = c->n};
        to->e.serial = span_of(c->serials + used, len);
        to->e.issuer = issuer;
        used += len;
        if (!read_entry(c, r, &to->e))
            return false;
        issuer = to->e.issuer;
    }
    qsort(c->table, n, sizeof(*c->table), by_serial);
    for (size_t i = 0; i < n; i++)
        c->at_place[c->table[i].place] = i;
    return true;
}

/* ---- the object */

static bool read_fields(struct crl *c)
{
    const unsigned char *issuer;
    size_t len;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(c->x509);
    if (!X509_NAME_get0_der(X509_CRL_get_issuer(c->x509), &issuer, &len) || len > CERT_DER_MAX)
        return false;
    c->issuer = span_of(issuer, len);
    c->issuer_text = mem_new(CERT_TEXT_MAX);
    dn_format(c->issuer, c->issuer_text, CERT_TEXT_MAX);
    c->next_update = INT64_MAX;
    return asn1_time_read(X509_CRL_get0_lastUpdate(c->x509), &c->this_update) &&
           (!next || asn1_time_read(next, &c->next_update)) && read_extensions(c) && read_entries(c);
}

static X509_CRL *read_pem(struct span data)
{
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    X509_CRL *x = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return x;
}

static X509_CRL *read_der(struct span data)
{
    const uint8_t *at = data.ptr;
    X509_CRL *x = data.len <= CRL_DER_MAX ? d2i_X509_CRL(NULL, &at, (long)data.len) : NULL;
    if (x && at != data.ptr + data.len) {
        X509_CRL_free(x);
        return NULL;
    }
    return x;
}

struct crl *crl_load(struct span data, struct diag *d)
{
    static const char pem[] = "-----BEGIN ";
    X509_CRL *x = NULL;
    uint8_t *der = NULL;
    bool is_pem = data.len && data.ptr[0] != 0x30 && memmem(data.ptr, data.len, pem, sizeof(pem) - 1);
    ERR_clear_error();
    if (data.len && data.len <= PEM_MAX)
        x = is_pem ? read_pem(data) : read_der(data);
    int len = x ? i2d_X509_CRL(x, &der) : 0;
    ERR_clear_error();
    if (len <= 0 || len > CRL_DER_MAX) {
        X509_CRL_free(x);
        OPENSSL_free(der);
        diag_set(d, FAIL_CERTIFICATE, "no CRL that can be read");
        diag_expected(d, "one X.509 CRL as PEM or DER of at most %d bytes", CRL_DER_MAX);
        diag_got(d, is_pem ? "PEM without a well-formed X509 CRL block" : "%zu bytes that are neither",
                 data.len);
        return NULL;
    }
    struct crl *c = mem_new(sizeof(*c));
    atomic_init(&c->refs, 1);
    c->x509 = x;
    c->der = der;
    c->der_len = (size_t)len;
    bool is_ok = read_fields(c);
    ERR_clear_error();
    if (is_ok)
        return c;
    diag_set(d, FAIL_CERTIFICATE, "CRL of %.200s has a malformed date, extension or entry",
             c->issuer_text ? c->issuer_text : "an issuer that cannot be read");
    crl_unref(c);
    return NULL;
}

struct crl *crl_ref(struct crl *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void crl_unref(struct crl *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < c->n_issuers; i++)
        GENERAL_NAMES_free(c->issuers[i]);
    uris_free(&c->deltas);
    ISSUING_DIST_POINT_free(c->point);
    AUTHORITY_KEYID_free(c->aki);
    X509_CRL_free(c->x509);
    OPENSSL_free(c->der);
    free(c->issuer_text);
    free(c->serials);
    free(c->table);
    free(c->at_place);
    free(c);
}

struct span crl_der(const struct crl *c)
{
    return span_of(c->der, c->der_len);
}

struct span crl_issuer_der(const struct crl *c)
{
    return c->issuer;
}

const char *crl_issuer_text(const struct crl *c)
{
    return c->issuer_text;
}

struct span crl_number(const struct crl *c)
{
    return span_of(c->number, c->number_len);
}

struct span crl_base_number(const struct crl *c)
{
    return span_of(c->base, c->base_len);
}

struct span crl_authority_key_id(const struct crl *c)
{
    return asn1_octets(c->aki ? c->aki->keyid : NULL);
}

int64_t crl_this_update(const struct crl *c)
{
    return c->this_update;
}

int64_t crl_next_update(const struct crl *c)
{
    return c->next_update;
}

const struct crl_scope *crl_scope(const struct crl *c)
{
    return &c->scope;
}

const char *crl_unknown_critical(const struct crl *c)
{
    return c->unknown_critical;
}

const char *crl_delta_uri(const struct crl *c, size_t i)
{
    return i < c->deltas.n ? c->deltas.v[i] : NULL;
}

size_t crl_count(const struct crl *c)
{
    return c->n;
}

struct crl_entry crl_entry_at(const struct crl *c, size_t at)
{
    return c->table[c->at_place[at]].e;
}

bool crl_find(const struct crl *c, struct span serial, struct span issuer, struct crl_entry *out)
{
    struct crl_revoked want = {.e.serial = serial};
    size_t low = 0, high = c->n;
    while (low < high) { /* the first that is not less */
        size_t mid = low + (high - low) / 2;
        if (by_serial(&c->table[mid], &want) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < c->n && span_equal(c->table[low].e.serial, serial); low++) {
        struct span of = c->table[low].e.issuer, by = issuer.len ? issuer : c->issuer;
        if (span_equal(of, by) || dn_equal(of, by)) {
            *out = c->table[low].e;
            return true;
        }
    }
    return false;
}

/* ---- who signed it */

static bool reject(const struct crl *c, struct diag *why, const char *what)
{
    diag_set(why, FAIL_CERTIFICATE, "the CRL of %.200s %s", c->issuer_text, what);
    return false;
}

bool crl_is_signed_by(const struct crl *c, const struct cert *issuer, struct diag *why)
{
    if (!span_equal(c->issuer, issuer->subject) && !dn_equal(c->issuer, issuer->subject)) {
        reject(c, why, "is another authority's");
        diag_expected(why, "a CRL of %.300s", issuer->subject_text);
        return false;
    }
    if (issuer->has_key_usage && !(issuer->key_usage & KU_CRL_SIGN)) {
        reject(c, why, "was signed with a key that may not sign CRLs");
        diag_expected(why, "keyUsage with cRLSign in %.300s, or no keyUsage", issuer->subject_text);
        diag_got(why, "keyUsage without it (bits 0x%02x)", (unsigned)issuer->key_usage);
        return false;
    }
    if (asn1_digest_is_weak(c->digest_nid)) {
        reject(c, why, "is signed with a weak hash");
        diag_expected(why, "SHA-256 or stronger");
        diag_got(why, "%s", OBJ_nid2sn(c->digest_nid));
        return false;
    }
    bool is_ok = X509_CRL_verify(c->x509, X509_get0_pubkey(issuer->x509)) == 1;
    ERR_clear_error();
    if (is_ok)
        return true;
    reject(c, why, "has a wrong signature");
    diag_expected(why, "made by the key of %.300s", issuer->subject_text);
    diag_got(why, "a signature that this key does not verify");
    return false;
}

static struct span without_zeros(struct span s)
{
    while (s.len && !s.ptr[0])
        s = span_of(s.ptr + 1, s.len - 1);
    return s;
}

int crl_number_compare(struct span a, struct span b)
{
    if (!a.len || !b.len)
        return a.len ? 1 : b.len ? -1 : 0;
    a = without_zeros(a);
    b = without_zeros(b);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    int order = a.len ? memcmp(a.ptr, b.ptr, a.len) : 0;
    return order < 0 ? -1 : order > 0;
}

const char *crl_reason_text(enum crl_reason r)
{
    static const char *const texts[] = {
        [CRL_UNSPECIFIED] = "unspecified",
        [CRL_KEY_COMPROMISE] = "key compromise",
        [CRL_CA_COMPROMISE] = "CA compromise",
        [CRL_AFFILIATION_CHANGED] = "affiliation changed",
        [CRL_SUPERSEDED] = "superseded",
        [CRL_CESSATION_OF_OPERATION] = "cessation of operation",
        [CRL_CERTIFICATE_HOLD] = "certificate hold",
        [CRL_REMOVE_FROM_CRL] = "remove from CRL",
        [CRL_PRIVILEGE_WITHDRAWN] = "privilege withdrawn",
        [CRL_AA_COMPROMISE] = "AA compromise",
    };
    return r >= 0 && (size_t)r < ARRAY_LEN(texts) && texts[r] ? texts[r] : "";
}
