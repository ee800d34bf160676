/* SPDX-License-Identifier: Apache-2.0 */
/* Reading frames: see frame.h. What is cut off before it can be told apart is FRAME_OTHER. */
#include "frame.h"
#include <string.h>

#define ETHERNET 14

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static void read_esp(const uint8_t *p, size_t have, struct frame *f)
{
    if (have < 8)
        return;
    f->kind = FRAME_ESP;
    f->spi = be32(p);
    f->seq = be32(p + 4);
    f->iv = p + 8;
    f->left = have - 8;
}

static void read_udp(const uint8_t *p, size_t have, struct frame *f)
{
    if (have < 8)
        return;
    uint32_t from = be16(p), to = be16(p + 2), len = be16(p + 4);
    if (from == 500 || to == 500) {
        f->kind = FRAME_IKE;
        return;
    }
    if (from != 4500 && to != 4500)
        return;
    p += 8;
    have -= 8;
    if (len == 9 && have >= 1 && p[0] == 0xff) {
        f->kind = FRAME_KEEPALIVE;
    } else if (have >= 4 && be32(p) == 0) {
        f->kind = FRAME_IKE;
    } else {
        read_esp(p, have, f);
        f->is_udp = true;
    }
}

static void read_icmp6(const uint8_t *p, size_t have, struct frame *f)
{
    if (!have)
        return;
    if ((p[0] >= 130 && p[0] <= 136) || p[0] == 143)
        f->kind = FRAME_NEIGHBOUR;
    else if (p[0] >= 1 && p[0] <= 3)
        f->kind = FRAME_ICMP_ERROR;
}

static void read_payload(uint8_t protocol, const uint8_t *p, size_t have, struct frame *f)
{
    switch (protocol) {
    case 50:
        read_esp(p, have, f);
        break;
    case 17:
        read_udp(p, have, f);
        break;
    case 58:
        read_icmp6(p, have, f);
        break;
    case 1:
        if (have && (p[0] == 3 || p[0] == 11))
            f->kind = FRAME_ICMP_ERROR;
        break;
    default:
        break;
    }
}

static void read_ip4(const uint8_t *p, size_t have, struct frame *f)
{
    size_t head = (p[0] & 15u) * 4;
    if (have < 20 || head < 20 || have < head)
        return;
    uint32_t place = be16(p + 6);
    f->family = 4;
    memcpy(f->source, p + 12, 4);
    f->has_fragments = (place & 0x3fff) != 0;
    f->is_last = !(place & 0x2000);
    f->id = be16(p + 4);
    if (place & 0x1fff)
        f->kind = FRAME_FRAGMENT;
    else
        read_payload(p[9], p + head, have - head, f);
}

static void read_ip6(const uint8_t *p, size_t have, struct frame *f)
{
    if (have < 40)
        return;
    uint8_t next = p[6];
    f->family = 6;
    memcpy(f->source, p + 8, 16);
    p += 40;
    have -= 40;
    while ((next == 0 || next == 44 || next == 60) && have >= 8) {
        size_t size = next == 44 ? 8 : 8 + p[1] * 8u;
        if (next == 44) {
            f->has_fragments = true;
            f->is_last = !(p[3] & 1);
            f->id = be32(p + 4);
            if (be16(p + 2) & 0xfff8) {
                f->kind = FRAME_FRAGMENT;
                return;
            }
        }
        if (have < size)
            return;
        next = p[0];
        p += size;
        have -= size;
    }
    read_payload(next, p, have, f);
}

void frame_read(const uint8_t *bytes, size_t have, struct frame *f)
{
    *f = (struct frame){.kind = FRAME_OTHER};
    if (have < ETHERNET + 1)
        return;
    switch (be16(bytes + 12)) {
    case 0x0806:
        f->kind = FRAME_NEIGHBOUR;
        break;
    case 0x0800:
        read_ip4(bytes + ETHERNET, have - ETHERNET, f);
        break;
    case 0x86dd:
        read_ip6(bytes + ETHERNET, have - ETHERNET, f);
        break;
    default:
        break;
    }
}

const char *frame_kind_name(enum frame_kind k)
{
    static const char *const names[FRAME_KINDS] = {
        [FRAME_ESP] = "esp",
        [FRAME_FRAGMENT] = "fragment",
        [FRAME_IKE] = "ike",
        [FRAME_KEEPALIVE] = "keepalive",
        [FRAME_NEIGHBOUR] = "neighbour",
        [FRAME_ICMP_ERROR] = "icmp-error",
        [FRAME_OTHER] = "other",
    };
    return names[k];
}
