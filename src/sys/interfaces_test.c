/* SPDX-License-Identifier: Apache-2.0 */
/* Which interfaces a configuration wants, and the messages that make them. Those are made in a real kernel in
 * tests/interop. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/address.h"
#include "sys/interfaces_impl.h"
#include <arpa/inet.h>
#include <net/if.h> /* before the kernel's */

#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

static struct child_config children[3];
static struct connection conns[3];
static const struct connection *all[3] = {&conns[0], &conns[1], &conns[2]};
static struct config config;

static int setup(void **state)
{
    (void)state;
    memset(children, 0, sizeof(children));
    config = (struct config){.connections = all, .n_connections = ARRAY_LEN(conns)};
    for (size_t i = 0; i < ARRAY_LEN(conns); i++) {
        conns[i] = (struct connection){.name = "c", .children = &children[i], .n_children = 1};
        conns[i].resolved_local = ip4(192, 0, 2, 1);
        conns[i].resolved_remote = ip4(192, 0, 2, (uint8_t)(10 + i));
    }
    return 0;
}

static void wants(size_t i, const char *name, enum interface_kind kind, uint32_t number)
{
    struct kernel_options *k = &children[i].kernel;
    k->interface.kind = kind;
    snprintf(k->interface.name, sizeof(k->interface.name), "%s", name);
    if (kind == INTERFACE_XFRM)
        k->in.if_id = k->out.if_id = number;
    else
        k->in.mark = k->out.mark = (struct mark){number, UINT32_MAX};
}

static void interfaces_are_wanted_once_and_by_the_kernels_connections_alone(void **state)
{
    (void)state;
    size_t n;
    wants(0, "ipsec1", INTERFACE_XFRM, 1);
    wants(1, "ipsec1", INTERFACE_XFRM, 1);
    wants(2, "ipsec2", INTERFACE_XFRM, 2);
    children[1].kernel.interface.address = ip4(10, 9, 0, 1);
    children[1].kernel.interface.bits = 24;
    conns[2].dataplane = DATAPLANE_USER;
    struct interface_spec *v = interfaces_wanted(&config, &n);
    assert_int_equal(n, 1);
    assert_string_equal(v[0].name, "ipsec1");
    assert_int_equal(v[0].if_id, 1);
    assert_int_equal(v[0].bits, 24);
    free(v);
}

static void a_vti_for_several_peers_is_for_any(void **state)
{
    (void)state;
    size_t n;
    wants(0, "vti0", INTERFACE_VTI, 5);
    struct interface_spec *v = interfaces_wanted(&config, &n);
    assert_int_equal(n, 1);
    assert_true(ip_equal(v[0].remote, conns[0].resolved_remote));
    free(v);
    wants(1, "vti0", INTERFACE_VTI, 5);
    v = interfaces_wanted(&config, &n);
    assert_int_equal(n, 1);
    assert_true(ip_equal(v[0].local, conns[0].resolved_local));
    assert_true(ip_is_unspecified(v[0].remote) && v[0].remote.family == 4);
    free(v);
}

/* ---- messages */

static const struct nlattr *attr_in(const struct nlattr *nest, int type)
{
    const struct nlattr *a;
    mnl_attr_for_each_nested(a, nest)
    {
        if (mnl_attr_get_type(a) == type)
            return a;
    }
    fail_msg("no attribute %d", type);
    return NULL;
}

static const struct nlattr *attr_of(const struct nlmsghdr *h, size_t header, int type)
{
    const struct nlattr *a;
    mnl_attr_for_each(a, h, header)
    {
        if (mnl_attr_get_type(a) == type)
            return a;
    }
    fail_msg("no attribute %d", type);
    return NULL;
}

static const struct nlattr *made_as(const struct nlmsghdr *h, const char *name, const char *kind)
{
    const size_t header = sizeof(struct ifinfomsg);
    assert_int_equal(h->nlmsg_type, RTM_NEWLINK);
    assert_true((h->nlmsg_flags & NLM_F_CREATE) && (h->nlmsg_flags & NLM_F_EXCL));
    assert_string_equal(mnl_attr_get_str(attr_of(h, header, IFLA_IFNAME)), name);
    const struct nlattr *info = attr_of(h, header, IFLA_LINKINFO);
    assert_string_equal(mnl_attr_get_str(attr_in(info, IFLA_INFO_KIND)), kind);
    return attr_in(info, IFLA_INFO_DATA);
}

static void an_xfrm_interface_is_made_with_its_id_and_no_link(void **state)
{
    (void)state;
    char buf[512];
    const struct interface_spec s = {.name = "ipsec7", .kind = INTERFACE_XFRM, .if_id = 7};
    const struct nlattr *a, *data = made_as(interface_message(buf, &s), "ipsec7", "xfrm");
    assert_int_equal(mnl_attr_get_u32(attr_in(data, IFLA_XFRM_IF_ID)), 7);
    mnl_attr_for_each_nested(a, data) assert_int_equal(mnl_attr_get_type(a), IFLA_XFRM_IF_ID);
}

