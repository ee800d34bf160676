/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a PKCS#12 container under the passphrase "moonlight" or the empty one, with few iterations
 * allowed; and the same with a MAC that fits, so that what is behind it is reached. What is refused has a
 * reason and leaves nothing; what is taken is whole. */
#include "pki/pkcs12.h"
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_with(struct span data, const char *passphrase)
{
    struct diag d = {0};
    struct pkcs12 p;
    bool is_ok = pkcs12_load(data, span_str(passphrase), 7000, &p, &d);
    if (is_ok == diag_failed(&d) || is_ok != (p.n_keys + p.n_certs > 0))
        abort();
    for (size_t i = 0; i < p.n_keys; i++) {
        if (!pkey_is_private(p.keys[i]))
            abort();
    }
    pkcs12_free(&p);
}

static void try_sealed_anew(struct span data)
{
    const uint8_t *at = data.ptr;
    uint8_t *der = NULL;
    PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)data.len);
    int len = 0;
    if (p12 && PKCS12_set_mac(p12, "moonlight", -1, NULL, 0, 1, NULL))
        len = i2d_PKCS12(p12, &der);
    PKCS12_free(p12);
    ERR_clear_error();
    if (len > 0)
        try_with(span_of(der, (size_t)len), "moonlight");
    OPENSSL_free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    try_with(span_of(data, len), "moonlight");
    try_with(span_of(data, len), "");
    try_sealed_anew(span_of(data, len));
    return 0;
}
