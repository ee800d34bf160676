/* SPDX-License-Identifier: Apache-2.0 */
/* An OCSP responder: see respond.h. Requests may name issuers by SHA-1 or SHA-2. Not here: signatures of
 * requests, which RFC 6960 leaves to policy, and responses about certificates whose issuer is not among the
 * CAs: they are unknown. */
#include "pki/respond.h"
#include "base/text.h"
#include "pki/asn1.h"
#include "pki/cert_impl.h"
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdlib.h>
#include <time.h>

enum { INDEX_FIELDS = 6, INDEX_LINES_MAX = 1 << 20 };

struct entry {
    uint8_t serial[SERIAL_MAX];
    size_t serial_len;
    struct respond_answer answer;
};

struct respond_index {
    struct entry *v;
    size_t n;
};

struct respond_query {
    OCSP_REQUEST *request;
    size_t n;
    uint8_t serials[RESPOND_ASKED_MAX][SERIAL_MAX];
    size_t serial_lens[RESPOND_ASKED_MAX];
    struct span nonce;
};

static struct span without_zeros(struct span s)
{
    while (s.len > 1 && s.ptr[0] == 0)
        s = span_of(s.ptr + 1, s.len - 1);
    return s;
}

/* "260101000000Z" or "20260101000000Z". */
static bool read_date(const char *text, size_t len, int64_t *out)
{
    char buf[32];
    ASN1_TIME *t = ASN1_TIME_new();
    bool is_ok = false;
    if (t && len && len < sizeof(buf)) {
        memcpy(buf, text, len);
        buf[len] = '\0';
        is_ok = ASN1_TIME_set_string(t, buf) && asn1_time_read(t, out);
    }
    ASN1_TIME_free(t);
    return is_ok;
}

static int reason_of(const char *word, size_t len)
{
    static const char *const words[] = {
        "unspecified",          "keyCompromise",   "CACompromise", "affiliationChanged", "superseded",
        "cessationOfOperation", "certificateHold", NULL,           "removeFromCRL"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i] && len == strlen(words[i]) && !strncasecmp(words[i], word, len))
            return (int)i;
    }
    return -1;
}

/* "V|R|E", expiry, revocation[,reason], serial, file, subject; with tabs between them. */
static bool read_line(const char *line, size_t len, struct entry *e)
{
    struct {
        const char *at;
        size_t len;
    } f[INDEX_FIELDS] = {0};
    size_t n = 0;
    for (const char *at = line; n < INDEX_FIELDS; n++) {
        const char *tab = n + 1 < INDEX_FIELDS ? memchr(at, '\t', (size_t)(line + len - at)) : NULL;
        f[n].at = at;
        f[n].len = (size_t)((tab ? tab : line + len) - at);
        if (!tab) {
            n++;
            break;
        }
        at = tab + 1;
    }
    if (n < INDEX_FIELDS || f[0].len != 1 || !strchr("VRE", f[0].at[0]) || !f[3].len)
        return false;
    if (!hex_decode(span_of(f[3].at, f[3].len), e->serial, sizeof(e->serial), &e->serial_len))
        return false;
    e->answer = (struct respond_answer){.status = RESPOND_GOOD, .reason = -1};
    if (f[0].at[0] != 'R')
        return true;
    const char *comma = memchr(f[2].at, ',', f[2].len);
    size_t date_len = comma ? (size_t)(comma - f[2].at) : f[2].len;
    e->answer.status = RESPOND_REVOKED;
    if (comma)
        e->answer.reason = reason_of(comma + 1, strcspn(comma + 1, ",\t\r\n"));
    return read_date(f[2].at, date_len, &e->answer.revoked_at);
}

static size_t count_lines(struct span text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

struct respond_index *respond_index_load(struct span text, struct diag *d)
{
    size_t lines = count_lines(text), number = 0;
    if (lines > INDEX_LINES_MAX) {
        diag_set(d, FAIL_CONFIG, "an index of more than %d lines", INDEX_LINES_MAX);
        return NULL;
    }
    struct respond_index *x = mem_new(sizeof(*x));
    x->v = mem_new(lines * sizeof(*x->v));
    const char *at = (const char *)text.ptr, *end = at + text.len;
    while (text.len && at < end) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((eol ? eol : end) - at);
        number++;
        if (len && !read_line(at, len, &x->v[x->n++])) {
            diag_set(d, FAIL_CONFIG, "line %zu of the index is none of openssl's", number);
            diag_expected(d,
                          "V, R or E, three dates and numbers, a file and a subject, with tabs between them");
            respond_index_free(x);
            return NULL;
        }
        at += len + 1;
    }
    return x;
}

void respond_index_free(struct respond_index *x)
{
    if (!x)
        return;
    free(x->v);
    free(x);
}

size_t respond_index_count(const struct respond_index *x)
{
    return x->n;
}

