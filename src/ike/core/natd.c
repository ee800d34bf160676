/* SPDX-License-Identifier: Apache-2.0 */
/* NAT detection hashes: see natd.h. */
#include "ike/core/natd.h"
#include "base/wr.h"
#include "crypto/hash.h"

void natd_hash(uint64_t spi_i, uint64_t spi_r, const struct endpoint *e, uint8_t out[NATD_LEN])
{
    uint8_t buf[8 + 8 + 16 + 2];
    struct wr w = wr_over(buf, sizeof(buf));
    wr_u64(&w, spi_i);
    wr_u64(&w, spi_r);
    wr_span(&w, ip_view(&e->ip));
    wr_u16(&w, e->port);
    struct span all = wr_span_view(&w);
    hash_digest(HASH_SHA1, &all, 1, out);
}

bool natd_matches(uint64_t spi_i, uint64_t spi_r, const struct endpoint *e, struct span hash)
{
    uint8_t own[NATD_LEN];
    natd_hash(spi_i, spi_r, e, own);
    return span_equal(span_of(own, sizeof(own)), hash);
}
