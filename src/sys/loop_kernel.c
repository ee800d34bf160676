/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's data plane in the control loop: whether it is used, its sockets, what the outbox has for it,
 * and what it tells. The executor is xfrm.h; its routes are in route_way.c. */
#include "base/log.h"
#include "sys/clock.h"
#include "sys/loop_impl.h"
#include <sys/utsname.h>

#define ACQUIRE_SECONDS 165 /* more than all retransmissions of an IKE_SA_INIT take */

/* ---- whether */

bool loop_wants_kernel(const struct config *c)
{
    bool wants = c->settings.dataplane != DATAPLANE_USER;
    for (size_t i = 0; i < c->n_connections; i++)
        wants |= c->connections[i]->dataplane == DATAPLANE_KERNEL;
    return wants;
}

bool loop_wants_user(const struct config *c)
{
    bool wants = c->settings.dataplane != DATAPLANE_KERNEL;
    for (size_t i = 0; i < c->n_connections; i++)
        wants |= c->connections[i]->dataplane == DATAPLANE_USER;
    return wants;
}

static void note_event(void *ctx, const struct dataplane_event *ev)
{
    struct loop *l = ctx;
    if (l->engine)
        loop_step(l, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = *ev});
}

static void name_kernel(struct planes *p)
{
    struct utsname u;
    if (uname(&u) == 0)
        snprintf(p->kernel, sizeof(p->kernel), "%.15s %.60s", u.sysname, u.release);
}

bool loop_kernel_open(struct loop *l, const struct config *c, struct diag *d)
{
    char path[PATH_TEXT_MAX];
    struct xfrm_options o = {.journal = paths_run(&l->o.paths, LOOP_JOURNAL, path),
                             .acquire_seconds = ACQUIRE_SECONDS,
                             .holds_packets = true,
                             .ctx = l,
                             .event = note_event};
    if (!loop_wants_kernel(c))
        return true;
    if (xfrm_probe(d))
        l->xfrm = xfrm_open(&o, d);
    l->planes.has_kernel = l->xfrm != NULL;
    name_kernel(&l->planes);
    if (l->xfrm) {
        xfrm_lacks(l->xfrm, &l->planes);
        interfaces_open(&l->interfaces, l->o.paths.run);
    }
    xfrm_moved_begin(&l->moved, XFRM_STAT_PATH);
    if (l->xfrm)
        return true;
    snprintf(l->planes.why, sizeof(l->planes.why), "%.*s", (int)sizeof(l->planes.why) - 1, d->what);
    if (c->settings.dataplane == DATAPLANE_KERNEL) {
        d->class = FAIL_CONFIG;
        diag_expected(d, "a kernel with IPsec, as dataplane = kernel says");
        diag_try(d, "dataplane = auto, or user: ESP runs in userspace");
        return false;
    }
    log_line(GROUP_KNL, LOG_NOTICE, "data plane: not the kernel's: %s", d->what);
    diag_clear(d);
    return true;
}

void loop_kernel_sweep(struct loop *l)
{
    size_t n = l->xfrm ? xfrm_sweep(l->xfrm) : 0;
    if (n)
        log_line(GROUP_KNL, LOG_NOTICE, "removed %zu SAs and policies that an earlier run left in the kernel",
                 n);
}

/* ---- events */

/* Whoever waits for a tunnel waits for what the kernel says of it. */
static void ask_for_news(struct loop *l)
{
    bool was_asked = l->has_asked_kernel;
    l->has_asked_kernel = false;
    int64_t next = xfrm_poll(l->xfrm, clock_mono());
    if (was_asked)
        note_event(l, &(struct dataplane_event){.kind = DP_SETTLED});
    loop_kernel_rearm(l, l->has_asked_kernel ? 0 : next);
}

static void on_poll_timer(uv_timer_t *timer)
{
    ask_for_news(timer->data);
}

