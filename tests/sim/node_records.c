/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine of a gateway gives out (src/model/action.h), carried out on arrays in place of the machine.
 * Complains about records that do not fit what is there, leaks, and keys or IVs that come twice. */
#include "ike/msg/header.h"
#include "ike/msg/payload.h"
#include "node_impl.h"
#include "sim.h"
#include <stdio.h>

/* What every name is: the second address of b. */
static const struct ip sim_named = {
    .family = 4, .b = {198, 51, 100, 3}
};

static size_t sa_index(const struct node *n, enum sa_direction d, uint32_t spi)
{
    size_t i = 0;
    while (i < n->n_sas && (n->sas[i].direction != d || n->sas[i].spi != spi))
        i++;
    return i;
}

static void sa_add(struct node *n, const struct esp_sa *sa)
{
    if (sa_index(n, sa->direction, sa->spi) < n->n_sas)
        sim_fail(n->sim, "%s: SA %08x added twice", n->name, sa->spi);
    if (n->n_sas == NODE_SAS) {
        sim_fail(n->sim, "%s: more than %d SAs: they leak", n->name, NODE_SAS);
        return;
    }
    if (sa->direction == SA_IN && ((sa->spi & SPI_KERNEL) != 0) != (sa->plane == PLANE_KERNEL))
        sim_fail(n->sim, "%s: SPI %08x does not show who carries its SA", n->name, sa->spi);
    n->sas[n->n_sas].direction = sa->direction;
    n->sas[n->n_sas].spi = sa->spi;
    n->sas[n->n_sas].child_id = sa->child_id;
    n->sas[n->n_sas].local = sa->local;
    n->sas[n->n_sas].remote = sa->remote;
    n->sas[n->n_sas++].reqid = sa->reqid;
    struct span key =
        sa->is_ah ? span_of(sa->integ_key, sa->integ_key_len) : span_of(sa->encr_key, sa->encr_key_len);
    if (sa->direction == SA_OUT && !sim_remember(n->sim, key, 1))
        sim_fail(n->sim, "%s: the key of outbound SA %08x was in use before", n->name, sa->spi);
}

static void sa_update(struct node *n, const struct esp_sa *sa)
{
    size_t i = sa_index(n, sa->direction, sa->spi);
    if (i == n->n_sas) {
        sim_fail(n->sim, "%s: SA %08x updated that is not there", n->name, sa->spi);
        return;
    }
    n->sas[i].local = sa->local;
    n->sas[i].remote = sa->remote;
}

static void sa_del(struct node *n, const struct esp_sa *sa)
{
    size_t i = sa_index(n, sa->direction, sa->spi);
    if (i == n->n_sas) {
        sim_fail(n->sim, "%s: SA %08x deleted that is not there", n->name, sa->spi);
        return;
    }
    n->sas[i] = n->sas[--n->n_sas];
}

static size_t policy_index(const struct node *n, uint64_t id)
{
    size_t i = 0;
    while (i < n->n_policies && n->policies[i].id != id)
        i++;
    return i;
}

static void policy_add(struct node *n, const struct esp_policy *p)
{
    size_t i = policy_index(n, p->id);
    if (i < n->n_policies && p->plane != PLANE_KERNEL)
        sim_fail(n->sim, "%s: policy %llu added twice", n->name, (unsigned long long)p->id);
    if (i == NODE_SAS) {
        sim_fail(n->sim, "%s: policies leak", n->name);
        return;
    }
    n->n_policies += i == n->n_policies;
    n->policies[i].id = p->id;
    n->policies[i].is_trap = p->is_trap;
    n->policies[i].asks_per_cpu = p->asks_per_cpu;
    n->policies[i].reqid = p->reqid;
    n->policies[i].plane = p->plane;
    n->policies[i].local = p->local;
    n->policies[i].remote = p->remote;
}

static void policy_del(struct node *n, uint64_t id)
{
    for (size_t i = 0; i < n->n_policies; i++) {
        if (n->policies[i].id == id) {
            n->policies[i] = n->policies[--n->n_policies];
            return;
        }
    }
    sim_fail(n->sim, "%s: policy %llu deleted that is not there", n->name, (unsigned long long)id);
}

