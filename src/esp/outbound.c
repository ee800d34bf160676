/* SPDX-License-Identifier: Apache-2.0 */
/* Outbound processing (RFC 4301 section 5.1, RFC 4303 section 3.3): for each packet of the batch policy, SA,
 * size, header and trailer; then one call seals the batch. Whatever goes wrong, a packet that a
 * policy protects leaves sealed or not at all. Inner packets without DF that are too big are not fragmented
 * before sealing: their outer packet is (RFC 4301 section 8.2.1 leaves the choice). What an SA may ask for
 * besides, compression and padding against traffic analysis (RFC 4303 section 2.7), happens in dress(). */
#include "esp/ah.h"
#include "esp/lifetime.h"
#include "esp/mode.h"
#include "esp/mss.h"
#include "esp/outer.h"
#include "esp/state.h"

#define IP_PACKET_MAX 65535
#define OUTER_MAX     48 /* IPv6 and UDP */
#define MTU6_MINIMUM  1280

/* Drops the packet with an ICMP error to its sender where one may be sent. The sender is inside the local
 * selectors: only packets that a policy protects come here. */
static void answer(struct esp *e, struct esp_packet *p, const struct packet *ip, enum icmp_error error,
                   uint32_t mtu, enum esp_drop why, int64_t now)
{
    packet_drop(e, p, why);
    if (!icmp_may_answer(ip, error) || !icmp_limit_take(&e->icmp_limit, now))
        return;
    icmp_build(ip, error, mtu, &p->data, &p->len);
    p->verdict = ESP_ICMP_BACK;
    e->counters.icmp_sent++;
}

/* The SA for the packet, or NULL when the packet's verdict is final. */
static struct sa *select_sa(struct esp *e, struct esp_packet *p, const struct packet *ip, int64_t now)
{
    struct span bytes = span_of(p->data, p->len);
    const struct policy *policy = spd_lookup(&e->spd, ip, bytes);
    if (!policy) {
        packet_drop(e, p, DROP_NO_POLICY);
        return NULL;
    }
    if (policy->action == POLICY_BYPASS) {
        p->verdict = ESP_BYPASS;
        return NULL;
    }
    if (policy->action != POLICY_PROTECT) {
        packet_drop(e, p, DROP_POLICY_DISCARD);
        return NULL;
    }
    spd_ask(&e->spd, ip, now);
    struct sa *sa = bundle_newest(policy->bundle);
    if (!sa && policy->hold) {
        p->verdict = ESP_HELD;
        if (!hold_packet(&e->spd.holds, policy->hold, ip, bytes, now))
            packet_drop(e, p, DROP_TRAP_FULL);
        return NULL;
    }
    if (!sa) {
        answer(e, p, ip, ICMP_UNREACHABLE, 0, DROP_NO_SA, now);
        return NULL;
    }
    p->child_id = sa->child_id;
    if (!sa_allows(sa, ip, bytes)) {
        packet_drop(e, p, DROP_SELECTOR);
        return NULL;
    }
    if (sa->is_expired) {
        packet_drop(e, p, sa->seq == UINT32_MAX && !sa->has_esn ? DROP_SEQ_EXHAUSTED : DROP_EXPIRED);
        return NULL;
    }
    return sa;
}

bool esp_outbound_reqid(struct esp *e, const uint8_t *packet, uint32_t len, uint32_t *reqid)
{
    struct packet ip;
    struct span bytes = span_of(packet, len);
    if (!packet_parse(bytes, &ip))
        return false;
    const struct policy *policy = spd_lookup(&e->spd, &ip, bytes);
    if (!policy || policy->action != POLICY_PROTECT)
        return false;
    *reqid = policy->bundle->reqid;
    return true;
}

bool esp_wants_whole(struct esp *e, struct span packet, struct packet *ip)
{
    return e->spd.n_whole && packet_parse(packet, ip) && spd_wants_whole(&e->spd, ip);
}

/* [RFC4301#8.2.1] False when the packet was answered. */
static bool fits(struct esp *e, struct esp_packet *p, const struct packet *ip, struct sa *sa, int64_t now)
{
    uint32_t mtu = sa_inner_mtu(&e->sad, sa, now), pad;
    if (ip->family == 6 && mtu < MTU6_MINIMUM)
        mtu = MTU6_MINIMUM; /* [RFC8200#5] a smaller one cannot be asked for: fragment the outer packet */
    p->has_df = sa->copies_df && ip->has_df && ip->len <= sa->inner_mtu;
    if (ip->len > mtu && !p->was_fragmented && (ip->family == 6 || (ip->has_df && sa->copies_df))) {
        answer(e, p, ip, ICMP_TOO_BIG, mtu, DROP_TOO_BIG, now);
        return false;
    }
    if (sa_sealed_len(sa, ip->len, &pad) + OUTER_MAX > IP_PACKET_MAX) {
        packet_drop(e, p, DROP_TOO_BIG);
        return false;
    }
    return true;
}

/* Compresses the payload, or pads it against traffic analysis [RFC4303#2.7]: an SA that does both was refused
 * when it was configured. False: it must not leave as short as it is. */
static bool dress(struct esp *e, struct esp_packet *p, struct sa *sa)
{
    if (sa->cpi && ipcomp_compress(e->ipcomp, &sa->pace, p->data, &p->len, p->next_header, sa->cpi))
        p->next_header = NH_IPCOMP;
    if (sa->cpi || p->len >= sa->pad_to)
        return true;
    uint32_t more = sa->pad_to - p->len;
    if (more > p->room) { /* laid out before there was an SA that pads */
        packet_drop(e, p, DROP_NO_SA);
        return false;
    }
    memset(p->data + p->len, 0, more);
    p->len = sa->pad_to;
    return true;
}

