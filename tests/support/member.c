/* SPDX-License-Identifier: Apache-2.0 */
/* See member.h. */
#include "support/member.h"
#include "base/rd.h"

void member_begin(struct build *b, uint8_t *buf, size_t cap, struct member_sync v)
{
    uint8_t data[12];
    struct wr w = wr_over(data, sizeof(data));
    wr_u32(&w, v.nonce);
    wr_u32(&w, v.send);
    wr_u32(&w, v.receive);
    build_begin(b, buf, cap, NULL);
    build_notify(b, N_IKEV2_MESSAGE_ID_SYNC, PROTO_NONE, span_of(NULL, 0), wr_span_view(&w));
}

struct span member_seal(struct arena *a, const struct ike_sa *sa, uint32_t id, uint64_t iv, struct build *b)
{
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .major = 2,
                           .exchange = EXCHANGE_INFORMATIONAL,
                           .message_id = id,
                           .flags = sa->is_initiator ? IKE_FLAG_INITIATOR : 0};
    struct sealer s = {0};
    struct datagrams d = {0};
    struct span chain;
    sealer_init(&s, ike_keys_cipher(&sa->keys, &sa->chosen, sa->is_initiator));
    s.next_iv = iv;
    bool ok = build_end(b, &chain) && protect_seal(a, &s, &h, b->first, chain, 0, &d) && d.n == 1;
    sealer_deinit(&s);
    return ok ? d.v[0] : span_of(NULL, 0);
}

static bool read_answer(const struct ike_message *m, struct member_sync *out)
{
    const struct pl_notify *n = ike_notify(m, N_IKEV2_MESSAGE_ID_SYNC);
    if (!n || m->n != 2) /* SK, and what is in it */
        return false;
    struct rd r = rd_over(n->data);
    out->nonce = rd_u32(&r);
    out->send = rd_u32(&r);
    out->receive = rd_u32(&r);
    return rd_done(&r);
}

bool member_hears(const struct ike_sa *sa, struct span datagram, struct member_sync *out)
{
    struct arena *a = arena_new(1 << 16);
    struct ike_message m;
    struct diag d;
    diag_clear(&d);
    bool ok = ike_decode(a, datagram, &m, &d) == DECODE_OK && ike_is_response(&m.header) &&
              m.header.exchange == EXCHANGE_INFORMATIONAL && m.header.message_id == 0 &&
              m.header.spi_i == sa->spi_i && m.header.spi_r == sa->spi_r && m.sk &&
              m.sk->type == PAYLOAD_SK && protect_open(a, sa->opener, &m, &d) == DECODE_OK &&
              read_answer(&m, out);
    arena_free(a);
    return ok;
}

void member_skip(struct build *b, uint32_t delta)
{
    uint8_t data[4];
    struct wr w = wr_over(data, sizeof(data));
    wr_u32(&w, delta);
    build_notify(b, N_IPSEC_REPLAY_COUNTER_SYNC, PROTO_NONE, span_of(NULL, 0), wr_span_view(&w));
}
