/* SPDX-License-Identifier: Apache-2.0 */
/* Inbound processing (RFC 4301 section 5.2, RFC 4303 section 3.4, tunnel mode): SA by SPI, replay check, one
 * call that verifies and decrypts the batch, and only then anything that changes an SA: replay window,
 * lifetime, mapping. Then padding, inner header, selectors, ECN. What is not authentic changes nothing but
 * counters.
 *
 * Encapsulation. [RFC7296#2.23] wants ESP in UDP and bare ESP both accepted at any time, and the ICV vouches
 * for either, so the outer form and addresses decide nothing. When the newest packet of an SA that has_encap
 * came in UDP from another endpoint, the engine hears of it and decides. */
#include "base/rd.h"
#include "esp/lifetime.h"
#include "esp/mss.h"
#include "esp/outer.h"
#include "esp/state.h"

/* Everything that can be said before the crypto; changes nothing. True when it is number n of the batch. */
static bool prepare(struct esp *e, struct esp_packet *p, size_t n)
{
    struct rd r = rd_over(span_of(p->data, p->len));
    uint32_t spi = rd_u32(&r), low = rd_u32(&r);
    uint64_t seq;
    p->verdict = ESP_DROP;
    p->drop = DROP_NONE;
    p->next_header = 0;
    p->child_id = 0;
    if (!rd_ok(&r)) {
        packet_drop(e, p, DROP_SHORT);
        return false;
    }
    struct sa *sa = sad_inbound(&e->sad, spi);
    if (!sa) {
        packet_drop(e, p, DROP_UNKNOWN_SPI);
        return false;
    }
    p->child_id = sa->child_id;
    size_t overhead = (size_t)sa->iv_len + sa->icv_len;
    if (rd_left(&r) < overhead + ESP_TRAILER) {
        packet_drop(e, p, DROP_SHORT);
        return false;
    }
    if (sa->is_expired) {
        packet_drop(e, p, DROP_EXPIRED);
        return false;
    }
    if (!replay_infer(&sa->replay, low, &seq) || !replay_check(&sa->replay, seq)) {
        packet_drop(e, p, DROP_REPLAY);
        return false;
    }
    e->ops[n] = (struct bulk_op){.key = sa->key,
                                 .esp = p->data,
                                 .len = p->len,
                                 .seq_hi = (uint32_t)(seq >> 32),
                                 .has_esn = sa->has_esn};
    e->flights[n] = (struct flight){.packet = p, .sa = sa, .seq = seq};
    return true;
}

/* The packet is authentic: moves the window on. False when the batch held it twice, or when an earlier packet
 * of the batch moved the window past it. */
static bool commit(struct esp *e, struct sa *sa, const struct esp_packet *p, uint64_t seq)
{
    if (!replay_check(&sa->replay, seq))
        return false;
    if (p->has_encap && sa->has_encap && seq > sa->replay.top) {
        if (!endpoint_equal(&p->remote, &sa->remote))
            lifetime_report_mapping(&e->sad, sa, &p->remote);
        else
            lifetime_retract_mapping(sa);
    }
    replay_commit(&sa->replay, seq);
    return true;
}

/* Takes header, IV, trailer and ICV off. Padding must be the monotonic bytes that RFC 4303 section 2.4
 * prescribes; every byte of it is looked at, whatever the first ones are. */
static bool strip(struct esp_packet *p, const struct sa *sa)
{
    const uint8_t *plain = p->data + ESP_HEADER + sa->iv_len;
    uint32_t len = p->len - ESP_HEADER - sa->iv_len - sa->icv_len;
    struct rd trailer = rd_over(span_of(plain + len - ESP_TRAILER, ESP_TRAILER));
    uint8_t pad = rd_u8(&trailer), wrong = 0;
    p->next_header = rd_u8(&trailer);
    if (len < (uint32_t)pad + ESP_TRAILER)
        return false;
    len -= (uint32_t)pad + ESP_TRAILER;
    for (uint32_t i = 0; i < pad; i++)
        wrong |= plain[len + i] ^ (uint8_t)(i + 1);
    p->data += ESP_HEADER + sa->iv_len;
    p->len = len;
    return wrong == 0;
}

/* Why the inner packet must not go on, or DROP_NONE. Trims what traffic flow padding put behind it. */
static enum esp_drop admit(struct esp *e, struct esp_packet *p, struct sa *sa, int64_t now)
{
    struct packet ip;
    uint8_t tos;
    if (!packet_parse(span_of(p->data, p->len), &ip) ||
        p->next_header != (ip.family == 6 ? NH_IPV6 : NH_IPIP))
        return DROP_NOT_IP;
    p->len = ip.len;
    if (!sa_allows(sa, &ip, span_of(p->data, p->len)))
        return DROP_SELECTOR;
    if (!outer_decapsulate_tos(p->tos, ip.tos, sa->copy_dscp, sa->copies_ecn, &tos))
        return DROP_ECN;
    if (tos != ip.tos)
        packet_set_tos(p->data, tos);
    if (e->config.clamps_mss && mss_clamp(p->data, &ip, sa_inner_mtu(&e->sad, sa, now)))
        e->counters.mss_clamped++;
    return DROP_NONE;
}

static void finish(struct esp *e, const struct flight *f, enum bulk_status status, int64_t now)
{
    struct esp_packet *p = f->packet;
    struct sa *sa = f->sa;
    if (status != BULK_OK) {
        packet_drop(e, p, status == BULK_BAD_ICV ? DROP_BAD_ICV : DROP_SHORT);
        return;
    }
    if (sa->is_expired) { /* by an earlier packet of this batch */
        packet_drop(e, p, DROP_EXPIRED);
        return;
    }
    if (!commit(e, sa, p, f->seq)) {
        packet_drop(e, p, DROP_REPLAY);
        return;
    }
    if (!strip(p, sa)) {
        packet_drop(e, p, DROP_BAD_PADDING);
        return;
    }
    if (p->next_header == NH_NONE) { /* [RFC4303#2.6] a dummy, without prejudice */
        sa->last_use = now;
        return;
    }
    enum esp_drop why = admit(e, p, sa, now);
    if (why != DROP_NONE) {
        packet_drop(e, p, why);
        return;
    }
    lifetime_account(&e->sad, sa, p->len, now);
    p->verdict = ESP_FORWARD;
    e->counters.packets_in++;
    e->counters.bytes_in += p->len;
}

void esp_inbound(struct esp *e, struct esp_packet *p, size_t n, int64_t now)
{
    size_t ready = 0;
    for (size_t i = 0; i < n; i++)
        ready += prepare(e, &p[i], ready);
    run_crypto(e, ready, false);
    for (size_t i = 0; i < ready; i++)
        finish(e, &e->flights[i], e->ops[i].status, now);
}