struct respond_answer respond_look_up(const struct respond_ca *ca, struct span serial)
{
    struct respond_answer none = {.status = RESPOND_UNKNOWN, .reason = -1};
    for (size_t i = 0; ca->index && i < ca->index->n; i++) {
        const struct entry *e = &ca->index->v[i];
        if (span_equal(without_zeros(span_of(e->serial, e->serial_len)), without_zeros(serial)))
            return e->answer;
    }
    return none;
}

static OCSP_CERTID *id_at(const struct respond_query *q, size_t i)
{
    return OCSP_onereq_get0_id(OCSP_request_onereq_get0(q->request, (int)i));
}

static void read_nonce(struct respond_query *q)
{
    int at = OCSP_REQUEST_get_ext_by_NID(q->request, NID_id_pkix_OCSP_Nonce, -1);
    struct span outer =
        asn1_octets(at < 0 ? NULL : X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(q->request, at)));
    bool is_wrapped = outer.len >= 2 && outer.ptr[0] == V_ASN1_OCTET_STRING && outer.ptr[1] == outer.len - 2;
    q->nonce = is_wrapped ? span_of(outer.ptr + 2, outer.len - 2) : outer;
}

struct respond_query *respond_query_load(struct span der, struct diag *d)
{
    struct respond_query *q = mem_new(sizeof(*q));
    const uint8_t *at = der.ptr;
    if (der.len && der.len <= RESPOND_DER_MAX)
        q->request = d2i_OCSP_REQUEST(NULL, &at, (long)der.len);
    int n = q->request ? OCSP_request_onereq_count(q->request) : 0;
    bool is_ok = n > 0 && n <= RESPOND_ASKED_MAX && at == der.ptr + der.len;
    for (int i = 0; is_ok && i < n; i++) {
        ASN1_INTEGER *serial;
        OCSP_id_get0_info(NULL, NULL, NULL, &serial, id_at(q, (size_t)i));
        is_ok = asn1_integer_read(serial, q->serials[i], &q->serial_lens[i]);
    }
    ERR_clear_error();
    if (!is_ok) {
        diag_set(d, FAIL_CERTIFICATE, "malformed OCSP request");
        diag_expected(d, "one in DER, about 1 to %d certificates", RESPOND_ASKED_MAX);
        respond_query_free(q);
        return NULL;
    }
    q->n = (size_t)n;
    read_nonce(q);
    return q;
}

void respond_query_free(struct respond_query *q)
{
    if (!q)
        return;
    OCSP_REQUEST_free(q->request);
    free(q);
}

struct span respond_query_nonce(const struct respond_query *q)
{
    return q->nonce;
}

size_t respond_query_count(const struct respond_query *q)
{
    return q->n;
}

struct respond_asked respond_query_at(const struct respond_query *q, size_t i)
{
    ASN1_OCTET_STRING *name, *key;
    OCSP_id_get0_info(&name, NULL, &key, NULL, id_at(q, i));
    return (struct respond_asked){
        .name_hash = asn1_octets(name),
        .key_hash = asn1_octets(key),
        .serial = without_zeros(span_of(q->serials[i], q->serial_lens[i])),
    };
}

const struct respond_ca *respond_issuer(const struct respond_query *q, size_t i, const struct respond_ca *cas,
                                        size_t n)
{
    ASN1_OBJECT *hash;
    OCSP_id_get0_info(NULL, &hash, NULL, NULL, id_at(q, i));
    const EVP_MD *md = EVP_get_digestbyobj(hash);
    for (size_t k = 0; md && k < n; k++) {
        X509 *x = cas[k].cert->x509;
        OCSP_CERTID *id = OCSP_cert_id_new(md, X509_get_subject_name(x), X509_get0_pubkey_bitstr(x),
                                           X509_get0_serialNumber(x));
        bool is_it = id && OCSP_id_issuer_cmp(id, id_at(q, i)) == 0;
        OCSP_CERTID_free(id);
        if (is_it)
            return &cas[k];
    }
    ERR_clear_error();
    return NULL;
}

static bool is_appointed(const struct cert *signer, const struct cert *ca)
{
    bool may_sign = false;
    for (int i = 0; i < sk_ASN1_OBJECT_num(signer->ekus); i++)
        may_sign = may_sign || OBJ_obj2nid(sk_ASN1_OBJECT_value(signer->ekus, i)) == NID_OCSP_sign;
    may_sign = may_sign && X509_check_issued(ca->x509, signer->x509) == X509_V_OK &&
               X509_verify(signer->x509, X509_get0_pubkey(ca->x509)) == 1;
    ERR_clear_error();
    return may_sign;
}

bool respond_may_sign(const struct respond_query *q, const struct respond_ca *cas, size_t n,
                      const struct cert *signer)
{
    size_t n_known = 0;
    for (size_t i = 0; i < q->n; i++) {
        const struct respond_ca *ca = respond_issuer(q, i, cas, n);
        if (!ca)
            continue;
        n_known++;
        if (!span_equal(cert_der(ca->cert), cert_der(signer)) && !is_appointed(signer, ca->cert))
            return false;
    }
    return n_known > 0;
}

