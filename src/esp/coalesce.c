/* SPDX-License-Identifier: Apache-2.0 */
/* Coalescing: see coalesce.h. Two packets become one only when cutting the result gives both back as they
 * were, except the identification of IPv4 packets with DF, which means nothing [RFC6864#4.1]. So headers must
 * be equal, checksums and lengths right, and PSH and FIN end a super-packet. Packets with IP options,
 * extension headers, CWR or anything else that is rare stay alone. Checksums are verified only when two
 * packets meet. */
#include "esp/coalesce.h"
#include "esp/tcp.h"
#include "net/packet.h"

#define SUPER_MAX     65535
#define DATAGRAMS_MAX 64 /* in one write: the limit of kernels before 6.9 (UDP_MAX_SEGMENTS) */
#define TCP_MERGEABLE (TCP_ACK | TCP_PSH | TCP_FIN | TCP_ECE)

/* What one packet is, as far as it matters here. */
struct look {
    uint8_t kind;
    bool may_join, is_last;
    uint16_t upper, header, id;
    uint32_t payload, hash, seq;
};

static uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

static void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Addresses and ports stand in one row in both families: IPv4 from 12 on without options, IPv6 from 8 on. */
static uint32_t flow_hash(const uint8_t *ip, size_t upper, uint8_t proto)
{
    uint32_t hash = proto;
    for (size_t i = upper == 20 ? 12 : 8; i < upper + 4; i += 4)
        hash = (hash ^ get_u32(ip + i)) * 0x9e3779b1u;
    return hash;
}

static void look_at_tcp(const struct esp_packet *p, struct look *l)
{
    const uint8_t *tcp = p->data + l->upper;
    if (p->len < l->upper + (uint32_t)TCP_HEADER)
        return;
    l->kind = OFFLOAD_TCP;
    uint32_t header = l->upper + (uint32_t)(tcp[TCP_AT_OFFSET] >> 4) * 4;
    if (header < l->upper + (uint32_t)TCP_HEADER || header > p->len)
        return;
    uint8_t flags = tcp[TCP_AT_FLAGS];
    l->header = (uint16_t)header;
    l->payload = p->len - header;
    l->seq = get_u32(tcp + TCP_AT_SEQ);
    l->is_last = flags & (TCP_PSH | TCP_FIN);
    l->may_join = l->payload && flags & TCP_ACK && !(flags & ~TCP_MERGEABLE) && !(tcp[TCP_AT_OFFSET] & 15);
}

static void look_at_udp(const struct esp_packet *p, struct look *l)
{
    const uint8_t *udp = p->data + l->upper;
    if (p->len < l->upper + (uint32_t)UDP_HEADER)
        return;
    l->kind = OFFLOAD_UDP;
    l->header = (uint16_t)(l->upper + UDP_HEADER);
    l->payload = p->len - l->header;
    l->may_join =
        l->payload && get_u16(udp + UDP_AT_LEN) == p->len - l->upper && get_u16(udp + UDP_AT_CHECKSUM) != 0;
}

static void look_at(const struct esp_packet *p, struct look *l)
{
    const uint8_t *ip = p->data;
    uint8_t proto;
    *l = (struct look){0};
    if (p->len >= 20 && ip[0] == 0x45) {
        l->upper = 20;
        l->id = get_u16(ip + 4);
        proto = ip[9];
        if (get_u16(ip + 6) & 0xbfff || get_u16(ip + 2) != p->len) /* a fragment, or the reserved bit */
            return;
    } else if (p->len >= 40 && ip[0] >> 4 == 6) {
        l->upper = 40;
        proto = ip[6];
        if (get_u16(ip + 4) + 40u != p->len)
            return;
    } else {
        return;
    }
    if (proto == NH_TCP)
        look_at_tcp(p, l);
    if (proto == NH_UDP)
        look_at_udp(p, l);
    if (l->kind)
        l->hash = flow_hash(ip, l->upper, proto);
}

