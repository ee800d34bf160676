/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the answer of an EST server. What is refused is refused with a reason. */
#include "pki/est.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct certs_only certs;
    struct diag d = {0};
    bool is_ok = est_read(span_of(data, len), "application/pkcs7-mime", &certs, &d);
    if (is_ok == diag_failed(&d) || is_ok != (certs.n > 0))
        abort();
    certs_only_free(&certs);
    return 0;
}
