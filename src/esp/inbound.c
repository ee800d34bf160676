/* SPDX-License-Identifier: Apache-2.0 */
/* Inbound processing (RFC 4301 section 5.2, RFC 4303 section 3.4, RFC 4302 section 3.4): SA by SPI, replay
 * check, one call that verifies and decrypts the batch, and only then anything that changes an SA: replay
 * window, lifetime, mapping. Then padding, inner header, selectors, ECN. What is not authentic changes
 * nothing but counters.
 *
 * Encapsulation. [RFC7296#2.23] wants ESP in UDP and bare ESP both accepted at any time, and the ICV vouches
 * for either, so the outer form and addresses decide nothing. When the newest packet of an SA that has_encap
 * came in UDP from another endpoint, the engine hears of it and decides. */
#include "base/rd.h"
#include "esp/ah.h"
#include "esp/lifetime.h"
#include "esp/mode.h"
#include "esp/mss.h"
#include "esp/outer.h"
#include "esp/state.h"
#include "esp/tcp.h"

static void drop_replayed(struct esp *e, struct esp_packet *p, struct sa *sa)
{
    sa->n_replayed++;
    packet_drop(e, p, DROP_REPLAY);
}

/* May the SA take a packet of this number? */
static bool takes_number(struct esp *e, struct esp_packet *p, struct sa *sa, uint32_t low, uint64_t *seq)
{
    if (sa->is_expired) {
        packet_drop(e, p, DROP_EXPIRED);
        return false;
    }
    if (!replay_infer(&sa->replay, low, seq) || !replay_check(&sa->replay, *seq)) {
        drop_replayed(e, p, sa);
        return false;
    }
    return true;
}

static void fly(struct esp *e, struct esp_packet *p, struct sa *sa, uint64_t seq, size_t n)
{
    e->ops[n] = (struct bulk_op){.key = sa->key,
                                 .esp = p->data,
                                 .len = p->len,
                                 .seq_hi = (uint32_t)(seq >> 32),
                                 .has_esn = sa->has_esn};
    e->flights[n] = (struct flight){.packet = p, .sa = sa, .seq = seq};
}

/* The same as prepare() for a packet with AH, which is made ready for its MAC. */
static bool prepare_ah(struct esp *e, struct esp_packet *p, size_t n)
{
    uint32_t at = ah_find(span_of(p->data, p->len)), payload;
    uint64_t seq;
    p->verdict = ESP_DROP;
    p->drop = DROP_NONE;
    p->next_header = 0;
    p->child_id = 0;
    if (!at) {
        packet_drop(e, p, DROP_SHORT);
        return false;
    }
    struct rd r = rd_over(span_of(p->data + at + 4, 8));
    uint32_t spi = rd_u32(&r), low = rd_u32(&r);
    struct sa *sa = sad_inbound(&e->sad, spi);
    if (!sa || !sa->is_ah) {
        packet_drop(e, p, DROP_UNKNOWN_SPI);
        return false;
    }
    p->child_id = sa->child_id;
    if (!takes_number(e, p, sa, low, &seq))
        return false;
    enum esp_drop why = ah_prepare(p, sa, at, &payload);
    if (why != DROP_NONE) {
        packet_drop(e, p, why);
        return false;
    }
    fly(e, p, sa, seq, n);
    e->flights[n].payload = payload;
    return true;
}

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
    if (!sa || sa->is_ah) {
        packet_drop(e, p, DROP_UNKNOWN_SPI);
        return false;
    }
    p->child_id = sa->child_id;
    size_t overhead = (size_t)sa->iv_len + sa->icv_len;
    if (rd_left(&r) < overhead + ESP_TRAILER) {
        packet_drop(e, p, DROP_SHORT);
        return false;
    }
    if (!takes_number(e, p, sa, low, &seq))
        return false;
    fly(e, p, sa, seq, n);
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

#define IPV4_PLAIN 0x45 /* version and a header without options */

static bool is_whole4(const uint8_t *ip)
{
    return !(ip[6] & 0x3f) && !ip[7];
}

/* Does the packet differ from one that was admitted in nothing that admission looks at? Most packets are like
 * the one before. What is rare is never alike: fragments, options, a SYN, padding behind the IP length. */
