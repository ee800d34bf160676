/* SPDX-License-Identifier: Apache-2.0 */
/* MSS clamping: see mss.h. */
#include "esp/mss.h"
#include "base/rd.h"
#include "esp/tcp.h"

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2

/* The offset of the MSS value within the options, or 0 when there is none. */
static size_t find_mss(struct span options)
{
    struct rd r = rd_over(options);
    while (rd_left(&r)) {
        uint8_t kind = rd_u8(&r);
        if (kind == OPTION_END)
            break;
        if (kind == OPTION_NOP)
            continue;
        uint8_t len = rd_u8(&r);
        if (kind == OPTION_MSS && len == 4 && rd_left(&r) >= 2)
            return options.len - rd_left(&r);
        if (len < 2)
            break;
        rd_skip(&r, len - 2u);
    }
    return 0;
}

static uint16_t swap(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

bool mss_clamp(uint8_t *ip, const struct packet *p, uint32_t mtu)
{
    size_t headers = packet_ip_len(p->family) + TCP_HEADER;
    if (p->proto != NH_TCP || p->is_fragment || p->len - p->upper < TCP_HEADER || mtu <= headers)
        return false;
    uint8_t *tcp = ip + p->upper;
    size_t offset = (size_t)(tcp[12] >> 4) * 4;
    if (!(tcp[13] & TCP_SYN) || offset < TCP_HEADER || offset > p->len - p->upper)
        return false;
    size_t at = find_mss(span_of(tcp + TCP_HEADER, offset - TCP_HEADER));
    if (!at)
        return false;
    at += TCP_HEADER;
    uint16_t before = (uint16_t)(tcp[at] << 8 | tcp[at + 1]);
    if (before <= mtu - headers)
        return false;
    uint16_t after = (uint16_t)(mtu - headers);
    uint16_t sum = (uint16_t)(tcp[16] << 8 | tcp[17]);
    tcp[at] = (uint8_t)(after >> 8);
    tcp[at + 1] = (uint8_t)after;
    /* At an odd offset the two bytes belong to two words; swapping them gives the same sum [RFC1071#2]. */
    sum = at % 2 ? checksum_update(sum, swap(before), swap(after)) : checksum_update(sum, before, after);
    tcp[16] = (uint8_t)(sum >> 8);
    tcp[17] = (uint8_t)sum;
    return true;
}
