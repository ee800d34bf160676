/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses: the message, and the kernel in a namespace of its own. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/address.h"
#include "sys/tun.h"
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

static void messages_name_a_single_host(void **state)
{
    (void)state;
    char buf[512];
    struct ip v6;
    assert_true(ip_parse("fd03::1", &v6));
    struct nlmsghdr *h = address_message(buf, 7, ip4(10, 3, 0, 1), 32, true);
    const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
    assert_int_equal(h->nlmsg_type, RTM_NEWADDR);
    assert_int_equal(m->ifa_prefixlen, 32);
    assert_int_equal(m->ifa_index, 7);
    h = address_message(buf, 7, v6, 128, false);
    m = mnl_nlmsg_get_payload(h);
    assert_int_equal(h->nlmsg_type, RTM_DELADDR);
    assert_int_equal(m->ifa_prefixlen, 128);
    assert_true(m->ifa_flags & IFA_F_NODAD);
}

static bool is_there(const char *device, struct ip ip)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!i->ifa_addr || strcmp(i->ifa_name, device) != 0)
            continue;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
        memcpy(&in4, i->ifa_addr, sizeof(in4));
        if (i->ifa_addr->sa_family == AF_INET && ip.family == 4)
            found |= memcmp(&in4.sin_addr, ip.b, 4) == 0;
        if (i->ifa_addr->sa_family == AF_INET6 && ip.family == 6) {
            memcpy(&in6, i->ifa_addr, sizeof(in6));
            found |= memcmp(&in6.sin6_addr, ip.b, 16) == 0;
        }
    }
    freeifaddrs(all);
    return found;
}

static void addresses_come_and_go_on_the_device(void **state)
{
    (void)state;
    struct tun t;
    struct diag d = {0};
    struct ip ips[2] = {ip4(10, 3, 0, 1)};
    assert_true(ip_parse("fd03::1", &ips[1]));
    assert_true(tun_open(&t, 1, 1400, &d));
    for (int i = 0; i < 2; i++) {
        assert_true(address_set(t.index, ips[i], true, &d));
        assert_true(address_set(t.index, ips[i], true, &d)); /* there already */
        assert_true(is_there(t.name, ips[i]));
    }
    assert_true(address_set(t.index, ips[0], false, &d));
    assert_false(is_there(t.name, ips[0]));
    assert_true(address_set(t.index, ips[0], false, &d)); /* gone already */
    char name[IFNAMSIZ];
    memcpy(name, t.name, sizeof(name));
    tun_close(&t); /* as when the daemon is killed */
    assert_false(is_there(name, ips[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_name_a_single_host),
        cmocka_unit_test(addresses_come_and_go_on_the_device),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
