/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway of the simulator: see node.h. */
#include "node.h"
#include "conf/conf.h"
#include "esp/ah.h"
#include "files.h"
#include "ike/msg/header.h"
#include "ike/msg/payload.h"
#include "net/packet.h"
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>

static void carry_out(struct node *n);

static int index_of(const struct node *n)
{
    return (int)(n - n->sim->node);
}
static void send_held(struct node *n);

void node_init(struct node *n, struct sim *s, const char *name, struct ip address, struct ip inside)
{
    *n = (struct node){.sim = s, .name = name, .address = address, .inside = inside};
    n->engine = engine_new();
    n->esp = esp_new(&(struct esp_config){.path_mtu = 1500, .clamps_mss = true});
    outbox_init(&n->out);
    /* on the disk: a restart finds it again */
    uint8_t secret[MACHINE_SECRET];
    memset(secret, name[0], sizeof(secret));
    engine_step(n->engine, s->now,
                &(struct input){.kind = INPUT_SECRET, .secret = span_of(secret, sizeof(secret))}, &n->out);
}

static void forget(struct node *n)
{
    for (size_t i = 0; i < n->n_jobs; i++)
        job_free(n->jobs[i].job);
    n->n_jobs = n->n_sas = n->n_policies = n->n_routes = n->n_addresses = 0;
    n->name_servers = 0;
    outbox_deinit(&n->out);
    engine_free(n->engine);
    esp_free(n->esp);
    n->engine = NULL;
    n->esp = NULL;
}

void node_deinit(struct node *n)
{
    if (n->engine)
        forget(n);
}

void node_kill(struct node *n)
{
    forget(n);
    n->is_dead = true;
    tcp_node_gone(n->sim, index_of(n));
}

/* A virtual address is one peer's. */
static void check_leases(struct node *n)
{
    struct ike_view a, b;
    for (size_t i = 0; engine_ike_at(n->engine, i, &a); i++) {
        for (size_t k = 0; a.n_remote_vips && k < i && engine_ike_at(n->engine, k, &b); k++) {
            bool is_same = b.n_remote_vips && ip_equal(a.remote_vips[0], b.remote_vips[0]);
            if (is_same && !identity_equal(&a.remote_id, &b.remote_id))
                sim_fail(n->sim, "%s: two peers have the same virtual address", n->name);
        }
    }
}

/* [RFC6290#9.2] A token that was seen ends its IKE SA: there is none, nor will there be. */
static void check_tokens(struct node *n)
{
    struct ike_view v;
    size_t known = n->n_shown < NODE_TOKENS ? n->n_shown : NODE_TOKENS;
    for (size_t i = 0; known && engine_ike_at(n->engine, i, &v); i++) {
        for (size_t k = 0; k < known; k++) {
            if (n->shown[k].spi_i == v.spi_i && n->shown[k].spi_r == v.spi_r)
                sim_fail(n->sim, "%s: showed the crash detection token of an IKE SA that it has", n->name);
        }
    }
}

static void one_step(struct node *n, const struct input *in)
{
    outbox_reset(&n->out);
    engine_step(n->engine, n->sim->now, in, &n->out);
    carry_out(n);
    send_held(n);
    check_leases(n);
    check_tokens(n);
}

/* ---- addresses */

#define NOTICE_WITHIN (200 * TIME_MS) /* a change is told so late */

bool node_has_address(const struct node *n, struct ip ip)
{
    bool has = n->address.family && ip_equal(n->address, ip);
    for (size_t i = 0; i < n->n_more; i++)
        has = has || ip_equal(n->more[i], ip);
    return has;
}

static size_t addresses_of(const struct node *n, struct ip *out)
{
    size_t count = 0;
    if (n->address.family)
        out[count++] = n->address;
    for (size_t i = 0; i < n->n_more; i++)
        out[count++] = n->more[i];
    return count;
}

void node_readdress(struct node *n, struct ip address, const struct ip *more)
{
    n->address = address;
    n->n_more = more != NULL;
    if (more)
        n->more[0] = *more;
    n->changed_at = n->sim->now.mono;
    n->tell_at = n->changed_at + (int64_t)sim_rand_below(&n->sim->net.rng, NOTICE_WITHIN);
    tcp_node_moved(n->sim, index_of(n));
}