static void route_add(struct node *n, const struct route *r)
{
    if (n->n_routes == NODE_ROUTES) {
        sim_fail(n->sim, "%s: routes leak", n->name);
        return;
    }
    n->routes[n->n_routes].id = r->id;
    n->routes[n->n_routes].is_exception = r->is_exception;
    n->routes[n->n_routes++].is_unreachable = r->is_unreachable;
}

static void route_del(struct node *n, uint64_t id)
{
    for (size_t i = 0; i < n->n_routes; i++) {
        if (n->routes[i].id == id) {
            n->routes[i] = n->routes[--n->n_routes];
            return;
        }
    }
    sim_fail(n->sim, "%s: route %llu deleted that is not there", n->name, (unsigned long long)id);
}

static size_t address_index(const struct node *n, struct ip ip)
{
    size_t i = 0;
    while (i < n->n_addresses && !ip_equal(n->addresses[i], ip))
        i++;
    return i;
}

static void address_add(struct node *n, struct ip ip)
{
    if (address_index(n, ip) < n->n_addresses)
        sim_fail(n->sim, "%s: a virtual address is added twice", n->name);
    else if (n->n_addresses == ARRAY_LEN(n->addresses))
        sim_fail(n->sim, "%s: virtual addresses leak", n->name);
    else
        n->addresses[n->n_addresses++] = ip;
}

static void address_del(struct node *n, struct ip ip)
{
    size_t i = address_index(n, ip);
    if (i == n->n_addresses)
        sim_fail(n->sim, "%s: a virtual address is removed that is not there", n->name);
    else
        n->addresses[i] = n->addresses[--n->n_addresses];
}

static void job_take(struct node *n, struct action *a)
{
    if (n->n_jobs == NODE_JOBS) {
        sim_fail(n->sim, "%s: more than %d jobs wait", n->name, NODE_JOBS);
        return;
    }
    /* Workers finish at once, late, and in any order. */
    int64_t late = (int64_t)sim_rand_below(&n->sim->net.rng, 40 * TIME_MS);
    if (n->sim->verdicts_after && a->job->kind == JOB_VERIFY)
        late = (int64_t)sim_rand_below(&n->sim->net.rng, (uint64_t)n->sim->verdicts_after);
    n->jobs[n->n_jobs].job = a->job;
    n->jobs[n->n_jobs++].at = n->sim->now.mono + (sim_chance(&n->sim->net.rng, 30) ? 0 : late);
    if (a->job->kind == JOB_PAD)
        sim_pad_run(&n->pad, a->job);
    a->job = NULL;
}

/* A sealed IKE message is either one that was sent before, byte for byte, or has an IV of its own: the SPIs
 * and the initiator's flag stand for the key, and before IKE_AUTH each exchange has a key of its own. */
static void check_ike_iv(struct node *n, struct span m)
{
    enum {
        AT_FIRST = 16,
        AT_EXCHANGE = 18,
        AT_FLAGS = 19,
        AT_ID = 23,
        SEALED_AT = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN
    };
    uint8_t mark[16 + 2 + 8];
    if (m.len < SEALED_AT + 4 + 8 || (m.ptr[AT_FIRST] != PAYLOAD_SK && m.ptr[AT_FIRST] != PAYLOAD_SKF) ||
        !sim_remember(n->sim, m, 3))
        return;
    memcpy(mark, m.ptr, 16);
    mark[16] = m.ptr[AT_FLAGS] & IKE_FLAG_INITIATOR;
    mark[17] = m.ptr[AT_EXCHANGE] == EXCHANGE_IKE_INTERMEDIATE ? m.ptr[AT_ID] : 0;
    memcpy(mark + 18, m.ptr + SEALED_AT + (m.ptr[AT_FIRST] == PAYLOAD_SKF ? 4 : 0), 8);
    if (!sim_remember(n->sim, span_of(mark, sizeof(mark)), 4))
        sim_fail(n->sim, "%s: an IKE message has the IV of another under the same key", n->name);
}

