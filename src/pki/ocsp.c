/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP (RFC 6960 sections 4.1 and 4.2; the nonce: section 4.4.1): reading responses, finding the answer about
 * a certificate, making requests. OpenSSL parses the ASN.1; everything is taken out once, so that threads
 * share the object without locks. Who may sign is in ocsp_signer.c; what an answer means for a path, and
 * whether it is current, is decided in revoke.c. */
#include "pki/ocsp.h"
#include "net/dn.h"
#include "pki/ocsp_impl.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    int nid;
    enum hash_id hash;
} id_hashes[] = {
    {NID_sha1,   HASH_SHA1  },
    {NID_sha256, HASH_SHA256},
    {NID_sha384, HASH_SHA384},
    {NID_sha512, HASH_SHA512},
};

/* ---- what a response says */

static struct span dup_octets(struct ocsp *o, const ASN1_OCTET_STRING *s)
{
    struct span from = asn1_octets(s);
    if (from.len > HASH_MAX_LEN)
        return span_of(NULL, 0);
    memcpy(o->hashes[o->n_hashes], from.ptr, from.len);
    return span_of(o->hashes[o->n_hashes++], from.len);
}

static bool read_id(struct ocsp *o, const OCSP_CERTID *id, struct ocsp_entry *e)
{
    ASN1_OCTET_STRING *name, *key;
    ASN1_OBJECT *algorithm;
    ASN1_INTEGER *serial;
    OCSP_id_get0_info(&name, &algorithm, &key, &serial, (OCSP_CERTID *)id);
    e->digest_nid = OBJ_obj2nid(algorithm);
    e->name_hash = dup_octets(o, name);
    e->key_hash = dup_octets(o, key);
    return e->name_hash.len && e->key_hash.len && asn1_integer_read(serial, e->serial, &e->serial_len);
}

static bool read_status(OCSP_SINGLERESP *r, struct ocsp_single *s)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update, *next_update;
    int reason = CRL_NO_REASON;
    s->next_update = INT64_MAX;
    s->reason = CRL_NO_REASON;
    switch (OCSP_single_get0_status(r, &reason, &revoked, &this_update, &next_update)) {
    case V_OCSP_CERTSTATUS_GOOD:
        s->status = OCSP_IS_GOOD;
        break;
    case V_OCSP_CERTSTATUS_REVOKED:
        s->status = OCSP_IS_REVOKED;
        s->reason = (enum crl_reason)reason;
        if (reason < CRL_NO_REASON || reason > CRL_AA_COMPROMISE || !asn1_time_read(revoked, &s->revoked_at))
            return false;
        break;
    case V_OCSP_CERTSTATUS_UNKNOWN:
        s->status = OCSP_IS_UNKNOWN;
        break;
    default:
        return false;
    }
    return asn1_time_read(this_update, &s->this_update) &&
           (!next_update || asn1_time_read(next_update, &s->next_update));
}

static bool read_entries(struct ocsp *o)
{
    int n = OCSP_resp_count(o->basic);
    if (n < 1 || n > OCSP_ENTRIES_MAX)
        return false;
    for (int i = 0; i < n; i++) {
        OCSP_SINGLERESP *r = OCSP_resp_get0(o->basic, i);
        struct ocsp_entry *e = &o->entries[o->n++];
        /* [RFC6960#4.4] what is critical and not known ends it; none that is known is of use to us */
        if (OCSP_SINGLERESP_get_ext_by_critical(r, 1, -1) >= 0)
            return false;
        if (!read_id(o, OCSP_SINGLERESP_get0_id(r), e) || !read_status(r, &e->says))
            return false;
    }
    return true;
}