/* What every name is: the second address of b. */
static const struct ip sim_named = {
    .family = 4, .b = {198, 51, 100, 3}
};

static void answer_query(struct node *n, const struct path_query *q)
{
    struct ip own[NODE_ADDRESSES + 1];
    struct ip_pair v[PATH_PAIRS];
    size_t n_own = addresses_of(n, own), count = 0;
    for (uint8_t r = 0; r < q->n_remote; r++) {
        for (size_t i = 0; i < n_own && count < PATH_PAIRS; i++) {
            if (own[i].family == q->remote[r].family)
                v[count++] = (struct ip_pair){.local = own[i], .remote = q->remote[r], .is_direct = true};
        }
    }
    one_step(n, &(struct input){
                    .kind = INPUT_PATHS, .paths = {.ike_id = q->ike_id, .v = v, .n = count}
    });
}

static void answer_resolve(struct node *n)
{
    struct ip_pair v = {.remote = n->resolved};
    struct ip own[NODE_ADDRESSES + 1];
    uint64_t id = n->resolves;
    n->resolves = 0;
    for (size_t i = addresses_of(n, own); i--;) {
        if (own[i].family == v.remote.family)
            v.local = own[i];
    }
    one_step(n, &(struct input){
                    .kind = INPUT_RESOLVED, .resolved = {.ike_id = id, .v = &v, .n = v.local.family != 0}
    });
}

static void step(struct node *n, const struct input *in)
{
    one_step(n, in);
    while (n->n_queries || n->resolves) {
        if (n->resolves)
            answer_resolve(n);
        if (!n->n_queries)
            continue;
        struct path_query q = n->queries[--n->n_queries];
        answer_query(n, &q);
    }
}

uint64_t node_redirect(struct node *n, const char *connection, struct ip gateway)
{
    struct input in = {.kind = INPUT_COMMAND};
    in.command = (struct command){
        .kind = COMMAND_REDIRECT, .id = ++n->commands, .connection = connection, .gateway = {.ip = gateway}};
    step(n, &in);
    return n->commands;
}

/* What new attempts begin with. */
static void choose_local(const struct node *n, const struct ip *own, size_t count)
{
    const struct config *c = engine_config(n->engine);
    for (size_t i = 0; c && i < c->n_connections; i++) {
        struct connection *conn = (struct connection *)c->connections[i];
        conn->resolved_local = (struct ip){0};
        for (size_t k = count; k--;) {
            if (own[k].family == conn->resolved_remote.family)
                conn->resolved_local = own[k];
        }
    }
}

static void tell_addresses(struct node *n)
{
    struct ip own[NODE_ADDRESSES + 1];
    n->tell_at = 0;
    size_t count = addresses_of(n, own);
    choose_local(n, own, count);
    step(n, &(struct input){
                .kind = INPUT_ADDRESSES, .addresses = {.v = own, .n = count}
    });
}

/* ---- the records
 * ----------------------------------------------------------------------------------------------------- */

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

static void policy_add(struct node *n, const struct esp_policy *p)
{
    if (n->n_policies == NODE_SAS) {
        sim_fail(n->sim, "%s: policies leak", n->name);
        return;
    }
    n->policies[n->n_policies].id = p->id;
    n->policies[n->n_policies].is_trap = p->is_trap;
    n->policies[n->n_policies++].reqid = p->reqid;
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
        tcp_send(n->sim, index_of(n), a->send.remote.stream, true, a->send.bytes);
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
    n->updown_balance += u->is_up ? 1 : -1;
    if (n->updown_balance < 0)
        sim_fail(n->sim, "%s: updown is told down before up", n->name);
}

