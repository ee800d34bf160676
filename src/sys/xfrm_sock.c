/* SPDX-License-Identifier: Apache-2.0 */
/* What sockets of IKE say to the kernel's IPsec: see xfrm.h. */
#include "sys/xfrm.h"
#include <errno.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define IP_XFRM_POLICY_NR   17 /* linux/in.h, linux/in6.h, which do not go with netinet/in.h */
#define IPV6_XFRM_POLICY_NR 35

bool xfrm_bypass_socket(int fd, uint8_t family, struct diag *d)
{
    static const uint8_t directions[] = {XFRM_POLICY_IN, XFRM_POLICY_OUT};
    for (size_t i = 0; i < ARRAY_LEN(directions); i++) {
        struct xfrm_userpolicy_info p = {.dir = directions[i], .action = XFRM_POLICY_ALLOW};
        p.sel.family = family == 4 ? AF_INET : AF_INET6;
        int level = family == 4 ? IPPROTO_IP : IPPROTO_IPV6;
        int option = family == 4 ? IP_XFRM_POLICY_NR : IPV6_XFRM_POLICY_NR;
        if (setsockopt(fd, level, option, &p, sizeof(p)) == 0)
            continue;
        diag_set(d, FAIL_GENERIC, "IKE's own packets cannot go past the kernel's policies: %s",
                 strerror(errno));
        return false;
    }
    return true;
}

bool xfrm_encap_socket(int fd, struct diag *d)
{
    int kind = UDP_ENCAP_ESPINUDP;
    if (setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &kind, sizeof(kind)) == 0)
        return true;
    diag_set(d, FAIL_GENERIC, "the kernel takes no ESP in UDP from a socket: %s", strerror(errno));
    return false;
}
