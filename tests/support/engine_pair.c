/* SPDX-License-Identifier: Apache-2.0 */
/* See engine_pair.h. */
#include "support/engine_pair.h"
#include "pki/ocsp.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

void pair_init(struct pair *p)
{
    memset(p, 0, sizeof(*p));
    p->now = (struct time){.mono = 1000 * TIME_SECOND, .wall = TESTCA_NOW};
    for (int i = 0; i < 2; i++) {
        p->side[i].e = engine_new();
        outbox_init(&p->side[i].out);
        p->side[i].ip = ip4(192, 0, 2, (uint8_t)(1 + i));
    }
}

static void drop_jobs(struct pair_side *s)
{
    for (size_t i = 0; i < s->n_held; i++)
        job_free(s->held[i]);
    s->n_held = 0;
}

void pair_deinit(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        drop_jobs(&p->side[i]);
        engine_free(p->side[i].e);
        outbox_deinit(&p->side[i].out);
    }
}

void pair_restart(struct pair *p, int side)
{
    struct pair_side *s = &p->side[side];
    drop_jobs(s);
    engine_free(s->e);
    s->e = engine_new();
    s->n_sas = s->n_routes = s->policies = s->live_routes = s->n_vips = 0;
    if (s->planes.has_user || s->planes.has_kernel)
        pair_planes(p, side, s->planes.has_user, s->planes.has_kernel);
    if (s->has_secret)
        pair_secret(p, side);
}

void pair_planes(struct pair *p, int side, bool has_user, bool has_kernel)
{
    struct planes *planes = &p->side[side].planes;
    *planes = (struct planes){.has_user = has_user, .has_kernel = has_kernel, .n_cpus = planes->n_cpus};
    if (!has_kernel)
        snprintf(planes->why, sizeof(planes->why), "it was built without IPsec");
    pair_input(p, side, &(struct input){.kind = INPUT_PLANES, .planes = planes});
}

void pair_cpus(struct pair *p, int side, uint32_t n)
{
    p->side[side].planes.n_cpus = n;
    pair_planes(p, side, true, true);
}

void pair_secret(struct pair *p, int side)
{
    uint8_t secret[MACHINE_SECRET];
    memset(secret, 0x50 + side, sizeof(secret));
    p->side[side].has_secret = true;
    pair_input(p, side, &(struct input){.kind = INPUT_SECRET, .secret = span_of(secret, sizeof(secret))});
}

static void parse_id(struct arena *a, const char *text, struct identity *out)
{
    const char *err = NULL;
    if (text)
        assert_true(identity_parse(a, text, out, &err));
}

static const struct ts *parse_ts(struct arena *a, const char *text, size_t *n)
{
    struct ts *v = arena_calloc(a, 8, sizeof(*v));
    char word[64];
    const char *err;
    *n = 0;
    for (const char *at = text; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        snprintf(word, sizeof(word), "%.*s", (int)len, at);
        assert_true(ts_parse(word, &v[(*n)++], &err));
        at += len;
    }
    return v;
}

static struct proposal_list parse_proposals(struct arena *a, uint8_t protocol, const char *const text[4])
{
    struct proposal *v = arena_calloc(a, 4, sizeof(*v));
    size_t n = 0;
    struct diag d;
    diag_clear(&d);
    for (; n < 4 && text[n]; n++)
        assert_true(proposal_parse(protocol, text[n], &v[n], &d));
    struct proposal defaults[PROPOSAL_DEFAULTS_MAX];
    size_t n_defaults = proposal_defaults(protocol, defaults);
    for (size_t i = 0; !text[0] && i < n_defaults; i++) {
        const struct proposal_list one = {.v = &defaults[i], .n = 1};
        if (!proposal_has_addke(&one)) /* which takes further exchanges: who tests them asks for them */
            v[n++] = defaults[i];
    }
    return (struct proposal_list){.v = v, .n = n};
}

/* As a configuration has them: those of AH first, and those of ESP where they are written or alone. */
static struct proposal_list child_proposals(struct arena *a, const struct pair_spec *s)
{
    struct proposal_list esp = parse_proposals(a, PROTO_ESP, s->esp);
    if (!s->ah[0])
        return esp;
    struct proposal_list ah = parse_proposals(a, PROTO_AH, s->ah);
    struct proposal *v = arena_calloc(a, 8, sizeof(*v));
    size_t more = s->esp[0] ? esp.n : 0;
    memcpy(v, ah.v, ah.n * sizeof(*v));
    memcpy(v + ah.n, esp.v, more * sizeof(*v));
    return (struct proposal_list){.v = v, .n = ah.n + more};
}