static void carry_out(struct node *n)
{
    for (size_t i = 0; i < n->out.n; i++) {
        struct action *a = &n->out.v[i];
        struct diag d = {0};
        if (a->kind >= ACTION_SA_ADD && a->kind <= ACTION_POLICY_DEL &&
            !esp_apply(n->esp, a, n->sim->now.mono, &d))
            sim_fail(n->sim, "%s: the data plane refuses a record: %s", n->name, d.what);
        switch (a->kind) {
        case ACTION_SEND:
            send(n, a, WIRE_IKE);
            break;
        case ACTION_KEEPALIVE:
            send(n, a, WIRE_KEEPALIVE);
            break;
        case ACTION_STREAM_OPEN:
            tcp_open(n->sim, index_of(n), a->stream.handle, &a->stream.remote);
            break;
        case ACTION_STREAM_KEEP:
            tcp_keep(n->sim, index_of(n), a->stream.handle);
            break;
        case ACTION_STREAM_RELEASE:
            tcp_release(n->sim, index_of(n), a->stream.handle);
            break;
        case ACTION_JOB:
            job_take(n, a);
            break;
        case ACTION_SA_ADD:
            sa_add(n, a->sa);
            break;
        case ACTION_SA_DEL:
            sa_del(n, a->sa);
            break;
        case ACTION_SA_UPDATE:
            sa_update(n, a->sa);
            break;
        case ACTION_POLICY_ADD:
            policy_add(n, a->policy);
            break;
        case ACTION_TRAP_FAILED:
            break;
        case ACTION_POLICY_DEL:
            policy_del(n, a->id);
            break;
        case ACTION_ROUTE_ADD:
            route_add(n, a->route);
            break;
        case ACTION_ROUTE_DEL:
            route_del(n, a->id);
            break;
        case ACTION_UPDOWN:
            note_updown(n, a->updown);
            break;
        case ACTION_PATHS:
            if (n->n_queries == NODE_QUERIES)
                sim_fail(n->sim, "%s: asks for paths without end", n->name);
            else
                n->queries[n->n_queries++] = *a->paths;
            break;
        case ACTION_ADDRESS_ADD:
            address_add(n, a->address);
            break;
        case ACTION_ADDRESS_DEL:
            address_del(n, a->address);
            break;
        case ACTION_DNS_ADD:
        case ACTION_DNS_DEL:
            n->name_servers += a->kind == ACTION_DNS_ADD ? 1 : -1;
            break;
        case ACTION_RESOLVE:
            n->resolves = a->resolve->ike_id;
            n->resolved = a->resolve->host.name ? sim_named : a->resolve->host.ip;
            break;
        case ACTION_EVENT:
            note_event(n, &a->event);
            break;
        }
    }
}

/* ---- what drives it
 * --------------------------------------------------------------------------------------------------- */

static void resolve_addresses(struct node *n, struct config *c)
{
    for (size_t i = 0; i < c->n_connections; i++) {
        struct connection *conn = (struct connection *)c->connections[i];
        if (ip_is_unspecified(conn->resolved_local))
            conn->resolved_local = n->address;
        if (ip_is_unspecified(conn->resolved_remote) && conn->n_remote_addrs && !conn->remote_addrs[0].is_any)
            conn->resolved_remote = conn->remote_addrs[0].from;
    }
}

void node_load(struct node *n, const char *keyway_conf)
{
    struct conf_source src = sim_files(keyway_conf, n->name);
    struct conf_request req = {.etc = "/etc", .load = "keyway"};
    struct diag d[4] = {0};
    size_t errors = 0;
    struct config *c = conf_load(&src, &req, d, ARRAY_LEN(d), &errors);
    if (!c) {
        char text[1024];
        sim_fail(n->sim, "%s: configuration refused: %s", n->name, diag_format(&d[0], text, sizeof(text)));
        return;
    }
    resolve_addresses(n, c);
    tell_addresses(n);
    step(n, &(struct input){.kind = INPUT_CONFIG, .config = c});
}

uint64_t node_command(struct node *n, enum command_kind kind, const char *connection, const char *child)
{
    struct input in = {.kind = INPUT_COMMAND};
    in.command =
        (struct command){.kind = kind, .id = ++n->commands, .connection = connection, .child = child};
    step(n, &in);
    return n->commands;
}

void node_shutdown(struct node *n)
{
    step(n, &(struct input){.kind = INPUT_SHUTDOWN});
}

