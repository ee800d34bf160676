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

/* The first socket of the port is the control thread's, the others are the workers'. */
static bool open_natt(struct loop *l, struct dataplane_options *dp, uint8_t family, uint16_t port,
                      struct diag *d)
{
    struct sock all[1 + DATAPLANE_WORKERS_MAX];
    struct sock *workers = family == 4 ? dp->natt4 : dp->natt6;
    struct udp_watch *mine = &l->natt[family == 4 ? 0 : 1];
    if (!sock_open_shared(all, 1 + dp->n_workers, family, port, d))
        return false;
    mine->sock = all[0];
    mine->is_natt = true;
    for (unsigned i = 0; i < dp->n_workers; i++)
        workers[i] = all[1 + i];
    if (!steer_datagrams(all[0].fd, dp->n_workers, false))
        log_line(GROUP_ESP, LOG_NOTICE,
                 "this kernel does not steer datagrams: workers pass them on to each other");
    sock_join_datagrams(&mine->sock); /* all or none: the kernel asks any socket of the port */
    return true;
}

static bool open_sockets(struct loop *l, const struct settings *s, struct dataplane_options *dp,
                         struct diag *d)
{
    struct diag why;
    l->port_natt = s->port_natt;
    if (!sock_open_udp(&l->ike[0].sock, 4, s->port, false, d) || !open_natt(l, dp, 4, s->port_natt, d) ||
        !sock_open_esp(&dp->esp4, 4, true, d))
        return false;
    bool has_ipv6 = sock_open_udp(&l->ike[1].sock, 6, s->port, false, &why) &&
                    open_natt(l, dp, 6, s->port_natt, &why) && sock_open_esp(&dp->esp6, 6, true, &why);
    if (!has_ipv6)
        log_line(GROUP_ESP, LOG_NOTICE, "no IPv6 here: %s", why.what);
    return true;
}

static bool open_dataplane(struct loop *l, const struct settings *s, struct dataplane_options *dp,
                           struct diag *d)
{
    if (s->dataplane == DATAPLANE_KERNEL) {
        diag_set(d, FAIL_CONFIG, "dataplane = kernel is not available");
        diag_expected(d, "auto or user");
        diag_try(d, "dataplane = auto: ESP runs in userspace");
        return false;
    }
    dp->esp_path = s->esp_path;
    dp->esp = (struct esp_config){.path_mtu = 1500, .clamps_mss = true};
    snprintf(l->device, sizeof(l->device), "%s", dp->tun.name);
    l->device_index = dp->tun.index;
    snprintf(l->resolv_conf, sizeof(l->resolv_conf), "%s", s->resolv_conf ? s->resolv_conf : "");
    snprintf(l->vip_device, sizeof(l->vip_device), "%s", s->vip_device ? s->vip_device : "");
    loop_clean_resolv_conf(l); /* what a crash left */
    l->fwrules = fwrules_open(&l->uv, l->device);
    struct route_options ro = {.device = dp->tun.index,
                               .table = s->routing_table,
                               .priority = s->routing_table_prio,
                               .mtu = s->route_mtu,
                               .mss = s->route_mss};
    if ((s->installs_routes && !(l->routes = route_open(&ro, d))) ||
        !(l->shunts = shunts_open(s->routing_table_prio, dp->tun.name, d)) ||
        !loop_roam_open(l, s, dp->tun.index, d))
        return false;
    l->dataplane = dataplane_start(dp, d);
    if (l->dataplane)
        log_line(GROUP_ESP, LOG_NOTICE, "data plane: userspace ESP on %s, %u worker%s", l->device,
                 dp->n_workers, dp->n_workers == 1 ? "" : "s");
    return true;
}

static void close_given(struct dataplane_options *dp)
{
    for (unsigned i = 0; i < dp->n_workers; i++) {
        sock_close(&dp->natt4[i]);
        sock_close(&dp->natt6[i]);
    }
    sock_close(&dp->esp4);
    sock_close(&dp->esp6);
    tun_close(&dp->tun);
}

bool loop_open_world(struct loop *l, const struct settings *s, struct diag *d)
{
    struct dataplane_options dp = {.esp4.fd = -1, .esp6.fd = -1, .wake = loop_wake, .ctx = l};
    unsigned wanted = s->dataplane_workers ? s->dataplane_workers : count_processors();
    for (unsigned i = 0; i < DATAPLANE_WORKERS_MAX; i++)
        dp.natt4[i].fd = dp.natt6[i].fd = -1;
    if (!tun_open(&dp.tun, wanted, TUN_MTU, d))
        return false;
    dp.n_workers = dp.tun.n_queues;
    if (open_sockets(l, s, &dp, d) && open_dataplane(l, s, &dp, d))
        return l->dataplane != NULL; /* which closed them if it could not start */
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