static void a_vti_is_made_with_its_ends_and_keys_in_network_order(void **state)
{
    (void)state;
    char buf[512];
    struct interface_spec s = {.name = "vti0", .kind = INTERFACE_VTI, .ikey = 5, .okey = 6};
    s.local = ip4(192, 0, 2, 1);
    s.remote = ip4(0, 0, 0, 0);
    const struct nlattr *data = made_as(interface_message(buf, &s), "vti0", "vti");
    assert_int_equal(mnl_attr_get_payload_len(attr_in(data, IFLA_VTI_LOCAL)), 4);
    assert_memory_equal(mnl_attr_get_payload(attr_in(data, IFLA_VTI_LOCAL)), "\xc0\x00\x02\x01", 4);
    assert_int_equal(ntohl(mnl_attr_get_u32(attr_in(data, IFLA_VTI_IKEY))), 5);
    assert_int_equal(ntohl(mnl_attr_get_u32(attr_in(data, IFLA_VTI_OKEY))), 6);
    assert_true(ip_parse("2001:db8::1", &s.local));
    data = made_as(interface_message(buf, &s), "vti0", "vti6");
    assert_int_equal(mnl_attr_get_payload_len(attr_in(data, IFLA_VTI_REMOTE)), 16);
}

static void it_is_set_up_with_its_owner_and_its_address(void **state)
{
    (void)state;
    char buf[512];
    struct nlmsghdr *h = interface_up_message(buf, 9, "keyway /run/keyway");
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
    assert_true(m->ifi_index == 9 && m->ifi_flags == IFF_UP && m->ifi_change == IFF_UP);
    assert_string_equal(mnl_attr_get_str(attr_of(h, sizeof(*m), IFLA_IFALIAS)), "keyway /run/keyway");
    h = address_message(buf, 9, ip4(10, 9, 0, 1), 24, true);
    const struct ifaddrmsg *am = mnl_nlmsg_get_payload(h);
    assert_int_equal(am->ifa_prefixlen, 24);
    assert_int_equal(am->ifa_index, 9);
    h = interface_del_message(buf, 9);
    m = mnl_nlmsg_get_payload(h);
    assert_int_equal(h->nlmsg_type, RTM_DELLINK);
    assert_int_equal(m->ifi_index, 9);
}

/* ---- whose they are, in a network namespace of the test's own */

static int enter(void **state)
{
    assert_true(netns_enter());
    netns_run("ip link add ipsec1 type veth peer name other0; ip link set other0 alias 'keyway /run/other'");
    return setup(state);
}

static void what_an_earlier_run_left_goes_and_nothing_else(void **state)
{
    (void)state;
    netns_run("ip link add left0 type veth peer name left0x; ip link set left0 alias 'keyway /run/keyway'");
    assert_int_equal(interfaces_cleanup("/run/keyway"), 1);
    assert_int_equal(if_nametoindex("left0"), 0);
    assert_true(if_nametoindex("other0") && if_nametoindex("ipsec1"));
    assert_int_equal(interfaces_cleanup("/run/keyway"), 0);
}

static void one_that_is_there_is_used_and_stays(void **state)
{
    (void)state;
    struct interfaces t;
    struct planes p = {.lacks_xfrmi = true};
    wants(0, "ipsec1", INTERFACE_XFRM, 1);
    interfaces_open(&t, "/run/keyway");
    interfaces_make(&t, &config, &p);
    assert_false(p.lacks_xfrmi);
    assert_int_equal(t.n, 1);
    wants(0, "ipsec1", INTERFACE_XFRM, 2); /* another one by the same name */
    interfaces_make(&t, &config, &p);
    assert_true(t.n == 1 && t.v[0].spec.if_id == 2);
    t.v[0].index = 1 << 20; /* the one that was ours is gone, and somebody has made this one */
    interfaces_make(&t, &config, &p);
    assert_true(t.n == 1 && t.v[0].index == 0);
    children[0].kernel.interface.name[0] = '\0';
    interfaces_drop(&t, &config);
    assert_int_equal(t.n, 0);
    interfaces_close(&t);
    assert_true(if_nametoindex("ipsec1"));
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        ROW(interfaces_are_wanted_once_and_by_the_kernels_connections_alone),
        ROW(a_vti_for_several_peers_is_for_any),
        ROW(an_xfrm_interface_is_made_with_its_id_and_no_link),
        ROW(a_vti_is_made_with_its_ends_and_keys_in_network_order),
        ROW(it_is_set_up_with_its_owner_and_its_address),
        cmocka_unit_test_setup(what_an_earlier_run_left_goes_and_nothing_else, enter),
        cmocka_unit_test_setup(one_that_is_there_is_used_and_stays, enter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
