/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting whatever a TUN may hand over. The first byte of the input says the kind of offload (lowest two
 * bits) and what is made right before: 4 lengths and checksums, 8 the checksum is left to us as a kernel does
 * it, 16 the header says that it is. Then segment size, checksum start and offset, two bytes each, and the
 * packet. Aborts when bytes get lost or too many come out, when something is written outside, and when a
 * packet that was right is cut into other segments than by support/cut.h. */
#include "base/rd.h"
#include "esp/segment.h"
#include "support/cut.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *exact(const uint8_t *from, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, from, len);
    return copy;
}

static void compare(struct span packet, const struct offload *o, size_t i, struct span got)
{
    static uint8_t want[70000];
    size_t len = cut_write(packet, o, i, want);
    if (len != got.len || memcmp(want, got.ptr, len) != 0 || !cut_is_sound(got))
        abort();
}

static void cut_all(struct span packet, const struct offload *o, bool is_right)
{
    struct segmenter s;
    const char *why;
    if (!segment_start(&s, packet, o))
        return;
    size_t count = is_right && o->kind != OFFLOAD_NONE ? cut_count(packet, o, &why) : 0, n = 0, payload = 0,
           len;
    for (; (len = segment_next_len(&s)); n++) {
        uint8_t *out = malloc(len);
        if (!out || n > packet.len || len > packet.len)
            abort();
        segment_write_next(&s, out);
        if (count)
            compare(packet, o, n, span_of(out, len));
        payload += len - s.header;
        free(out);
    }
    if (payload != packet.len - s.header || (count && n != count))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_over(span_of(data, size));
    uint8_t how = rd_u8(&r);
    struct offload o = {.kind = how % 4 % 3, .needs_checksum = how & 16};
    o.size = rd_u16(&r);
    o.checksum_start = rd_u16(&r);
    o.checksum_offset = rd_u16(&r);
    if (!rd_ok(&r) || rd_left(&r) > 65535)
        return 0;
    struct span rest = rd_rest(&r);
    uint8_t *packet = exact(rest.ptr, rest.len);
    bool is_right = false;
    if (how & 4)
        cut_mend(packet, rest.len, false);
    if (how & 8)
        is_right = cut_leave_checksum(packet, rest.len, &o) && how & 4;
    cut_all(span_of(packet, rest.len), &o, is_right);
    free(packet);
    return 0;
}
