/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments as a kernel makes them become the datagram that they were; others become nothing. */
#include "base/time.h"
#include "crypto/random.h"
#include "esp/whole.h"
#include "support/test.h"

#include <stdlib.h>

static struct wholes wholes;
static uint8_t datagram[WHOLE_MAX + 128], fragment[WHOLE_MAX];

static int setup(void **state)
{
    (void)state;
    crypto_random_seed(5);
    wholes_init(&wholes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wholes_deinit(&wholes);
    return 0;
}

/* A datagram of len bytes, header included; id goes where finish() leaves it. */
static struct span make(uint8_t family, uint32_t len, uint16_t id)
{
    struct packet_ip h = {.src = ip4(10, 0, 0, 1),
                          .dst = ip4(10, 0, 0, 2),
                          .proto = NH_UDP,
                          .ttl = 64,
                          .payload = (uint16_t)(len - packet_ip_len(family))};
    if (family == 6)
        h.src = h.dst = (struct ip){
            6, {0xfd, [15] = 1}
        };
    struct wr w = wr_over(datagram, sizeof(datagram));
    packet_write_ip(&w, &h);
    crypto_random(datagram + w.len, len - w.len);
    if (family == 4) {
        wr_patch_u16(&w, 4, id);
        wr_patch_u16(&w, 10, 0);
        wr_patch_u16(&w, 10, checksum_finish(checksum_add(0, span_of(datagram, 20))));
    }
    return span_of(datagram, len);
}

/* Bytes [from, to) of the payload as a fragment. */
static struct span cut(uint8_t family, uint32_t from, uint32_t to, bool has_more, uint16_t id)
{
    uint32_t head = (uint32_t)packet_ip_len(family), at = family == 6 ? 48 : 20;
    memcpy(fragment, datagram, head);
    struct wr w = wr_over(fragment, sizeof(fragment));
    w.len = at;
    if (family == 6) {
        wr_patch_u16(&w, 4, (uint16_t)(8 + to - from));
        wr_patch_u8(&w, 6, 44);
        wr_patch_u16(&w, 40, NH_UDP << 8);
        wr_patch_u16(&w, 42, (uint16_t)(from | has_more));
        wr_patch_u32(&w, 44, id);
    } else {
        wr_patch_u16(&w, 2, (uint16_t)(20 + to - from));
        wr_patch_u16(&w, 4, id);
        wr_patch_u16(&w, 6, (uint16_t)(from / 8 | (has_more ? 0x2000 : 0)));
    }
    memcpy(fragment + at, datagram + head + from, to - from);
    return span_of(fragment, at + to - from);
}

static enum whole_result take(struct span s, int64_t now, struct span *out)
{
    struct packet ip;
    assert_true(packet_parse(s, &ip));
    assert_true(whole_is_wanted_for(s));
    return wholes_take(&wholes, s, &ip, now, out);
}

static void fragments_in_order_become_the_datagram(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        for (uint32_t len = 1501; len < WHOLE_MAX; len += 1789) {
            struct span whole = make(family, len, (uint16_t)len), out = {0};
            uint32_t payload = len - (uint32_t)packet_ip_len(family), at = 0;
            for (; at + 1440 < payload; at += 1440)
                assert_int_equal(take(cut(family, at, at + 1440, true, (uint16_t)len), 1, &out), WHOLE_HELD);
            assert_int_equal(take(cut(family, at, payload, false, (uint16_t)len), 1, &out), WHOLE_DONE);
            assert_int_equal(out.len, whole.len);
            assert_memory_equal(out.ptr, whole.ptr, whole.len);
            assert_false(whole_is_wanted_for(out));
        }
    }
    assert_int_equal(wholes.forgotten, 0);
}

static void several_datagrams_are_in_the_making_at_once(void **state)
{
    (void)state;
    struct span out;
    make(4, 3000, 1);
    for (uint16_t id = 1; id <= WHOLES; id++)
        assert_int_equal(take(cut(4, 0, 1440, true, id), id, &out), WHOLE_HELD);
    for (uint16_t id = 1; id <= WHOLES; id++)
        assert_int_equal(take(cut(4, 1440, 2980, false, id), 9, &out), WHOLE_DONE);
    /* one more than there is room for: the oldest goes */
    for (uint16_t id = 1; id <= WHOLES + 1; id++)
        assert_int_equal(take(cut(4, 0, 1440, true, id), id, &out), WHOLE_HELD);
    assert_int_equal(wholes.forgotten, 1);
    assert_int_equal(take(cut(4, 1440, 2980, false, 1), 9, &out), WHOLE_REFUSED);
    assert_int_equal(take(cut(4, 1440, 2980, false, WHOLES + 1), 9, &out), WHOLE_DONE);
}

static void what_does_not_follow_is_refused(void **state)
{
    (void)state;
    struct span out;
    make(4, 6000, 1);
    assert_int_equal(take(cut(4, 1440, 2880, true, 1), 1, &out), WHOLE_REFUSED); /* the first is missing */
    assert_int_equal(take(cut(4, 0, 1440, true, 1), 1, &out), WHOLE_HELD);
    assert_int_equal(take(cut(4, 1432, 2880, true, 1), 1, &out), WHOLE_REFUSED); /* overlaps */
    assert_int_equal(take(cut(4, 1440, 2880, true, 1), 1, &out), WHOLE_REFUSED); /* and so it is forgotten */
    assert_int_equal(take(cut(4, 0, 1440, true, 1), 1, &out), WHOLE_HELD);
    assert_int_equal(take(cut(4, 2880, 4320, true, 1), 1, &out), WHOLE_REFUSED); /* a gap */
    assert_int_equal(take(cut(4, 0, 1441, true, 1), 1, &out), WHOLE_REFUSED);    /* no multiple of eight */
    assert_int_equal(take(cut(4, 0, 1440, true, 1), 1, &out), WHOLE_HELD);
    assert_int_equal(take(cut(4, 1440, 5980, false, 2), 1, &out), WHOLE_REFUSED); /* of another datagram */
    assert_int_equal(take(cut(4, 1440, 5980, false, 1), 1 + 2 * TIME_SECOND, &out),
                     WHOLE_REFUSED); /* too late */
}

static void no_datagram_is_larger_than_ip_allows(void **state)
{
    (void)state;
    struct span out;
    for (uint8_t family = 4; family <= 6; family += 2) {
        make(family, WHOLE_MAX, 7);
        for (uint32_t at = 0; at < 64000; at += 16000)
            assert_int_equal(take(cut(family, at, at + 16000, true, 7), 1, &out), WHOLE_HELD);
        assert_int_equal(take(cut(family, 64000, 65488, true, 7), 1, &out), WHOLE_HELD);
        assert_int_equal(take(cut(family, 65488, 65535, false, 7), 1, &out), WHOLE_REFUSED);
    }
}

static void a_fragment_header_elsewhere_is_refused(void **state)
{
    (void)state;
    struct span out;
    struct packet ip;
    make(6, 3000, 1);
    struct span s = cut(6, 0, 1440, true, 1);
    fragment[6] = 60; /* the fragment header's bytes are destination options then */
    if (packet_parse(s, &ip))
        assert_int_equal(wholes_take(&wholes, s, &ip, 1, &out), WHOLE_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fragments_in_order_become_the_datagram, setup, teardown),
        cmocka_unit_test_setup_teardown(several_datagrams_are_in_the_making_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_follow_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(no_datagram_is_larger_than_ip_allows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fragment_header_elsewhere_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