/* Two notifies in the clear outside of IKE_SA_INIT: INVALID_IKE_SPI and a token. */
static void note_token(struct node *n, struct span m)
{
    struct ike_header h;
    struct rd r = rd_over(m);
    size_t at = n->n_shown % NODE_TOKENS;
    if (!ike_header_read(&r, &h) || h.next_payload != PAYLOAD_NOTIFY || h.exchange == EXCHANGE_IKE_SA_INIT ||
        rd_u8(&r) != PAYLOAD_NOTIFY)
        return;
    n->shown[at].spi_i = h.spi_i;
    n->shown[at].spi_r = h.spi_r;
    n->n_shown++;
}

static void send(struct node *n, const struct action *a, enum wire_kind kind)
{
    if (kind == WIRE_IKE) {
        check_ike_iv(n, a->send.bytes);
        note_token(n, a->send.bytes);
    }
    if (a->send.remote.stream) {
        if (kind == WIRE_KEEPALIVE)
            sim_fail(n->sim, "%s: a NAT keepalive in a TCP connection", n->name);
        tcp_send(n->sim, node_index(n), a->send.remote.stream, true, a->send.bytes);
        return;
    }
    struct endpoint from = a->send.local;
    if (ip_is_unspecified(from.ip))
        from.ip = n->address;
    if (!node_has_address(n, from.ip)) {
        if (n->sim->now.mono - n->changed_at > NOTICE_WITHIN)
            sim_fail(n->sim, "%s: sends from an address that it has not", n->name);
        return;
    }
    if (kind == WIRE_IKE && a->send.is_natt)
        kind = WIRE_IKE_NATT;
    net_send(&n->sim->net, n->sim->now.mono, kind, &from, &a->send.remote, a->send.bytes);
}

static void note_event(struct node *n, const struct event *e)
{
    if (e->kind == EVENT_COMMAND_DONE) {
        n->done_id = e->command_id;
        n->done = e->diag;
    }
    n->ikes_made += e->is_up && (e->kind == EVENT_IKE_UPDOWN || e->kind == EVENT_IKE_REKEY);
    if (n->sim->is_verbose && e->kind == EVENT_LOG)
        printf("%10.3f %s %s: %s\n", (double)n->sim->now.mono / 1e6, n->name, log_level_name(e->level),
               e->text);
}

/* Each up has one down, and no down comes first. */
static void note_updown(struct node *n, const struct updown *u)
{
    n->updown_balance += (u->verb == UPDOWN_UP) - (u->verb == UPDOWN_DOWN);
    if (n->updown_balance < 0)
        sim_fail(n->sim, "%s: updown is told down before up", n->name);
}

static void on_send(struct node *n, struct action *a)
{
    send(n, a, WIRE_IKE);
}

static void on_keepalive(struct node *n, struct action *a)
{
    send(n, a, WIRE_KEEPALIVE);
}

static void on_stream_open(struct node *n, struct action *a)
{
    tcp_open(n->sim, node_index(n), a->stream.handle, &a->stream.remote);
}

static void on_stream_keep(struct node *n, struct action *a)
{
    tcp_keep(n->sim, node_index(n), a->stream.handle);
}

static void on_stream_release(struct node *n, struct action *a)
{
    tcp_release(n->sim, node_index(n), a->stream.handle);
}

static void on_sa_add(struct node *n, struct action *a)
{
    sa_add(n, a->sa);
}

static void on_sa_del(struct node *n, struct action *a)
{
    sa_del(n, a->sa);
}

static void on_sa_update(struct node *n, struct action *a)
{
    sa_update(n, a->sa);
}

static void on_policy_add(struct node *n, struct action *a)
{
    policy_add(n, a->policy);
}

static void on_policy_del(struct node *n, struct action *a)
{
    policy_del(n, a->id);
}

static void on_route_add(struct node *n, struct action *a)
{
    route_add(n, a->route);
}

static void on_route_del(struct node *n, struct action *a)
{
    route_del(n, a->id);
}