static struct child_config make_child(struct arena *a, const struct pair_spec *s, const char *name,
                                      const char *local, const char *remote)
{
    struct child_config c = {
        .name = name,
        .mode = MODE_TUNNEL,
        .start_action = s->starts ? START_START : START_NONE,
        .dpd_action = s->dpd_action,
        .replay_window = 64,
        .inactivity = s->inactivity,
        .installs_policies = true,
        .proposals = child_proposals(a, s),
        .life = {.rekey_time = s->child_rekey, .life_time = s->child_life}
    };
    c.local_ts = parse_ts(a, local, &c.n_local_ts);
    c.remote_ts = parse_ts(a, remote, &c.n_remote_ts);
    return c;
}

static struct cert *load_cert(const struct testca_cert *t)
{
    struct diag d;
    diag_clear(&d);
    struct cert *c = cert_load(testca_der(t), &d);
    assert_non_null(c);
    return c;
}

static struct cert_list list_of(struct arena *a, struct cert *one, struct cert *two)
{
    struct cert_list l = {.v = arena_calloc(a, 2, sizeof(*l.v))};
    if (one)
        l.v[l.n++] = one;
    if (two)
        l.v[l.n++] = two;
    return l;
}

static void add_credentials(struct config *c, struct connection *conn, const struct pair_spec *s)
{
    struct diag d;
    diag_clear(&d);
    if (!s->cert) {
        c->secrets = arena_calloc(c->arena, 1, sizeof(*c->secrets));
        c->secrets[0].secret = secret_copy(span_str(s->psk ? s->psk : "secret"));
        c->secrets[0].origin = (struct origin){.file = "test.conf", .line = 7};
        c->n_secrets = 1;
        return;
    }
    conn->local.method = conn->remote.method = AUTH_PUBKEY;
    conn->local.certs = list_of(c->arena, load_cert(s->cert), NULL);
    c->cas = list_of(c->arena, load_cert(s->ca), NULL);
    c->certs = list_of(c->arena, s->intermediate ? load_cert(s->intermediate) : NULL, NULL);
    c->keys = arena_calloc(c->arena, 1, sizeof(*c->keys));
    c->keys[0].key = pkey_load_private(testca_key_der(s->cert), span_of(NULL, 0), &d);
    assert_non_null(c->keys[0].key);
    c->n_keys = 1;
}

static void add_origins(struct arena *a, struct origins *o, const char *key, int line)
{
    struct origin *v = arena_calloc(a, 1, sizeof(*v));
    *v = (struct origin){.key = key, .file = "test.conf", .line = line};
    *o = (struct origins){.v = v, .n = 1};
}

