/* SPDX-License-Identifier: Apache-2.0 */
/* See tun.h. No offloads are asked for yet: the kernel hands over single packets with complete checksums, and
 * the header is always zero. */
#include "sys/tun.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool fail(struct tun *t, struct diag *d, const char *doing)
{
    int err = errno;
    diag_set(d, err == EPERM || err == EACCES ? FAIL_PERMISSION : FAIL_GENERIC, "cannot %s: %s", doing,
             strerror(err));
    if (err == ENOENT || err == ENODEV)
        diag_try(d, "modprobe tun, or give the container /dev/net/tun");
    if (err == EPERM || err == EACCES)
        diag_try(d, "root, or CAP_NET_ADMIN");
    tun_close(t);
    return false;
}

/* No link-local address: router solicitations and MLD reports would only be counted as drops. May fail where
 * /proc/sys is read-only; nothing depends on it. */
static void quiet_ipv6(const char *name)
{
    char path[96];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = write(fd, "1", 1);
    (void)n;
    close(fd);
}

static bool bring_up(struct tun *t, unsigned mtu)
{
    struct ifreq ifr = {0};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return false;
    memcpy(ifr.ifr_name, t->name, IFNAMSIZ);
    ifr.ifr_mtu = (int)mtu;
    bool ok = ioctl(s, SIOCSIFMTU, &ifr) == 0;
    ifr.ifr_qlen = 1000;
    ok = ok && ioctl(s, SIOCSIFTXQLEN, &ifr) == 0;
    ok = ok && ioctl(s, SIOCGIFFLAGS, &ifr) == 0;
    ifr.ifr_flags |= IFF_UP;
    ok = ok && ioctl(s, SIOCSIFFLAGS, &ifr) == 0;
    int err = errno;
    close(s);
    errno = err;
    return ok;
}

bool tun_open(struct tun *t, unsigned mtu, struct diag *d)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    int header = TUN_HEADER;
    *t = (struct tun){.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    if (t->fd < 0)
        return fail(t, d, "open /dev/net/tun");
    strcpy(ifr.ifr_name, "kw%d");
    if (ioctl(t->fd, TUNSETIFF, &ifr) < 0)
        return fail(t, d, "create a TUN device");
    memcpy(t->name, ifr.ifr_name, IFNAMSIZ);
    t->name[IFNAMSIZ - 1] = '\0';
    if (ioctl(t->fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(t->fd, TUNSETOFFLOAD, 0) < 0)
        return fail(t, d, "set the TUN device's offloads");
    quiet_ipv6(t->name);
    if (!bring_up(t, mtu))
        return fail(t, d, "bring up the TUN device");
    t->index = (int)if_nametoindex(t->name);
    return true;
}

void tun_close(struct tun *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}
