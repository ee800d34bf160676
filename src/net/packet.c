/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing and building of IP, TCP, UDP and ICMP headers: see packet.h. The walk over IPv6 extension headers
 * is bounded; a packet with more of them than anybody sends is refused rather than guessed at. */
#include "net/packet.h"
#include "base/rd.h"

#define EXTENSIONS_MAX 8

enum { EXT_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_AH = NH_AH, EXT_DEST = 60 };

static bool icmp_is_error(uint8_t proto, uint8_t type)
{
    if (proto == NH_ICMPV6)
        return type < 128;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Ports, or what stands for them. A short header leaves them unknown. */
static void parse_upper(struct rd r, struct packet *p)
{
    if (p->is_later_fragment)
        return;
    switch (p->proto) {
    case 6:   /* TCP */
    case 17:  /* UDP */
    case 33:  /* DCCP */
    case 132: /* SCTP */
    case 136: /* UDP-Lite */
        p->sport = rd_u16(&r);
        p->dport = rd_u16(&r);
        break;
    case NH_ICMP:
    case NH_ICMPV6:
        p->sport = p->dport = rd_u16(&r);
        p->is_icmp_error = rd_ok(&r) && icmp_is_error(p->proto, (uint8_t)(p->sport >> 8));
        break;
    default:
        return;
    }
    p->port_known = rd_ok(&r);
}

static bool parse4(struct rd r, struct span s, struct packet *p, bool is_quoted)
{
    uint8_t ihl = rd_u8(&r) & 15;
    p->tos = rd_u8(&r);
    p->len = rd_u16(&r);
    rd_skip(&r, 2);
    uint16_t frag = rd_u16(&r);
    rd_skip(&r, 1);
    p->proto = rd_u8(&r);
    rd_skip(&r, 2);
    struct span src = rd_bytes(&r, 4), dst = rd_bytes(&r, 4);
    rd_skip(&r, ihl > 5 ? (ihl - 5u) * 4 : 0);
    p->upper = ihl * 4u;
    if (ihl < 5 || p->len < p->upper || !rd_ok(&r) || (!is_quoted && p->len > s.len))
        return false;
    p->has_df = frag & 0x4000;
    p->is_fragment = frag & 0x3fff;
    p->is_later_fragment = frag & 0x1fff;
    ip_from_bytes(src, &p->src);
    ip_from_bytes(dst, &p->dst);
    parse_upper(rd_over(span_of(s.ptr + p->upper, (p->len < s.len ? p->len : s.len) - p->upper)), p);
    return true;
}

/* One extension header: its next-header value goes to *next. False when it ends the chain or is cut off. */
static bool extension_take(struct rd *r, uint8_t *next, struct packet *p)
{
    uint8_t kind = *next;
    if (kind != EXT_HOP && kind != EXT_ROUTING && kind != EXT_FRAGMENT && kind != EXT_AH && kind != EXT_DEST)
        return false;
    uint8_t following = rd_u8(r), len = rd_u8(r);
    if (kind == EXT_FRAGMENT) {
        uint16_t offset = rd_u16(r);
        rd_skip(r, 4);
        p->is_fragment = offset & 0xfff9;
        p->is_later_fragment = offset & 0xfff8;
    } else {
        rd_skip(r, kind == EXT_AH ? (len + 2u) * 4 - 2 : (len + 1u) * 8 - 2);
    }
    *next = following;
    return rd_ok(r);
}

static bool parse6(struct rd r, struct span s, struct packet *p, bool is_quoted)
{
    p->tos = (uint8_t)(rd_u16(&r) >> 4);
    rd_skip(&r, 2);
    p->len = 40u + rd_u16(&r);
    p->proto = rd_u8(&r);
    rd_skip(&r, 1);
    struct span src = rd_bytes(&r, 16), dst = rd_bytes(&r, 16);
    if (!rd_ok(&r) || (!is_quoted && p->len > s.len))
        return false;
    p->has_df = true;
    ip_from_bytes(src, &p->src);
    ip_from_bytes(dst, &p->dst);
    struct rd body = rd_over(span_of(s.ptr + 40, (p->len < s.len ? p->len : s.len) - 40));
    size_t extensions = 0;
    while (!p->is_later_fragment && extension_take(&body, &p->proto, p))
        if (++extensions > EXTENSIONS_MAX)
            return false;
    if (!rd_ok(&body) && !is_quoted)
        return false;
    p->upper = p->len < s.len ? p->len : (uint32_t)s.len;
    p->upper -= (uint32_t)rd_left(&body);
    parse_upper(body, p);
    return true;
}

static bool parse(struct span s, struct packet *out, bool is_quoted)
{
    struct rd r = rd_over(s), head = r;
    struct packet p = {.family = rd_u8(&head) >> 4};
    if (!rd_ok(&head) || (p.family != 4 && p.family != 6))
        return false;
    if (!(p.family == 4 ? parse4 : parse6)(r, s, &p, is_quoted))
        return false;
    *out = p;
    return true;
}

bool packet_parse(struct span s, struct packet *out)
{
    return parse(s, out, false);
}

bool packet_parse_quoted(struct span s, struct packet *out)
{
    return parse(s, out, true);
}

/* One's complement sum, folded to 16 bits. */
static uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static uint64_t halves(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return (word & 0xffffffff) + (word >> 32);
}

/* Fewer than eight bytes, the last one as if a zero followed. */
static uint64_t sum_rest(const uint8_t *at, size_t left)
{
    uint32_t four = 0;
    uint16_t two = 0, one;
    uint8_t last[2] = {0};
    if (left & 4)
        memcpy(&four, at, sizeof(four));
    if (left & 2)
        memcpy(&two, at + (left & 4), sizeof(two));
    if (left & 1)
        last[0] = at[left - 1];
    memcpy(&one, last, sizeof(one));
    return (uint64_t)four + two + one;
}

/* The sum does not depend on the width of the words that are added, and the order of bytes in them only swaps
 * that of the result [RFC1071#2]: so four bytes at a time, in chains that do not wait for each other and
 * cannot overflow, and one swap. */
uint32_t checksum_add(uint32_t sum, struct span s)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    const uint8_t *at = s.ptr;
    size_t left = s.len;
    for (; left >= 32; at += 32, left -= 32) {
        a += halves(at);
        b += halves(at + 8);
        c += halves(at + 16);
        d += halves(at + 24);
    }
    for (; left >= 8; at += 8, left -= 8)
        a += halves(at);
    uint16_t part = fold(a + b + c + d + sum_rest(at, left));
    uint8_t bytes[2];
    memcpy(bytes, &part, sizeof(bytes));
    uint64_t wide = (uint64_t)sum + (uint64_t)(bytes[0] << 8 | bytes[1]);
    while (wide >> 16)
        wide = (wide & 0xffff) + (wide >> 16);
    return (uint32_t)wide;
}

