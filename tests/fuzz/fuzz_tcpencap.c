/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of TCP encapsulation in pieces. The first byte of the input says whether a prefix is awaited
 * (1), whether there is a limit (2), and seeds the cuts; the rest is the stream. Aborts when the messages
 * differ from those of the stream read in one piece, when more than one message has to be kept, when bytes
 * are looked at that did not arrive, or when what was read does not come out of tcpencap_header() the same
 * way. */
#include "net/tcpencap.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    size_t n, bytes;
    uint32_t hash;
    enum tcpencap_status end;
};

static void hear(struct heard *h, enum tcpencap_status s, struct span m)
{
    h->n++;
    h->bytes += m.len;
    h->hash = (h->hash ^ (uint32_t)s) * 16777619u;
    for (size_t i = 0; i < m.len; i++)
        h->hash = (h->hash ^ m.ptr[i]) * 16777619u;
}

static void check_header(const struct tcpencap_reader *r, enum tcpencap_status s, struct span m,
                         const uint8_t *from)
{
    uint8_t h[TCPENCAP_HEADER_MAX];
    size_t n = tcpencap_header(h, s == TCPENCAP_IKE, m.len);
    if (n == 0 || m.ptr < from + n || memcmp(h, m.ptr - n, n) != 0)
        abort();
    if (r->max && n - 2 + m.len > r->max)
        abort();
}

/* step 0: all at once. Each piece is a copy of its own, so that a byte too far is seen. */
static struct heard read_all(struct tcpencap_reader r, const uint8_t *data, size_t size, uint32_t seed)
{
    struct heard h = {.end = TCPENCAP_MORE};
    size_t at = 0, have = seed ? 0 : size;
    do {
        if (seed) {
            seed = seed * 1103515245u + 12345u;
            size_t step = (seed >> 16) % 37;
            have = size - have < step ? size : have + step;
        }
        size_t len = have - at;
        uint8_t *copy = malloc(len ? len : 1);
        if (!copy)
            abort();
        memcpy(copy, data + at, len);
        struct span m, rest = span_of(copy, len);
        while ((h.end = tcpencap_next(&r, &rest, &m)) != TCPENCAP_MORE && h.end != TCPENCAP_BROKEN) {
            hear(&h, h.end, m);
            check_header(&r, h.end, m, copy);
        }
        at = have - rest.len;
        free(copy);
        if (h.end == TCPENCAP_MORE && rest.len >= TCPENCAP_MESSAGE_MAX + 2)
            abort();
    } while (h.end != TCPENCAP_BROKEN && have < size);
    return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 18)
        return 0;
    struct tcpencap_reader r = {.has_prefix = !(data[0] & 1), .max = data[0] & 2 ? 300 : 0};
    struct heard whole = read_all(r, data + 1, size - 1, 0);
    struct heard cut = read_all(r, data + 1, size - 1, 1 + data[0] / 4u);
    if (whole.n != cut.n || whole.bytes != cut.bytes || whole.hash != cut.hash || whole.end != cut.end)
        abort();
    return 0;
}