void node_restart(struct node *n)
{
    uint64_t sent = n->traffic_sent, received = n->traffic_received, made = n->ikes_made;
    struct ip more[NODE_ADDRESSES];
    size_t n_more = n->n_more;
    memcpy(more, n->more, sizeof(more));
    struct ip peer = n->peer;
    struct sim_pad pad = n->pad;
    node_init(n, n->sim, n->name, n->address, n->inside);
    memcpy(n->more, more, sizeof(more));
    n->n_more = n_more;
    n->peer = peer;
    n->pad = pad;
    n->traffic_sent = sent;
    n->traffic_received = received;
    n->ikes_made = made;
}

static void give_dataplane_events(struct node *n)
{
    struct dataplane_event ev[16];
    size_t count;
    while (n->engine && (count = esp_events(n->esp, ev, ARRAY_LEN(ev))) > 0) {
        for (size_t i = 0; i < count; i++)
            step(n, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = ev[i]});
    }
}

/* What make_packet() made, for the host behind this gateway. */
static void check_arrived(struct node *n, const struct esp_packet *p)
{
    struct packet ip;
    if (!packet_parse(span_of(p->data, p->len), &ip) || !ip_equal(ip.dst, n->inside) ||
        (n->peer.family && !ip_equal(ip.src, n->peer)))
        sim_fail(n->sim, "%s: a packet came for somebody else", n->name);
    else if (checksum_upper(&ip.src, &ip.dst, NH_UDP, span_of(p->data + ip.upper, p->len - ip.upper)) != 0)
        sim_fail(n->sim, "%s: a packet came with a wrong checksum", n->name);
}

static void receive_esp(struct node *n, const struct endpoint *local, const struct endpoint *remote,
                        enum wire_kind kind, struct span bytes)
{
    uint8_t buf[ESP_HEADROOM + 2048 + ESP_TAILROOM];
    if (bytes.len > 2048)
        return;
    memcpy(buf + ESP_HEADROOM, bytes.ptr, bytes.len);
    struct esp_packet p = {
        .data = buf + ESP_HEADROOM, .len = (uint32_t)bytes.len, .local = *local, .remote = *remote};
    p.has_encap = kind == WIRE_ESP_UDP;
    p.is_ah = kind == WIRE_AH;
    esp_inbound(n->esp, &p, 1, n->sim->now.mono);
    if (p.verdict == ESP_FORWARD) {
        check_arrived(n, &p);
        n->traffic_received++;
    }
    give_dataplane_events(n);
}

void node_receive(struct node *n, const struct wire *w)
{
    if (n->is_dead || w->kind == WIRE_KEEPALIVE)
        return;
    if (w->kind == WIRE_ESP_UDP || w->kind == WIRE_ESP_RAW || w->kind == WIRE_AH) {
        receive_esp(n, &w->to, &w->from, w->kind, span_of(w->bytes, w->len));
        return;
    }
    struct input in = {.kind = INPUT_DATAGRAM};
    in.datagram.local = w->to;
    in.datagram.remote = w->from;
    in.datagram.is_natt = w->kind == WIRE_IKE_NATT;
    in.datagram.bytes = span_of(w->bytes, w->len);
    step(n, &in);
}

void node_receive_stream(struct node *n, const struct endpoint *local, const struct endpoint *remote,
                         bool is_ike, struct span message)
{
    if (n->is_dead)
        return;
    if (!is_ike) {
        receive_esp(n, local, remote, WIRE_ESP_UDP, message);
        return;
    }
    struct input in = {.kind = INPUT_DATAGRAM};
    in.datagram.local = *local;
    in.datagram.remote = *remote;
    in.datagram.is_natt = true;
    in.datagram.bytes = message;
    step(n, &in);
}

void node_hear_stream(struct node *n, const struct stream_news *news)
{
    if (!n->is_dead)
        step(n, &(struct input){.kind = INPUT_STREAM, .stream = *news});
}

