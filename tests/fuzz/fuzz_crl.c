/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a CRL as DER or PEM. Reading it must survive any bytes; every entry that is listed must be
 * found, and numbers must compare with themselves. */
#include "pki/crl.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask_entries(const struct crl *c)
{
    for (size_t i = 0; i < crl_count(c); i++) {
        struct crl_entry e = crl_entry_at(c, i), found;
        if (!e.serial.len || !crl_find(c, e.serial, e.issuer, &found) || !span_equal(found.serial, e.serial))
            abort();
        if (strlen(crl_reason_text(e.reason)) > 40)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct diag d = {0};
    struct crl *c = crl_load(span_of(data, len), &d);
    if (!c) {
        if (d.class == FAIL_NONE)
            abort(); /* refused without a reason */
        return 0;
    }
    ask_entries(c);
    if (crl_number_compare(crl_number(c), crl_number(c)) || strlen(crl_issuer_text(c)) > 2000 ||
        crl_der(c).len > CRL_DER_MAX)
        abort();
    for (size_t i = 0; crl_delta_uri(c, i); i++) {
        if (!crl_delta_uri(c, i)[0])
            abort();
    }
    /* what is read is written again the same */
    struct crl *again = crl_load(crl_der(c), &d);
    if (!again || crl_count(again) != crl_count(c) || !span_equal(crl_der(again), crl_der(c)))
        abort();
    crl_unref(again);
    crl_unref(c);
    return 0;
}