static void on_updown(struct node *n, struct action *a)
{
    note_updown(n, a->updown);
}

static void on_paths(struct node *n, struct action *a)
{
    if (n->n_queries == NODE_QUERIES)
        sim_fail(n->sim, "%s: asks for paths without end", n->name);
    else
        n->queries[n->n_queries++] = *a->paths;
}

static void on_address_add(struct node *n, struct action *a)
{
    address_add(n, a->address.ip);
}

static void on_address_del(struct node *n, struct action *a)
{
    address_del(n, a->address.ip);
}

static void on_dns(struct node *n, struct action *a)
{
    n->name_servers += a->kind == ACTION_DNS_ADD ? 1 : -1;
}

static void on_resolve(struct node *n, struct action *a)
{
    n->resolves = a->resolve->ike_id;
    n->resolved = a->resolve->host.name ? sim_named : a->resolve->host.ip;
}

static void on_event(struct node *n, struct action *a)
{
    note_event(n, &a->event);
}

static void nothing(struct node *n, struct action *a)
{
    (void)n;
    (void)a;
}

static void (*const executors[])(struct node *n, struct action *a) = {
    [ACTION_SEND] = on_send,
    [ACTION_KEEPALIVE] = on_keepalive,
    [ACTION_STREAM_OPEN] = on_stream_open,
    [ACTION_STREAM_KEEP] = on_stream_keep,
    [ACTION_STREAM_RELEASE] = on_stream_release,
    [ACTION_JOB] = job_take,
    [ACTION_SA_ADD] = on_sa_add,
    [ACTION_SA_DEL] = on_sa_del,
    [ACTION_SA_UPDATE] = on_sa_update,
    [ACTION_POLICY_ADD] = on_policy_add,
    [ACTION_POLICY_DEL] = on_policy_del,
    [ACTION_TRAP_FAILED] = nothing,
    [ACTION_SHUNT_ADD] = nothing,
    [ACTION_SHUNT_DEL] = nothing,
    [ACTION_ROUTE_ADD] = on_route_add,
    [ACTION_ROUTE_DEL] = on_route_del,
    [ACTION_UPDOWN] = on_updown,
    [ACTION_PATHS] = on_paths,
    [ACTION_ADDRESS_ADD] = on_address_add,
    [ACTION_ADDRESS_DEL] = on_address_del,
    [ACTION_DNS_ADD] = on_dns,
    [ACTION_DNS_DEL] = on_dns,
    [ACTION_RESOLVE] = on_resolve,
    [ACTION_EVENT] = on_event,
};

/* See sim_plane. */
static bool apply(struct node *n, struct action *a, struct diag *d)
{
    if (a->kind == ACTION_POLICY_ADD && a->policy->plane == PLANE_KERNEL) {
        const struct action gone = {.kind = ACTION_POLICY_DEL, .id = a->policy->id};
        a->policy->wants_whole = a->policy->mode != MODE_TUNNEL;
        if (policy_index(n, a->policy->id) < n->n_policies && !esp_apply(n->esp, &gone, n->sim->now.mono, d))
            return false;
    }
    size_t i = a->kind == ACTION_TRAP_FAILED ? policy_index(n, a->id) : n->n_policies;
    if (i < n->n_policies && n->policies[i].asks_per_cpu) /* which is nothing to this data plane */
        return true;
    return esp_apply(n->esp, a, n->sim->now.mono, d);
}

void node_carry_out(struct node *n)
{
    for (size_t i = 0; i < n->out.n; i++) {
        struct action *a = &n->out.v[i];
        struct diag d = {0};
        if (a->kind >= ACTION_SA_ADD && a->kind <= ACTION_POLICY_DEL && !apply(n, a, &d))
            sim_fail(n->sim, "%s: the data plane refuses a record: %s", n->name, d.what);
        if (a->kind >= ARRAY_LEN(executors) || !executors[a->kind])
            sim_fail(n->sim, "%s: a record of kind %d that nobody carries out", n->name, a->kind);
        else
            executors[a->kind](n, a);
    }
}
