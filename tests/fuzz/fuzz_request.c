/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the same bytes as a certificate request, and as the names that a request asks for. Whatever
 * they are, they are refused with a reason, or what is made of them is a certificate that our own reader
 * takes. */
#include "base/arena.h"
#include "pki/issue/issue.h"
#include "pki/issue/request.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ed25519, PKCS#8; of nobody. */
static const uint8_t key_der[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
                                  0x04, 0x22, 0x04, 0x20, 1,    2,    3,    4,    5,    6,    7,    8,
                                  9,    10,   11,   12,   13,   14,   15,   16,   17,   18,   19,   20,
                                  21,   22,   23,   24,   25,   26,   27,   28,   29,   30,   31,   32};

/* A certificate with these names, of key and by. */
static void issue(struct pkey *key, struct pkey *by, struct span subject, struct span names)
{
    static const uint8_t serial[] = {1};
    struct issue_signer signer = {.key = by};
    struct issue_cert c = {.serial = span_of(serial, 1),
                           .subject = subject,
                           .not_after = 1,
                           .key = key,
                           .path_len = -1,
                           .more_names = names,
                           .require_explicit_policy = -1,
                           .inhibit_policy_mapping = -1,
                           .inhibit_any_policy = -1};
    struct diag d = {0};
    struct span der;
    struct arena *a = arena_new(1 << 20);
    if (issue_certificate(a, &c, NULL, &signer, &der, &d))
        cert_unref(cert_load(der, &d));
    else if (d.class == FAIL_NONE)
        abort(); /* refused without a reason */
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t nobody[] = {0x30, 0};
    struct diag d = {0};
    struct pkey *by = pkey_load_private(span_of(key_der, sizeof(key_der)), span_of(NULL, 0), &d);
    struct request *r = request_load(span_of(data, len), &d);
    if (!r && d.class == FAIL_NONE)
        abort();
    if (r && (request_password(r).len > 255 || request_profile(r).len > len))
        abort();
    if (r)
        issue(request_public_key(r), by, request_subject_der(r), request_names_der(r));
    issue(by, by, span_of(nobody, sizeof(nobody)), span_of(data, len));
    request_free(r);
    pkey_unref(by);
    return 0;
}