struct config *pair_config(int side, const struct pair_spec *s)
{
    static const char *const nets[] = {"10.1.0.0/16", "10.2.0.0/16"};
    struct arena *a = arena_new(1u << 20);
    struct config *c = config_new(a);
    struct connection *conn = arena_alloc(a, sizeof(*conn));
    struct child_config *children = arena_calloc(a, 2, sizeof(*children));
    struct host_spec *hosts = arena_calloc(a, 2, sizeof(*hosts));
    c->settings.installs_routes = true;
    if (s->has_cookie_threshold)
        c->settings.cookie_threshold = s->cookie_threshold;
    if (s->init_limit_half_open)
        c->settings.init_limit_half_open = s->init_limit_half_open;
    if (s->block_threshold)
        c->settings.block_threshold = s->block_threshold;
    if (s->fragment_size)
        c->settings.fragment_size = s->fragment_size;
    hosts[0].from = hosts[0].to = ip4(192, 0, 2, (uint8_t)(1 + side));
    hosts[1].from = hosts[1].to = ip4(192, 0, 2, (uint8_t)(2 - side));
    hosts[1].is_any = s->accepts_any_peer;
    *conn = (struct connection){.name = "net",
                                .local_addrs = &hosts[0],
                                .n_local_addrs = 1,
                                .remote_addrs = &hosts[1],
                                .n_remote_addrs = 1,
                                .local_port = 500,
                                .remote_port = 500,
                                .resolved_local = hosts[0].from,
                                .resolved_remote = s->accepts_any_peer ? (struct ip){0} : hosts[1].from,
                                .proposals = parse_proposals(a, PROTO_IKE, s->ike),
                                .children = children,
                                .n_children = s->second_local_ts ? 2 : 1,
                                .dpd_delay = s->dpd_delay,
                                .rekey_time = s->ike_rekey,
                                .over_time = s->ike_over,
                                .rand_time = s->ike_rand,
                                .reauth_time = s->ike_reauth,
                                .keyingtries = 1,
                                .retries_forever = s->retries_forever,
                                .encap = s->encap,
                                .does_mobike = s->does_mobike,
                                .send_cert = s->send_cert,
                                .sends_certreq = true,
                                .ocsp = s->ocsp,
                                .ike_hash = s->hash ? s->hash : 1,
                                .hash = s->hash ? s->hash : 1};
    parse_id(a, s->local_id, &conn->local.id);
    parse_id(a, s->remote_id, &conn->remote.id);
    children[0] = make_child(a, s, "net", s->local_ts ? s->local_ts : nets[side],
                             s->remote_ts ? s->remote_ts : nets[1 - side]);
    if (s->second_local_ts)
        children[1] = make_child(a, s, "other", s->second_local_ts, s->second_remote_ts);
    add_origins(a, &conn->remote.origins, "id", 5);
    add_origins(a, &conn->origins, "proposals", 3);
    add_origins(a, &children[0].origins, "remote_ts", 9);
    add_credentials(c, conn, s);
    if (s->tweak)
        s->tweak(c, conn, children);
    if (c->n_connections) /* made by the tweak */
        return c;
    c->connections = arena_calloc(a, 1, sizeof(*c->connections));
    c->connections[0] = conn;
    c->n_connections = 1;
    return c;
}

void pair_load(struct pair *p, int side, const struct pair_spec *s)
{
    pair_input(p, side, &(struct input){.kind = INPUT_CONFIG, .config = pair_config(side, s)});
}

/* ---- TCP connections */

static struct pair_link *find_link(struct pair *p, int side, uint32_t handle)
{
    for (size_t i = 0; i < p->n_links; i++) {
        if (p->links[i].is_up && p->links[i].handle[side] == handle)
            return &p->links[i];
    }
    return NULL;
}

static void put_news(struct pair *p, int side, uint32_t handle, const struct endpoint *local, bool is_up)
{
    assert_true(p->n_wire < PAIR_WIRE);
    struct pair_packet *k = &p->wire[p->n_wire++];
    *k = (struct pair_packet){.from = side, .is_news = true, .is_up = is_up};
    k->dst.stream = handle;
    if (local)
        k->src = *local;
}

static void on_open(struct pair *p, int side, const struct action *a)
{
    if (p->is_tcp_shut || p->is_cut) {
        put_news(p, side, a->stream.handle, NULL, false);
        return;
    }
    assert_true(p->n_links < ARRAY_LEN(p->links));
    struct pair_link *l = &p->links[p->n_links++];
    *l = (struct pair_link){.is_up = true};
    l->handle[side] = a->stream.handle;
    l->handle[1 - side] = (uint32_t)p->n_links;
    struct ip own = ip_is_unspecified(a->stream.local.ip) ? p->side[side].ip : a->stream.local.ip;
    l->end[side] = (struct endpoint){.ip = own, .port = (uint16_t)(40000 + p->n_links)};
    l->end[1 - side] = (struct endpoint){.ip = a->stream.remote.ip, .port = a->stream.remote.port};
    put_news(p, side, a->stream.handle, &l->end[side], true);
}

static void on_release(struct pair *p, int side, uint32_t handle)
{
    struct pair_link *l = find_link(p, side, handle);
    p->released++;
    if (l && handle & STREAM_OURS)
        l->is_up = false;
}

void pair_break_link(struct pair *p)
{
    struct pair_link *l = &p->links[p->n_links - 1];
    assert_true(p->n_links && l->is_up);
    l->is_up = false;
    for (int side = 0; side < 2; side++) {
        if (l->handle[side] & STREAM_OURS)
            put_news(p, side, l->handle[side], NULL, false);
    }
}

