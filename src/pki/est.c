/* SPDX-License-Identifier: Apache-2.0 */
/* Enrollment over Secure Transport: the paths of operations, requests and answers (RFC 7030 sections 3.2.2,
 * 4.1.3, 4.2.3; RFC 8951 section 3). TLS tells who answers, and the path of a certificate who issued it. Not
 * here: what is in an answer (certs_only.c), server-made keys, CSR attributes, full CMC. */
#include "pki/est.h"
#include "base/text.h"
#include <ctype.h>
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

bool est_read(struct span body, const char *type, struct certs_only *out, struct diag *d)
{
    *out = (struct certs_only){0};
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
    size_t len = 0;
    uint8_t *der = mem_new(body.len + 1);
    bool is_ok = base64_decode(body, der, body.len, &len);
    if (is_ok)
        is_ok = certs_only_read(span_of(der, len), out, d);
    else
        diag_set(d, FAIL_GENERIC, "the server's answer is no base64");
    free(der);
    return is_ok;
}