static ASN1_TIME *new_time(int64_t t)
{
    return ASN1_GENERALIZEDTIME_set(NULL, (time_t)t);
}

static bool add_answer(OCSP_BASICRESP *b, const struct respond_query *q, size_t i,
                       const struct respond_ca *ca, int64_t now, int64_t lifetime)
{
    static const int statuses[] = {
        [RESPOND_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN,
        [RESPOND_GOOD] = V_OCSP_CERTSTATUS_GOOD,
        [RESPOND_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
    };
    struct respond_answer a = {.status = RESPOND_UNKNOWN, .reason = -1};
    if (ca)
        a = respond_look_up(ca, respond_query_at(q, i).serial);
    ASN1_TIME *revoked = a.status == RESPOND_REVOKED ? new_time(a.revoked_at) : NULL;
    ASN1_TIME *from = new_time(now), *to = lifetime ? new_time(now + lifetime) : NULL;
    bool is_ok = from && OCSP_basic_add1_status(b, id_at(q, i), statuses[a.status],
                                                a.reason >= 0 ? a.reason : OCSP_REVOKED_STATUS_NOSTATUS,
                                                revoked, from, to);
    ASN1_TIME_free(revoked);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return is_ok;
}

static bool add_nonce(OCSP_BASICRESP *b, const struct respond_query *q)
{
    int at = OCSP_REQUEST_get_ext_by_NID(q->request, NID_id_pkix_OCSP_Nonce, -1);
    return at < 0 || OCSP_BASICRESP_add_ext(b, OCSP_REQUEST_get_ext(q->request, at), -1);
}

static EVP_PKEY *private_key(const struct pkey *k)
{
    struct secret der = {0};
    EVP_PKEY *evp = NULL;
    if (pkey_encode(k, PKEY_PKCS8_DER, &der)) {
        const uint8_t *at = der.ptr;
        evp = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    }
    secret_free(&der);
    return evp;
}

static const EVP_MD *digest_for(const struct respond_signer *s)
{
    if (pkey_type(s->key) == PKEY_ED25519 || pkey_type(s->key) == PKEY_ED448)
        return NULL;
    if (s->digest)
        return EVP_get_digestbyname(s->digest);
    if (pkey_type(s->key) == PKEY_RSA || pkey_bits(s->key) <= 256)
        return EVP_sha256();
    return pkey_bits(s->key) <= 384 ? EVP_sha384() : EVP_sha512();
}

/* producedAt comes in, not from the machine's clock. */
static bool sign(OCSP_BASICRESP *b, const struct respond_signer *s, bool is_ca, int64_t now)
{
    EVP_PKEY *evp = private_key(s->key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *params = NULL;
    bool is_ok =
        evp && ctx &&
        ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)OCSP_resp_get0_produced_at(b), (time_t)now) &&
        EVP_DigestSignInit(ctx, &params, digest_for(s), NULL, evp) == 1;
    if (is_ok && s->is_pss && pkey_type(s->key) == PKEY_RSA)
        is_ok = EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(params, RSA_PSS_SALTLEN_DIGEST) == 1;
    is_ok = is_ok &&
            OCSP_basic_sign_ctx(b, s->cert->x509, ctx, NULL, OCSP_NOTIME | (is_ca ? OCSP_NOCERTS : 0)) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(evp);
    return is_ok;
}

static bool encode(OCSP_RESPONSE *r, struct secret *out)
{
    uint8_t *der = NULL;
    int len = r ? i2d_OCSP_RESPONSE(r, &der) : 0;
    if (len > 0)
        *out = secret_copy(span_of(der, (size_t)len));
    OPENSSL_free(der);
    return len > 0;
}

bool respond_make(const struct respond_query *q, const struct respond_ca *cas, size_t n,
                  const struct respond_signer *signer, int64_t now, int64_t lifetime, struct secret *out,
                  struct diag *d)
{
    OCSP_BASICRESP *b = OCSP_BASICRESP_new();
    bool is_ok = b != NULL, is_ca = false;
    for (size_t i = 0; i < q->n && is_ok; i++)
        is_ok = add_answer(b, q, i, respond_issuer(q, i, cas, n), now, lifetime);
    for (size_t i = 0; i < n; i++)
        is_ca = is_ca || span_equal(cert_der(cas[i].cert), cert_der(signer->cert));
    is_ok = is_ok && add_nonce(b, q) && sign(b, signer, is_ca, now);
    OCSP_RESPONSE *r = is_ok ? OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, b) : NULL;
    is_ok = encode(r, out);
    OCSP_RESPONSE_free(r);
    OCSP_BASICRESP_free(b);
    if (!is_ok)
        diag_set(d, FAIL_GENERIC, "the response cannot be signed with the key of %.120s",
                 cert_subject_text(signer->cert));
    ERR_clear_error();
    return is_ok;
}

void respond_error(int status, struct secret *out)
{
    OCSP_RESPONSE *r = OCSP_response_create(status, NULL);
    encode(r, out);
    OCSP_RESPONSE_free(r);
}
