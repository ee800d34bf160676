/* SPDX-License-Identifier: Apache-2.0 */
/* The executor of the engine's outbox: sockets, workers, data plane, routes, log and listeners. */
#include "sys/address.h"
#include "sys/loop_impl.h"
#include "sys/pad.h"
#include "sys/resolvconf.h"
#include <net/if.h>
#include <stdlib.h>

/* ---- jobs */

struct work {
    uv_work_t req;
    struct loop *loop;
    struct job *job;
};

static void on_work(uv_work_t *req)
{
    const struct work *w = container_of(req, struct work, req);
    if (w->job->kind == JOB_VERIFY)
        revoker_prepare(w->loop->revoker, w->job);
    if (w->job->kind == JOB_SIGN)
        revoker_staple(w->loop->revoker, w->job);
    if (w->job->kind == JOB_PAD)
        pad_run(w->job, &pad_io);
    else
        job_run(w->job);
}

static void give_back(struct loop *l, struct job *job)
{
    struct input in = {.kind = INPUT_JOB_DONE, .job = job};
    l->working--;
    if (l->engine)
        loop_step(l, &in);
    else
        job_free(in.job);
}

void loop_take_decided(struct loop *l)
{
    struct job *job;
    while ((job = revoker_next(l->revoker)) || (job = dns_keys_next(l->dns_keys)))
        give_back(l, job);
}

static void on_work_done(uv_work_t *req, int status)
{
    struct work *w = container_of(req, struct work, req);
    struct loop *l = w->loop;
    struct job *job = w->job;
    free(w);
    if (status == 0 && l->engine && job->kind == JOB_VERIFY && job->verdict.n_fetch) {
        revoker_give(l->revoker, job); /* still working */
        return;
    }
    if (status == 0) {
        give_back(l, job);
        return;
    }
    l->working--;
    job_free(job);
}

/* Verifications that lack something which is not on this machine. */
static bool asks_first(struct loop *l, struct job *job)
{
    if (job->kind != JOB_VERIFY || (!job->n_places && !job->dns_name))
        return false;
    l->working++;
    if (job->dns_name)
        dns_keys_give(l->dns_keys, job);
    else
        revoker_give(l->revoker, job);
    return true;
}

static void start_job(struct loop *l, struct job *job)
{
    if (asks_first(l, job))
        return;
    struct work *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->loop = l;
    w->job = job;
    l->working++;
    uv_queue_work(&l->uv, &w->req, on_work, on_work_done);
}

/* ---- datagrams */

static void send_datagram(struct loop *l, const struct action *a)
{
    static const uint8_t marker[4];
    const struct endpoint *remote = &a->send.remote;
    uint8_t tos = (uint8_t)(a->send.dscp << 2);
    struct span prefix = span_of(marker, a->send.is_natt ? 4 : 0);
    bool ok = false;
    if (remote->stream) {
        loop_tcp_send(l->tcp, remote->stream, a->send.bytes);
        return;
    }
    if (a->send.is_natt || a->send.local.port == l->port_natt) {
        ok = loop_send_natt(l, a->send.local.ip, remote, tos, prefix, a->send.bytes);
    } else {
        const struct sock *s = loop_ike_socket(l, remote->ip.family, a->send.local.port);
        ok = s->fd >= 0 && sock_send(s, a->send.local.ip, remote, tos, prefix, a->send.bytes);
    }
    char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
    if (!ok) /* the retransmission tries again */
        log_line(GROUP_NET, LOG_DETAIL, "cannot send %zu bytes from %s to %s", a->send.bytes.len,
                 endpoint_format(&a->send.local, from), endpoint_format(remote, to));
}

static void send_keepalive(struct loop *l, const struct action *a)
{
    loop_send_natt(l, a->send.local.ip, &a->send.remote, 0, span_of(NULL, 0), span_of("\xff", 1));
}

/* ---- routes, events */

/* What is asked of the data plane, and of the kernel's routes. */
static void trace(const struct action *a)
{
    char text[IP_TEXT_MAX];
    const bool is_in = a->kind <= ACTION_SA_DEL && a->kind >= ACTION_SA_ADD && a->sa->direction == SA_IN;
    if (a->kind == ACTION_SA_ADD || a->kind == ACTION_SA_UPDATE)
        log_line(GROUP_KNL, LOG_DETAIL, "%s the %s SA with SPI %08x and reqid %u, peer %s",
                 a->kind == ACTION_SA_ADD ? "adding" : "updating", is_in ? "inbound" : "outbound", a->sa->spi,
                 a->sa->reqid, endpoint_format(&a->sa->remote, text));
    else if (a->kind == ACTION_SA_DEL)
        log_line(GROUP_KNL, LOG_DETAIL, "deleting the %s SA with SPI %08x", is_in ? "inbound" : "outbound",
                 a->sa->spi);
    else if (a->kind == ACTION_POLICY_ADD)
        log_line(GROUP_KNL, LOG_DETAIL, "adding policy %llu, reqid %u", (unsigned long long)a->policy->id,
                 a->policy->reqid);
    else if (a->kind == ACTION_POLICY_DEL)
        log_line(GROUP_KNL, LOG_DETAIL, "deleting policy %llu", (unsigned long long)a->id);
    else if (a->kind == ACTION_ROUTE_ADD)
        log_line(GROUP_KNL, LOG_DETAIL, "adding route %llu to %s%s", (unsigned long long)a->route->id,
                 prefix_format(&a->route->dst, text), a->route->is_unreachable ? ", unreachable" : "");
    else if (a->kind == ACTION_ROUTE_DEL)
        log_line(GROUP_KNL, LOG_DETAIL, "deleting route %llu", (unsigned long long)a->id);
}

