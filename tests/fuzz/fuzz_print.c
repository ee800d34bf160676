/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the first byte chooses a kind of credential, the rest is one, as PEM or DER. Printing must
 * survive any bytes, refuse with a reason, and write nothing but printable ASCII and line ends that fit the
 * room it asked for. */
#include "pki/acert.h"
#include "pki/print/print.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool print(uint8_t kind, struct text *t, struct span data, struct diag *d)
{
    static const struct print_env env = {.now = 1780272000};
    switch (kind % 5) {
    case 0:
        return print_cert(t, data, &env, d);
    case 1:
        return print_crl(t, data, &env, d);
    case 2:
        return print_attribute_cert(t, data, &env, d);
    case 3:
        return print_ocsp_request(t, data, d);
    default:
        return print_ocsp_response(t, data, &env, d);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len)
        return 0;
    struct span input = span_of(data + 1, len - 1);
    size_t room = print_room(input.len);
    struct text t = {.buf = malloc(room), .cap = room};
    struct diag d = {0};
    if (!t.buf)
        return 0;
    t.buf[0] = '\0';
    if (print(data[0], &t, input, &d) == diag_failed(&d))
        abort(); /* refused without a reason, or printed with one */
    if (t.len >= t.cap || strlen(t.buf) != t.len)
        abort();
    for (size_t i = 0; i < t.len; i++) {
        if (t.buf[i] != '\n' && (t.buf[i] < 0x20 || t.buf[i] > 0x7e))
            abort();
    }
    free(t.buf);
    return 0;
}
