/* SPDX-License-Identifier: Apache-2.0 */
/* Putting fragments together: see whole.h. */
#include "esp/whole.h"
#include "base/arena.h"
#include "base/rd.h"
#include "base/time.h"

#include <stdlib.h>

#define PATIENCE TIME_SECOND

struct fragment {
    uint32_t id, offset, head; /* bytes of the header in front of the whole datagram's payload */
    uint8_t next;              /* IPv6: what the fragment header names */
    bool has_more;
    struct span payload;
};

void wholes_init(struct wholes *w)
{
    *w = (struct wholes){0};
}

void wholes_deinit(struct wholes *w)
{
    for (size_t i = 0; i < WHOLES; i++)
        free(w->v[i].bytes);
}

static bool read4(struct span packet, const struct packet *ip, struct fragment *f)
{
    struct rd r = rd_over(packet);
    rd_skip(&r, 4);
    f->id = rd_u16(&r);
    uint16_t field = rd_u16(&r);
    f->offset = (field & 0x1fffu) * 8;
    f->has_more = field & 0x2000;
    f->head = ip->upper;
    f->payload = span_of(packet.ptr + ip->upper, ip->len - ip->upper);
    return rd_ok(&r);
}

/* Only with the fragment header right behind the IPv6 header, where the kernel puts it. */
static bool read6(struct span packet, const struct packet *ip, struct fragment *f)
{
    struct rd r = rd_over(span_of(packet.ptr, ip->len));
    rd_skip(&r, 6);
    bool is_there = rd_u8(&r) == 44;
    rd_skip(&r, 33);
    f->next = rd_u8(&r);
    rd_skip(&r, 1);
    uint16_t field = rd_u16(&r);
    f->id = rd_u32(&r);
    f->offset = field & 0xfff8u;
    f->has_more = field & 1;
    f->head = 40;
    f->payload = rd_rest(&r);
    return is_there && rd_ok(&r);
}

static struct whole *find(struct wholes *w, const struct packet *ip, const struct fragment *f)
{
    for (size_t i = 0; i < WHOLES; i++) {
        struct whole *d = &w->v[i];
        if (d->is_busy && d->family == ip->family && d->id == f->id && ip_equal(d->src, ip->src) &&
            ip_equal(d->dst, ip->dst) && (ip->family == 6 || d->proto == ip->proto))
            return d;
    }
    return NULL;
}

static void forget(struct wholes *w, struct whole *d)
{
    if (d && d->is_busy)
        w->forgotten++;
    if (d)
        d->is_busy = false;
}

/* A free place, or the oldest one. */
static struct whole *begin(struct wholes *w, struct span packet, const struct packet *ip,
                           const struct fragment *f, int64_t now)
{
    struct whole *d = &w->v[0];
    for (size_t i = 1; i < WHOLES && d->is_busy; i++) {
        if (!w->v[i].is_busy || w->v[i].since < d->since)
            d = &w->v[i];
    }
    forget(w, d);
    uint8_t *bytes = d->bytes ? d->bytes : mem_new(WHOLE_MAX);
    *d = (struct whole){.is_busy = true,
                        .family = ip->family,
                        .proto = ip->proto,
                        .src = ip->src,
                        .dst = ip->dst,
                        .id = f->id,
                        .head = f->head,
                        .len = f->head,
                        .since = now,
                        .bytes = bytes};
    memcpy(d->bytes, packet.ptr, f->head);
    if (ip->family == 6)
        d->bytes[6] = f->next;
    return d;
}

static void finish(struct whole *d)
{
    struct wr w = wr_over(d->bytes, d->head);
    w.len = d->head;
    if (d->family == 6) {
        wr_patch_u16(&w, 4, (uint16_t)(d->len - 40));
        return;
    }
    wr_patch_u16(&w, 2, (uint16_t)d->len);
    wr_patch_u16(&w, 6, 0);
    wr_patch_u16(&w, 10, 0);
    wr_patch_u16(&w, 10, checksum_finish(checksum_add(0, span_of(d->bytes, d->head))));
}

enum whole_result wholes_take(struct wholes *w, struct span packet, const struct packet *ip, int64_t now,
                              struct span *out)
{
    struct fragment f = {0};
    if (!(ip->family == 6 ? read6 : read4)(packet, ip, &f))
        return WHOLE_REFUSED;
    struct whole *d = find(w, ip, &f);
    if (d && (f.offset == 0 || now - d->since > PATIENCE)) { /* the number was used again */
        forget(w, d);
        d = NULL;
    }
    if (!d && f.offset == 0)
        d = begin(w, packet, ip, &f, now);
    bool fits = d && f.offset == d->len - d->head && f.payload.len <= WHOLE_MAX - d->len &&
                (!f.has_more || f.payload.len % 8 == 0) && f.payload.len > 0;
    if (!fits) {
        forget(w, d);
        return WHOLE_REFUSED;
    }
    memcpy(d->bytes + d->len, f.payload.ptr, f.payload.len);
    d->len += (uint32_t)f.payload.len;
    if (f.has_more)
        return WHOLE_HELD;
    finish(d);
    d->is_busy = false;
    *out = span_of(d->bytes, d->len);
    return WHOLE_DONE;
}
