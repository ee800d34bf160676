/* SPDX-License-Identifier: Apache-2.0 */
#include "support/flow.h"

static void u16(uint8_t *at, size_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void u32(uint8_t *at, uint32_t v)
{
    u16(at, v >> 16);
    u16(at + 2, v & 0xffff);
}

static uint16_t sum(uint32_t start, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        start += i % 2 ? p[i] : (uint32_t)p[i] << 8;
        start = (start & 0xffff) + (start >> 16);
    }
    return (uint16_t)start;
}

static uint16_t pseudo(const struct flow_packet *f, const uint8_t *ip, size_t len)
{
    uint8_t more[4] = {0, f->proto, (uint8_t)(len >> 8), (uint8_t)len};
    uint16_t s = f->family == 4 ? sum(0, ip + 12, 8) : sum(0, ip + 8, 32);
    return sum(s, more, 4);
}

static size_t put_ip(const struct flow_packet *f, uint8_t *out, size_t above)
{
    size_t head = (f->family == 4 ? 20 : 40) + f->ip_more.len;
    memset(out, 0, head);
    if (f->family == 4) {
        out[0] = (uint8_t)(0x40 | head / 4);
        out[1] = f->tos;
        u16(out + 2, head + above);
        u16(out + 4, f->id);
        out[6] = f->has_df ? 0x40 : 0;
        out[8] = f->ttl;
        out[9] = f->proto;
        memcpy(out + 12, (const uint8_t[]){10, 1, 0, f->host, 10, 2, 0, 9}, 8);
        if (f->ip_more.len)
            memcpy(out + 20, f->ip_more.ptr, f->ip_more.len);
        u16(out + 10, (uint16_t)~sum(0, out, head));
        return head;
    }
    out[0] = (uint8_t)(0x60 | f->tos >> 4);
    out[1] = (uint8_t)(f->tos << 4);
    out[3] = 0x77;
    u16(out + 4, f->ip_more.len + above);
    out[6] = f->ip_more.len ? f->first_more : f->proto;
    out[7] = f->ttl;
    out[8] = out[24] = 0xfd;
    out[23] = f->host;
    out[39] = 9;
    if (f->ip_more.len)
        memcpy(out + 40, f->ip_more.ptr, f->ip_more.len);
    return head;
}

size_t flow_build(const struct flow_packet *f, uint8_t *out, size_t *upper, size_t *payload)
{
    bool is_tcp = f->proto == 6;
    size_t head = is_tcp ? 20 + f->options.len : 8, len = head + f->payload.len;
    size_t at = put_ip(f, out, len);
    uint8_t *p = out + at;
    memset(p, 0, head);
    u16(p, f->sport);
    u16(p + 2, f->dport);
    if (is_tcp) {
        u32(p + 4, f->seq);
        u32(p + 8, f->ack);
        p[12] = (uint8_t)(head / 4 << 4 | f->reserved);
        p[13] = f->flags;
        u16(p + 14, f->window);
        u16(p + 18, f->urgent);
        if (f->options.len)
            memcpy(p + 20, f->options.ptr, f->options.len);
    } else {
        u16(p + 4, len);
    }
    if (f->payload.len)
        memcpy(p + head, f->payload.ptr, f->payload.len);
    uint16_t c = (uint16_t)~sum(pseudo(f, out, len), p, len);
    u16(p + (is_tcp ? 16 : 6), c ? c : 0xffff);
    *upper = at;
    *payload = at + head;
    return at + len;
}

void flow_leave_checksum(const struct flow_packet *f, uint8_t *packet, size_t len, size_t upper)
{
    u16(packet + upper + (f->proto == 6 ? 16 : 6), pseudo(f, packet, len - upper));
}

uint32_t flow_random(uint32_t *state, uint32_t limit)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % limit;
}
