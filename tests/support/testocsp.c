/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses for tests: see testocsp.h. Shares no code with what it tests. */
#include "support/testocsp.h"
#include "support/testca_impl.h"
#include <openssl/ocsp.h>
#include <stdlib.h>

#define DATE_DEFAULT INT64_C(1767225600) /* 2026-01-01 */

static void add_answer(OCSP_BASICRESP *b, const struct testocsp_spec *s)
{
    const EVP_MD *md = EVP_get_digestbyname(s->id_digest ? s->id_digest : "SHA1");
    OCSP_CERTID *id = OCSP_cert_to_id(md, s->cert->x509, s->issuer->x509);
    ASN1_TIME *from = ASN1_TIME_set(NULL, s->this_update ? s->this_update : TESTCA_NOW - 3600);
    ASN1_TIME *to = ASN1_TIME_set(NULL, s->next_update ? s->next_update : TESTCA_NOW + 3600);
    ASN1_TIME *revoked = ASN1_TIME_set(NULL, s->revoked_at ? s->revoked_at : DATE_DEFAULT);
    int status = s->status == 'r'   ? V_OCSP_CERTSTATUS_REVOKED
                 : s->status == 'u' ? V_OCSP_CERTSTATUS_UNKNOWN
                                    : V_OCSP_CERTSTATUS_GOOD;
    TESTCA_MUST(id && from && to && revoked);
    TESTCA_MUST(OCSP_basic_add1_status(b, id, status, s->reason - 1,
                                       status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from,
                                       s->next_update == -1 ? NULL : to));
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_TIME_free(revoked);
}

static OCSP_BASICRESP *make_basic(const struct testocsp_spec *s)
{
    const struct testca_cert *signer = s->signer ? s->signer : s->issuer;
    OCSP_BASICRESP *b = OCSP_BASICRESP_new();
    unsigned long flags = (s->is_by_key ? OCSP_RESPID_KEY : 0) | (s->has_signer_cert ? 0 : OCSP_NOCERTS);
    TESTCA_MUST(b);
    add_answer(b, s);
    if (s->nonce.len)
        TESTCA_MUST(OCSP_basic_add1_nonce(b, (unsigned char *)s->nonce.ptr, (int)s->nonce.len));
    EVP_MD_CTX *ctx = testca_sign_ctx(signer, s->digest, false);
    TESTCA_MUST(OCSP_basic_sign_ctx(b, signer->x509, ctx, NULL, flags));
    EVP_MD_CTX_free(ctx);
    if (s->has_wrong_signature) {
        const ASN1_OCTET_STRING *sig = OCSP_resp_get0_signature(b);
        sig->data[sig->length - 1] ^= 1;
    }
    return b;
}

struct span testocsp_make(const struct testocsp_spec *s)
{
    OCSP_BASICRESP *b = s->response_status ? NULL : make_basic(s);
    OCSP_RESPONSE *r = OCSP_response_create(s->response_status, b);
    uint8_t *der = NULL;
    int len = r ? i2d_OCSP_RESPONSE(r, &der) : 0;
    TESTCA_MUST(len > 0);
    uint8_t *copy = malloc((size_t)len);
    TESTCA_MUST(copy);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(r);
    OCSP_BASICRESP_free(b);
    return span_of(copy, (size_t)len);
}

void testocsp_free(struct span der)
{
    free((void *)der.ptr);
}
