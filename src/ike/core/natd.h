/* SPDX-License-Identifier: Apache-2.0 */
/* NAT detection (RFC 7296 section 2.23): SHA-1 over the SPIs, an address and a port. */
#pragma once

#include "net/ip.h"

#define NATD_LEN 20

/* spi_r is 0 in the first request. SPIs in host order. */
void natd_hash(uint64_t spi_i, uint64_t spi_r, const struct endpoint *e, uint8_t out[NATD_LEN]);
/* Is the hash that of the endpoint? False: somebody translated the address (or the peer hides it). */
bool natd_matches(uint64_t spi_i, uint64_t spi_r, const struct endpoint *e, struct span hash);
