/* SPDX-License-Identifier: Apache-2.0 */
/* Putting fragments together (RFC 7383 section 2.6): see protect.h. Every fragment is authentic before it
 * counts; a forged one changes nothing. */
#include "ike/msg/open.h"

#define SKF_HEADER (PAYLOAD_HEADER_LEN + 4) /* with the two numbers */

void reassembly_reset(struct reassembly *r)
{
    arena_free(r->arena);
    *r = (struct reassembly){0};
}

static bool is_same_message(const struct reassembly *r, const struct ike_header *h)
{
    return r->arena && r->message_id == h->message_id && r->exchange == h->exchange && r->flags == h->flags;
}

static void start(struct reassembly *r, const struct ike_message *m, size_t max_bytes)
{
    reassembly_reset(r);
    /* Rounding up each piece, and the arena's own bookkeeping. */
    r->arena = arena_new(max_bytes + SKF_MAX_FRAGMENTS * (64 + sizeof(*r->piece)));
    r->piece = arena_calloc(r->arena, m->sk->sk.total, sizeof(*r->piece));
    r->message_id = m->header.message_id;
    r->exchange = m->header.exchange;
    r->flags = m->header.flags;
    r->total = m->sk->sk.total;
}

static enum reassembly_status finish(struct reassembly *r, struct arena *a, struct ike_message *m,
                                     struct diag *d)
{
    uint8_t *whole = arena_alloc(a, r->bytes);
    if (!whole)
        return REASSEMBLY_REFUSED;
    struct wr w = wr_over(whole, r->bytes);
    for (size_t i = 0; i < r->total; i++)
        wr_span(&w, r->piece[i]);
    m->is_opened = true;
    m->inner = wr_span_view(&w);
    m->inner_first = r->first;
    m->sk_flags = r->flags_of_first;
    enum decode_status s = ike_decode_inner(a, r->first, wr_span_view(&w), m, d);
    reassembly_reset(r);
    if (s == DECODE_CRITICAL)
        return REASSEMBLY_CRITICAL;
    return s == DECODE_OK ? REASSEMBLY_DONE : REASSEMBLY_MALFORMED;
}

static enum reassembly_status refuse(struct diag *d, const struct pl_sk *sk, const char *why)
{
    diag_set(d, FAIL_GENERIC, "fragment %u of %u refused: %s", sk->number, sk->total, why);
    return REASSEMBLY_REFUSED;
}

enum reassembly_status reassembly_add(struct reassembly *r, struct arena *a, struct cipher *c,
                                      struct ike_message *m, size_t max_bytes, struct diag *d)
{
    struct span plain = {0};
    if (!m->sk || m->sk->type != PAYLOAD_SKF || m->is_opened) {
        diag_set(d, FAIL_GENERIC, "message without an SKF payload");
        return REASSEMBLY_REFUSED;
    }
    const struct pl_sk *sk = &m->sk->sk;
    bool is_same = is_same_message(r, &m->header);
    if (sk->total > SKF_MAX_FRAGMENTS)
        return refuse(d, sk, "too many");
    /* [RFC7383#2.6] a larger total replaces what there is (the peer has chosen smaller fragments); a smaller
     * one is late. */
    if (is_same && sk->total < r->total)
        return refuse(d, sk, "of an earlier, coarser division");
    if (is_same && sk->total == r->total && r->piece[sk->number - 1].ptr)
        return REASSEMBLY_MORE;
    enum decode_status s = protect_open_bytes(a, c, m, &plain, d);
    if (s == DECODE_BAD_ICV)
        return REASSEMBLY_BAD_ICV;
    size_t held = is_same && sk->total == r->total ? r->bytes : 0;
    if (s != DECODE_OK || plain.len == 0 || plain.len > max_bytes - held)
        return refuse(d, sk, s != DECODE_OK ? "malformed" : plain.len ? "message too large" : "empty");
    if (!is_same || sk->total > r->total)
        start(r, m, max_bytes);
    struct span kept = arena_dup(r->arena, plain);
    if (!kept.ptr)
        return refuse(d, sk, "message too large");
    r->piece[sk->number - 1] = kept;
    r->bytes += plain.len;
    r->have++;
    if (sk->number == 1) {
        r->first = sk->first;
        r->flags_of_first = m->raw.ptr[sk->aad_len - SKF_HEADER + 1];
    }
    return r->have == r->total ? finish(r, a, m, d) : REASSEMBLY_MORE;
}
