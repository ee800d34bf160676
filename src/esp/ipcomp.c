/* SPDX-License-Identifier: Apache-2.0 */
/* IPComp with DEFLATE: see ipcomp.h. */
#include "esp/ipcomp.h"
#include "base/arena.h"
#include "base/rd.h"
#include "base/wr.h"
#include "esp/esp.h"

#include <stdlib.h>
#include <zlib.h>

#define IP_PACKET_MAX 65535
#define RESTORED_MAX  (IPCOMP_ROOM + IP_PACKET_MAX + 1) /* keeps starts aligned */

/* Nothing below gains enough to pay for its header and the peer's work. */
#define TRIED_MIN 90
/* A window of two kilobytes spans what a link carries; it makes a small state that is quickly reset, and
 * peers whose inflater has no larger one understand it. */
#define WINDOW_BITS  (-11) /* negative: raw deflate [RFC2394#2.3] */
#define MEMORY_LEVEL 5
#define LEVEL        3
#define WINDOW_ANY   (-15) /* what a peer may use */

#define FAILURES_MAX 4    /* in a row, before packets go by untried */
#define SKIP_MAX     1024 /* packets that go by at once, at most */

struct ipcomp {
    z_stream deflater, inflater;
    uint8_t packed[IP_PACKET_MAX];
    size_t n_restored; /* in this batch */
    uint8_t *restored; /* ESP_BATCH places, of which the system gives the pages that are written to */
};

struct ipcomp *ipcomp_new(void)
{
    struct ipcomp *c = mem_new(sizeof(*c));
    c->restored = mem_new((size_t)ESP_BATCH * RESTORED_MAX);
    if (deflateInit2(&c->deflater, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
            Z_OK ||
        inflateInit2(&c->inflater, WINDOW_ANY) != Z_OK)
        abort(); /* out of memory, like mem_new() */
    return c;
}

void ipcomp_free(struct ipcomp *c)
{
    if (!c)
        return;
    deflateEnd(&c->deflater);
    inflateEnd(&c->inflater);
    free(c->restored);
    free(c);
}

/* [RFC3173#2.2] after failures in a row twice as many packets each time are not tried. */
static void note_failure(struct ipcomp_pace *pace)
{
    if (pace->failures < UINT16_MAX)
        pace->failures++;
    if (pace->failures < FAILURES_MAX)
        return;
    unsigned shift = pace->failures - FAILURES_MAX + 3u;
    pace->skip = (uint16_t)(shift < 10 ? 1u << shift : SKIP_MAX);
}

bool ipcomp_compress(struct ipcomp *c, struct ipcomp_pace *pace, uint8_t *data, uint32_t *len,
                     uint8_t next_header, uint16_t cpi)
{
    if (*len < TRIED_MIN || *len > IP_PACKET_MAX)
        return false;
    if (pace->skip) {
        pace->skip--;
        return false;
    }
    z_stream *z = &c->deflater;
    deflateReset(z);
    z->next_in = data;
    z->avail_in = *len;
    z->next_out = c->packed;
    z->avail_out = *len - IPCOMP_HEADER - 1; /* zlib stops when it would not get smaller */
    if (deflate(z, Z_FINISH) != Z_STREAM_END) {
        note_failure(pace);
        return false;
    }
    *pace = (struct ipcomp_pace){0};
    struct wr w = wr_over(data, *len);
    wr_u8(&w, next_header);
    wr_u8(&w, 0);
    wr_u16(&w, cpi);
    wr_bytes(&w, c->packed, z->total_out);
    *len = (uint32_t)w.len;
    return true;
}

void ipcomp_begin(struct ipcomp *c)
{
    c->n_restored = 0;
}

/* A stream that ends is whole; what stands behind its end is padding against traffic analysis [RFC4303#2.7].
 */
bool ipcomp_restore(struct ipcomp *c, uint8_t **data, uint32_t *len, uint8_t *next_header, uint16_t cpi)
{
    struct rd r = rd_over(span_of(*data, *len));
    uint8_t next = rd_u8(&r);
    rd_skip(&r, 1); /* [RFC3173#3.3] flags are ignored */
    if (rd_u16(&r) != cpi || !rd_ok(&r) || c->n_restored == ESP_BATCH)
        return false;
    uint8_t *to = c->restored + c->n_restored * RESTORED_MAX + IPCOMP_ROOM;
    z_stream *z = &c->inflater;
    inflateReset(z);
    z->next_in = *data + IPCOMP_HEADER;
    z->avail_in = *len - IPCOMP_HEADER;
    z->next_out = to;
    z->avail_out = IP_PACKET_MAX;
    if (inflate(z, Z_FINISH) != Z_STREAM_END)
        return false;
    c->n_restored++;
    *data = to;
    *len = (uint32_t)z->total_out;
    *next_header = next;
    return true;
}
