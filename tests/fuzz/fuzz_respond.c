/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an even first byte makes the rest an OCSP request as a responder reads it, an odd one
 * openssl's index of certificates. What is refused is refused with a reason; what is read can be asked about.
 */
#include "pki/respond.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_query(struct span der)
{
    struct diag d = {0};
    struct respond_query *q = respond_query_load(der, &d);
    if (!q && !diag_failed(&d))
        abort();
    for (size_t i = 0; q && i < respond_query_count(q); i++) {
        if (respond_query_at(q, i).serial.len == 0 || respond_issuer(q, i, NULL, 0))
            abort();
    }
    respond_query_free(q);
}

static void read_index(struct span text)
{
    static const uint8_t serial[] = {0x80, 0xaa};
    struct diag d = {0};
    struct respond_index *x = respond_index_load(text, &d);
    if (!x && !diag_failed(&d))
        abort();
    if (x && respond_index_count(x) > text.len)
        abort();
    if (x)
        respond_look_up(&(struct respond_ca){.index = x}, span_of(serial, sizeof(serial)));
    respond_index_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len)
        return 0;
    if (data[0] & 1)
        read_index(span_of(data + 1, len - 1));
    else
        read_query(span_of(data + 1, len - 1));
    return 0;
}
