/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an OCSP response as DER, judged with a certificate of the corpus that it may be about. Reading
 * it must survive any bytes, and nothing but a signature makes it believed. */
#include "pki/ocsp.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The input: two bytes of length, a certificate of that length (its own issuer, as the test has none), a
 * response. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct diag d = {0}, why = {0};
    struct ocsp_single says;
    size_t cert_len = len >= 2 ? (size_t)data[0] << 8 | data[1] : 0;
    if (len < 2 + cert_len)
        return 0;
    struct cert *c = cert_load(span_of(data + 2, cert_len), &d);
    struct ocsp *o = ocsp_load(span_of(data + 2 + cert_len, len - 2 - cert_len), &why);
    if (!o && why.class == FAIL_NONE)
        abort(); /* refused without a reason */
    if (o && (strlen(ocsp_responder_text(o)) > 2000 || ocsp_nonce(o).len > 128))
        abort();
    if (o && c) {
        uint8_t request[OCSP_REQUEST_MAX];
        struct diag not_signed = {0};
        ocsp_find(o, c, c, &says);
        if (!ocsp_is_signed_for(o, c, NULL, 1780272000, &not_signed) && not_signed.class == FAIL_NONE)
            abort();
        ocsp_request_make(c, c, span_str("0123456789abcdef"), request);
    }
    cert_unref(c);
    ocsp_unref(o);
    return 0;
}