const struct pair_link *pair_newest_link(const struct pair *p)
{
    assert_true(p->n_links > 0);
    return &p->links[p->n_links - 1];
}

/* What a packet on a connection looks like to who gets it. False: it was under way when that broke. */
static bool through_link(struct pair *p, struct pair_packet *k)
{
    struct pair_link *l = k->dst.stream ? find_link(p, k->from, k->dst.stream) : NULL;
    if (!k->dst.stream)
        return true;
    if (!l)
        return false;
    k->src = l->end[k->from];
    k->dst = l->end[1 - k->from];
    k->src.stream = l->handle[1 - k->from];
    return true;
}

static void on_wire(struct pair *p, int side, const struct action *a)
{
    struct pair_packet *k = &p->wire[p->n_wire];
    p->sent++;
    if (p->is_cut || (p->is_udp_shut && !a->send.remote.stream))
        return;
    assert_true(p->n_wire < PAIR_WIRE && a->send.bytes.len <= sizeof(k->bytes));
    *k = (struct pair_packet){.from = side,
                              .src = a->send.local,
                              .dst = a->send.remote,
                              .is_natt = a->send.is_natt,
                              .len = a->send.bytes.len};
    if (ip_is_unspecified(k->src.ip))
        k->src.ip = p->side[side].ip;
    memcpy(k->bytes, a->send.bytes.ptr, k->len);
    if (!p->filter || p->filter(p->ctx, k))
        p->n_wire++;
}

static void on_sa(struct pair_side *s, const struct action *a)
{
    size_t i = 0;
    while (i < s->n_sas && (s->sas[i].spi != a->sa->spi || s->sas[i].direction != a->sa->direction))
        i++;
    if (a->kind == ACTION_SA_ADD) {
        assert_int_equal(i, s->n_sas); /* not there yet */
        assert_true(i < PAIR_SAS);
        s->sas[s->n_sas++] = *a->sa;
    } else if (a->kind == ACTION_SA_UPDATE) {
        assert_true(i < s->n_sas);
        s->sas[i].local = a->sa->local;
        s->sas[i].remote = a->sa->remote;
        s->sas[i].has_encap = a->sa->has_encap;
        s->sas[i].skip += a->sa->skip;
        s->updates++;
    } else {
        assert_true(i < s->n_sas); /* what is deleted was there */
        memmove(&s->sas[i], &s->sas[i + 1], (--s->n_sas - i) * sizeof(s->sas[0]));
    }
}

static void on_route(struct pair_side *s, const struct action *a)
{
    if (a->kind == ACTION_ROUTE_ADD) {
        assert_true(s->n_routes < ARRAY_LEN(s->routes));
        s->routes[s->n_routes++] = (struct pair_route){.route = *a->route, .is_live = true};
        s->live_routes++;
        if (!a->route->is_unreachable && !a->route->is_exception)
            s->last_route = *a->route;
        return;
    }
    for (size_t i = 0; i < s->n_routes; i++) {
        if (s->routes[i].is_live && s->routes[i].route.id == a->id) {
            s->routes[i].is_live = false;
            s->live_routes--;
            return;
        }
    }
    fail_msg("a route is deleted that is not there");
}

static void on_event(struct pair_side *s, const struct event *ev)
{
    switch (ev->kind) {
    case EVENT_LOG:
        s->log_len += (size_t)snprintf(s->log + s->log_len, sizeof(s->log) - s->log_len, "%s\n", ev->text);
        assert_true(s->log_len < sizeof(s->log));
        if (getenv("PAIR_LOG"))
            fprintf(stderr, "[%p] %s\n", (void *)s, ev->text);
        break;
    case EVENT_IKE_UPDOWN:
        *(ev->is_up ? &s->ike_ups : &s->ike_downs) += 1;
        break;
    case EVENT_CHILD_UPDOWN:
        *(ev->is_up ? &s->ups : &s->downs) += 1;
        break;
    case EVENT_IKE_REKEY:
        s->ike_rekeys++;
        break;
    case EVENT_CHILD_REKEY:
        s->child_rekeys++;
        break;
    case EVENT_IKE_FAILED:
        break;
    case EVENT_IKE_UPDATE:
        s->moves++;
        break;
    case EVENT_ALERT:
        s->alerts[ev->alert]++;
        break;
    case EVENT_COMMAND_DONE:
        s->is_done = true;
        s->done_id = ev->command_id;
        s->done = ev->diag;
        break;
    }
}