static bool is_equal(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

static bool is_same_flow(const struct super *s, const uint8_t *first, const struct look *l, const uint8_t *ip)
{
    return s->hash == l->hash && s->kind == l->kind && s->upper == l->upper &&
           is_equal(first, ip, l->upper == 20 ? 12 : 8, l->upper + 4u);
}

static bool is_same_ip(const struct super *s, const uint8_t *first, const struct look *l, const uint8_t *ip)
{
    if (l->upper == 40) /* class, label, hop limit */
        return is_equal(first, ip, 0, 4) && is_equal(first, ip, 6, 8);
    if (!is_equal(first, ip, 0, 2) || !is_equal(first, ip, 6, 10)) /* TOS, DF, TTL */
        return false;
    return ip[6] & 0x40 || l->id == (uint16_t)(s->last_id + 1);
}

static bool is_same_tcp(const uint8_t *a, const uint8_t *b, size_t header)
{
    return is_equal(a, b, TCP_AT_ACK, TCP_AT_OFFSET + 1) &&
           !((a[TCP_AT_FLAGS] ^ b[TCP_AT_FLAGS]) & ~(TCP_PSH | TCP_FIN)) &&
           is_equal(a, b, TCP_AT_WINDOW, TCP_AT_CHECKSUM) && is_equal(a, b, TCP_AT_URGENT, header);
}

static uint32_t pseudo_sum(const uint8_t *ip, size_t upper, uint8_t kind, size_t len)
{
    size_t from = upper == 20 ? 12 : 8;
    uint32_t sum = (kind == OFFLOAD_TCP ? NH_TCP : NH_UDP) + (uint32_t)len;
    return checksum_add(sum, span_of(ip + from, upper - from));
}

/* The addresses and all that is behind them: one run of bytes. */
static bool is_sound(const uint8_t *ip, const struct look *l)
{
    size_t from = l->upper == 20 ? 12 : 8, end = l->header + l->payload;
    uint32_t sum = (l->kind == OFFLOAD_TCP ? NH_TCP : NH_UDP) + (uint32_t)(end - l->upper);
    if (l->upper == 20 && checksum_finish(checksum_add(0, span_of(ip, 20))) != 0)
        return false;
    return checksum_finish(checksum_add(sum, span_of(ip + from, end - from))) == 0;
}

/* May the packet follow what is there? The cheap questions first. */
static bool may_append(struct super *s, const struct esp_packet *first, const struct look *l,
                       const struct esp_packet *p)
{
    const uint8_t *a = first->data, *b = p->data;
    if (!s->is_open || !l->may_join || l->header != s->header || l->payload > s->size ||
        s->len + l->payload > SUPER_MAX || !is_same_ip(s, a, l, b))
        return false;
    if (s->kind == OFFLOAD_TCP &&
        (l->seq != s->next_seq || !is_same_tcp(a + l->upper, b + l->upper, (size_t)l->header - l->upper)))
        return false;
    if (!s->is_verified) {
        struct look whole = {.kind = s->kind, .upper = s->upper, .header = s->header, .payload = s->size};
        if (!is_sound(a, &whole))
            return false;
        s->is_verified = true;
    }
    return is_sound(b, l);
}

static void append(struct coalescer *c, struct super *s, const struct look *l, uint8_t at)
{
    c->next[s->last] = at;
    s->last = at;
    s->n++;
    s->len += l->payload;
    s->next_seq += l->payload;
    s->last_id = l->id;
    s->is_open = l->payload == s->size && !l->is_last && (s->kind == OFFLOAD_TCP || s->n < DATAGRAMS_MAX);
}

static void begin(struct coalescer *c, const struct look *l, const struct esp_packet *p, uint8_t at)
{
    bool is_wanted = l->kind == OFFLOAD_TCP ? c->has_tcp : c->has_udp;
    c->supers[c->n++] = (struct super){.first = at,
                                       .last = at,
                                       .n = 1,
                                       .kind = l->kind,
                                       .is_open = is_wanted && l->may_join && !l->is_last,
                                       .upper = l->upper,
                                       .header = l->header,
                                       .last_id = l->id,
                                       .size = l->payload,
                                       .len = p->len,
                                       .hash = l->hash,
                                       .next_seq = l->seq + l->payload};
}

/* What is no whole TCP or UDP packet may belong to any flow: a fragment has no ports. */
static void close_all(struct coalescer *c)
{
    for (size_t i = 0; i < c->n; i++)
        c->supers[i].is_open = false;
}

/* The flow's newest super-packet, if it is open. */
static struct super *find(struct coalescer *c, const struct esp_packet *p, const struct look *l, uint8_t at)
{
    for (size_t i = c->n; i-- > 0;) {
        struct super *s = &c->supers[i];
        if (s->is_open && is_same_flow(s, p[s->first].data, l, p[at].data))
            return s;
    }
    return NULL;
}

void coalesce(struct coalescer *c, const struct esp_packet *p, size_t n)
{
    c->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct look l;
        if (p[i].verdict != ESP_FORWARD)
            continue;
        look_at(&p[i], &l);
        if (l.kind == OFFLOAD_NONE)
            close_all(c);
        struct super *s = l.kind ? find(c, p, &l, (uint8_t)i) : NULL;
        if (s && may_append(s, &p[s->first], &l, &p[i])) {
            append(c, s, &l, (uint8_t)i);
            continue;
        }
        if (s)
            s->is_open = false;
        begin(c, &l, &p[i], (uint8_t)i);
    }
}

static void fix_ip(uint8_t *ip, const struct super *s)
{
    if (s->upper == 40) {
        put_u16(ip + 4, s->len - 40);
        return;
    }
    put_u16(ip + 2, s->len);
    put_u16(ip + 10, 0);
    put_u16(ip + 10, checksum_finish(checksum_add(0, span_of(ip, 20))));
}

void coalesce_finish(const struct super *s, struct esp_packet *p, struct offload *o)
{
    *o = (struct offload){0};
    if (s->n == 1)
        return;
    uint8_t *ip = p[s->first].data, *upper = ip + s->upper;
    *o = (struct offload){.kind = s->kind,
                          .needs_checksum = true,
                          .header = s->header,
                          .size = (uint16_t)s->size,
                          .checksum_start = s->upper,
                          .checksum_offset = s->kind == OFFLOAD_TCP ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM};
    fix_ip(ip, s);
    if (s->kind == OFFLOAD_TCP)
        upper[TCP_AT_FLAGS] |= p[s->last].data[s->upper + TCP_AT_FLAGS] & (TCP_PSH | TCP_FIN);
    else
        put_u16(upper + UDP_AT_LEN, s->len - s->upper);
    uint16_t sum = (uint16_t)~checksum_finish(pseudo_sum(ip, s->upper, s->kind, s->len - s->upper));
    put_u16(upper + o->checksum_offset, sum);
}
