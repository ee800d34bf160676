/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors: see icmp.h. */
#include "esp/icmp.h"
#include "base/time.h"

#define LIMIT_RATE   1000
#define LIMIT_BURST  100
#define ICMP_HEADER  8
#define ERROR4_MAX   576  /* [RFC1812#4.3.2.3] */
#define ERROR6_MAX   1280 /* [RFC4443#2.4] (c) */
#define ERROR_TTL    64
#define ERROR_TOS_V4 0xc0 /* [RFC1812#4.3.2.5] internetwork control */

struct error_code {
    uint8_t type, code;
};

static const struct error_code codes4[] = {
    [ICMP_TOO_BIG] = {3, 4},
    [ICMP_UNREACHABLE] = {3, 1},
};

static const struct error_code codes6[] = {
    [ICMP_TOO_BIG] = {2, 0},
    [ICMP_UNREACHABLE] = {1, 3},
};

bool icmp_limit_take(struct icmp_limit *l, int64_t now)
{
    int64_t earned = (now - l->last) / (TIME_SECOND / LIMIT_RATE);
    if (l->last == 0 || earned > LIMIT_BURST) {
        l->tokens = LIMIT_BURST;
        l->last = now;
    } else if (earned > 0) {
        l->tokens += (uint32_t)earned;
        if (l->tokens > LIMIT_BURST)
            l->tokens = LIMIT_BURST;
        l->last += earned * (TIME_SECOND / LIMIT_RATE);
    }
    if (!l->tokens)
        return false;
    l->tokens--;
    return true;
}

static bool is_multicast(struct ip ip)
{
    if (ip.family == 6)
        return ip.b[0] == 0xff;
    return ip.b[0] >= 224; /* with reserved space and the limited broadcast */
}

bool icmp_may_answer(const struct packet *p, enum icmp_error error)
{
    if (p->is_icmp_error || p->is_later_fragment)
        return false;
    if (ip_is_unspecified(p->src) || is_multicast(p->src) || (p->family == 4 && p->src.b[0] == 127))
        return false;
    return !is_multicast(p->dst) || (p->family == 6 && error == ICMP_TOO_BIG);
}

void icmp_build(const struct packet *p, enum icmp_error error, uint32_t mtu, uint8_t **data, uint32_t *len)
{
    bool is_v6 = p->family == 6;
    size_t ip_header = packet_ip_len(p->family), room = ip_header + ICMP_HEADER;
    size_t quoted = (is_v6 ? ERROR6_MAX : ERROR4_MAX) - room;
    if (quoted > p->len)
        quoted = p->len;
    struct error_code code = (is_v6 ? codes6 : codes4)[error];
    uint8_t *start = *data - room;
    struct wr w = wr_over(start, room);
    struct packet_ip h = {.src = p->dst,
                          .dst = p->src,
                          .proto = is_v6 ? NH_ICMPV6 : NH_ICMP,
                          .tos = is_v6 ? 0 : ERROR_TOS_V4,
                          .ttl = ERROR_TTL,
                          .has_df = true,
                          .payload = (uint16_t)(ICMP_HEADER + quoted)};
    packet_write_ip(&w, &h);
    wr_u8(&w, code.type);
    wr_u8(&w, code.code);
    wr_u16(&w, 0);
    wr_u32(&w, error == ICMP_TOO_BIG ? mtu : 0); /* IPv4: 16 unused bits, then the MTU [RFC1191#4] */
    struct span message = span_of(start + ip_header, ICMP_HEADER + quoted);
    wr_patch_u16(&w, ip_header + 2, checksum_upper(&h.src, &h.dst, is_v6 ? NH_ICMPV6 : 0, message));
    *data = start;
    *len = (uint32_t)(room + quoted);
}