static void on_updown(struct pair_side *s, const struct updown *u)
{
    size_t room = sizeof(s->updown) - s->updown_len;
    char text[TS_TEXT_MAX];
    s->updown_len += (size_t)snprintf(s->updown + s->updown_len, room, "%s %s %s %s %s %s;",
                                      updown_verb_name(u->verb), u->command, u->child, u->local_id,
                                      u->remote_id, u->n_remote_ts ? ts_format(&u->remote_ts[0], text) : "-");
    assert_true(s->updown_len < sizeof(s->updown));
    s->last_updown = (struct updown){.verb = u->verb,
                                     .ike_id = u->ike_id,
                                     .token = u->token,
                                     .reqid = u->reqid,
                                     .plane = u->plane,
                                     .kernel = u->kernel};
}

static size_t policy_at(const struct pair_side *s, uint64_t id)
{
    size_t i = 0;
    while (i < s->policies && s->policy_ids[i] != id)
        i++;
    return i;
}

static void on_policy(struct pair_side *s, const struct esp_policy *p)
{
    if (policy_at(s, p->id) < s->policies) {
        assert_int_equal(p->plane, PLANE_KERNEL); /* where SAs are found by what is in it */
        s->policy_changes++;
        return;
    }
    assert_true(s->policies < ARRAY_LEN(s->policy_ids));
    s->policy_ids[s->policies++] = p->id;
}

static void on_policy_gone(struct pair_side *s, uint64_t id)
{
    size_t i = policy_at(s, id);
    assert_true(i < s->policies);
    s->policy_ids[i] = s->policy_ids[--s->policies];
}

static void on_address(struct pair_side *s, const struct action *a)
{
    size_t i = 0;
    s->last_address = a->address;
    while (i < s->n_vips && !ip_equal(s->vips[i], a->address.ip))
        i++;
    if (a->kind == ACTION_ADDRESS_DEL) {
        assert_true(i < s->n_vips);
        s->vips[i] = s->vips[--s->n_vips];
        return;
    }
    assert_int_equal(i, s->n_vips); /* not there yet */
    assert_true(i < ARRAY_LEN(s->vips));
    s->vips[s->n_vips++] = a->address.ip;
}

static void on_job(struct pair *p, int side, struct action *a)
{
    struct pair_side *s = &p->side[side];
    assert_true(s->n_held < ARRAY_LEN(s->held));
    s->held[s->n_held++] = a->job;
    a->job = NULL;
}

void pair_release_jobs(struct pair *p, int side)
{
    struct pair_side *s = &p->side[side];
    while (s->n_held) {
        struct job *j = s->held[0];
        memmove(&s->held[0], &s->held[1], --s->n_held * sizeof(s->held[0]));
        if (j->kind == JOB_PAD && p->run_pad)
            p->run_pad(side, j);
        else
            job_run(j);
        if (j->own && p->response[side])
            j->response = ocsp_ref(p->response[side]);
        pair_input(p, side, &(struct input){.kind = INPUT_JOB_DONE, .job = j});
    }
}

/* Every address of ours leads to every one of the peer's that is of its family. */
static void answer_paths(struct pair *p, int side)
{
    struct pair_side *s = &p->side[side];
    struct ip_pair v[PATH_PAIRS];
    size_t n = 0;
    s->has_query = false;
    for (uint8_t r = 0; r < s->query.n_remote; r++) {
        for (size_t i = 0; i < s->n_addresses && n < PATH_PAIRS; i++) {
            if (s->addresses[i].family == s->query.remote[r].family)
                v[n++] = (struct ip_pair){
                    .local = s->addresses[i], .remote = s->query.remote[r], .is_direct = true};
        }
    }
    pair_input(p, side,
               &(struct input){
                   .kind = INPUT_PATHS, .paths = {.ike_id = s->query.ike_id, .v = v, .n = n}
    });
}

void pair_answer_resolve(struct pair *p, int side)
{
    struct pair_side *s = &p->side[side];
    struct ip_pair v = {.local = s->ip, .remote = s->resolved};
    if (s->resolved.family == 6)
        ip_parse("2001:db8::1", &v.local);
    uint64_t id = s->resolves;
    s->resolves = 0;
    pair_input(p, side,
               &(struct input){
                   .kind = INPUT_RESOLVED, .resolved = {.ike_id = id, .v = &v, .n = v.remote.family != 0}
    });
}

