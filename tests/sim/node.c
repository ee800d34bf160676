/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway of the simulator (see node.h): its life, its addresses, and what is put into its engine. Beside
 * it node_records.c carries out what the engine says, node_traffic.c is the packets, node_view.c looks at it.
 */
#include "conf/conf.h"
#include "files.h"
#include "node_impl.h"
#include "sim.h"

int node_index(const struct node *n)
{
    return (int)(n - n->sim->node);
}

void node_init(struct node *n, struct sim *s, const char *name, struct ip address, struct ip inside)
{
    *n = (struct node){.sim = s, .name = name, .address = address, .inside = inside};
    n->engine = engine_new();
    n->esp = esp_new(&(struct esp_config){.path_mtu = 1500, .clamps_mss = true});
    outbox_init(&n->out);
    const struct planes planes = {.has_user = true, .has_kernel = sim_plane == PLANE_KERNEL};
    engine_step(n->engine, s->now, &(struct input){.kind = INPUT_PLANES, .planes = &planes}, &n->out);
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
    cluster_deinit(&n->cluster);
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
    tcp_node_gone(n->sim, node_index(n));
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
    node_carry_out(n);
    node_send_held(n);
    check_leases(n);
    check_tokens(n);
    if (n->sim->node[1 - node_index(n)].cluster.failovers)
        cluster_watch_peer(n);
}

/* ---- addresses */

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
    tcp_node_moved(n->sim, node_index(n));
}

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

void node_step(struct node *n, const struct input *in)
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
    node_step(n, &in);
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
    node_step(n, &(struct input){
                     .kind = INPUT_ADDRESSES, .addresses = {.v = own, .n = count}
    });
}

/* ---- what drives it */

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
    struct conf_source src = sim_files(keyway_conf);
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
    node_step(n, &(struct input){.kind = INPUT_CONFIG, .config = c});
}

uint64_t node_command(struct node *n, enum command_kind kind, const char *connection, const char *child)
{
    struct input in = {.kind = INPUT_COMMAND};
    in.command =
        (struct command){.kind = kind, .id = ++n->commands, .connection = connection, .child = child};
    node_step(n, &in);
    return n->commands;
}

void node_shutdown(struct node *n)
{
    node_step(n, &(struct input){.kind = INPUT_SHUTDOWN});
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

void node_receive(struct node *n, const struct wire *w)
{
    if (n->is_dead || w->kind == WIRE_KEEPALIVE)
        return;
    if (w->kind == WIRE_ESP_UDP || w->kind == WIRE_ESP_RAW || w->kind == WIRE_AH) {
        node_receive_esp(n, &w->to, &w->from, w->kind, span_of(w->bytes, w->len));
        return;
    }
    if (cluster_is_asking(&n->cluster)) {
        cluster_receive(n, w);
        return;
    }
    struct input in = {.kind = INPUT_DATAGRAM};
    in.datagram.local = w->to;
    in.datagram.remote = w->from;
    in.datagram.is_natt = w->kind == WIRE_IKE_NATT;
    in.datagram.bytes = span_of(w->bytes, w->len);
    node_step(n, &in);
}

void node_receive_stream(struct node *n, const struct endpoint *local, const struct endpoint *remote,
                         bool is_ike, struct span message)
{
    if (n->is_dead)
        return;
    if (!is_ike) {
        node_receive_esp(n, local, remote, WIRE_ESP_UDP, message);
        return;
    }
    struct input in = {.kind = INPUT_DATAGRAM};
    in.datagram.local = *local;
    in.datagram.remote = *remote;
    in.datagram.is_natt = true;
    in.datagram.bytes = message;
    node_step(n, &in);
}

void node_hear_stream(struct node *n, const struct stream_news *news)
{
    if (!n->is_dead)
        node_step(n, &(struct input){.kind = INPUT_STREAM, .stream = *news});
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
        node_step(n, &(struct input){.kind = INPUT_JOB_DONE, .job = j});
        i = 0;
    }
}

void node_run_due(struct node *n)
{
    if (n->is_dead)
        return;
    if (cluster_is_asking(&n->cluster)) {
        cluster_run_due(n);
        return;
    }
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
        node_step(n, &(struct input){.kind = INPUT_TICK});
    }
}

int64_t node_deadline(const struct node *n)
{
    if (n->is_dead)
        return TIME_NEVER;
    if (cluster_is_asking(&n->cluster))
        return cluster_deadline(&n->cluster);
    int64_t at = engine_deadline(n->engine);
    at = n->tell_at ? time_min(at, n->tell_at) : at;
    for (size_t i = 0; i < n->n_jobs; i++)
        at = time_min(at, n->jobs[i].at);
    return at;
}

void node_give_cpus(struct node *n, uint32_t cpus)
{
    const struct planes planes = {.has_user = true, .has_kernel = true, .n_cpus = cpus};
    node_step(n, &(struct input){.kind = INPUT_PLANES, .planes = &planes});
}

void node_send_on(struct node *n, uint32_t cpu)
{
    struct dataplane_event e = {
        .kind = DP_ACQUIRE, .cpu = {.is_set = true, .number = cpu}
    };
    for (size_t i = 0; i < n->n_policies && !e.policy_id; i++)
        e.policy_id = n->policies[i].asks_per_cpu ? n->policies[i].id : 0;
    if (e.policy_id)
        node_step(n, &(struct input){.kind = INPUT_DATAPLANE, .dataplane = e});
}
