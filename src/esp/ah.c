/* SPDX-License-Identifier: Apache-2.0 */
/* AH: see ah.h. */
#include "esp/ah.h"
#include "base/rd.h"

#define NH_HOP      0
#define NH_ROUTING  43
#define NH_DEST     60
#define HEADERS_MAX 8
#define TTL         64

enum { IP4_TOS = 1, IP4_LEN = 2, IP4_FLAGS = 6, IP4_TTL = 8, IP4_SUM = 10, IP4_OPTIONS = 20 };
enum { IP6_LEN = 4, IP6_NEXT = 6, IP6_HOPS = 7 };

/* ---- where it is */

static uint32_t find4(struct rd r, struct span packet)
{
    uint32_t header = (rd_u8(&r) & 15u) * 4;
    rd_skip(&r, 1);
    uint16_t len = rd_u16(&r);
    rd_skip(&r, 5);
    uint8_t proto = rd_u8(&r);
    rd_skip(&r, 10);
    bool is_sound = rd_ok(&r) && header >= 20 && len <= packet.len && header + AH_FIXED <= len;
    return is_sound && proto == NH_AH ? header : 0;
}

static uint32_t find6(struct rd r, struct span packet)
{
    rd_skip(&r, 4);
    uint32_t len = rd_u16(&r) + 40u, at = 40;
    uint8_t next = rd_u8(&r);
    rd_skip(&r, 33);
    if (!rd_ok(&r) || len > packet.len)
        return 0;
    for (int i = 0; i < HEADERS_MAX && (next == NH_HOP || next == NH_ROUTING || next == NH_DEST); i++) {
        next = rd_u8(&r);
        uint32_t size = (rd_u8(&r) + 1u) * 8;
        rd_skip(&r, size - 2);
        at += size;
    }
    return rd_ok(&r) && next == NH_AH && at + AH_FIXED <= len ? at : 0;
}

uint32_t ah_find(struct span packet)
{
    struct rd r = rd_over(packet);
    if (!packet.len)
        return 0;
    return packet.ptr[0] >> 4 == 4 ? find4(r, packet) : packet.ptr[0] >> 4 == 6 ? find6(r, packet) : 0;
}

/* [RFC4302#3.3.3.2.1] a multiple of four bytes with IPv4, of eight with IPv6 */
uint32_t ah_len(const struct sa *sa, uint8_t family)
{
    uint32_t len = AH_FIXED + sa->icv_len, unit = family == 4 ? 4 : 8;
    return (len + unit - 1) / unit * unit;
}

/* ---- what counts as zero */

/* [RFC4302#A1] all others may change, or are of nobody's concern. Security, Extended Security, Commercial
 * Security, Router Alert and Sender Directed Delivery; End of List and No Operation are one byte long. */
static bool is_immutable4(uint8_t option)
{
    return option == 130 || option == 133 || option == 134 || option == 148 || option == 149;
}

static bool zero_options4(uint8_t *options, uint32_t len)
{
    for (uint32_t at = 0; at < len;) {
        uint8_t type = options[at];
        if (type == 0)
            return true;
        if (type == 1) {
            at++;
            continue;
        }
        if (at + 1 >= len || options[at + 1] < 2 || options[at + 1] > len - at)
            return false;
        uint8_t size = options[at + 1];
        if (!is_immutable4(type))
            memset(options + at, 0, size);
        at += size;
    }
    return true;
}

/* [RFC4302#3.3.3.1.2.2] the third bit of an option's type says that its data may change. */
static bool zero_options6(uint8_t *options, uint32_t len)
{
    for (uint32_t at = 0; at < len;) {
        if (options[at] == 0) { /* Pad1 */
            at++;
            continue;
        }
        if (at + 1 >= len || options[at + 1] > len - at - 2)
            return false;
        uint8_t size = options[at + 1];
        if (options[at] & 0x20)
            memset(options + at + 2, 0, size);
        at += 2u + size;
    }
    return true;
}

/* With a loose or strict source route the destination is, on arrival, the last address already: nothing is to
 * be predicted. A route that has not ended did not bring the packet to us. */
static bool zero4(uint8_t *ip, uint32_t header)
{
    ip[IP4_TOS] = 0;
    memset(ip + IP4_FLAGS, 0, 2);
    ip[IP4_TTL] = 0;
    memset(ip + IP4_SUM, 0, 2);
    return zero_options4(ip + IP4_OPTIONS, header - IP4_OPTIONS);
}

static bool zero6(uint8_t *ip, uint32_t at)
{
    uint8_t next = ip[IP6_NEXT];
    ip[0] = 0x60;
    memset(ip + 1, 0, 3); /* class and flow label */
    ip[IP6_HOPS] = 0;
    for (uint32_t i = 40; i < at;) {
        uint32_t size = (ip[i + 1] + 1u) * 8;
        if (next != NH_ROUTING && !zero_options6(ip + i + 2, size - 2))
            return false;
        next = ip[i];
        i += size;
    }
    return true;
}

