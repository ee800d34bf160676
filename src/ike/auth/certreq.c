/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests for X.509 (RFC 7296 section 3.7): lists of SHA-1 hashes of CA keys. See auth.h. */
#include "ike/auth/auth.h"

#define HASH    20
#define MAX_CAS 1000 /* what fits into one payload, with room to spare */

static bool holds(struct span list, const uint8_t *hash)
{
    for (size_t at = 0; at + HASH <= list.len; at += HASH) {
        if (memcmp(list.ptr + at, hash, HASH) == 0)
            return true;
    }
    return false;
}

struct span auth_certreq_encode(struct arena *a, const struct cert_list *cas)
{
    size_t n = cas->n < MAX_CAS ? cas->n : MAX_CAS, len = 0;
    uint8_t *out = arena_calloc(a, n, HASH);
    for (size_t i = 0; out && i < n; i++) {
        cert_spki_sha1(cas->v[i], out + len);
        if (!holds(span_of(out, len), out + len))
            len += HASH;
    }
    return span_of(out, len);
}

size_t auth_certreq_count(struct span authorities)
{
    return authorities.len % HASH == 0 ? authorities.len / HASH : 0;
}

bool auth_certreq_names(struct span authorities, const struct cert *ca)
{
    uint8_t hash[HASH];
    cert_spki_sha1(ca, hash);
    return auth_certreq_count(authorities) > 0 && holds(authorities, hash);
}

size_t auth_certreq_place(struct span authorities, const struct cert *ca)
{
    uint8_t hash[HASH];
    cert_spki_sha1(ca, hash);
    for (size_t at = 0; at + HASH <= authorities.len; at += HASH) {
        if (memcmp(authorities.ptr + at, hash, HASH) == 0)
            return at / HASH + 1;
    }
    return 0;
}
