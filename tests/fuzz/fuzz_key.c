/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: one key file. The first byte says how it is read: private, public in any format, or the field
 * of an IPSECKEY record. What is refused has a reason; what is read can be written and read again, and is
 * then the same key. Without a passphrase, so that no iteration count of the file's is obeyed. */
#include "crypto/ipseckey.h"
#include <stdlib.h>

/* The key of a whole record, as DNS carries it. */
static struct pkey *of_record(struct span rdata, struct diag *d)
{
    struct ipseckey r;
    if (!ipseckey_read(rdata, &r, d))
        return NULL;
    if (r.gateway.len + r.key.len + 3 != rdata.len)
        abort();
    return pkey_load_ipseckey(r.algorithm, r.key, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* That RSA is for PSS alone is lost where a format cannot say so: the numbers stay. */
static bool same(const struct pkey *a, const struct pkey *b)
{
    uint8_t id_a[20], id_b[20];
    pkey_keyid(a, id_a);
    pkey_keyid(b, id_b);
    return pkey_same(a, b) || memcmp(id_a, id_b, sizeof(id_a)) == 0;
}

static void check_public(const struct pkey *k)
{
    static const enum pkey_encoding forms[] = {PKEY_SPKI_DER, PKEY_SPKI_PEM, PKEY_PKCS1_DER, PKEY_DNSKEY,
                                               PKEY_SSH};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct diag d = {0};
        struct secret bytes;
        if (!pkey_encode(k, forms[i], &bytes))
            continue;
        struct pkey *back = pkey_load_public_any(secret_view(&bytes), &d);
        if (!back || !same(back, k))
            abort();
        pkey_unref(back);
        secret_free(&bytes);
    }
}

static void check_private(const struct pkey *k)
{
    struct diag d = {0};
    struct secret bytes;
    if (!pkey_encode(k, PKEY_PKCS8_DER, &bytes))
        abort();
    struct pkey *back = pkey_load_private(secret_view(&bytes), span_of(NULL, 0), &d);
    if (!back || !same(back, k))
        abort();
    pkey_unref(back);
    secret_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct diag d = {0};
    struct pkey *k;
    if (!len)
        return 0;
    struct span rest = span_of(data + 1, len - 1);
    if (data[0] == 'p')
        k = pkey_load_private(rest, span_of(NULL, 0), &d);
    else if (data[0] == 'r')
        k = of_record(rest, &d);
    else if (data[0] < 8)
        k = pkey_load_ipseckey(data[0], rest, &d);
    else
        k = pkey_load_public_any(rest, &d);
    if (!k && !diag_failed(&d))
        abort();
    if (k)
        check_public(k);
    if (k && pkey_is_private(k))
        check_private(k);
    pkey_unref(k);
    return 0;
}