/* ---- outbound */

/* The IPv4 identification is covered, so it is ours to choose; zero would be filled in by the kernel. */
static void write_outer(uint8_t *ip, const struct esp_packet *p, const struct sa *sa, uint64_t seq)
{
    bool is4 = sa->local.ip.family == 4;
    struct packet_ip h = {
        .src = sa->local.ip, .dst = sa->remote.ip, .proto = NH_AH, .payload = (uint16_t)p->len};
    struct wr w = wr_over(ip, PACKET_IP_MAX);
    packet_write_ip(&w, &h);
    if (is4) {
        uint16_t id = (uint16_t)(seq % UINT16_MAX + 1);
        wr_patch_u16(&w, 4, id);
        memset(ip + IP4_SUM, 0, 2);
        memset(ip + IP4_FLAGS, 0, 2);
        ip[IP4_TTL] = ip[IP4_TOS] = 0;
    } else {
        ip[IP6_HOPS] = 0;
    }
}

void ah_build(struct esp_packet *p, const struct sa *sa, uint64_t seq)
{
    uint8_t family = sa->local.ip.family;
    uint32_t len = ah_len(sa, family), outer = (uint32_t)packet_ip_len(family);
    uint8_t *ah = p->data - len;
    struct wr w = wr_over(ah, len);
    wr_u8(&w, p->next_header);
    wr_u8(&w, (uint8_t)(len / 4 - 2)); /* [RFC4302#2.2] */
    wr_u16(&w, 0);
    wr_u32(&w, sa->spi);
    wr_u32(&w, (uint32_t)seq);
    wr_zero(&w, len - AH_FIXED);
    p->data = ah;
    p->len += len;
    write_outer(ah - outer, p, sa, seq);
    p->data -= outer;
    p->len += outer + sa->icv_len;
}

void ah_finish(struct esp_packet *p, const struct sa *sa)
{
    bool is4 = sa->local.ip.family == 4;
    uint32_t outer = (uint32_t)packet_ip_len(sa->local.ip.family);
    p->len -= sa->icv_len;
    memcpy(p->data + outer + AH_FIXED, p->data + p->len, sa->icv_len);
    if (!is4) { /* the kernel's sockets write the header anew, from the same addresses */
        p->data[0] = (uint8_t)(0x60 | p->tos >> 4);
        p->data[1] = (uint8_t)(p->tos << 4);
        p->data[IP6_HOPS] = TTL;
        return;
    }
    p->data[IP4_TOS] = p->tos;
    p->data[IP4_FLAGS] = p->has_df ? 0x40 : 0;
    p->data[IP4_TTL] = TTL;
    uint16_t sum = checksum_finish(checksum_add(0, span_of(p->data, outer)));
    p->data[IP4_SUM] = (uint8_t)(sum >> 8);
    p->data[IP4_SUM + 1] = (uint8_t)sum;
}

/* ---- inbound */

static uint32_t packet_len(const uint8_t *ip)
{
    bool is4 = ip[0] >> 4 == 4;
    const uint8_t *at = ip + (is4 ? IP4_LEN : IP6_LEN);
    return ((uint32_t)at[0] << 8 | at[1]) + (is4 ? 0 : 40);
}

/* [RFC4302#3.4.1] what still is a fragment cannot be verified */
static bool is_fragment(const uint8_t *ip)
{
    return ip[0] >> 4 == 4 && ((ip[IP4_FLAGS] & 0x3f) || ip[IP4_FLAGS + 1]);
}

enum esp_drop ah_prepare(struct esp_packet *p, const struct sa *sa, uint32_t at, uint32_t *payload)
{
    uint8_t *ip = p->data, *ah = ip + at;
    uint32_t total = packet_len(ip), len = (ah[1] + 2u) * 4, exact = ah_len(sa, ip[0] >> 4);
    /* Linux pads to eight bytes with IPv4, too, unless it is told not to. */
    if ((len != exact && (ip[0] >> 4 == 6 || len != (exact + 7) / 8 * 8)) || at + len > total)
        return DROP_SHORT;
    if (is_fragment(ip))
        return DROP_FRAGMENT;
    if (!(ip[0] >> 4 == 4 ? zero4(ip, at) : zero6(ip, at)))
        return DROP_HEADERS;
    memcpy(ip + total, ah + AH_FIXED, sa->icv_len);
    memset(ah + AH_FIXED, 0, sa->icv_len); /* padding behind it is covered as it is */
    p->next_header = ah[0];
    p->len = total + sa->icv_len;
    *payload = at + len;
    return DROP_NONE;
}
