/* SPDX-License-Identifier: Apache-2.0 */
/* Transport and BEET mode: see mode.h. */
#include "esp/mode.h"
#include "base/rd.h"

#define IP_PACKET_MAX 65535
#define TTL           64
#define EXT_HOP       0
#define EXT_ROUTING   43
#define EXT_FRAGMENT  44
#define EXT_DEST      60
#define PSEUDO_FIXED  4 /* of BEET's pseudo-header */
#define OPTION_NOP    1

static const struct mode modes[];

/* ---- outbound */

/* [RFC4303#3.1.1] ESP stands behind hop-by-hop and routing headers, and before destination options. Only the
 * latter can be carried: the sockets that send ESP write the IP header themselves. */
static enum esp_drop wrap6(struct esp_packet *p, const struct packet *ip, uint8_t *skip)
{
    struct rd r = rd_over(span_of(p->data, ip->len));
    rd_skip(&r, 6);
    uint8_t next = rd_u8(&r);
    rd_skip(&r, 33);
    p->next_header = next;
    while (next == EXT_DEST) {
        next = rd_u8(&r);
        rd_skip(&r, (rd_u8(&r) + 1u) * 8 - 2);
    }
    if (next == EXT_FRAGMENT)
        return DROP_FRAGMENT;
    if (next == EXT_HOP || next == EXT_ROUTING || !rd_ok(&r))
        return DROP_HEADERS;
    *skip = 40;
    return DROP_NONE;
}

static enum esp_drop wrap_transport(struct esp_packet *p, const struct packet *ip, const struct sa *sa,
                                    uint8_t *skip)
{
    (void)sa;
    p->tos = ip->tos; /* it is the packet's own header that goes on */
    if (ip->is_fragment)
        return DROP_FRAGMENT;
    if (ip->family == 6)
        return wrap6(p, ip, skip);
    if (ip->upper != 20)
        return DROP_HEADERS;
    p->next_header = ip->proto;
    *skip = 20;
    return DROP_NONE;
}

/* IPv4 options go into a pseudo-header: next header, length in units of 8 bytes beyond the first, padding
 * bytes, a zero; padding of no-operations; the options. It is shorter than the IP header in whose place it
 * is written. */
static void write_pseudo(struct esp_packet *p, const struct packet *ip, uint8_t *skip)
{
    uint32_t options = ip->upper - 20, padding = 4 - options % 8;
    uint32_t len = PSEUDO_FIXED + padding + options;
    uint8_t *at = p->data + ip->upper - len;
    struct wr w = wr_over(at, PSEUDO_FIXED + padding);
    wr_u8(&w, ip->proto);
    wr_u8(&w, (uint8_t)(len / 8 - 1));
    wr_u8(&w, (uint8_t)padding);
    wr_u8(&w, 0);
    for (uint32_t i = 0; i < padding; i++)
        wr_u8(&w, OPTION_NOP);
    p->next_header = NH_BEET;
    *skip = (uint8_t)(ip->upper - len);
}

static enum esp_drop wrap_beet(struct esp_packet *p, const struct packet *ip, const struct sa *sa,
                               uint8_t *skip)
{
    uint8_t tos = p->tos; /* of an outer header */
    if (ip->family == 4 && !ip->is_fragment && ip->upper > 20) {
        write_pseudo(p, ip, skip);
        return DROP_NONE;
    }
    enum esp_drop why = wrap_transport(p, ip, sa, skip);
    p->tos = tos;
    return why;
}

/* ---- inbound */

/* Where the checksum is that covers the addresses, or -1. */
static int checksum_offset(uint8_t proto)
{
    switch (proto) {
    case NH_TCP:
        return 16;
    case NH_UDP:
    case NH_UDPLITE:
    case NH_DCCP:
        return 6;
    case NH_ICMPV6:
        return 2;
    default:
        return -1;
    }
}

static void fix_checksum(uint8_t *message, uint32_t len, uint8_t proto, uint16_t fix)
{
    int at = checksum_offset(proto);
    if (at < 0 || len < (uint32_t)at + 2)
        return;
    uint16_t sum = (uint16_t)(message[at] << 8 | message[at + 1]);
    if (proto == NH_UDP && !sum) /* [RFC768] the sender made none */
        return;
    sum = checksum_finish((uint32_t)(uint16_t)~sum + fix);
    if (proto == NH_UDP && !sum)
        sum = UINT16_MAX;
    message[at] = (uint8_t)(sum >> 8);
    message[at + 1] = (uint8_t)sum;
}

/* The header that the sender took off, in front of p's payload, which is copied behind it. options: of
 * IPv4, a multiple of four bytes. */
