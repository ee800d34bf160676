/* SPDX-License-Identifier: Apache-2.0 */
/* Joining packets of arbitrary bytes. The first byte of the input says what the TUN takes; then packets. Each
 * begins with a byte: 1 it follows an earlier packet, whose number and the length and one byte of which come
 * next; else its length and bytes come   2 lengths and checksums are made right   4 UDP's is left out
 * 8 with 16 it was dropped. Aborts on whatever support/joined.h finds wrong. */
#include "base/rd.h"
#include "esp/tcp.h"
#include "support/cut.h"
#include "support/joined.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct coalescer c;
static struct esp_packet p[ESP_BATCH];
static struct joined_packet in[ESP_BATCH];

static uint8_t *exact(const uint8_t *from, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, from, len);
    return copy;
}

/* The next packet of the stream to which bytes belong: behind them, and numbered so. */
static void follow(uint8_t *bytes, size_t len, size_t of)
{
    size_t upper = bytes[0] >> 4 == 4 ? 20 : 40;
    if (len < upper + TCP_HEADER)
        return;
    uint8_t *tcp = bytes + upper;
    if (upper == 20)
        bytes[5]++;
    uint32_t seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
    size_t header = upper + (size_t)(tcp[TCP_AT_OFFSET] >> 4) * 4;
    if (bytes[upper == 20 ? 9 : 6] != 6)
        return;
    seq += (uint32_t)(of > header ? of - header : 0);
    for (size_t i = 0; i < 4; i++)
        tcp[TCP_AT_SEQ + i] = (uint8_t)(seq >> (24 - 8 * i));
}

static uint8_t *next_packet(struct rd *r, uint8_t how, size_t n, size_t *len)
{
    if (!(how & 1) || !n) {
        *len = rd_u16(r) % 2048;
        struct span bytes = rd_bytes(r, *len < rd_left(r) ? *len : rd_left(r));
        *len = bytes.len;
        return exact(bytes.ptr, bytes.len);
    }
    const struct joined_packet *before = &in[rd_u8(r) % n];
    *len = rd_u16(r);
    if (*len > before->len)
        *len = before->len;
    uint8_t at = rd_u8(r), change = rd_u8(r);
    uint8_t *bytes = exact(before->bytes, *len);
    if (*len)
        follow(bytes, *len, before->len);
    if (at < *len)
        bytes[at] ^= change;
    return bytes;
}

/* Addresses and ports where everybody can read them; what has none may belong to any flow. */
static int flow_of(const uint8_t *b, size_t len, size_t i)
{
    bool is4 = len >= 24 && b[0] >> 4 == 4, is6 = len >= 44 && b[0] >> 4 == 6;
    uint8_t proto = is4 ? b[9] : is6 ? b[6] : 0;
    if ((!is4 && !is6) || (proto != 6 && proto != 17) || (is4 && (b[6] & 0x3f || b[7] || (b[0] & 15) != 5)))
        return -1;
    size_t from = is4 ? 12 : 8, to = is4 ? 24 : 44;
    for (size_t k = 0; k < i; k++) {
        const uint8_t *a = in[k].bytes;
        if (in[k].flow >= 0 && a[0] >> 4 == b[0] >> 4 && a[is4 ? 9 : 6] == proto &&
            memcmp(a + from, b + from, to - from) == 0)
            return in[k].flow;
    }
    return (int)i;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_over(span_of(data, size));
    uint8_t takes = rd_u8(&r);
    size_t n = 0;
    c = (struct coalescer){.has_tcp = takes & 1, .has_udp = takes & 2};
    while (rd_left(&r) > 2 && n < ESP_BATCH) {
        uint8_t how = rd_u8(&r);
        size_t len;
        uint8_t *bytes = next_packet(&r, how, n, &len);
        if (how & 2)
            cut_mend(bytes, len, how & 4);
        in[n] = (struct joined_packet){bytes, len, flow_of(bytes, len, n)};
        p[n] = (struct esp_packet){.data = exact(bytes, len), .len = (uint32_t)len};
        p[n].verdict = (how & 24) == 24 ? ESP_DROP : ESP_FORWARD;
        n++;
    }
    coalesce(&c, p, n);
    const char *why = joined_check(&c, p, in, n);
    if (why) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        free(p[i].data);
        free((void *)(uintptr_t)in[i].bytes);
    }
    return 0;
}
