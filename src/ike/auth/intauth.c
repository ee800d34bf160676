/* SPDX-License-Identifier: Apache-2.0 */
/* IntAuth: see intauth.h. */
#include "ike/auth/intauth.h"
#include "base/wr.h"

/* [RFC9242#3.3.2] IntAuth_n = prf(SK_p_n, [IntAuth_(n-1) |] A | P), for each side by itself */
static bool add(struct int_auth *a, uint8_t *value, uint16_t prf, struct span sk_p, struct span content)
{
    size_t len = prf_len(prf);
    const struct span parts[] = {span_of(value, a->rounds ? len : 0), content};
    uint8_t next[PRF_MAX_LEN];
    if (!len || !sk_p.len || !content.len || !prf_compute(prf, sk_p, parts, ARRAY_LEN(parts), next))
        return false;
    memcpy(value, next, len);
    return true;
}

bool int_auth_request(struct int_auth *a, uint16_t prf, struct span sk_pi, struct span content)
{
    if (a->has_request || a->rounds == INT_AUTH_ROUNDS_MAX)
        return false;
    a->has_request = add(a, a->value, prf, sk_pi, content);
    return a->has_request;
}

bool int_auth_response(struct int_auth *a, uint16_t prf, struct span sk_pr, struct span content)
{
    size_t len = prf_len(prf);
    if (!a->has_request || !add(a, a->value + len, prf, sk_pr, content))
        return false;
    a->has_request = false;
    a->rounds++;
    /* IKE_SA_INIT had 0, the first of these exchanges 1: IKE_AUTH follows the last */
    struct wr w = wr_over(a->value + 2 * len, 4);
    wr_u32(&w, a->rounds + 1u);
    return true;
}

struct span int_auth_view(const struct int_auth *a, uint16_t prf)
{
    return span_of(a->value, a->rounds ? 2 * prf_len(prf) + 4 : 0);
}