static void run_due_jobs(struct node *n)
{
    for (size_t i = 0; i < n->n_jobs;) {
        if (n->jobs[i].at > n->sim->now.mono) {
            i++;
            continue;
        }
        struct job *j = n->jobs[i].job;
        n->jobs[i] = n->jobs[--n->n_jobs];
        if (j->kind != JOB_PAD) /* was done when it was given */
            job_run(j);
        step(n, &(struct input){.kind = INPUT_JOB_DONE, .job = j});
        i = 0;
    }
}

void node_run_due(struct node *n)
{
    if (n->is_dead)
        return;
    if (n->tell_at && n->tell_at <= n->sim->now.mono)
        tell_addresses(n);
    run_due_jobs(n);
    int64_t now = n->sim->now.mono;
    while (engine_deadline(n->engine) <= now) {
        n->ticks_without_progress = n->last_tick == now ? n->ticks_without_progress + 1 : 0;
        n->last_tick = now;
        if (n->ticks_without_progress > 100) {
            sim_fail(n->sim, "%s: the engine's deadline does not move on", n->name);
            return;
        }
        step(n, &(struct input){.kind = INPUT_TICK});
    }
}

int64_t node_deadline(const struct node *n)
{
    if (n->is_dead)
        return TIME_NEVER;
    int64_t at = engine_deadline(n->engine);
    at = n->tell_at ? time_min(at, n->tell_at) : at;
    for (size_t i = 0; i < n->n_jobs; i++)
        at = time_min(at, n->jobs[i].at);
    return at;
}

/* A UDP packet of 64 bytes of payload, IPv4. */
static uint32_t make_packet(uint8_t *p, struct ip from, struct ip to, uint64_t number)
{
    const uint32_t len = 20 + 8 + 64;
    memset(p, 0, len);
    p[0] = 0x45;
    p[3] = (uint8_t)len;
    p[8] = 64;
    p[9] = 17;
    memcpy(p + 12, from.b, 4);
    memcpy(p + 16, to.b, 4);
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
    p[10] = (uint8_t)(sum >> 8);
    p[11] = (uint8_t)sum;
    p[21] = p[23] = 7;
    p[25] = 8 + 64;
    memcpy(p + 28, &number, sizeof(number));
    uint16_t checksum = checksum_upper(&from, &to, NH_UDP, span_of(p + 20, len - 20));
    checksum = checksum ? checksum : UINT16_MAX;
    p[26] = (uint8_t)(checksum >> 8);
    p[27] = (uint8_t)checksum;
    return len;
}

/* SPI and sequence number, and SPI and explicit IV: neither comes twice, as the SPI stands for the key. */
static void check_esp_iv(struct node *n, const struct esp_packet *p)
{
    uint8_t mark[12];
    if (p->is_ah) {
        uint32_t at = ah_find(span_of(p->data, p->len));
        if (!at || !sim_remember(n->sim, span_of(p->data + at + 4, 8), 2))
            sim_fail(n->sim, "%s: SPI and sequence number repeat on the wire", n->name);
        return;
    }
    if (p->len < 16 || !sim_remember(n->sim, span_of(p->data, 8), 2))
        sim_fail(n->sim, "%s: SPI and sequence number repeat on the wire", n->name);
    memcpy(mark, p->data, 4);
    memcpy(mark + 4, p->data + 8, 8);
    if (!sim_remember(n->sim, span_of(mark, sizeof(mark)), 5))
        sim_fail(n->sim, "%s: SPI and IV repeat on the wire", n->name);
}

static void send_sealed(struct node *n, const struct esp_packet *p)
{
    check_esp_iv(n, p);
    n->traffic_sent++;
    if (p->remote.stream) {
        tcp_send(n->sim, index_of(n), p->remote.stream, false, span_of(p->data, p->len));
        return;
    }
    enum wire_kind kind = p->is_ah ? WIRE_AH : p->has_encap ? WIRE_ESP_UDP : WIRE_ESP_RAW;
    net_send(&n->sim->net, n->sim->now.mono, kind, &p->local, &p->remote, span_of(p->data, p->len));
}

