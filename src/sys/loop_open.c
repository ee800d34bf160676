/* SPDX-License-Identifier: Apache-2.0 */
/* What the control loop needs of the machine, opened once: the IKE port, the NAT traversal port, shared with
 * the data plane's workers, raw ESP sockets, the TUN device, the routing table. */
#include "base/log.h"
#include "sys/loop_impl.h"
#include "sys/steer.h"
#include <sched.h>
#include <stdio.h>

#define TUN_MTU 1400

/* Processors that this process may use, not those that the machine has. */
static unsigned count_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > DATAPLANE_WORKERS_MAX ? DATAPLANE_WORKERS_MAX : (unsigned)n;
}

/* The first socket of the port is the control thread's, then come the workers', and the kernel's is last. */
static bool open_natt(struct loop *l, struct dataplane_options *dp, uint8_t family, uint16_t port,
                      struct diag *d)
{
    struct sock all[2 + DATAPLANE_WORKERS_MAX];
    struct sock *workers = family == 4 ? dp->natt4 : dp->natt6;
    size_t at = family == 4 ? 0 : 1, n = 1 + dp->n_workers + (l->xfrm != NULL);
    struct udp_watch *mine = &l->natt[at];
    if (!sock_open_shared(all, n, family, port, d))
        return false;
    mine->sock = all[0];
    mine->is_natt = true;
    for (unsigned i = 0; i < dp->n_workers; i++)
        workers[i] = all[1 + i];
    if (l->xfrm) {
        l->encap[at] = all[n - 1];
        if (!xfrm_encap_socket(all[n - 1].fd, d))
            return false;
    }
    if (!steer_datagrams(all[0].fd, dp->n_workers, l->xfrm))
        log_line(GROUP_ESP, LOG_NOTICE,
                 "this kernel does not steer datagrams: workers pass them on to each other");
    if (dp->n_workers)
        sock_join_datagrams(&mine->sock); /* all or none: the kernel asks any socket of the port */
    for (size_t i = 0; i < n; i++)
        loop_kernel_bypass(l, &all[i]);
    return true;
}

static bool open_ike(struct loop *l, uint8_t family, const struct settings *s, struct dataplane_options *dp,
                     struct diag *d)
{
    struct sock *ike = &l->ike[family == 4 ? 0 : 1].sock, *esp = family == 4 ? &dp->esp4 : &dp->esp6;
    if (!sock_open_udp(ike, family, s->port, true, d) || !open_natt(l, dp, family, s->port_natt, d))
        return false;
    loop_kernel_bypass(l, ike);
    if (!dp->n_workers)
        return true;
    bool ok = sock_open_esp(esp, family, true, d);
    loop_kernel_bypass(l, esp);
    return ok;
}

static bool open_sockets(struct loop *l, const struct settings *s, struct dataplane_options *dp,
                         struct diag *d)
{
    struct diag why;
    l->port_natt = s->port_natt;
    if (!open_ike(l, 4, s, dp, d))
        return false;
    if (!open_ike(l, 6, s, dp, &why))
        log_line(GROUP_ESP, LOG_NOTICE, "no IPv6 here: %s", why.what);
    return true;
}

/* Routes, rules, addresses: what both data planes need. */
static bool open_net(struct loop *l, const struct settings *s, const struct tun *tun, struct diag *d)
{
    char path[PATH_TEXT_MAX];
    snprintf(l->device, sizeof(l->device), "%s", tun->name);
    l->device_index = tun->index;
    snprintf(l->resolv_conf, sizeof(l->resolv_conf), "%s", s->resolv_conf ? s->resolv_conf : "");
    snprintf(l->vip_device, sizeof(l->vip_device), "%s", s->vip_device ? s->vip_device : "");
    loop_clean_resolv_conf(l); /* what a crash left */
    vips_open(&l->vips, paths_run(&l->o.paths, LOOP_ADDRESSES, path));
    l->fwrules = fwrules_open(&l->uv, l->device);
    struct route_options ro = {.device = tun->index,
                               .table = s->routing_table,
                               .priority = s->routing_table_prio,
                               .mtu = s->route_mtu,
                               .mss = s->route_mss};
    return (!s->installs_routes || (l->routes = route_open(&ro, d))) &&
           (l->shunts = shunts_open(s->routing_table_prio, tun->name, d)) &&
           loop_roam_open(l, s, tun->index, d);
}

static void forget_sockets(struct dataplane_options *dp)
{
    for (unsigned i = 0; i < DATAPLANE_WORKERS_MAX; i++)
        dp->natt4[i].fd = dp->natt6[i].fd = -1;
    dp->esp4.fd = dp->esp6.fd = -1;
    dp->tun.n_queues = 0;
}

static void on_opened(void *ctx, const struct sock *s)
{
    loop_kernel_bypass(ctx, s);
}

static bool open_dataplane(struct loop *l, const struct settings *s, struct dataplane_options *dp,
                           struct diag *d)
{
    if (l->xfrm)
        log_line(GROUP_ESP, LOG_NOTICE, "data plane: the kernel's");
    if (!l->planes.has_user)
        return true;
    dp->esp_path = s->esp_path;
    dp->esp = (struct esp_config){.path_mtu = 1500, .clamps_mss = true};
    l->dataplane = dataplane_start(dp, d);
    if (!l->dataplane)
        forget_sockets(dp); /* it has closed them */
    else
        log_line(GROUP_ESP, LOG_NOTICE, "data plane: userspace ESP on %s, %u worker%s%s", l->device,
                 dp->n_workers, dp->n_workers == 1 ? "" : "s",
                 l->xfrm ? ", for connections that want it" : "");
    return l->dataplane;
}

static void close_given(struct dataplane_options *dp)
{
    for (unsigned i = 0; i < DATAPLANE_WORKERS_MAX; i++) {
        sock_close(&dp->natt4[i]);
        sock_close(&dp->natt6[i]);
    }
    sock_close(&dp->esp4);
    sock_close(&dp->esp6);
    tun_close(&dp->tun);
}

bool loop_open_world(struct loop *l, const struct config *config, struct diag *d)
{
    const struct settings *s = &config->settings;
    struct dataplane_options dp = {.wake = loop_wake, .opened = on_opened, .ctx = l};
    forget_sockets(&dp);
    if (!loop_kernel_open(l, config, d))
        return false;
    l->planes.has_user = !l->xfrm || loop_wants_user(config);
    if (l->planes.has_user &&
        !tun_open(&dp.tun, s->dataplane_workers ? s->dataplane_workers : count_processors(), TUN_MTU, d))
        return false;
    dp.n_workers = dp.tun.n_queues;
    if (open_sockets(l, s, &dp, d) && open_net(l, s, &dp.tun, d) && open_dataplane(l, s, &dp, d))
        return true;
    close_given(&dp);
    return false;
}

void loop_close_world(struct loop *l)
{
    for (size_t i = 0; i < ARRAY_LEN(l->ike); i++) {
        sock_close(&l->ike[i].sock);
        sock_close(&l->natt[i].sock);
    }
}