static enum esp_drop rebuild(struct esp_packet *p, const struct sa *sa, uint8_t next_header,
                             struct span options, uint8_t *room)
{
    struct selectors s = selector_set_view(sa->selectors);
    bool is6 = s.local->from.family == 6;
    uint32_t header = (uint32_t)(packet_ip_len(s.local->from.family) + options.len);
    if (header + p->len > IP_PACKET_MAX)
        return DROP_TOO_BIG;
    if (is6 && next_header == EXT_FRAGMENT)
        return DROP_FRAGMENT;
    struct packet_ip h = {.src = s.remote->from,
                          .dst = s.local->from,
                          .proto = next_header,
                          .tos = p->tos,
                          .ttl = TTL,
                          .has_df = true,
                          .payload = (uint16_t)(p->len + options.len)};
    struct wr w = wr_over(room, header);
    packet_write_ip(&w, &h);
    if (options.len) {
        wr_span(&w, options);
        wr_patch_u8(&w, 0, (uint8_t)(0x40 | header / 4));
        wr_patch_u16(&w, 10, 0);
        wr_patch_u16(&w, 10, checksum_finish(checksum_add(0, span_of(room, header))));
    }
    memcpy(room + header, p->data, p->len);
    if (sa->sum_fix)
        fix_checksum(room + header, p->len, next_header, sa->sum_fix);
    p->data = room;
    p->len += header;
    p->next_header = is6 ? NH_IPV6 : NH_IPIP;
    return DROP_NONE;
}

static enum esp_drop unwrap_transport(struct esp_packet *p, const struct sa *sa, uint8_t *room)
{
    return rebuild(p, sa, p->next_header, span_of(NULL, 0), room);
}

static enum esp_drop unwrap_beet(struct esp_packet *p, const struct sa *sa, uint8_t *room)
{
    struct rd r = rd_over(span_of(p->data, p->len));
    if (p->next_header != NH_BEET)
        return unwrap_transport(p, sa, room);
    uint8_t next_header = rd_u8(&r), units = rd_u8(&r), padding = rd_u8(&r);
    rd_skip(&r, 1);
    if (padding > 4 || sa->selectors->ts[0].from.family != 4)
        return DROP_HEADERS;
    rd_skip(&r, padding);
    struct span options = rd_bytes(&r, (units + 1u) * 8 - PSEUDO_FIXED - padding);
    if (!rd_ok(&r) || options.len % 4 || options.len > 40)
        return DROP_HEADERS;
    p->data += (units + 1u) * 8;
    p->len -= (units + 1u) * 8;
    return rebuild(p, sa, next_header, options, room);
}

/* ---- records */

static bool is_host(const struct ts *ts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!ip_equal(ts[i].from, ts[0].from) || !ip_equal(ts[i].to, ts[0].from))
            return false;
    return n > 0;
}

bool mode_sound(const struct esp_sa *r, struct diag *d)
{
    if (r->mode == MODE_TUNNEL)
        return true;
    if (r->mode == MODE_IPTFS) {
        diag_set(d, FAIL_GENERIC, "IP-TFS mode is the kernel's alone");
        return false;
    }
    if (is_host(r->local_ts, r->n_local_ts) && is_host(r->remote_ts, r->n_remote_ts) &&
        r->local_ts[0].from.family == r->remote_ts[0].from.family)
        return true;
    diag_set(d, FAIL_SELECTORS, "transport and BEET mode are between two hosts");
    diag_expected(d, "one address in all local traffic selectors, and one in all remote ones");
    return false;
}

/* The sum of the addresses here less that of the addresses there. */
static uint16_t difference(const struct esp_sa *r)
{
    struct ip local = r->local_ts[0].from, remote = r->remote_ts[0].from;
    struct ip seen_local = r->seen_local.family == local.family ? r->seen_local : local;
    struct ip seen_remote = r->seen_remote.family == remote.family ? r->seen_remote : remote;
    uint32_t here = checksum_add(checksum_add(0, ip_view(&local)), ip_view(&remote));
    uint32_t there = checksum_add(checksum_add(0, ip_view(&seen_local)), ip_view(&seen_remote));
    uint16_t sum = (uint16_t)~checksum_finish(here + checksum_finish(there));
    return sum == UINT16_MAX ? 0 : sum; /* the other zero */
}

void mode_set(struct sa *sa, const struct esp_sa *r)
{
    sa->mode = &modes[r->mode];
    sa->saved = r->mode == MODE_TUNNEL ? 0 : (uint8_t)packet_ip_len(r->local_ts[0].from.family);
    sa->sum_fix = r->mode == MODE_TRANSPORT ? difference(r) : 0;
}

enum child_mode mode_of(const struct sa *sa)
{
    return (enum child_mode)(sa->mode - modes);
}

static const struct mode modes[] = {
    [MODE_TUNNEL] = {NULL,           NULL            },
    [MODE_TRANSPORT] = {wrap_transport, unwrap_transport},
    [MODE_BEET] = {wrap_beet,      unwrap_beet     },
};
