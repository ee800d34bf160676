/* SPDX-License-Identifier: Apache-2.0 */
/* Enrollment over Secure Transport: the paths of operations, requests and answers (RFC 7030 sections 3.2.2,
 * 4.1.3, 4.2.3; RFC 8951 section 3). Answers are read by OpenSSL's CMS. Their signatures, if they have any,
 * say nothing: TLS tells who answers, and the path of a certificate who issued it. Not here: server-made
 * keys, CSR attributes, full CMC. */
#include "pki/est.h"
#include "base/text.h"
#include <ctype.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

static const char media_type[] = "application/pkcs7-mime";

static bool is_segment(const char *label)
{
    for (const char *at = label; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("-._~!$&'()*+,;=:@%", *at))
            return false;
    }
    return *label && strcmp(label, ".") != 0 && strcmp(label, "..") != 0;
}

const char *est_url(struct arena *a, const char *base, const char *label, const char *operation,
                    struct diag *d)
{
    size_t len = strlen(base);
    if (strncasecmp(base, "https://", 8) != 0 || len == 8) {
        diag_set(d, FAIL_USAGE, "not the address of an EST server: %s", base);
        diag_expected(d, "https://HOST[:PORT]");
        return NULL;
    }
    if (label && !is_segment(label)) {
        diag_set(d, FAIL_USAGE, "not a label: %s", label);
        diag_expected(d, "one segment of a path");
        return NULL;
    }
    while (base[len - 1] == '/')
        len--;
    return arena_printf(a, "%.*s/.well-known/est/%s%s%s", (int)len, base, label ? label : "",
                        label ? "/" : "", operation);
}

struct span est_body(struct arena *a, struct span der)
{
    enum { LINE_BYTES = 48, LINE_CHARS = 64 };
    size_t n_lines = (der.len + LINE_BYTES - 1) / LINE_BYTES, len = 0;
    uint8_t *to = arena_alloc(a, n_lines * (LINE_CHARS + 2) + 1);
    for (size_t at = 0; at < der.len; at += LINE_BYTES) {
        size_t n = der.len - at < LINE_BYTES ? der.len - at : LINE_BYTES;
        len += (size_t)EVP_EncodeBlock(to + len, der.ptr + at, (int)n);
        to[len++] = '\r';
        to[len++] = '\n';
    }
    return span_of(to, len);
}

static bool is_media_type(const char *type)
{
    size_t len = sizeof(media_type) - 1;
    return !strncasecmp(type, media_type, len) && strchr("; \t", type[len]);
}

/* The message; NULL with d. Nothing may follow it. */
static CMS_ContentInfo *message_of(struct span body, struct diag *d)
{
    size_t len = 0;
    uint8_t *der = mem_new(body.len + 1);
    const uint8_t *at = der;
    CMS_ContentInfo *cms = NULL;
    if (!base64_decode(body, der, body.len, &len)) {
        diag_set(d, FAIL_GENERIC, "the server's answer is no base64");
    } else {
        cms = len ? d2i_CMS_ContentInfo(NULL, &at, (long)len) : NULL;
        bool is_whole = cms && at == der + len && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed;
        if (!is_whole) {
            diag_set(d, FAIL_GENERIC, "the server's answer is no message with certificates");
            diag_expected(d, "a certs-only PKCS#7");
            diag_got(d, "%zu bytes", len);
            CMS_ContentInfo_free(cms);
            cms = NULL;
        }
    }
    free(der);
    ERR_clear_error();
    return cms;
}

static bool take_cert(X509 *x, struct est_certs *out, struct diag *d)
{
    uint8_t *der = NULL;
    int len = i2d_X509(x, &der);
    struct cert *c = len > 0 ? cert_load(span_of(der, (size_t)len), d) : NULL;
    OPENSSL_free(der);
    if (c)
        out->v[out->n++] = c;
    return c != NULL;
}

static bool take_certs(const STACK_OF(X509) * certs, struct est_certs *out, struct diag *d)
{
    int n = sk_X509_num(certs);
    if (n < 1 || n > EST_CERTS_MAX) {
        diag_set(d, FAIL_GENERIC, "a message with %d certificates", n < 0 ? 0 : n);
        diag_expected(d, "1 to %d", EST_CERTS_MAX);
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (!take_cert(sk_X509_value(certs, i), out, d))
            return false;
    }
    return true;
}

bool est_read(struct span body, const char *type, struct est_certs *out, struct diag *d)
{
    *out = (struct est_certs){0};
    if (!is_media_type(type)) {
        diag_set(d, FAIL_GENERIC, "the server's answer is of another type");
        diag_expected(d, "%s", media_type);
        diag_got(d, "%.100s", *type ? type : "none");
        return false;
    }
    if (body.len > EST_ANSWER_MAX) {
        diag_set(d, FAIL_GENERIC, "the server's answer is longer than %d bytes", EST_ANSWER_MAX);
        return false;
    }
    CMS_ContentInfo *cms = message_of(body, d);
    if (!cms)
        return false;
    STACK_OF(X509) *certs = CMS_get1_certs(cms);
    bool is_ok = take_certs(certs, out, d);
    if (!is_ok)
        est_certs_free(out);
    sk_X509_pop_free(certs, X509_free);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return is_ok;
}

void est_certs_free(struct est_certs *c)
{
    while (c->n)
        cert_unref(c->v[--c->n]);
}

struct cert *est_issued(const struct est_certs *c, const struct pkey *key, struct diag *d)
{
    for (size_t i = 0; i < c->n; i++) {
        if (pkey_same(cert_public_key(c->v[i]), key))
            return c->v[i];
    }
    diag_set(d, FAIL_CERTIFICATE, "the server issued a certificate for another key");
    diag_expected(d, "one for the key of the request");
    if (c->n)
        diag_got(d, "%s", cert_subject_text(c->v[0]));
    return NULL;
}