static void add_route(struct loop *l, const struct route *r)
{
    struct diag d;
    if (l->routes && !route_add(l->routes, r, &d))
        log_line(GROUP_KNL, LOG_ERR, "%s", d.what);
}

static void add_shunt(struct loop *l, const struct shunt *s)
{
    struct diag d;
    char text[1024];
    diag_clear(&d);
    if (!shunts_add(l->shunts, s, &d))
        log_line(GROUP_KNL, LOG_ERR, "%s", diag_format(&d, text, sizeof(text)));
}

/* The TUN device has them where there is one: it goes with the daemon, and they with it. */
static bool put_address(struct loop *l, const struct own_address *a, bool adds, struct diag *d)
{
    int device = l->vip_device[0] ? (int)if_nametoindex(l->vip_device) : 0;
    if (l->vip_device[0] && !device && adds)
        log_line(GROUP_KNL, LOG_WARN,
                 "there is no interface %s for a virtual address: install_virtual_ip_on is not followed",
                 l->vip_device);
    if (!adds && vips_have(&l->vips, a->ip))
        return vips_del(&l->vips, a->ip, d);
    if (!device && l->device_index)
        return address_set(l->device_index, a->ip, adds, d);
    return !adds || vips_add(&l->vips, a->ip, a->outer_local, device, d);
}

static void set_address(struct loop *l, const struct own_address *a, bool adds)
{
    struct diag d;
    char text[1024];
    diag_clear(&d);
    if (!put_address(l, a, adds, &d))
        log_line(GROUP_KNL, LOG_ERR, "%s", diag_format(&d, text, sizeof(text)));
}

static void set_name_server(const struct loop *l, struct ip ip, bool adds)
{
    struct diag d;
    char text[1024];
    diag_clear(&d);
    if (l->resolv_conf[0] && !resolvconf_set(l->resolv_conf, ip, adds, &d))
        log_line(GROUP_KNL, LOG_ERR, "%s", diag_format(&d, text, sizeof(text)));
}

void loop_clean_resolv_conf(const struct loop *l)
{
    struct diag d;
    char text[1024];
    diag_clear(&d);
    int n = l->resolv_conf[0] ? resolvconf_clean(l->resolv_conf, &d) : 0;
    if (n > 0)
        log_line(GROUP_KNL, LOG_NOTICE, "removed %d name server%s from %s", n, n > 1 ? "s" : "",
                 l->resolv_conf);
    if (n < 0)
        log_line(GROUP_KNL, LOG_WARN, "%s", diag_format(&d, text, sizeof(text)));
}

static void tell(struct loop *l, const struct event *e)
{
    if (e->kind == EVENT_LOG && e->text)
        log_line_about(&(struct log_entry){.group = e->group,
                                           .level = e->level,
                                           .ike_name = e->connection,
                                           .ike_id = e->ike_id,
                                           .text = e->text});
    if (l->hooks.event)
        l->hooks.event(l->hooks.ctx, e);
}

void loop_execute(struct loop *l, const struct outbox *o)
{
    for (size_t i = 0; i < o->n; i++) {
        struct action *a = &o->v[i];
        if (log_wants(GROUP_KNL, LOG_DETAIL))
            trace(a);
        switch (a->kind) {
        case ACTION_SEND:
            send_datagram(l, a);
            break;
        case ACTION_KEEPALIVE:
            send_keepalive(l, a);
            break;
        case ACTION_JOB:
            start_job(l, a->job);
            a->job = NULL; /* taken */
            break;
        case ACTION_SA_ADD:
        case ACTION_SA_UPDATE:
        case ACTION_SA_DEL:
        case ACTION_POLICY_ADD:
        case ACTION_TRAP_FAILED:
        case ACTION_POLICY_DEL:
            if (loop_is_kernels(l, a))
                loop_kernel_apply(l, a);
            else if (l->dataplane)
                dataplane_apply(l->dataplane, a);
            break;
        case ACTION_ROUTE_ADD:
            loop_kernel_apply(l, a);
            add_route(l, a->route);
            break;
        case ACTION_ROUTE_DEL:
            if (l->routes)
                route_del(l->routes, a->id);
            loop_kernel_apply(l, a);
            break;
        case ACTION_SHUNT_ADD:
            loop_kernel_apply(l, a);
            add_shunt(l, a->shunt);
            break;
        case ACTION_SHUNT_DEL:
            shunts_del(l->shunts, a->id);
            loop_kernel_apply(l, a);
            break;
        case ACTION_ADDRESS_ADD:
        case ACTION_ADDRESS_DEL:
            set_address(l, &a->address, a->kind == ACTION_ADDRESS_ADD);
            break;
        case ACTION_DNS_ADD:
        case ACTION_DNS_DEL:
            set_name_server(l, a->name_server, a->kind == ACTION_DNS_ADD);
            break;
        case ACTION_EVENT:
            tell(l, &a->event);
            break;
        case ACTION_UPDOWN:
            fwrules_apply(l->fwrules, a->updown);
            updown_run(l->updown, a->updown);
            break;
        case ACTION_PATHS:
            loop_roam_ask(l, a->paths);
            break;
        case ACTION_STREAM_OPEN:
        case ACTION_STREAM_KEEP:
        case ACTION_STREAM_RELEASE:
            loop_tcp_do(l->tcp, a);
            break;
        case ACTION_RESOLVE:
            loop_resolve(l, a->resolve);
            break;
        }
    }
}
