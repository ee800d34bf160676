/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cut.h"
#include <string.h>

#define DATAGRAMS_MAX 64 /* of one write, before Linux 6.9 */

struct head { /* where things stand in a packet */
    size_t upper, payload, checksum;
    uint8_t proto;
    bool is4;
};

static size_t u16(const uint8_t *p)
{
    return (size_t)p[0] * 256 + p[1];
}

static void set16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v / 256);
    p[1] = (uint8_t)(v % 256);
}

static void set32(uint8_t *p, uint32_t v)
{
    set16(p, v >> 16);
    set16(p + 2, v & 65535);
}

/* One's complement sum, a word at a time, the last one filled with zero. */
static uint32_t sum(uint32_t s, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i += 2) {
        s += p[i] * 256u + (i + 1 < len ? p[i + 1] : 0u);
        if (s > 65535)
            s -= 65535;
    }
    return s;
}

static uint32_t pseudo(const uint8_t *ip, const struct head *h, size_t len)
{
    uint8_t tail[6] = {0, 0, 0, 0, 0, h->proto};
    set16(tail + 2, len);
    uint32_t s = h->is4 ? sum(0, ip + 12, 8) : sum(0, ip + 8, 32);
    return sum(s, tail, 6);
}

/* The checksum that the packet should have. */
static size_t right_checksum(const uint8_t *ip, size_t len, const struct head *h)
{
    uint8_t copy[66000];
    memcpy(copy, ip, len);
    set16(copy + h->checksum, 0);
    uint32_t s = sum(pseudo(ip, h, len - h->upper), copy + h->upper, len - h->upper);
    return s == 65535 ? 65535 : 65535 - s;
}

static size_t right_ip_checksum(const uint8_t *ip, size_t upper)
{
    uint8_t copy[60];
    memcpy(copy, ip, upper);
    set16(copy + 10, 0);
    return 65535 - sum(0, copy, upper);
}

static bool is_same_sum(size_t a, size_t b)
{
    return a % 65535 == b % 65535;
}

/* Behind IPv6 extension headers. */
static bool find_upper6(const uint8_t *p, size_t len, struct head *h)
{
    h->upper = 40;
    h->proto = p[6];
    while (h->proto == 0 || h->proto == 43 || h->proto == 60) {
        if (h->upper + 8 > len)
            return false;
        h->proto = p[h->upper];
        h->upper += 8u + p[h->upper + 1] * 8u;
    }
    return true;
}

/* False when it is no TCP or UDP packet that is there to the end of its headers, or when it is a fragment. */
static bool find(struct span s, struct head *h)
{
    const uint8_t *p = s.ptr;
    *h = (struct head){.is4 = s.len && p[0] >> 4 == 4};
    if (s.len < 20 || (!h->is4 && (p[0] >> 4 != 6 || s.len < 40)))
        return false;
    if (h->is4) {
        h->upper = (size_t)(p[0] & 15) * 4;
        h->proto = p[9];
        if (u16(p + 6) & 0x3fff || h->upper < 20)
            return false;
    } else if (!find_upper6(p, s.len, h)) {
        return false;
    }
    size_t least = h->proto == 6 ? 20 : 8;
    if ((h->proto != 6 && h->proto != 17) || h->upper + least > s.len)
        return false;
    h->payload = h->upper + (h->proto == 6 ? (size_t)(p[h->upper + 12] >> 4) * 4 : 8);
    h->checksum = h->upper + (h->proto == 6 ? 16 : 6);
    return h->payload >= h->upper + least && h->payload <= s.len;
}

static bool has_right_lengths(struct span s, const struct head *h)
{
    if (h->is4 ? u16(s.ptr + 2) != s.len : u16(s.ptr + 4) + 40 != s.len)
        return false;
    return h->proto == 6 || u16(s.ptr + h->upper + 4) == s.len - h->upper;
}

static bool has_right_ip_checksum(struct span s, const struct head *h)
{
    return !h->is4 || is_same_sum(u16(s.ptr + 10), right_ip_checksum(s.ptr, h->upper));
}

bool cut_is_sound(struct span packet)
{
    struct head h;
    if (!find(packet, &h) || !has_right_lengths(packet, &h) || !has_right_ip_checksum(packet, &h))
        return false;
    size_t checksum = u16(packet.ptr + h.checksum);
    if (h.proto == 17 && checksum == 0)
        return h.is4;
    return is_same_sum(checksum, right_checksum(packet.ptr, packet.len, &h));
}

static bool refuse(const char **why, const char *text)
{
    *why = text;
    return false;
}