void pair_addresses(struct pair *p, int side, const struct ip *v, size_t n)
{
    struct pair_side *s = &p->side[side];
    assert_true(n <= ARRAY_LEN(s->addresses));
    for (size_t i = 0; i < n; i++)
        s->addresses[i] = v[i];
    s->n_addresses = n;
    pair_input(p, side,
               &(struct input){
                   .kind = INPUT_ADDRESSES, .addresses = {.v = v, .n = n}
    });
}

void pair_input(struct pair *p, int side, const struct input *in)
{
    struct pair_side *s = &p->side[side];
    outbox_reset(&s->out);
    engine_step(s->e, p->now, in, &s->out);
    for (size_t i = 0; i < s->out.n; i++) {
        struct action *a = &s->out.v[i];
        switch (a->kind) {
        case ACTION_SEND:
            on_wire(p, side, a);
            break;
        case ACTION_STREAM_OPEN:
            on_open(p, side, a);
            break;
        case ACTION_STREAM_KEEP:
            p->kept++;
            break;
        case ACTION_STREAM_RELEASE:
            on_release(p, side, a->stream.handle);
            break;
        case ACTION_JOB:
            on_job(p, side, a);
            break;
        case ACTION_SA_ADD:
        case ACTION_SA_UPDATE:
        case ACTION_SA_DEL:
            on_sa(s, a);
            break;
        case ACTION_TRAP_FAILED:
            s->traps_failed++;
            break;
        case ACTION_POLICY_ADD:
            s->traps += a->policy->is_trap;
            s->last_policy = *a->policy;
            s->last_trap = a->policy->is_trap ? *a->policy : s->last_trap;
            on_policy(s, a->policy);
            break;
        case ACTION_POLICY_DEL:
            on_policy_gone(s, a->id);
            break;
        case ACTION_SHUNT_ADD:
            s->shunts++;
            s->last_shunt = *a->shunt;
            break;
        case ACTION_SHUNT_DEL:
            s->shunts_gone++;
            break;
        case ACTION_ROUTE_ADD:
        case ACTION_ROUTE_DEL:
            on_route(s, a);
            break;
        case ACTION_KEEPALIVE:
            s->keepalives++;
            break;
        case ACTION_EVENT:
            on_event(s, &a->event);
            break;
        case ACTION_UPDOWN:
            on_updown(s, a->updown);
            break;
        case ACTION_PATHS:
            s->query = *a->paths;
            s->has_query = true;
            break;
        case ACTION_ADDRESS_ADD:
        case ACTION_ADDRESS_DEL:
            on_address(s, a);
            break;
        case ACTION_DNS_ADD:
            s->name_servers++;
            break;
        case ACTION_DNS_DEL:
            s->name_servers--;
            break;
        case ACTION_RESOLVE:
            s->resolves = a->resolve->ike_id;
            s->resolved = a->resolve->host.name ? s->named : a->resolve->host.ip;
            break;
        }
    }
    if (s->has_query)
        answer_paths(p, side);
    if (s->resolves && !s->holds_answers)
        pair_answer_resolve(p, side);
    if (!s->holds_jobs)
        pair_release_jobs(p, side);
}

void pair_command(struct pair *p, int side, enum command_kind kind, const char *connection, const char *child)
{
    static uint64_t id;
    p->side[side].is_done = false;
    pair_input(p, side,
               &(struct input){
                   .kind = INPUT_COMMAND,
                   .command = {.kind = kind, .id = ++id, .connection = connection, .child = child}
    });
}

bool pair_deliver(struct pair *p)
{
    static struct pair_packet k;
    if (!p->n_wire)
        return false;
    k = p->wire[0];
    memmove(&p->wire[0], &p->wire[1], --p->n_wire * sizeof(k));
    if (k.is_news) {
        pair_input(p, k.from,
                   &(struct input){
                       .kind = INPUT_STREAM,
                       .stream = {.handle = k.dst.stream, .is_up = k.is_up, .local = k.src, .why = "test"}
        });
        return true;
    }
    if (!through_link(p, &k))
        return true;
    pair_input(
        p, 1 - k.from,
        &(struct input){
            .kind = INPUT_DATAGRAM,
            .datagram = {
                         .local = k.dst, .remote = k.src, .is_natt = k.is_natt, .bytes = span_of(k.bytes, k.len)}
    });
    return true;
}

