/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"
#include "sys/xfrm_msg.h"
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct xfrm_can can_all = {.mapping_pause = true};
static const struct xfrm_can can_old;
static char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;

static struct esp_sa sa_of(enum sa_direction dir)
{
    return (struct esp_sa){
        .direction = dir,
        .spi = 0x12345678,
        .reqid = 77,
        .local = {.ip = ip4(192, 0, 2, 1), .port = 4500},
        .remote = {.ip = ip4(192,            0, 2, 2), .port = 1024},
        .local_ts = {{.from = ip4(10, 1, 0, 0), .to = ip4(10, 1, 255, 255), .port_to = 65535}},
        .remote_ts = {{.from = ip4(10, 2, 0, 0), .to = ip4(10, 2, 255, 255), .port_to = 65535}},
        .n_local_ts = 1,
        .n_remote_ts = 1,
    };
}

/* As Linux 7.2 has it: offsets in the message behind its header. */
enum {
    MIGRATE_ID_DST = 0,
    MIGRATE_ID_SPI = 16,
    MIGRATE_ID_FAMILY = 20,
    MIGRATE_ID_PROTO = 22,
    MIGRATE_DST = 24,
    MIGRATE_SRC = 40,
    MIGRATE_MARK = 56,
    MIGRATE_SELECTOR = 64,
    MIGRATE_REQID = 120,
    MIGRATE_FLAGS = 124,
    MIGRATE_FAMILY = 128,
    MIGRATE_BYTES = 132,
};

/* NULL: not there. */
static const void *attribute(const struct nlmsghdr *h, uint16_t type)
{
    const struct nlattr *a;
    mnl_attr_for_each(a, h, MIGRATE_BYTES)
    {
        if (mnl_attr_get_type(a) == type)
            return mnl_attr_get_payload(a);
    }
    return NULL;
}

static const struct xfrm_encap_tmpl *encap_of(const struct nlmsghdr *h)
{
    return attribute(h, XFRMA_ENCAP);
}

static void an_sa_that_moves_is_named_by_where_it_was(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_OUT);
    sa.kernel.out.mark = (struct mark){0x12, 0xff};
    struct xfrm_state_id from = xfrm_state_id_of(&sa, false);
    sa.local.ip = ip4(192, 0, 2, 7);
    sa.remote.ip = ip4(192, 0, 2, 8);
    const struct nlmsghdr *h = xfrm_migrate_message(buf, &from, &sa, &can_all);
    const uint8_t *m = mnl_nlmsg_get_payload(h);
    const uint16_t family = AF_INET;
    const uint32_t mark[] = {0x12, 0xff}, spi = htonl(sa.spi);
    assert_int_equal(h->nlmsg_type, 0x29);
    assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
    assert_memory_equal(m + MIGRATE_ID_DST, from.dst.b, 4);
    assert_memory_equal(m + MIGRATE_ID_SPI, &spi, 4);
    assert_memory_equal(m + MIGRATE_ID_FAMILY, &family, 2);
    assert_int_equal(m[MIGRATE_ID_PROTO], IPPROTO_ESP);
    assert_memory_equal(m + MIGRATE_DST, sa.remote.ip.b, 4);
    assert_memory_equal(m + MIGRATE_SRC, sa.local.ip.b, 4);
    assert_memory_equal(m + MIGRATE_MARK, mark, 8);
    assert_memory_equal(m + MIGRATE_REQID, &sa.reqid, 4);
    assert_int_equal(m[MIGRATE_FLAGS], 0);
    assert_memory_equal(m + MIGRATE_FAMILY, &family, 2);
    assert_int_equal(encap_of(h)->encap_type, 0); /* not as it is: none */
    assert_int_equal(h->nlmsg_len,
                     NLMSG_HDRLEN + MIGRATE_BYTES + NLA_HDRLEN + sizeof(struct xfrm_encap_tmpl));
}

static void an_sa_moves_with_its_ports_and_its_selector(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_IN);
    struct xfrm_state_id from = xfrm_state_id_of(&sa, false);
    static const uint8_t none[56];
    sa.has_encap = true;
    const struct nlmsghdr *h = xfrm_migrate_message(buf, &from, &sa, &can_all);
    assert_int_equal(encap_of(h)->encap_type, 2);
    assert_int_equal(encap_of(h)->encap_sport, htons(1024)); /* the peer's: it sends */
    assert_int_equal(encap_of(h)->encap_dport, htons(4500));
    assert_int_equal(*(const uint32_t *)attribute(h, 32), 1);
    assert_memory_equal((const uint8_t *)mnl_nlmsg_get_payload(h) + MIGRATE_SELECTOR, none, sizeof(none));
    sa.mode = MODE_TRANSPORT;
    h = xfrm_migrate_message(buf, &from, &sa, &can_old);
    assert_null(attribute(h, 32));
    assert_memory_equal((const uint8_t *)mnl_nlmsg_get_payload(h) + MIGRATE_SELECTOR, sa.local_ts[0].from.b,
                        2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sa_that_moves_is_named_by_where_it_was),
        cmocka_unit_test(an_sa_moves_with_its_ports_and_its_selector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
