/* SPDX-License-Identifier: Apache-2.0 */
/* AH and raw sockets: see ahpath.h. */
#include "sys/ahpath.h"
#include "base/wr.h"
#include "net/packet.h"

#define IP4_HEADER 20
#define IP6_HEADER 40
#define FRAGMENT   1256 /* bytes of payload in each: a multiple of eight that every link carries */

/* ---- received */

static bool received4(struct esp_packet *p)
{
    if (p->len < IP4_HEADER)
        return false;
    p->tos = p->data[1];
    ip_from_bytes(span_of(p->data + 16, 4), &p->local.ip);
    return true;
}

/* The number of an extension header that came as ancillary data, or 0xff. */
static uint8_t header_of(const struct cmsghdr *c)
{
    if (c->cmsg_level != IPPROTO_IPV6)
        return UINT8_MAX;
    switch (c->cmsg_type) {
    case IPV6_HOPOPTS:
        return IPPROTO_HOPOPTS;
    case IPV6_DSTOPTS:
        return IPPROTO_DSTOPTS;
    case IPV6_RTHDR:
        return IPPROTO_ROUTING;
    default:
        return UINT8_MAX;
    }
}

/* [RFC4302#3.1.1] hop-by-hop options, destination options and routing stand before AH: the kernel hands them
 * over in their order. */
static bool received6(struct esp_packet *p, struct msghdr *m)
{
    uint8_t extensions[AHPATH_ROOM - IP6_HEADER], first = NH_AH;
    struct wr w = wr_over(extensions, sizeof(extensions));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        uint8_t kind = header_of(c);
        if (kind == UINT8_MAX)
            continue;
        first = w.len ? first : kind;
        wr_bytes(&w, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    }
    if (!wr_ok(&w) || (m->msg_flags & MSG_CTRUNC) || p->local.ip.family != 6 || p->len + w.len > UINT16_MAX)
        return false;
    struct packet_ip h = {
        .src = p->remote.ip, .dst = p->local.ip, .proto = first, .payload = (uint16_t)(p->len + w.len)};
    p->data -= IP6_HEADER + w.len;
    p->len += IP6_HEADER + (uint32_t)w.len;
    struct wr head = wr_over(p->data, IP6_HEADER + w.len);
    packet_write_ip(&head, &h);
    wr_span(&head, wr_span_view(&w));
    return true;
}

bool ahpath_received(struct esp_packet *p, uint8_t family, struct msghdr *m)
{
    p->is_ah = true;
    return family == 4 ? received4(p) : received6(p, m);
}

/* ---- sent */

struct span ahpath_sent(const struct esp_packet *p)
{
    uint32_t skip = p->remote.ip.family == 4 ? 0 : IP6_HEADER;
    return span_of(p->data + skip, p->len - skip);
}

static bool send_fragment(const struct sock *s, const struct esp_packet *p, uint32_t at, uint32_t len,
                          bool more)
{
    uint8_t header[IP4_HEADER];
    struct endpoint to = {.ip = p->remote.ip};
    struct wr w = wr_over(header, sizeof(header));
    wr_bytes(&w, p->data, sizeof(header));
    wr_patch_u16(&w, 2, (uint16_t)(sizeof(header) + len));
    wr_patch_u16(&w, 6, (uint16_t)((more ? 0x2000 : 0) | at / 8)); /* the kernel writes the checksum */
    return sock_send(s, p->local.ip, &to, p->tos, wr_span_view(&w), span_of(p->data + IP4_HEADER + at, len));
}

bool ahpath_send_fragments(const struct sock *s, const struct esp_packet *p)
{
    if (!p->is_ah || p->has_df || p->remote.ip.family != 4 || p->len <= IP4_HEADER + FRAGMENT)
        return false;
    uint32_t left = p->len - IP4_HEADER;
    for (uint32_t at = 0; left; at += FRAGMENT) {
        uint32_t len = left < FRAGMENT ? left : FRAGMENT;
        left -= len;
        if (!send_fragment(s, p, at, len, left > 0))
            return false;
    }
    return true;
}
