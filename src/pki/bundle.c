/* SPDX-License-Identifier: Apache-2.0 */
/* Reading bundles: see bundle.h. The ASN.1 is the RFC's, as OpenSSL's templates; what is in it is read by
 * cert_load() and crl_load(), with their bounds. Bundles are not made here. */
#include "pki/bundle.h"
#include "pki/crl.h"
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509.h>

enum { BUNDLE_DER_MAX = 1 << 20 };

/* OpenSSL's templates want types that are names. */
typedef struct {
    int type;
    union {
        X509 *cert;
        X509_CRL *crl;
    } value;
} BUNDLE_PART;

typedef STACK_OF(BUNDLE_PART) BUNDLE;

enum { PART_CERT, PART_CRL };

/* clang-format off */
ASN1_CHOICE(BUNDLE_PART) = {
    ASN1_EXP(BUNDLE_PART, value.cert, X509, PART_CERT),
    ASN1_EXP(BUNDLE_PART, value.crl, X509_CRL, PART_CRL),
} static_ASN1_CHOICE_END(BUNDLE_PART)

ASN1_ITEM_TEMPLATE(BUNDLE) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, BUNDLE, BUNDLE_PART)
static_ASN1_ITEM_TEMPLATE_END(BUNDLE)

DEFINE_STACK_OF(BUNDLE_PART)
    /* clang-format on */

    static bool add_cert(struct bundle * b, struct span der, struct diag *d)
{
    if (b->n_certs == BUNDLE_CERTS_MAX) {
        diag_set(d, FAIL_CERTIFICATE, "the bundle has more than %d certificates", BUNDLE_CERTS_MAX);
        return false;
    }
    struct cert *c = cert_load(der, d);
    if (c)
        b->certs[b->n_certs++] = c;
    return c != NULL;
}

static bool add_crl(struct bundle *b, struct span der, struct diag *d)
{
    if (b->n_crls == BUNDLE_CRLS_MAX) {
        diag_set(d, FAIL_CERTIFICATE, "the bundle has more than %d CRLs", BUNDLE_CRLS_MAX);
        return false;
    }
    struct crl *c = crl_load(der, d);
    if (c)
        b->crls[b->n_crls++] = c;
    return c != NULL;
}

static bool add(struct bundle *b, const BUNDLE_PART *p, struct diag *d)
{
    uint8_t *der = NULL;
    bool is_cert = p->type == PART_CERT;
    int len = is_cert ? i2d_X509(p->value.cert, &der) : i2d_X509_CRL(p->value.crl, &der);
    struct span s = span_of(der, len > 0 ? (size_t)len : 0);
    bool is_ok = is_cert ? add_cert(b, s, d) : add_crl(b, s, d);
    OPENSSL_free(der);
    return is_ok;
}

bool bundle_load(struct span der, struct bundle *out, struct diag *d)
{
    const uint8_t *at = der.ptr;
    *out = (struct bundle){0};
    ERR_clear_error();
    BUNDLE *all = der.len && der.len <= BUNDLE_DER_MAX
                      ? (BUNDLE *)ASN1_item_d2i(NULL, &at, (long)der.len, ASN1_ITEM_rptr(BUNDLE))
                      : NULL;
    bool is_ok = all && at == der.ptr + der.len && sk_BUNDLE_PART_num(all) > 0;
    if (!is_ok) {
        diag_set(d, FAIL_CERTIFICATE, "no bundle of certificates that can be read");
        diag_got(d, "%zu bytes", der.len);
    }
    for (int i = 0; is_ok && i < sk_BUNDLE_PART_num(all); i++)
        is_ok = add(out, sk_BUNDLE_PART_value(all, i), d);
    if (!is_ok)
        bundle_free(out);
    ASN1_item_free((ASN1_VALUE *)all, ASN1_ITEM_rptr(BUNDLE));
    ERR_clear_error();
    return is_ok;
}

void bundle_free(struct bundle *b)
{
    while (b->n_certs)
        cert_unref(b->certs[--b->n_certs]);
    while (b->n_crls)
        crl_unref(b->crls[--b->n_crls]);
}
