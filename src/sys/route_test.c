/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink messages, attribute by attribute. The kernel's side is tested in namespaces. */
#include "support/test.h"
#include "sys/route.h"
#include "sys/sock.h"
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

static const struct nlattr *find_attr(const struct nlmsghdr *h, size_t header, int type)
{
    const struct nlattr *a;
    mnl_attr_for_each(a, h, header)
    {
        if (mnl_attr_get_type(a) == type)
            return a;
    }
    return NULL;
}

static uint32_t u32_of(const struct nlmsghdr *h, size_t header, int type)
{
    const struct nlattr *a = find_attr(h, header, type);
    assert_non_null(a);
    return mnl_attr_get_u32(a);
}

static struct route_spec spec(enum route_kind kind, const char *dst)
{
    struct route_spec s = {.kind = kind, .device = 7, .table = 220};
    assert_true(prefix_parse(dst, &s.dst));
    return s;
}

static void a_tunnel_route_names_device_table_and_source(void **state)
{
    (void)state;
    char buf[512];
    struct route_spec s = spec(ROUTE_TUNNEL, "10.20.0.0/16");
    s.source = ip4(10, 10, 0, 1);
    struct nlmsghdr *h = route_message(buf, &s, true);
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    assert_int_equal(h->nlmsg_type, RTM_NEWROUTE);
    assert_true(h->nlmsg_flags & NLM_F_REPLACE);
    assert_int_equal(m->rtm_family, AF_INET);
    assert_int_equal(m->rtm_type, RTN_UNICAST);
    assert_int_equal(m->rtm_dst_len, 16);
    assert_int_equal(m->rtm_protocol, ROUTE_PROTOCOL);
    assert_int_equal(u32_of(h, sizeof(*m), RTA_TABLE), 220);
    assert_int_equal(u32_of(h, sizeof(*m), RTA_OIF), 7);
    assert_memory_equal(mnl_attr_get_payload(find_attr(h, sizeof(*m), RTA_DST)), "\x0a\x14\x00\x00", 4);
    assert_memory_equal(mnl_attr_get_payload(find_attr(h, sizeof(*m), RTA_PREFSRC)), "\x0a\x0a\x00\x01", 4);
}

static void for_one_destination_tunnel_beats_barrier_beats_exception(void **state)
{
    (void)state;
    uint32_t metrics[4];
    for (int k = ROUTE_TUNNEL; k <= ROUTE_EXCEPTION; k++) {
        char buf[512];
        struct route_spec s = spec((enum route_kind)k, "2001:db8::/32");
        metrics[k] = u32_of(route_message(buf, &s, true), sizeof(struct rtmsg), RTA_PRIORITY);
    }
    assert_true(metrics[ROUTE_TUNNEL] < metrics[ROUTE_HOLD]);
    assert_true(metrics[ROUTE_HOLD] < metrics[ROUTE_BARRIER]);
    assert_true(metrics[ROUTE_BARRIER] < metrics[ROUTE_EXCEPTION]);
}

static void a_route_into_a_tunnel_has_the_mtu_and_mss_that_are_set(void **state)
{
    (void)state;
    char buf[512];
    struct route_spec s = spec(ROUTE_TUNNEL, "10.20.0.0/16");
    assert_null(find_attr(route_message(buf, &s, true), sizeof(struct rtmsg), RTA_METRICS));
    s.mtu = 1400;
    s.mss = 1360;
    const struct nlattr *nest = find_attr(route_message(buf, &s, true), sizeof(struct rtmsg), RTA_METRICS),
                        *a;
    uint32_t mtu = 0, mss = 0;
    assert_non_null(nest);
    mnl_attr_for_each_nested(a, nest)
    {
        mtu = mnl_attr_get_type(a) == RTAX_MTU ? mnl_attr_get_u32(a) : mtu;
        mss = mnl_attr_get_type(a) == RTAX_ADVMSS ? mnl_attr_get_u32(a) : mss;
    }
    assert_int_equal(mtu, 1400);
    assert_int_equal(mss, 1360);
    s.kind = ROUTE_BARRIER;
    assert_null(find_attr(route_message(buf, &s, true), sizeof(struct rtmsg), RTA_METRICS));
}

static void a_barrier_needs_no_device(void **state)
{
    (void)state;
    char buf[512];
    struct route_spec s = spec(ROUTE_BARRIER, "10.20.0.0/16");
    struct nlmsghdr *h = route_message(buf, &s, true);
    assert_int_equal(((const struct rtmsg *)mnl_nlmsg_get_payload(h))->rtm_type, RTN_UNREACHABLE);
    assert_null(find_attr(h, sizeof(struct rtmsg), RTA_OIF));
}

static void the_rule_excepts_our_own_packets(void **state)
{
    (void)state;
    char buf[512];
    struct nlmsghdr *h = route_rule_message(
        buf,
        &(struct rule_spec){
            .family = 6, .priority = 220, .action = FR_ACT_TO_TBL, .to = 220, .whose = RULE_NOT_OURS},
        true);
    const struct fib_rule_hdr *m = mnl_nlmsg_get_payload(h);
    assert_int_equal(m->family, AF_INET6);
    assert_true(m->flags & FIB_RULE_INVERT);
    assert_int_equal(u32_of(h, sizeof(*m), FRA_FWMARK), SOCK_FWMARK);
    assert_int_equal(u32_of(h, sizeof(*m), FRA_TABLE), 220);
    assert_int_equal(u32_of(h, sizeof(*m), FRA_PRIORITY), 220);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tunnel_route_names_device_table_and_source),
        cmocka_unit_test(for_one_destination_tunnel_beats_barrier_beats_exception),
        cmocka_unit_test(a_route_into_a_tunnel_has_the_mtu_and_mss_that_are_set),
        cmocka_unit_test(a_barrier_needs_no_device),
        cmocka_unit_test(the_rule_excepts_our_own_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