bool node_send_traffic(struct node *n, const struct node *to)
{
    if (n->is_dead)
        return false;
    uint8_t buf[ESP_HEADROOM + 2048 + ESP_TAILROOM];
    struct esp_packet p = {.data = buf + ESP_HEADROOM};
    p.len = make_packet(p.data, n->inside, n->peer.family ? n->peer : to->inside, n->traffic_sent);
    p.room = 2048 - p.len;
    esp_outbound(n->esp, &p, 1, n->sim->now.mono);
    give_dataplane_events(n);
    if (p.verdict == ESP_BYPASS)
        sim_fail(n->sim, "%s: what the tunnel is for leaves in the clear", n->name);
    n->traffic_held += p.verdict == ESP_HELD;
    if (p.verdict != ESP_FORWARD)
        return false;
    if (!node_has_address(n, p.local.ip)) /* the kernel refuses it */
        return false;
    send_sealed(n, &p);
    return true;
}

/* As the daemon does after it has applied records. */
static void send_held(struct node *n)
{
    uint8_t buf[ESP_HEADROOM + 256 + ESP_TAILROOM];
    struct span held;
    while ((held = esp_next_held(n->esp, n->sim->now.mono)).len) {
        struct esp_packet p = {.data = buf + ESP_HEADROOM, .len = (uint32_t)held.len};
        memcpy(p.data, held.ptr, held.len);
        esp_outbound(n->esp, &p, 1, n->sim->now.mono);
        if (p.verdict != ESP_FORWARD) {
            sim_fail(n->sim, "%s: a packet that was held does not leave: %s", n->name, esp_drop_name(p.drop));
            return;
        }
        n->held_sent++;
        send_sealed(n, &p);
    }
}

void node_report_use(struct node *n)
{
    struct dataplane_event ev[NODE_SAS];
    size_t count = 0;
    for (size_t i = 0; !n->is_dead && i < n->n_sas; i++)
        count += esp_sa_counters(n->esp, n->sas[i].direction, n->sas[i].spi, &ev[count]);
    for (size_t i = 0; i < count; i++)
        step(n, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = ev[i]});
}

/* ---- looking at it
 * ----------------------------------------------------------------------------------------------------- */

size_t node_count_ike(const struct node *n, enum ike_state state)
{
    struct ike_view v;
    size_t count = 0;
    for (size_t i = 0; !n->is_dead && engine_ike_at(n->engine, i, &v); i++)
        count += v.state == state;
    return count;
}

size_t node_count_children(const struct node *n)
{
    struct ike_view v;
    struct child_view c;
    size_t count = 0;
    for (size_t i = 0; !n->is_dead && engine_ike_at(n->engine, i, &v); i++) {
        for (size_t k = 0; engine_child_at(n->engine, v.id, k, &c); k++)
            count += c.state == CHILD_INSTALLED;
    }
    return count;
}

size_t node_count_traps(const struct node *n)
{
    size_t count = 0;
    for (size_t i = 0; i < n->n_policies; i++)
        count += n->policies[i].is_trap;
    return count;
}

static bool engine_has_spi(const struct node *n, enum sa_direction d, uint32_t spi)
{
    struct ike_view v;
    struct child_view c;
    for (size_t i = 0; engine_ike_at(n->engine, i, &v); i++) {
        for (size_t k = 0; engine_child_at(n->engine, v.id, k, &c); k++) {
            if ((d == SA_IN ? c.spi_in : c.spi_out) == spi)
                return true;
        }
    }
    return false;
}

static bool has_reqid(const struct node *n, uint32_t reqid)
{
    for (size_t i = 0; i < n->n_sas; i++) {
        if (n->sas[i].reqid == reqid && n->sas[i].direction == SA_OUT)
            return true;
    }
    return false;
}

static bool has_vip(const struct ike_view *v, bool of_peers, struct ip ip)
{
    const struct ip *ips = of_peers ? v->remote_vips : v->local_vips;
    size_t n = of_peers ? v->n_remote_vips : v->n_local_vips;
    for (size_t i = 0; i < n; i++) {
        if (ip_equal(ips[i], ip))
            return true;
    }
    return false;
}