void loop_kernel_rearm(struct loop *l, int64_t at)
{
    if (at == TIME_NEVER) {
        uv_timer_stop(&l->xfrm_timer);
        return;
    }
    int64_t ms = (at - clock_mono() + TIME_MS - 1) / TIME_MS;
    uv_update_time(&l->uv);
    uv_timer_start(&l->xfrm_timer, on_poll_timer, (uint64_t)(ms < 0 ? 0 : ms), 0);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct loop *l = poll->data;
    (void)events;
    if (status < 0) /* an overrun, which xfrm_read() mends: libuv has stopped to watch */
        uv_poll_start(poll, UV_READABLE, on_event);
    xfrm_read(l->xfrm, clock_mono());
    ask_for_news(l);
}

void loop_kernel_start(struct loop *l)
{
    loop_step(l, &(struct input){.kind = INPUT_PLANES, .planes = &l->planes});
    if (!l->xfrm)
        return;
    uv_poll_init(&l->uv, &l->xfrm_events, xfrm_fd(l->xfrm));
    l->xfrm_events.data = l;
    uv_poll_start(&l->xfrm_events, UV_READABLE, on_event);
    loop_kernel_rearm(l, xfrm_poll(l->xfrm, clock_mono()));
}

/* ---- interfaces */

void loop_kernel_expect(struct loop *l, const struct config *c)
{
    const bool lacked_xfrmi = l->planes.lacks_xfrmi, lacked_vti = l->planes.lacks_vti;
    if (!l->xfrm)
        return;
    interfaces_make(&l->interfaces, c, &l->planes);
    if (l->planes.lacks_xfrmi != lacked_xfrmi || l->planes.lacks_vti != lacked_vti)
        loop_step(l, &(struct input){.kind = INPUT_PLANES, .planes = &l->planes});
}

void loop_kernel_settle(struct loop *l)
{
    if (l->xfrm)
        interfaces_drop(&l->interfaces, engine_config(l->engine));
}

/* ---- sockets */

/* IKE goes past policies for the peer's own address. */
void loop_kernel_bypass(const struct loop *l, const struct sock *s)
{
    struct diag d;
    if (l->xfrm && s->fd >= 0 && !xfrm_bypass_socket(s->fd, s->family, &d))
        log_line(GROUP_KNL, LOG_WARN, "%s", d.what);
}

/* ---- records */

/* What stands before the peer's own address while there is no tunnel to it: see route.h. An interface needs
 * no policy, which would be in the way of the tunnel, too: policies without its id are asked before it is. */
static bool is_peers_barrier(const struct route *r)
{
    return r->plane == PLANE_KERNEL && r->is_unreachable && r->is_peer && !r->flow.proto && !r->device[0];
}

static void set_barrier(struct loop *l, const struct route *r)
{
    struct shunt block = {.id = r->id, .mode = MODE_DROP, .is_last = true, .remote = r->dst};
    xfrm_apply(l->xfrm, &(struct action){.kind = ACTION_SHUNT_ADD, .shunt = &block}, clock_mono());
}

void loop_kernel_apply(struct loop *l, const struct action *a)
{
    if (!l->xfrm)
        return;
    if (a->kind == ACTION_ROUTE_ADD && is_peers_barrier(a->route))
        set_barrier(l, a->route);
    else if (a->kind == ACTION_ROUTE_DEL)
        xfrm_apply(l->xfrm, &(struct action){.kind = ACTION_SHUNT_DEL, .id = a->id}, clock_mono());
    else if (a->kind != ACTION_ROUTE_ADD)
        xfrm_apply(l->xfrm, a, clock_mono());
    l->has_asked_kernel = true;
    loop_kernel_rearm(l, 0); /* what has failed is told after this step */
}

bool loop_is_kernels(const struct loop *l, const struct action *a)
{
    switch (a->kind) {
    case ACTION_SA_ADD:
    case ACTION_SA_UPDATE:
    case ACTION_SA_DEL:
        return a->sa->plane == PLANE_KERNEL;
    case ACTION_POLICY_ADD:
        return a->policy->plane == PLANE_KERNEL;
    case ACTION_POLICY_DEL:
    case ACTION_TRAP_FAILED:
        return l->xfrm && xfrm_has_policy(l->xfrm, a->id);
    default:
        return false;
    }
}

void loop_kernel_close(struct loop *l)
{
    xfrm_close(l->xfrm);
    interfaces_close(&l->interfaces);
    l->xfrm = NULL;
    for (size_t i = 0; i < ARRAY_LEN(l->encap); i++)
        sock_close(&l->encap[i]);
}
