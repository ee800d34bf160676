/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: certificates one behind the other, as DER or one PEM block. The first is the leaf, the last
 * the anchor, all are intermediates. Loading, names, identities and the path search must survive any bytes;
 * nothing but a leaf that is its own anchor or was signed may become trusted (OpenSSL's parser is under test
 * with us). */
#include "pki/cert.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CERTS_MAX = 12 };

/* The length of the DER element at the start of s, or all of s. */
static size_t element_len(struct span s)
{
    if (s.len < 4 || s.ptr[0] != 0x30 || s.ptr[1] != 0x82)
        return s.len;
    size_t n = 4u + ((size_t)s.ptr[2] << 8 | s.ptr[3]);
    return n < s.len ? n : s.len;
}

static void ask_everything(const struct cert *c)
{
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct identity ids[] = {
        {ID_FQDN,                       span_of("moon.keyway.test", 16)},
        {ID_IPV4_ADDR,                  span_of(ip,                 4) },
        {ID_DER_ASN1_DN,                cert_subject_der(c)       },
        {ID_DER_ASN1_GN, span_of("\x87\x04\xc0\0\2\1",                         6)   },
        {ID_KEY_ID,                span_of("key",                         3)},
    };
    char names[256];
    cert_names_text(c, names, sizeof(names));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        cert_has_identity(c, &ids[i]);
    if (strlen(cert_subject_text(c)) > 2000 || cert_der(c).len == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cert *certs[CERTS_MAX];
    size_t n = 0;
    struct span rest = span_of(data, len);
    while (rest.len && n < CERTS_MAX) {
        struct diag d = {0};
        size_t one = element_len(rest);
        struct cert *c = cert_load(span_of(rest.ptr, one), &d);
        if (!c && d.class == FAIL_NONE)
            abort(); /* refused without a reason */
        if (c)
            certs[n++] = c;
        rest = span_of(rest.ptr + one, rest.len - one);
    }
    for (size_t i = 0; i < n; i++)
        ask_everything(certs[i]);
    if (n) {
        struct trust_verdict v;
        struct trust_request req = {
            .leaf = certs[0], .intermediates = {certs,         n},
                 .anchors = {certs + n - 1, 1},
                 .now = 1780272000
        };
        trust_evaluate(&req, &v);
        if (v.is_trusted == (v.why.class != FAIL_NONE))
            abort();
    }
    while (n)
        cert_unref(certs[--n]);
    return 0;
}
