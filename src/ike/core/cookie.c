/* SPDX-License-Identifier: Apache-2.0 */
/* Stateless cookies: see cookie.h. Two secrets live at a time: the current one, and the one before for as
 * long as the current one serves. */
#include "ike/core/cookie.h"
#include "base/secret.h"
#include "base/wr.h"
#include "crypto/alg.h"
#include "crypto/prf.h"
#include "crypto/random.h"

static void renew(struct cookie_jar *j, uint8_t version)
{
    crypto_random(j->secret[version & 1], sizeof(j->secret[0]));
}

static void rotate(struct cookie_jar *j, int64_t now)
{
    if (j->rotate_at != 0 && now < j->rotate_at)
        return;
    /* The secret before goes too when it is older than it may become. */
    if (j->rotate_at == 0 || now - j->rotate_at >= COOKIE_LIFETIME)
        renew(j, j->version);
    renew(j, ++j->version);
    j->rotate_at = now + COOKIE_LIFETIME;
}

static void compute(const struct cookie_jar *j, uint8_t version, struct span ni, struct ip from,
                    uint64_t spi_i, uint8_t out[COOKIE_LEN])
{
    uint8_t spi[8];
    struct wr w = wr_over(spi, sizeof(spi));
    wr_u64(&w, spi_i);
    /* The lengths of nonce and address are bound too: parts must not slide into each other. */
    const uint8_t lens[3] = {(uint8_t)(ni.len >> 8), (uint8_t)ni.len, from.family};
    struct span parts[] = {span_of(lens, sizeof(lens)), ni, ip_view(&from), span_of(spi, sizeof(spi))};
    out[0] = version;
    prf_compute(PRF_HMAC_SHA2_256, span_of(j->secret[version & 1], sizeof(j->secret[0])), parts,
                ARRAY_LEN(parts), out + 1);
}

void cookie_make(struct cookie_jar *j, int64_t now, struct span ni, struct ip from, uint64_t spi_i,
                 uint8_t out[COOKIE_LEN])
{
    rotate(j, now);
    compute(j, j->version, ni, from, spi_i, out);
}

bool cookie_check(struct cookie_jar *j, int64_t now, struct span ni, struct ip from, uint64_t spi_i,
                  struct span cookie)
{
    uint8_t own[COOKIE_LEN];
    rotate(j, now);
    if (cookie.len != COOKIE_LEN)
        return false;
    uint8_t version = cookie.ptr[0], age = (uint8_t)(j->version - version);
    if (age > 1)
        return false;
    compute(j, version, ni, from, spi_i, own);
    return secret_equal(span_of(own, sizeof(own)), cookie);
}

void cookie_jar_deinit(struct cookie_jar *j)
{
    secret_wipe(j, sizeof(*j));
}
