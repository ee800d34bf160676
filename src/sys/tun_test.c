/* SPDX-License-Identifier: Apache-2.0 */
/* The header before packets in the TUN. */
#include "support/test.h"
#include "sys/tun.h"
#include <linux/virtio_net.h>

static void what_the_kernel_says_is_understood(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, kind;
        bool is_known;
    } rows[] = {
        {VIRTIO_NET_HDR_GSO_NONE,                           OFFLOAD_NONE, true },
        {VIRTIO_NET_HDR_GSO_TCPV4,                          OFFLOAD_TCP,  true },
        {VIRTIO_NET_HDR_GSO_TCPV6,                          OFFLOAD_TCP,  true },
        {VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN, OFFLOAD_TCP,  true },
        {5,                                                 OFFLOAD_UDP,  true },
        {VIRTIO_NET_HDR_GSO_UDP,                            OFFLOAD_NONE, false},
        {77,                                                OFFLOAD_NONE, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                   .gso_type = rows[i].type,
                                   .hdr_len = 52,
                                   .gso_size = 1348,
                                   .csum_start = 20,
                                   .csum_offset = 16};
        uint8_t bytes[TUN_HEADER];
        struct offload o;
        memcpy(bytes, &h, sizeof(bytes));
        assert_int_equal(tun_read_header(bytes, &o), rows[i].is_known);
        assert_int_equal(o.kind, rows[i].kind);
        assert_int_equal(o.size, 1348);
        assert_true(o.needs_checksum);
        assert_int_equal(o.checksum_start + o.checksum_offset, 36);
    }
}

static void what_is_written_is_what_the_kernel_reads(void **state)
{
    (void)state;
    static const uint8_t types[3][2] = {
        {VIRTIO_NET_HDR_GSO_NONE,  VIRTIO_NET_HDR_GSO_NONE },
        {VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_TCPV6},
        {5,                        5                       }
    };
    for (uint8_t kind = OFFLOAD_NONE; kind <= OFFLOAD_UDP; kind++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            struct offload o = {.kind = kind,
                                .needs_checksum = kind,
                                .size = 1000,
                                .header = 60,
                                .checksum_start = 40},
                           back;
            uint8_t bytes[TUN_HEADER];
            struct virtio_net_hdr h;
            tun_write_header(bytes, &o, family);
            memcpy(&h, bytes, sizeof(bytes));
            assert_int_equal(h.gso_type, types[kind][family == 6]);
            assert_int_equal(h.flags, kind ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0);
            assert_true(tun_read_header(bytes, &back));
            assert_memory_equal(&o, &back, sizeof(o));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_says_is_understood),
        cmocka_unit_test(what_is_written_is_what_the_kernel_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
