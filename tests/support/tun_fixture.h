/* SPDX-License-Identifier: Apache-2.0 */
/* A data plane in a network namespace of the test's own, with a TUN device and a plain socket behind it.
 * Include it once, in the test itself. */
#pragma once

#include "support/test.h"
#include "sys/dataplane.h"
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WAIT_MS 10000 /* a test that waits for so long fails */

static struct dataplane *dp;
static struct tun tun;
static struct sock inner; /* behind the TUN */
static int wake_fd;

static void on_wake(void *ctx)
{
    uint64_t one = 1;
    (void)ctx;
    if (write(wake_fd, &one, sizeof(one)) != sizeof(one)) /* not in cmocka's thread: no assertions */
        abort();
}

static bool set_interface(const char *name, unsigned long request, struct ifreq *r)
{
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strcpy(r->ifr_name, name);
    bool ok = ioctl(s, request, r) == 0;
    close(s);
    return ok;
}

static bool set_address(const char *name, unsigned long request, struct ip ip)
{
    struct ifreq r = {0};
    struct endpoint e = {.ip = ip};
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_from(&e, &sa);
    memcpy(&r.ifr_addr, &sa, len);
    return set_interface(name, request, &r);
}

/* The namespace and what is in it; the data plane is the test's to start, with the TUN and on_wake. */
static bool world_open(unsigned n_workers, struct diag *d)
{
    struct ifreq up = {.ifr_flags = IFF_UP | IFF_RUNNING};
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return unshare(CLONE_NEWNET) == 0 && set_interface("lo", SIOCSIFFLAGS, &up) &&
           tun_open(&tun, n_workers, 1500, d) && set_address(tun.name, SIOCSIFADDR, ip4(10, 1, 0, 9)) &&
           set_address(tun.name, SIOCSIFNETMASK, ip4(255, 0, 0, 0)) &&
           sock_open_udp(&inner, 4, 4000, false, d);
}

static void world_close(void)
{
    dataplane_stop(dp);
    sock_close(&inner);
    close(wake_fd);
}

static void await(int fd, short events)
{
    struct pollfd f = {.fd = fd, .events = events};
    assert_int_equal(poll(&f, 1, WAIT_MS), 1);
}
