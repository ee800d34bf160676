/* SPDX-License-Identifier: Apache-2.0 */
/* What an AUTH payload covers, and shared secrets (RFC 7296 section 2.15), NULL authentication (RFC 7619
 * section 2.1): see auth.h. */
#include "base/wr.h"
#include "ike/auth/auth.h"

struct span auth_id_body(struct arena *a, const struct identity *id)
{
    size_t len = 4 + id->data.len;
    uint8_t *p = arena_alloc(a, len);
    if (!p)
        return span_of(NULL, 0);
    struct wr w = wr_over(p, len);
    wr_u8(&w, (uint8_t)id->type);
    wr_zero(&w, 3);
    wr_span(&w, id->data);
    return wr_span_view(&w);
}

/* [RFC7296#2.15] RealMessage | NonceData of the other | prf(SK_p, RestOfIDPayload) [| IntAuth] */
struct secret auth_octets(const struct auth_input *in)
{
    uint8_t maced[PRF_MAX_LEN];
    size_t len = prf_len(in->prf);
    if (len == 0 || !prf_compute(in->prf, in->sk_p, &in->id_body, 1, maced))
        return (struct secret){0};
    struct secret out = secret_new(in->message.len + in->nonce.len + len + in->int_auth.len);
    struct wr w = wr_over(out.ptr, out.len);
    wr_span(&w, in->message);
    wr_span(&w, in->nonce);
    wr_bytes(&w, maced, len);
    wr_span(&w, in->int_auth);
    secret_wipe(maced, sizeof(maced));
    return out;
}

bool auth_psk(const struct auth_input *in, struct span psk, uint8_t out[PRF_MAX_LEN], size_t *len)
{
    static const char pad[] = "Key Pad for IKEv2"; /* 17 octets, no terminator */
    uint8_t key[PRF_MAX_LEN];
    const struct span pad_span = span_of(pad, sizeof(pad) - 1);
    struct secret octets = auth_octets(in);
    *len = prf_len(in->prf);
    bool ok = octets.len > 0 && prf_compute(in->prf, psk, &pad_span, 1, key);
    if (ok) {
        const struct span message = secret_view(&octets);
        ok = prf_compute(in->prf, span_of(key, *len), &message, 1, out);
    }
    secret_wipe(key, sizeof(key));
    secret_free(&octets);
    return ok;
}

bool auth_psk_verify(const struct auth_input *in, struct span psk, struct span auth_data)
{
    uint8_t own[PRF_MAX_LEN];
    size_t len;
    bool ok = auth_psk(in, psk, own, &len) && secret_equal(span_of(own, len), auth_data);
    secret_wipe(own, sizeof(own));
    return ok;
}

bool auth_null(const struct auth_input *in, uint8_t out[PRF_MAX_LEN], size_t *len)
{
    return auth_psk(in, in->sk_p, out, len);
}

bool auth_null_verify(const struct auth_input *in, struct span auth_data)
{
    return auth_psk_verify(in, in->sk_p, auth_data);
}