/* In how many SAs, of those before the limit. */
static size_t count_vip(const struct node *n, bool of_peers, struct ip ip, size_t limit)
{
    struct ike_view v;
    size_t count = 0;
    for (size_t i = 0; i < limit && engine_ike_at(n->engine, i, &v); i++)
        count += has_vip(&v, of_peers, ip);
    return count;
}

/* As many leases are in use as SAs have addresses, and the device has those of its SAs. */
static const char *leaked_addresses(const struct node *n)
{
    static char why[128];
    struct pool_view pool;
    struct ike_view v;
    size_t online = 0, held = 0;
    for (size_t i = 0; pools_at(engine_pools(n->engine), i, &pool); i++)
        online += pool.online;
    for (size_t i = 0; engine_ike_at(n->engine, i, &v); i++) {
        for (size_t k = 0; k < v.n_remote_vips; k++) /* once, though an SA and its heir both have it */
            held += !count_vip(n, true, v.remote_vips[k], i);
    }
    if (online != held) {
        snprintf(why, sizeof(why), "%s: %zu leases are in use, and SAs have %zu", n->name, online, held);
        return why;
    }
    if (n->name_servers != (n->n_addresses > 0))
        return "the name server did not come with the virtual addresses, or stays without them";
    for (size_t i = 0; i < n->n_addresses; i++) {
        if (!count_vip(n, false, n->addresses[i], SIZE_MAX))
            return "a virtual address stays on the device that no SA has";
    }
    return NULL;
}

const char *node_unsettled(const struct node *n)
{
    static char why[128];
    size_t tunnel_routes = 0;
    why[0] = 0;
    for (size_t i = 0; !n->is_dead && i < n->n_sas; i++) {
        if (!engine_has_spi(n, n->sas[i].direction, n->sas[i].spi))
            snprintf(why, sizeof(why), "%s: SA %08x is installed and nobody owns it", n->name, n->sas[i].spi);
    }
    for (size_t i = 0; !n->is_dead && i < n->n_policies; i++) {
        if (n->policies[i].reqid && !n->policies[i].is_trap && !has_reqid(n, n->policies[i].reqid))
            snprintf(why, sizeof(why), "%s: policy %llu has no SA left", n->name,
                     (unsigned long long)n->policies[i].id);
    }
    for (size_t i = 0; !n->is_dead && i < n->n_routes; i++)
        tunnel_routes += !n->routes[i].is_unreachable && !n->routes[i].is_exception;
    if (tunnel_routes && !n->n_policies)
        snprintf(why, sizeof(why), "%s: %zu routes lead into a tunnel without policies", n->name,
                 tunnel_routes);
    if (!n->is_dead && leaked_addresses(n))
        return leaked_addresses(n);
    return why[0] ? why : NULL;
}

void node_dump(const struct node *n)
{
    struct ike_view v;
    struct child_view c;
    if (n->is_dead)
        printf("  %s: dead\n", n->name);
    for (size_t i = 0; !n->is_dead && engine_ike_at(n->engine, i, &v); i++) {
        char local[IP_TEXT_MAX], remote[IP_TEXT_MAX];
        printf("  %s: IKE SA %llu %s spi %016llx %016llx %s === %s\n", n->name, (unsigned long long)v.id,
               ike_state_name(v.state), (unsigned long long)v.spi_i, (unsigned long long)v.spi_r,
               endpoint_format(&v.local, local), endpoint_format(&v.remote, remote));
        for (size_t k = 0; engine_child_at(n->engine, v.id, k, &c); k++)
            printf("  %s:   child %llu %s %s in %08x out %08x\n", n->name, (unsigned long long)c.id, c.name,
                   child_state_name(c.state), c.spi_in, c.spi_out);
    }
    for (size_t i = 0; i < n->n_sas; i++) {
        char local[IP_TEXT_MAX], remote[IP_TEXT_MAX];
        printf("  %s: installed %s %08x of child %llu %s === %s\n", n->name,
               n->sas[i].direction == SA_IN ? "in" : "out", n->sas[i].spi,
               (unsigned long long)n->sas[i].child_id, endpoint_format(&n->sas[i].local, local),
               endpoint_format(&n->sas[i].remote, remote));
    }
}