static bool is_taken(struct span s, const struct offload *o, const char **why)
{
    struct head h;
    if (!find(s, &h) || h.proto != (o->kind == OFFLOAD_TCP ? 6 : 17))
        return refuse(why, "the headers are not those of the kind");
    if (s.len > 65535 || !has_right_lengths(s, &h) || !has_right_ip_checksum(s, &h))
        return refuse(why, "lengths or the header checksum are wrong");
    if (!o->needs_checksum || o->checksum_start != h.upper ||
        o->checksum_start + o->checksum_offset != (int)h.checksum)
        return refuse(why, "the checksum is said to be elsewhere");
    if (!is_same_sum(u16(s.ptr + h.checksum), pseudo(s.ptr, &h, s.len - h.upper)))
        return refuse(why, "the sum of the pseudo-header is wrong");
    if (!o->size || o->header != h.payload || s.len == h.payload)
        return refuse(why, "the sizes are wrong");
    if (o->kind == OFFLOAD_UDP && s.len - h.payload > (size_t)o->size * DATAGRAMS_MAX)
        return refuse(why, "too many datagrams");
    return true;
}

size_t cut_count(struct span packet, const struct offload *o, const char **why)
{
    if (o->kind == OFFLOAD_NONE)
        return 1;
    if (!is_taken(packet, o, why))
        return 0;
    return (packet.len - o->header + o->size - 1) / o->size;
}

size_t cut_write(struct span packet, const struct offload *o, size_t i, uint8_t *out)
{
    struct head h;
    if (o->kind == OFFLOAD_NONE) {
        memcpy(out, packet.ptr, packet.len);
        return packet.len;
    }
    find(packet, &h);
    size_t from = i * o->size, left = packet.len - h.payload - from;
    size_t payload = left < o->size ? left : o->size, len = h.payload + payload;
    memcpy(out, packet.ptr, h.payload);
    memcpy(out + h.payload, packet.ptr + h.payload + from, payload);
    if (h.is4)
        set16(out + 4, (u16(out + 4) + i) % 65536);
    if (h.proto == 6) {
        uint8_t *tcp = out + h.upper;
        set32(tcp + 4, (uint32_t)(u16(tcp + 4) << 16 | u16(tcp + 6)) + (uint32_t)from);
        if (i > 0)
            tcp[13] &= 0x7f; /* CWR */
        if (left > o->size)
            tcp[13] &= 0xf6; /* PSH, FIN */
    }
    cut_mend(out, len, false);
    return len;
}

void cut_mend(uint8_t *packet, size_t len, bool has_none)
{
    struct head h;
    if (!find(span_of(packet, len), &h))
        return;
    if (h.proto == 17)
        set16(packet + h.upper + 4, len - h.upper);
    if (h.is4) {
        set16(packet + 2, len);
        set16(packet + 10, right_ip_checksum(packet, h.upper));
    } else {
        set16(packet + 4, len - 40);
    }
    set16(packet + h.checksum, has_none && h.proto == 17 ? 0 : right_checksum(packet, len, &h));
}

bool cut_leave_checksum(uint8_t *packet, size_t len, struct offload *o)
{
    struct head h;
    if (!find(span_of(packet, len), &h))
        return false;
    set16(packet + h.checksum, pseudo(packet, &h, len - h.upper));
    o->needs_checksum = true;
    o->header = (uint16_t)h.payload;
    o->checksum_start = (uint16_t)h.upper;
    o->checksum_offset = (uint16_t)(h.checksum - h.upper);
    return true;
}

bool cut_is_same(struct span a, struct span b)
{
    struct head h;
    uint8_t x[66000], y[66000];
    if (a.len != b.len)
        return false;
    if (memcmp(a.ptr, b.ptr, a.len) == 0)
        return true;
    memcpy(x, a.ptr, a.len);
    memcpy(y, b.ptr, b.len);
    if (find(a, &h)) {
        size_t at = h.checksum;
        if (h.proto == 6 && is_same_sum(u16(x + at), u16(y + at)))
            set16(x + at, u16(y + at));
        if (h.is4 && u16(x + 6) & 0x4000) {
            set16(x + 10, right_ip_checksum(x, h.upper));
            if (!is_same_sum(u16(a.ptr + 10), u16(x + 10)))
                return false;
            memcpy(x + 4, y + 4, 2);
            set16(x + 10, right_ip_checksum(x, h.upper));
        }
        if (h.is4 && is_same_sum(u16(x + 10), u16(y + 10)))
            set16(x + 10, u16(y + 10));
    }
    return memcmp(x, y, a.len) == 0;
}