void pair_run(struct pair *p)
{
    int n = 0;
    while (pair_deliver(p))
        assert_true(++n < 5000);
}

void pair_advance(struct pair *p, int64_t us)
{
    int64_t end = p->now.mono + us;
    int n = 0;
    for (;;) {
        pair_run(p);
        int64_t a = engine_deadline(p->side[0].e), b = engine_deadline(p->side[1].e);
        int64_t at = time_min(a, b);
        if (at > end)
            break;
        assert_true(++n < 20000); /* no timer may stand still */
        if (at > p->now.mono) {
            p->now.wall += (at - p->now.mono) / TIME_SECOND;
            p->now.mono = at;
        }
        pair_input(p, a <= b ? 0 : 1, &(struct input){.kind = INPUT_TICK});
    }
    p->now.mono = end;
}

size_t pair_ikes(const struct pair *p, int side)
{
    struct ike_view v;
    size_t n = 0;
    for (size_t i = 0; engine_ike_at(p->side[side].e, i, &v); i++)
        n += v.state == IKE_ESTABLISHED;
    return n;
}

size_t pair_children(const struct pair *p, int side)
{
    struct ike_view v;
    struct child_view c;
    size_t n = 0;
    for (size_t i = 0; engine_ike_at(p->side[side].e, i, &v); i++) {
        for (size_t k = 0; engine_child_at(p->side[side].e, v.id, k, &c); k++)
            n += c.state == CHILD_INSTALLED;
    }
    return n;
}

const struct esp_sa *pair_newest_out(const struct pair *p, int side)
{
    const struct pair_side *s = &p->side[side];
    for (size_t i = s->n_sas; i-- > 0;) {
        if (s->sas[i].direction == SA_OUT)
            return &s->sas[i];
    }
    return NULL;
}

static bool has_counterpart(const struct pair_side *s, const struct esp_sa *out)
{
    for (size_t i = 0; i < s->n_sas; i++) {
        const struct esp_sa *in = &s->sas[i];
        if (in->direction == SA_IN && in->spi == out->spi)
            return in->encr == out->encr && in->encr_key_len == out->encr_key_len &&
                   memcmp(in->encr_key, out->encr_key, sizeof(in->encr_key)) == 0 &&
                   memcmp(in->integ_key, out->integ_key, sizeof(in->integ_key)) == 0 &&
                   in->has_encap == out->has_encap && in->has_esn == out->has_esn;
    }
    return false;
}

bool pair_traffic_fits(const struct pair *p)
{
    const struct esp_sa *a = pair_newest_out(p, 0), *b = pair_newest_out(p, 1);
    return a && b && has_counterpart(&p->side[1], a) && has_counterpart(&p->side[0], b);
}

void pair_mode_is(const struct pair *p, enum child_mode mode)
{
    assert_true(pair_traffic_fits(p));
    for (int side = 0; side < 2; side++) {
        struct ike_view ike;
        struct child_view child;
        assert_true(engine_ike_at(p->side[side].e, 0, &ike));
        assert_true(engine_child_at(p->side[side].e, ike.id, 0, &child));
        assert_int_equal(child.mode, mode);
        if (child.plane == PLANE_KERNEL) /* whose policies say it, too */
            assert_int_equal(p->side[side].last_policy.mode, mode);
        assert_true(p->side[side].n_sas >= 2);
        for (size_t i = 0; i < p->side[side].n_sas; i++)
            assert_int_equal(p->side[side].sas[i].mode, mode);
    }
}

bool pair_logged(const struct pair *p, int side, const char *part)
{
    return strstr(p->side[side].log, part) != NULL;
}

struct job *pair_until_verify(struct pair *p, int side)
{
    p->side[side].holds_jobs = true;
    for (int i = 0; i < 20; i++) {
        pair_run(p);
        struct job *j = p->side[side].n_held ? p->side[side].held[0] : NULL;
        if (j && j->kind == JOB_VERIFY)
            return j;
        pair_release_jobs(p, side);
    }
    return NULL;
}

void pair_go_on(struct pair *p, int side)
{
    p->side[side].holds_jobs = false;
    pair_release_jobs(p, side);
    pair_run(p);
}