static bool is_alike(const struct esp_packet *a, const struct esp_packet *p)
{
    const uint8_t *x = a->data, *y = p->data;
    size_t upper = p->next_header == NH_IPV6 ? 40 : 20;
    if (p->next_header != a->next_header || p->tos != a->tos || p->len < upper + 20 || a->len < upper + 20 ||
        x[0] != y[0] || x[1] != y[1]) /* version, class or TOS */
        return false;
    uint8_t proto;
    if (upper == 20) {
        proto = y[9];
        if (y[0] != IPV4_PLAIN || !is_whole4(x) || !is_whole4(y) || proto != x[9] ||
            memcmp(x + 12, y + 12, 12) != 0 || ((uint32_t)y[2] << 8 | y[3]) != p->len)
            return false;
    } else {
        proto = y[6];
        if (y[0] >> 4 != 6 || proto != x[6] || memcmp(x + 8, y + 8, 36) != 0 ||
            ((uint32_t)y[4] << 8 | y[5]) + 40 != p->len)
            return false;
    }
    return proto == NH_UDP || (proto == NH_TCP && !(y[upper + TCP_AT_FLAGS] & TCP_SYN));
}

/* In modes that carry no IP header: the packet is put together elsewhere, in no neighbour's way. */
static enum esp_drop unwrap(struct esp *e, struct esp_packet *p, const struct sa *sa)
{
    size_t need = (MODE_HEADER_MAX + p->len + 63) / 64 * 64;
    uint8_t *room = e->spare + e->spare_used;
    if (need > ESP_SPARE - e->spare_used)
        return DROP_TOO_BIG;
    e->spare_used += need;
    return sa->mode->unwrap(p, sa, room);
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
    if (p->remote.stream) /* an outer header carries no class of single packets [RFC9329#9.3] [RFC9329#9.5] */
        tos = ip.tos;
    else if (!outer_decapsulate_tos(p->tos, ip.tos, sa->copy_dscp, sa->copies_ecn, &tos))
        return DROP_ECN;
    if (tos != ip.tos)
        packet_set_tos(p->data, tos);
    if (e->config.clamps_mss && mss_clamp(p->data, &ip, sa_inner_mtu(&e->sad, sa, now)))
        e->counters.mss_clamped++;
    return DROP_NONE;
}

/* The packet from before its compression; it lies elsewhere now. */
static bool restore(struct esp *e, struct esp_packet *p, const struct sa *sa)
{
    return ipcomp_restore(e->ipcomp, &p->data, &p->len, &p->next_header, sa->cpi);
}

/* before: the last packet of the batch that went on, or NULL. True when this one does. */
static bool finish(struct esp *e, const struct flight *f, enum bulk_status status,
                   const struct flight *before, int64_t now)
{
    struct esp_packet *p = f->packet;
    struct sa *sa = f->sa;
    if (status != BULK_OK) {
        sa->n_wrong += status == BULK_BAD_ICV;
        packet_drop(e, p, status == BULK_BAD_ICV ? DROP_BAD_ICV : DROP_SHORT);
        return false;
    }
    if (sa->is_expired) { /* by an earlier packet of this batch */
        packet_drop(e, p, DROP_EXPIRED);
        return false;
    }
    if (!commit(e, sa, p, f->seq)) {
        drop_replayed(e, p, sa);
        return false;
    }
    if (sa->is_ah) {
        p->data += f->payload;
        p->len -= f->payload + sa->icv_len;
    } else if (!strip(p, sa)) {
        packet_drop(e, p, DROP_BAD_PADDING);
        return false;
    }
    if (p->next_header == NH_NONE) { /* [RFC4303#2.6] a dummy, without prejudice */
        sa->last_use = now;
        return false;
    }
    if (p->next_header == NH_IPCOMP && !(sa->cpi && restore(e, p, sa))) {
        packet_drop(e, p, DROP_COMPRESSION);
        return false;
    }
    enum esp_drop why = sa->saved ? unwrap(e, p, sa) : DROP_NONE;
    bool is_train = why == DROP_NONE && before && before->sa == sa && is_alike(before->packet, p);
    if (why == DROP_NONE && !is_train)
        why = admit(e, p, sa, now);
    if (why != DROP_NONE) {
        packet_drop(e, p, why);
        return false;
    }
    lifetime_account(&e->sad, sa, p->len, now);
    p->verdict = ESP_FORWARD;
    e->counters.packets_in++;
    e->counters.bytes_in += p->len;
    return true;
}

void esp_inbound(struct esp *e, struct esp_packet *p, size_t n, int64_t now)
{
    const struct flight *before = NULL;
    size_t ready = 0;
    e->spare_used = 0;
    for (size_t i = 0; i < n; i++)
        ready += p[i].is_ah ? prepare_ah(e, &p[i], ready) : prepare(e, &p[i], ready);
    run_crypto(e, ready, false);
    if (e->ipcomp)
        ipcomp_begin(e->ipcomp);
    for (size_t i = 0; i < ready; i++) {
        if (finish(e, &e->flights[i], e->ops[i].status, before, now))
            before = &e->flights[i];
    }
}