static bool read_nonce(struct ocsp *o)
{
    for (int i = 0; i < OCSP_BASICRESP_get_ext_count(o->basic); i++) {
        X509_EXTENSION *e = OCSP_BASICRESP_get_ext(o->basic, i);
        bool is_nonce = OBJ_obj2nid(X509_EXTENSION_get_object(e)) == NID_id_pkix_OCSP_Nonce;
        if (!is_nonce && X509_EXTENSION_get_critical(e))
            return false;
        if (!is_nonce)
            continue;
        /* an OCTET STRING inside the extension's; some write the bytes bare, which then match no nonce of
         * ours */
        struct span value = asn1_octets(X509_EXTENSION_get_data(e));
        const uint8_t *at = value.ptr;
        ASN1_OCTET_STRING *s = d2i_ASN1_OCTET_STRING(NULL, &at, (long)value.len);
        struct span inner = s ? asn1_octets(s) : value;
        bool fits = inner.len && inner.len <= sizeof(o->nonce);
        o->nonce_len = fits ? inner.len : 0;
        if (fits)
            memcpy(o->nonce, inner.ptr, inner.len);
        ASN1_OCTET_STRING_free(s);
        if (!fits)
            return false;
    }
    return true;
}

/* ---- who speaks */

static void read_certs(struct ocsp *o)
{
    const STACK_OF(X509) *certs = OCSP_resp_get0_certs(o->basic);
    for (int i = 0; i < sk_X509_num(certs) && o->n_certs < OCSP_CERTS_MAX; i++) {
        struct diag ignored = {0};
        uint8_t *der = NULL;
        int len = i2d_X509(sk_X509_value(certs, i), &der);
        struct cert *c = len > 0 ? cert_load(span_of(der, (size_t)len), &ignored) : NULL;
        OPENSSL_free(der);
        if (c)
            o->certs[o->n_certs++] = c;
    }
}

static bool read_responder(struct ocsp *o)
{
    const ASN1_OCTET_STRING *key = NULL;
    const X509_NAME *name = NULL;
    if (!OCSP_resp_get0_id(o->basic, &key, &name))
        return false;
    if (name) {
        const unsigned char *der;
        size_t len;
        if (!X509_NAME_get0_der((X509_NAME *)name, &der, &len) || len > CERT_DER_MAX)
            return false;
        o->responder_name = span_of(der, len);
        dn_format(o->responder_name, o->responder_text, sizeof(o->responder_text));
        return true;
    }
    o->responder_key = asn1_octets(key);
    if (o->responder_key.len != 20) /* SHA-1 [RFC6960#4.2.1] */
        return false;
    for (size_t i = 0; i < 20; i++)
        snprintf(o->responder_text + 2 * i, 3, "%02x", o->responder_key.ptr[i]);
    return true;
}

/* ---- the object */

static bool read_fields(struct ocsp *o)
{
    o->digest_nid = asn1_signature_digest(OCSP_resp_get0_tbs_sigalg(o->basic));
    read_certs(o);
    return asn1_time_read(OCSP_resp_get0_produced_at(o->basic), &o->produced_at) && read_responder(o) &&
           read_nonce(o) && read_entries(o);
}

static struct ocsp *refuse(struct diag *d, OCSP_RESPONSE *r, const char *got)
{
    diag_set(d, FAIL_CERTIFICATE, "no OCSP response that can be used");
    diag_expected(d, "a successful basic OCSP response of at most %d bytes", OCSP_DER_MAX);
    diag_got(d, "%s", got);
    OCSP_RESPONSE_free(r);
    ERR_clear_error();
    return NULL;
}

struct ocsp *ocsp_load(struct span der, struct diag *d)
{
    const uint8_t *at = der.ptr;
    ERR_clear_error();
    OCSP_RESPONSE *r =
        der.len && der.len <= OCSP_DER_MAX ? d2i_OCSP_RESPONSE(NULL, &at, (long)der.len) : NULL;
    if (!r || at != der.ptr + der.len)
        return refuse(d, r, "bytes that are none");
    int status = OCSP_response_status(r);
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return refuse(d, r, OCSP_response_status_str(status)); /* "trylater" */
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(r);
    if (!basic)
        return refuse(d, r, "another type of response");
    OCSP_RESPONSE_free(r);
    struct ocsp *o = mem_new(sizeof(*o));
    atomic_init(&o->refs, 1);
    o->basic = basic;
    o->der = mem_new(der.len);
    o->der_len = der.len;
    memcpy(o->der, der.ptr, der.len);
    bool is_ok = read_fields(o);
    ERR_clear_error();
    if (is_ok)
        return o;
    ocsp_unref(o);
    return refuse(d, NULL, "one with a malformed date, name or answer, or with a critical extension");
}

