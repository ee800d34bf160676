/* SPDX-License-Identifier: Apache-2.0 */
/* See address.h. */
#include "sys/address.h"
#include "sys/netlink.h"
#include "sys/sock.h"
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct nlmsghdr *address_message(void *buf, int device, struct ip ip, uint8_t bits, bool adds)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = adds ? RTM_NEWADDR : RTM_DELADDR;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_REPLACE : 0));
    struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->ifa_family = ip.family == 4 ? AF_INET : AF_INET6;
    m->ifa_prefixlen = bits;
    m->ifa_flags = ip.family == 4 ? 0 : IFA_F_NODAD;
    m->ifa_scope = RT_SCOPE_UNIVERSE;
    m->ifa_index = (unsigned)device;
    mnl_attr_put(h, IFA_LOCAL, ip_len(ip), ip.b);
    mnl_attr_put(h, IFA_ADDRESS, ip_len(ip), ip.b);
    return h;
}

bool address_device(struct ip ip, char name[ADDRESS_DEVICE])
{
    struct ifaddrs *all = NULL;
    name[0] = '\0';
    if (!ip.family || getifaddrs(&all) < 0)
        return false;
    for (struct ifaddrs *i = all; i && !name[0]; i = i->ifa_next) {
        struct sockaddr_storage sa = {0};
        struct endpoint e;
        int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
        if (family != AF_INET && family != AF_INET6)
            continue;
        memcpy(&sa, i->ifa_addr,
               family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        sockaddr_to(&sa, &e);
        if (ip_equal(e.ip, ip))
            snprintf(name, ADDRESS_DEVICE, "%s", i->ifa_name);
    }
    freeifaddrs(all);
    return name[0];
}

bool address_set(int device, struct ip ip, bool adds, struct diag *d)
{
    char buf[512], text[IP_TEXT_MAX];
    struct netlink nl;
    if (!netlink_open(&nl, NETLINK_ROUTE, d))
        return false;
    int err = netlink_ask(&nl, address_message(buf, device, ip, (uint8_t)(8 * ip_len(ip)), adds), NULL, NULL);
    netlink_close(&nl);
    if (!err || (!adds && (err == EADDRNOTAVAIL || err == ENODEV)))
        return true;
    diag_set(d, err == EPERM ? FAIL_PERMISSION : FAIL_GENERIC, "cannot %s the virtual address %s: %s",
             adds ? "add" : "remove", ip_format(ip, text), strerror(err));
    if (err == EACCES && ip.family == 6)
        diag_try(d, "IPv6 is switched off here: sysctl net.ipv6.conf.all.disable_ipv6");
    return false;
}
