/* SPDX-License-Identifier: Apache-2.0 */
/* Stateless cookies against floods of half-open SAs (RFC 7296 section 2.6): a version byte and a MAC over the
 * initiator's nonce, address and SPI under a secret that rotates; the one before is still accepted. */
#pragma once

#include "base/span.h"
#include "net/ip.h"

#define COOKIE_LEN      33                   /* version | HMAC-SHA-256 */
#define COOKIE_LIFETIME (INT64_C(120000000)) /* microseconds that one secret serves */

struct cookie_jar {        /* zeroed = unused */
    uint8_t secret[2][32]; /* by the low bit of the version */
    uint8_t version;
    int64_t rotate_at; /* mono; 0 = no secret yet */
};

/* now: mono microseconds; rotates the secret when it is due. */
void cookie_make(struct cookie_jar *j, int64_t now, struct span ni, struct ip from, uint64_t spi_i,
                 uint8_t out[COOKIE_LEN]);
bool cookie_check(struct cookie_jar *j, int64_t now, struct span ni, struct ip from, uint64_t spi_i,
                  struct span cookie);
void cookie_jar_deinit(struct cookie_jar *j); /* wipes */