uint16_t checksum_finish(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint16_t checksum_update(uint16_t sum, uint16_t before, uint16_t after)
{
    uint32_t s = (uint16_t)~sum + (uint32_t)(uint16_t)~before + after;
    return checksum_finish(s);
}

uint16_t checksum_upper(const struct ip *src, const struct ip *dst, uint8_t proto, struct span message)
{
    uint32_t sum = 0;
    if (proto) {
        sum = checksum_add(sum, ip_view(src));
        sum = checksum_add(sum, ip_view(dst));
        sum += proto + (uint32_t)(message.len & 0xffff) + (uint32_t)(message.len >> 16);
    }
    return checksum_finish(checksum_add(sum, message));
}

void packet_set_tos(uint8_t *ip, uint8_t tos)
{
    if (ip[0] >> 4 == 6) {
        ip[0] = (uint8_t)(0x60 | tos >> 4);
        ip[1] = (uint8_t)((tos & 15) << 4 | (ip[1] & 15));
        return;
    }
    uint16_t sum = (uint16_t)(ip[10] << 8 | ip[11]);
    sum = checksum_update(sum, (uint16_t)(ip[0] << 8 | ip[1]), (uint16_t)(ip[0] << 8 | tos));
    ip[1] = tos;
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

size_t packet_ip_len(uint8_t family)
{
    return family == 6 ? 40 : 20;
}

static void write_ip4(struct wr *w, const struct packet_ip *h)
{
    size_t start = w->len;
    wr_u8(w, 0x45);
    wr_u8(w, h->tos);
    wr_u16(w, (uint16_t)(20 + h->payload));
    wr_u16(w, 0);
    wr_u16(w, h->has_df ? 0x4000 : 0);
    wr_u8(w, h->ttl);
    wr_u8(w, h->proto);
    wr_u16(w, 0);
    wr_span(w, ip_view(&h->src));
    wr_span(w, ip_view(&h->dst));
    if (wr_ok(w))
        wr_patch_u16(w, start + 10, checksum_finish(checksum_add(0, span_of(w->base + start, 20))));
}

void packet_write_ip(struct wr *w, const struct packet_ip *h)
{
    if (h->src.family == 4) {
        write_ip4(w, h);
        return;
    }
    wr_u32(w, 0x60000000u | (uint32_t)h->tos << 20);
    wr_u16(w, h->payload);
    wr_u8(w, h->proto);
    wr_u8(w, h->ttl);
    wr_span(w, ip_view(&h->src));
    wr_span(w, ip_view(&h->dst));
}

void packet_write_udp(struct wr *w, const struct endpoint *from, const struct endpoint *to, struct span data)
{
    size_t start = w->len;
    uint16_t len = (uint16_t)(8 + data.len);
    wr_u16(w, from->port);
    wr_u16(w, to->port);
    wr_u16(w, len);
    wr_u16(w, 0);
    if (!wr_ok(w))
        return;
    uint32_t sum = checksum_add(0, ip_view(&from->ip));
    sum = checksum_add(sum, ip_view(&to->ip)) + NH_UDP + len;
    sum = checksum_add(sum, span_of(w->base + start, 8));
    uint16_t checksum = checksum_finish(checksum_add(sum, data));
    wr_patch_u16(w, start + 6, checksum ? checksum : 0xffff); /* [RFC768] zero would mean "none" */
}