struct ocsp *ocsp_ref(struct ocsp *o)
{
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

void ocsp_unref(struct ocsp *o)
{
    if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < o->n_certs; i++)
        cert_unref(o->certs[i]);
    OCSP_BASICRESP_free(o->basic);
    free(o->der);
    free(o);
}

struct span ocsp_der(const struct ocsp *o)
{
    return span_of(o->der, o->der_len);
}

struct span ocsp_nonce(const struct ocsp *o)
{
    return span_of(o->nonce, o->nonce_len);
}

int64_t ocsp_produced_at(const struct ocsp *o)
{
    return o->produced_at;
}

const char *ocsp_responder_text(const struct ocsp *o)
{
    return o->responder_text;
}

/* ---- which certificate */

static struct span key_bits(const struct cert *issuer)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(issuer->x509);
    return span_of(bits->data, (size_t)bits->length);
}

static bool is_hash_of(int nid, struct span hash, struct span of)
{
    uint8_t digest[HASH_MAX_LEN];
    for (size_t i = 0; i < ARRAY_LEN(id_hashes); i++) {
        if (id_hashes[i].nid != nid)
            continue;
        hash_digest(id_hashes[i].hash, &of, 1, digest);
        return span_equal(hash, span_of(digest, hash_len(id_hashes[i].hash)));
    }
    return false;
}

bool ocsp_find(const struct ocsp *o, const struct cert *c, const struct cert *issuer, struct ocsp_single *out)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct ocsp_entry *e = &o->entries[i];
        if (!span_equal(span_of(e->serial, e->serial_len), cert_serial(c)) ||
            !is_hash_of(e->digest_nid, e->name_hash, issuer->subject) ||
            !is_hash_of(e->digest_nid, e->key_hash, key_bits(issuer)))
            continue;
        *out = e->says;
        return true;
    }
    return false;
}

/* ---- requests */

/* An OCTET STRING in the extension's own [RFC8954#2.1]; OpenSSL writes the outer one. */
static bool add_nonce(OCSP_REQUEST *r, struct span nonce)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    uint8_t *der = NULL;
    bool is_ok = value && ASN1_OCTET_STRING_set(value, nonce.ptr, (int)nonce.len);
    int len = is_ok ? i2d_ASN1_OCTET_STRING(value, &der) : 0;
    is_ok = len > 0 && ASN1_OCTET_STRING_set(value, der, len) &&
            OCSP_REQUEST_add1_ext_i2d(r, NID_id_pkix_OCSP_Nonce, value, 0, 0) == 1;
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(value);
    return is_ok;
}

size_t ocsp_request_make(const struct cert *c, const struct cert *issuer, struct span nonce,
                         uint8_t buf[OCSP_REQUEST_MAX])
{
    OCSP_REQUEST *r = OCSP_REQUEST_new();
    OCSP_CERTID *id =
        OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer->x509),
                         X509_get0_pubkey_bitstr(issuer->x509), X509_get0_serialNumber(c->x509));
    bool is_ok = r && id && OCSP_request_add0_id(r, id);
    if (!is_ok)
        OCSP_CERTID_free(id);
    if (is_ok && nonce.len)
        is_ok = nonce.len <= OCSP_NONCE_MAX && add_nonce(r, nonce);
    int len = is_ok ? i2d_OCSP_REQUEST(r, NULL) : 0;
    uint8_t *at = buf;
    if (len <= 0 || len > OCSP_REQUEST_MAX || i2d_OCSP_REQUEST(r, &at) != len)
        len = 0;
    OCSP_REQUEST_free(r);
    ERR_clear_error();
    return (size_t)len;
}
