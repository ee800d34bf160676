/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting super-packets: see segment.h. Headers are copied as they are, IP options and IPv6 extension headers
 * with them, and then made right: lengths, identification, sequence number, flags, checksums. */
#include "esp/segment.h"
#include "base/rd.h"
#include "esp/tcp.h"
#include "net/packet.h"

static void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Bytes of the upper layer's header, or 0 when it is not what the offload says. */
static size_t upper_len(const struct packet *ip, struct span packet, enum offload_kind kind)
{
    struct rd r = rd_over(packet);
    rd_skip(&r, ip->upper);
    if (kind == OFFLOAD_UDP)
        return ip->proto == NH_UDP && rd_left(&r) > UDP_HEADER ? UDP_HEADER : 0;
    rd_skip(&r, TCP_AT_OFFSET);
    size_t len = (size_t)(rd_u8(&r) >> 4) * 4;
    if (!rd_ok(&r) || ip->proto != NH_TCP || len < TCP_HEADER || ip->upper + len >= packet.len)
        return 0;
    return len;
}

/* The pseudo-header's sum without the length. The kernel's own is taken where it gave one: it knows the final
 * destination behind a routing header [RFC8200#8.1]. */
static uint32_t pseudo_sum(const struct segmenter *s, const struct packet *ip)
{
    if (!s->offload.needs_checksum) {
        uint32_t sum = checksum_add(ip->proto, ip_view(&ip->src));
        return checksum_add(sum, ip_view(&ip->dst));
    }
    size_t at = s->upper + (s->offload.kind == OFFLOAD_TCP ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM);
    return get_u16(s->packet.ptr + at) + (uint32_t)(uint16_t) ~(s->packet.len - s->upper);
}

/* The sum without the 16-bit word at this place [RFC1624#3]. */
static uint32_t without(uint32_t sum, const uint8_t *at)
{
    return sum + (uint16_t)~get_u16(at);
}

/* What differs from segment to segment is taken out of the sums: lengths, identification, sequence number,
 * flags, and the checksums themselves. */
static void sum_headers(struct segmenter *s, const struct packet *ip)
{
    const uint8_t *at = s->packet.ptr, *upper = at + s->upper;
    uint32_t sum = checksum_add(pseudo_sum(s, ip), span_of(upper, s->header - s->upper));
    if (s->offload.kind == OFFLOAD_TCP) {
        sum = without(sum, upper + TCP_AT_SEQ);
        sum = without(sum, upper + TCP_AT_SEQ + 2);
        sum = without(sum, upper + TCP_AT_OFFSET);
        s->upper_sum = without(sum, upper + TCP_AT_CHECKSUM);
    } else {
        sum = without(sum, upper + UDP_AT_LEN);
        s->upper_sum = without(sum, upper + UDP_AT_CHECKSUM);
    }
    if (s->family == 4) {
        sum = checksum_add(0, span_of(at, (size_t)(at[0] & 15) * 4));
        s->ip_sum = without(without(without(sum, at + 2), at + 4), at + 10);
    }
}

static bool start_super(struct segmenter *s)
{
    struct packet ip;
    if (!packet_parse(s->packet, &ip) || ip.is_fragment || ip.len != s->packet.len || !s->offload.size)
        return false;
    size_t upper = upper_len(&ip, s->packet, s->offload.kind);
    if (!upper)
        return false;
    s->family = ip.family;
    s->upper = ip.upper;
    s->at = s->header = ip.upper + upper;
    sum_headers(s, &ip);
    struct rd r = rd_over(s->packet);
    rd_skip(&r, 4);
    s->id = rd_u16(&r);
    r = rd_over(s->packet);
    rd_skip(&r, ip.upper + TCP_AT_SEQ);
    s->seq = s->offload.kind == OFFLOAD_TCP ? rd_u32(&r) : 0;
    return true;
}

bool segment_start(struct segmenter *s, struct span packet, const struct offload *o)
{
    *s = (struct segmenter){.packet = packet, .offload = *o};
    if (o->kind == OFFLOAD_NONE && o->needs_checksum) {
        size_t field = (size_t)o->checksum_start + o->checksum_offset;
        s->is_done = field + 2 > packet.len;
    }
    if (o->kind != OFFLOAD_NONE)
        s->is_done = !start_super(s);
    return !s->is_done && packet.len > 0;
}

size_t segment_next_len(const struct segmenter *s)
{
    if (s->is_done)
        return 0;
    if (s->offload.kind == OFFLOAD_NONE)
        return s->packet.len;
    size_t left = s->packet.len - s->at;
    return s->header + (left < s->offload.size ? left : s->offload.size);
}

/* [RFC768] a sum of zero would mean "none"; for TCP both forms of zero are the same. */
static void put_checksum(uint8_t *at, uint32_t sum)
{
    uint16_t checksum = checksum_finish(sum);
    put_u16(at, checksum ? checksum : 0xffff);
}

static void write_single(struct segmenter *s, uint8_t *out)
{
    size_t start = s->offload.checksum_start;
    memcpy(out, s->packet.ptr, s->packet.len);
    if (s->offload.needs_checksum) {
        uint32_t sum = checksum_add(0, span_of(out + start, s->packet.len - start));
        put_checksum(out + start + s->offload.checksum_offset, sum);
    }
    s->is_done = true;
}

static void fix_ip(const struct segmenter *s, uint8_t *out, size_t len, size_t index)
{
    if (s->family == 6) {
        put_u16(out + 4, len - packet_ip_len(6));
        return;
    }
    uint16_t id = (uint16_t)(s->id + index);
    put_u16(out + 2, len);
    put_u16(out + 4, id);
    put_u16(out + 10, checksum_finish(s->ip_sum + (uint32_t)len + id));
}

static void fix_tcp(const struct segmenter *s, uint8_t *tcp, size_t offset, bool is_last)
{
    struct wr w = wr_over(tcp + TCP_AT_SEQ, 4);
    wr_u32(&w, s->seq + (uint32_t)offset);
    if (offset)
        tcp[TCP_AT_FLAGS] &= (uint8_t)~TCP_CWR;
    if (!is_last)
        tcp[TCP_AT_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

void segment_write_next(struct segmenter *s, uint8_t *out)
{
    if (s->offload.kind == OFFLOAD_NONE) {
        write_single(s, out);
        return;
    }
    size_t len = segment_next_len(s), offset = s->at - s->header;
    size_t payload = len - s->header, upper_len = len - s->upper;
    memcpy(out, s->packet.ptr, s->header);
    struct span text = span_of(s->packet.ptr + s->at, payload);
    memcpy(out + s->header, text.ptr, payload);
    uint32_t sum = checksum_add(s->upper_sum, text); /* not of the copy: that is still on its way */
    s->at += payload;
    s->is_done = s->at == s->packet.len;
    fix_ip(s, out, len, offset / s->offload.size);
    uint8_t *upper = out + s->upper;
    sum += (uint32_t)upper_len; /* of the pseudo-header */
    if (s->offload.kind == OFFLOAD_TCP) {
        fix_tcp(s, upper, offset, s->is_done);
        sum += (uint32_t)get_u16(upper + TCP_AT_SEQ) + get_u16(upper + TCP_AT_SEQ + 2);
        put_checksum(upper + TCP_AT_CHECKSUM, sum + get_u16(upper + TCP_AT_OFFSET));
        return;
    }
    put_u16(upper + UDP_AT_LEN, upper_len);
    put_checksum(upper + UDP_AT_CHECKSUM, sum + (uint32_t)upper_len);
}