/* Header, IV and trailer around the payload, in its buffer. */
static void build(struct esp_packet *p, struct sa *sa, uint64_t seq)
{
    uint32_t pad, len = sa_sealed_len(sa, p->len, &pad);
    struct wr head = wr_over(p->data - ESP_HEADER - sa->iv_len, ESP_HEADER);
    wr_u32(&head, sa->spi);
    wr_u32(&head, (uint32_t)seq);
    iv_next(&sa->iv, seq, p->data - sa->iv_len);
    struct wr tail = wr_over(p->data + p->len, pad + ESP_TRAILER);
    for (uint32_t i = 1; i <= pad; i++) /* [RFC4303#2.4] */
        wr_u8(&tail, (uint8_t)i);
    wr_u8(&tail, (uint8_t)pad);
    wr_u8(&tail, p->next_header);
    p->data -= ESP_HEADER + sa->iv_len;
    p->len = len;
}

/* Numbers the packet, builds it around what is behind the first skip bytes, and makes it number n of the
 * batch. */
static bool load(struct esp *e, struct esp_packet *p, struct sa *sa, size_t n, uint8_t skip, int64_t now)
{
    uint32_t inner = p->len;
    uint8_t next_header = p->next_header;
    uint64_t seq;
    p->data += skip;
    p->len -= skip;
    if (sa->has_dress && !dress(e, p, sa))
        return false;
    if (!lifetime_take_seq(&e->sad, sa, &seq)) {
        packet_drop(e, p, DROP_SEQ_EXHAUSTED);
        return false;
    }
    if (sa->is_ah)
        ah_build(p, sa, seq);
    else
        build(p, sa, seq);
    e->ops[n] = (struct bulk_op){.key = sa->key,
                                 .esp = p->data,
                                 .len = p->len,
                                 .seq_hi = (uint32_t)(seq >> 32),
                                 .has_esn = sa->has_esn};
    e->flights[n] = (struct flight){
        .packet = p, .sa = sa, .seq = seq, .inner = inner, .skip = skip, .next_header = next_header};
    /* Counted now, so that a limit stops the very next packet of the batch. */
    lifetime_account(&e->sad, sa, inner, now);
    return true;
}

/* What was decided for the packet before holds for what was cut from the same super-packet; but not what was
 * written into it. */
static bool is_decided(const struct esp *e, const struct esp_packet *p, size_t n)
{
    const struct flight *f = &e->flights[n - 1];
    return f->packet == p - 1 && p->len <= f->inner && !f->sa->is_expired && f->next_header != NH_BEET;
}

static bool follow(struct esp *e, struct esp_packet *p, size_t n, int64_t now)
{
    const struct esp_packet *before = p - 1;
    p->verdict = ESP_DROP;
    p->drop = DROP_NONE;
    p->next_header = e->flights[n - 1].next_header;
    p->child_id = before->child_id;
    p->has_encap = before->has_encap;
    p->is_ah = before->is_ah;
    p->has_df = before->has_df;
    p->tos = before->tos;
    p->local = before->local;
    p->remote = before->remote;
    return load(e, p, e->flights[n - 1].sa, n, e->flights[n - 1].skip, now);
}

/* True when the packet is ready to be sealed as number n of the batch. */
static bool prepare(struct esp *e, struct esp_packet *p, size_t n, int64_t now)
{
    struct packet ip;
    uint8_t skip = 0;
    if (p->follows && n && is_decided(e, p, n))
        return follow(e, p, n, now);
    p->verdict = ESP_DROP;
    p->drop = DROP_NONE;
    p->has_encap = p->is_ah = p->has_df = false;
    p->tos = p->next_header = 0;
    p->child_id = 0;
    if (!packet_parse(span_of(p->data, p->len), &ip)) {
        packet_drop(e, p, DROP_NOT_IP);
        return false;
    }
    p->len = ip.len;
    struct sa *sa = select_sa(e, p, &ip, now);
    if (!sa || !fits(e, p, &ip, sa, now))
        return false;
    if (e->config.clamps_mss && mss_clamp(p->data, &ip, sa->inner_mtu))
        e->counters.mss_clamped++;
    p->tos = outer_tos(ip.tos, sa->copy_dscp, sa->copies_ecn);
    p->has_encap = sa->has_encap;
    p->is_ah = sa->is_ah;
    p->local = sa->local;
    p->remote = sa->remote;
    p->next_header = ip.family == 6 ? NH_IPV6 : NH_IPIP;
    enum esp_drop why = sa->saved ? sa->mode->wrap(p, &ip, sa, &skip) : DROP_NONE;
    if (why != DROP_NONE) {
        packet_drop(e, p, why);
        return false;
    }
    return load(e, p, sa, n, skip, now);
}

void esp_outbound(struct esp *e, struct esp_packet *p, size_t n, int64_t now)
{
    size_t ready = 0;
    for (size_t i = 0; i < n; i++)
        ready += prepare(e, &p[i], ready, now);
    run_crypto(e, ready, true);
    for (size_t i = 0; i < ready; i++) {
        const struct flight *f = &e->flights[i];
        if (e->ops[i].status != BULK_OK) { /* not sealed: must not leave */
            packet_drop(e, f->packet, DROP_TOO_BIG);
            continue;
        }
        if (f->sa->is_ah)
            ah_finish(f->packet, f->sa);
        f->packet->verdict = ESP_FORWARD;
        e->counters.packets_out++;
        e->counters.bytes_out += f->inner;
    }
}
