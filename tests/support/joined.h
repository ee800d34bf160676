/* SPDX-License-Identifier: Apache-2.0 */
/* What coalesce() made of a batch, written as the data plane writes it and cut by support/cut.h again: each
 * packet must come out once, as it came in, and those of a flow in their order. */
#pragma once

#include "esp/coalesce.h"

struct joined_packet { /* as it came in */
    const uint8_t *bytes;
    size_t len;
    int flow; /* negative: may belong to any */
};

/* NULL, or what is wrong. Finishes the headers of p. */
const char *joined_check(const struct coalescer *c, struct esp_packet *p, const struct joined_packet *in,
                         size_t n);
